/* session_index.h - the sessions that were, the most recent first, and by item: what session kNN asks
 * (recommend/sessions.h).
 *
 * Model:   session s has the items item[offsets[s]..offsets[s + 1]) in order of time and ended at end_s[s]; sessions are
 *          numbered from the most recent. of_session is that turned round: the sessions that have an item,
 *          each once, the most recent first. idf(i) = ln(1 + sessions / sessions that have i) / ln(1 + sessions).
 * Memory:  built, it owns its arrays (session_index_release); read from a container, it borrows them.
 *          12 bytes an item of a session and 4 a session, and 8 an item.
 * Trust:   session_index_read checks every count, order and reference, and that the two directions say the
 *          same, so that queries read without checks.
 * Threads: immutable once built or read. All-zero is a valid empty index of no items. */
#ifndef INDEX_SESSION_INDEX_H
#define INDEX_SESSION_INDEX_H

#include "index/container.h"

enum { SESSION_ITEMS_MAX = 100 /* of a session: its last ones */ };

struct session_index {
    uint32_t sessions, items;
    const uint32_t *offsets;    /* [sessions + 1] ascending, offsets[0] = 0 */
    const uint32_t *item;       /* [offsets[sessions]] < items */
    const uint32_t *end_s;      /* [sessions] UTC seconds, descending */
    const uint32_t *of_offsets; /* [items + 1] ascending, of_offsets[0] = 0 */
    const uint32_t *of_session; /* [of_offsets[items]] < sessions, ascending for an item */
    const float *idf;           /* [items] 0..1; 0 where no session has it */
};

/* What to build from, all borrowed. */
struct session_input {
    uint32_t sessions, items;
    uint32_t keep;           /* the most recent ones that are kept; 0: all */
    const uint64_t *offsets; /* [sessions + 1] */
    const uint32_t *item;    /* [offsets[sessions]] < items, in order of time */
    const int64_t *end_us;   /* [sessions] UTC us */
};

/** Sessions in any order; of two that end together the later in the input is the more recent. Empty ones are
 *  fine. out: session_index_release.
 *  ERR_MEMORY; ERR_LIMIT  2^32 items or more are left */
ERR_MUST_USE enum err_code session_index_build(const struct session_input *in,
                                               struct session_index *out, struct err *err);

/** Of one that was built. All-zero is fine. */
void session_index_release(struct session_index *x);

/** Add its sections, named session.*: borrowed until the last write. */
void session_index_write(const struct session_index *x, struct container_writer *w);

/** Borrow an index of so many sessions and items from a file.
 *  ERR_CORRUPT  the message names section and place; ERR_MEMORY */
ERR_MUST_USE enum err_code session_index_read(const struct container *c, uint32_t sessions,
                                              uint32_t items, struct session_index *out,
                                              struct err *err);

#endif
