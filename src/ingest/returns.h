/* returns.h - which sale a return gives back.
 *
 * Model:   asked of the store, shopper by shopper, so that it makes no difference in which file, in
 *          which order or when the lines came. A return takes the newest sale of its shopper and
 *          product that is not after it and has enough pieces left, and, where one has, the same
 *          price; else it stays unmatched. Guests cannot be matched. When lines come late, what was
 *          matched before may be matched anew; a sale of another shopper, told by somebody else, stays.
 * Memory:  64 bytes a line of the one shopper, RETURNS_LINES_MAX of them at most; of a shopper with
 *          more nothing is matched.
 * Threads: the writer's.
 * Cost:    O(n log n) in the shopper's lines; a return looks at RETURNS_DEPTH sales at most. */
#ifndef INGEST_RETURNS_H
#define INGEST_RETURNS_H

#include <stdint.h>

#include "base/err.h"

struct store_tx;

enum { RETURNS_LINES_MAX = 4 << 20, RETURNS_DEPTH = 256 };

/** Find the sales of all returns of a shopper. Writes only what is not stored so already. */
ERR_MUST_USE enum err_code returns_match(struct store_tx *tx, uint32_t user_no, struct err *err);

#endif
