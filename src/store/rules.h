/* rules.h - business rules as records: what a shop wants shown first, last, never, or in what measure.
 *
 * The store keeps a rule's definition as the JSON object that rank/rules.h reads and knows nothing of
 * its meaning. Every change is in the log of changes, so that a rule acts on the next request everywhere. */
#ifndef STORE_RULES_H
#define STORE_RULES_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

enum {
    STORE_RULES_MAX = 10000,              /* of a shop */
    STORE_RULE_DEFINITION_MAX = 16 << 10, /* bytes */
    STORE_RULE_PRIORITY_MAX = 1000000,
};

struct rule_row {
    int64_t no;      /* given by the store, never used again */
    struct str id;   /* required */
    struct str name; /* for people; may be empty */
    bool enabled;
    int32_t priority;               /* 0..STORE_RULE_PRIORITY_MAX; the lower one comes first */
    struct str definition;          /* JSON object (rank/rules.h) */
    int64_t created_at, updated_at; /* set by the store */
};

/** Insert or replace by r->id. no and created may be NULL.
 *  ERR_INVALID  a text or the priority breaks its rules
 *  ERR_LIMIT    there are STORE_RULES_MAX */
ERR_MUST_USE enum err_code rule_put(struct store_tx *tx, const struct rule_row *r, int64_t *no,
                                    bool *created, struct err *err);

/** ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code rule_delete(struct store_tx *tx, struct str id, struct err *err);

/** Texts are copied into the arena. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code rule_get(struct db *db, struct str id, struct arena *arena,
                                    struct rule_row *out, struct err *err);

/** Rules in the order in which they count (priority, then number), behind after (NULL: from the first).
 *  Texts are borrowed until the next call on rows. */
ERR_MUST_USE enum err_code rules_after(struct db *db, const struct rule_row *after, int64_t limit,
                                       struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code rules_next(struct db_rows *rows, struct rule_row *out, bool *more,
                                      struct err *err);

#endif
