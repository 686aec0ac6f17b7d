/* users.h - what each shopper did lately, for the next recommendation.
 *
 * Model:   for every shopper active since the model in force was trained, the last
 *          USERS_ACTIONS_MAX actions, newest last. When room runs out purchases outlive the others,
 *          of which the newest USERS_OTHERS_MIN stay all the same. A guest that was joined to a known
 *          shopper keeps a state of its own; reading the shopper merges the two, so undoing a join
 *          is forgetting a link.
 * Memory:  about 12 bytes an action and 40 a shopper; nothing for shoppers that were not seen.
 * Threads: one writer (the reader of the change log), any number of readers; 64 locks, held for a
 *          copy of at most USERS_ACTIONS_MAX actions. A merge takes one lock at a time. */
#ifndef ENGINE_USERS_H
#define ENGINE_USERS_H

#include <stddef.h>

#include "store/records.h"

enum { USERS_ACTIONS_MAX = 128, USERS_OTHERS_MIN = 32, USERS_LINKS_MAX = 8 };

struct user_action {
    uint32_t product_no;
    uint32_t time_s; /* UTC seconds, 1970..2106 */
    uint32_t type;   /* enum event_type */
};

struct users;

/** returns owned */
struct users *users_new(void);
void users_free(struct users *u);

/** Writer only. An action that would itself be the one to go from a full state is not taken, and
 *  the same action (product, time, type) counts once: replaying the log changes nothing. */
void users_add(struct users *u, uint32_t user_no, const struct user_action *action);

/** Writer only: an action was taken back. */
void users_remove(struct users *u, uint32_t user_no, const struct user_action *action);

/** Writer only: everything the guest did counts for the shopper too. At most USERS_LINKS_MAX guests a
 *  shopper: the one joined first no longer counts, and still resolves to the shopper. */
void users_link(struct users *u, uint32_t anonymous_no, uint32_t user_no);
void users_unlink(struct users *u, uint32_t anonymous_no);

/** Writer only: drop the state and links of an erased shopper at once. */
void users_forget(struct users *u, uint32_t user_no);

/** The known shopper that a guest was joined to; else the number itself. */
uint32_t users_resolve(struct users *u, uint32_t user_no);

/** The newest actions of a shopper and the guests joined to them, newest first, later ones of equal
 *  time first.
 *  out  [cap]
 *  Returns how many. */
size_t users_recent(struct users *u, uint32_t user_no, struct user_action *out, size_t cap);

/** Shoppers with a state: a figure for metrics. */
size_t users_len(struct users *u);

/** Writer only: drop what is older than time_us, when a model that knows it has been swapped in. */
void users_trim(struct users *u, int64_t time_us);

#endif
