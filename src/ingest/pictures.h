/* pictures.h - the pictures that rows of one key share, in their order.
 *
 * Model:   a list of addresses with a place each. The order is by place, then by when they came; an
 *          address that is there already is not added again.
 * Memory:  addresses lie in the list's arena; PICTURES_MAX of them at most, the others are dropped.
 * Threads: one at a time. */
#ifndef INGEST_PICTURES_H
#define INGEST_PICTURES_H

#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum { PICTURES_MAX = 512 };

struct picture {
    struct str url;
    int64_t position; /* INT64_MAX: behind all that have one */
};

struct pictures {
    struct picture *all; /* [len] owned, in order */
    size_t len, cap;
};

void pictures_release(struct pictures *p);

/** Empty it, keep the capacity. */
void pictures_reset(struct pictures *p);

/** Copies url into the arena. */
void pictures_add(struct pictures *p, struct arena *arena, struct str url, int64_t position);

/** own, a JSON array of addresses or nothing, and behind them those of p that are not among them.
 *  returns a JSON array in the arena of at most max bytes: own, where not all of them fit */
struct str pictures_join(const struct pictures *p, struct str own, size_t max, struct arena *arena);

#endif
