/* sessions.h - sessions from a caller's files: how well what comes next in them is foretold.
 *
 * Files:    columns session, item and time (eval/table.h), lines in any order. A time is seconds since 1970,
 *           with decimals, or ISO 8601. Items are numbered from 0 in the order of their first appearance, in
 *           all files that share a map of items; a session of one file is not one of another. Events of a
 *           session stand in order of time, of one time in order of lines.
 * Protocol: for every event of a session but the first, foretell it from those before; nothing is taken out of the
 *           lists. Places are those of the event that stands before, from 0.
 * Memory:   all-zero is a valid empty value.
 * Caps:     SESSIONS_ID_MAX, SESSIONS_EVENTS_MAX. */
#ifndef EVAL_SESSIONS_H
#define EVAL_SESSIONS_H

#include <stdbool.h>

#include "base/map.h"
#include "base/pool.h"

enum { SESSIONS_ID_MAX = 256 /* bytes */, SESSIONS_EVENTS_MAX = 500000000, SESSIONS_K_MAX = 1000 };

/* One file. */
struct session_log {
    struct map_str session_of; /* id -> number from 0 */
    uint64_t *offsets;         /* [len + 1], owned */
    uint32_t *item;            /* [offsets[len]], owned */
    int64_t *time_us;          /* [offsets[len]] UTC us, owned */
    int64_t *end_us;           /* [len] of the last event, owned */
    uint32_t len;              /* sessions */
};

/** item_of  id -> number, for all files that belong together; the caller releases it
 *  out      all-zero; session_log_release, on failure too
 *  ERR_INVALID  a column is missing (the message lists the header), a line is broken (the message has its
 *               number) or there is none; else what the file reports */
ERR_MUST_USE enum err_code session_log_read(const char *path, struct map_str *item_of,
                                            struct session_log *out, struct err *err);
void session_log_release(struct session_log *log);

/** Which events are to be measured: lines of session and place, with a header (columns SessionId and Position).
 *  wanted  [offsets[len]] of log, false: set true where the file names the event at that place
 *  ERR_INVALID  a line is broken, or names what is not in log */
ERR_MUST_USE enum err_code session_log_choose(const struct session_log *log, const char *path,
                                              bool *wanted, struct err *err);

/** Write the numbers of the k items most likely after items [n] at now_us to out, best first; returns how
 *  many. lane is that of pool_for. */
typedef size_t session_list_fn(void *arg, unsigned lane, const uint32_t *items, size_t n,
                               int64_t now_us, uint32_t *out, size_t k);

struct session_measure_options {
    size_t k;           /* 1..SESSIONS_K_MAX */
    const bool *wanted; /* [events], or NULL: all */
    struct pool *pool;  /* NULL: this thread alone */
};

struct session_result {
    size_t events;
    double hit, mrr;       /* means over the events */
    double p50_us, p99_us; /* wall time of a list */
};

/** ERR_INVALID  there is no event to foretell; ERR_MEMORY, ERR_CANCELLED */
ERR_MUST_USE enum err_code session_log_measure(const struct session_log *log,
                                               const struct session_measure_options *o,
                                               session_list_fn *list, void *arg,
                                               struct session_result *out, struct err *err);

#endif
