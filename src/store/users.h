/* users.h - shoppers: outside ids, numbers, joining, erasing.
 *
 * One table leads from (kind, outside id) to a user_no, for known and for anonymous shoppers alike;
 * a number is never used again. A known shopper may have a profile beside it. Joining an anonymous
 * shopper to a known one writes a link and merges the carts (carts.h), nothing else: events keep the
 * number they came with, reads resolve it through the link, and parting removes the link. Erasing a
 * known shopper drops the mapping, the profile, the cart, the links and the anonymous shoppers
 * behind them at once, and takes shopper, address and payment off the orders; events are left out
 * of every reading from then on, and removed by store_compact. */
#ifndef STORE_USERS_H
#define STORE_USERS_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

enum user_kind { USER_KNOWN = 0, USER_ANONYMOUS = 1 };

/** The number of an outside id, given where it has none. */
ERR_MUST_USE enum err_code user_number(struct store_tx *tx, enum user_kind kind, struct str id,
                                       uint32_t *no, struct err *err);

/** *no is 0 for an unknown id. */
ERR_MUST_USE enum err_code user_no_of(struct db *db, enum user_kind kind, struct str id,
                                      uint32_t *no, struct err *err);

/** id.p is NULL for an unknown or erased number. */
ERR_MUST_USE enum err_code user_id_of(struct db *db, uint32_t no, struct arena *arena,
                                      enum user_kind *kind, struct str *id, struct err *err);

/** Whom an anonymous number was joined to; no itself if to nobody. */
ERR_MUST_USE enum err_code user_resolve(struct db *db, uint32_t no, uint32_t *resolved,
                                        struct err *err);

/** Insert or replace the profile of a known shopper by u->id. no and created may be NULL. */
ERR_MUST_USE enum err_code user_put(struct store_tx *tx, const struct user *u, uint32_t *no,
                                    bool *created, struct err *err);

/** A known shopper; one seen only in events has an empty profile (personalise true).
 *  Texts are copied into the arena. ERR_NOT_FOUND for unknown and erased. */
ERR_MUST_USE enum err_code user_get(struct db *db, struct str id, struct arena *arena,
                                    struct user *out, struct err *err);
ERR_MUST_USE enum err_code user_get_no(struct db *db, uint32_t no, struct arena *arena,
                                       struct user *out, struct err *err);

/** Known shoppers by number, above after_no. Texts are borrowed until the next call on rows. */
ERR_MUST_USE enum err_code users_after(struct db *db, uint32_t after_no, int64_t limit,
                                       struct db_rows *rows, struct err *err);
/** The same in the order of their ids: those that are not below from and above after. */
ERR_MUST_USE enum err_code users_by_id(struct db *db, struct str from, struct str after,
                                       int64_t limit, struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code users_next(struct db_rows *rows, struct user *u, bool *more,
                                      struct err *err);

/** The highest number ever given, guests and erased ones included. Without a scan. */
ERR_MUST_USE enum err_code user_number_max(struct db *db, uint32_t *no, struct err *err);

/** Erase a known shopper and the anonymous ones joined to it. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code user_delete(struct store_tx *tx, struct str id, struct err *err);

/** Join by number. An anonymous shopper who is joined already stays with whom it is: *joined (may
 *  be NULL) is then false. */
ERR_MUST_USE enum err_code user_link(struct store_tx *tx, uint32_t anonymous_no, uint32_t user_no,
                                     bool *joined, struct err *err);

/** ERR_NOT_FOUND  was not joined. */
ERR_MUST_USE enum err_code user_unlink(struct store_tx *tx, uint32_t anonymous_no, struct err *err);

struct user_joined {
    uint32_t anonymous_no, user_no;
    int64_t joined_at;
};

/** Every link with anonymous_no above after, in order. */
ERR_MUST_USE enum err_code user_links_after(struct db *db, uint32_t after, int64_t limit,
                                            struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code user_links_next(struct db_rows *rows, struct user_joined *out,
                                           bool *more, struct err *err);

/** Numbers joined to user_no: up to cap into out; *len is how many there are. */
ERR_MUST_USE enum err_code user_linked_to(struct db *db, uint32_t user_no, uint32_t *out,
                                          size_t cap, size_t *len, struct err *err);

struct user_counts {
    int64_t known, anonymous, linked, erased;
    uint32_t max_no; /* highest number ever given */
};

ERR_MUST_USE enum err_code users_count(struct db *db, struct user_counts *out, struct err *err);

#endif
