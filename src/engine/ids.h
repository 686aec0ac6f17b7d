/* ids.h - outside ids of shoppers to numbers, without asking the store each time.
 *
 * Model:   a bounded cache of (kind, id) to user_no and the wish for no personalisation, in two
 *          generations: when the young one is full it becomes the old one, and the old one is
 *          forgotten. Only what exists is kept. The reader of the change log removes what changed.
 * Memory:  at most 2 * IDS_GENERATION entries, some 100 bytes each.
 * Threads: any; one lock, held for a look-up. */
#ifndef ENGINE_IDS_H
#define ENGINE_IDS_H

#include "store/store.h"
#include "store/users.h"

enum { IDS_GENERATION = 128 << 10 };

struct ids;

struct ids_shopper {
    uint32_t user_no; /* 0: unknown */
    bool personalise; /* false: opted out */
};

/** returns owned */
struct ids *ids_new(struct store *store);
void ids_free(struct ids *ids);

/** Errors are the store's. */
ERR_MUST_USE enum err_code ids_find(struct ids *ids, enum user_kind kind, struct str id,
                                    struct ids_shopper *out, struct err *err);

/** These numbers changed: forget them. Many at once forget everything. */
void ids_forget(struct ids *ids, int64_t first_no, int64_t last_no);

#endif
