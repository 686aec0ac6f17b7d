/* events.h - the log of what shoppers did.
 *
 * An event is identified by (time, id); a second one with both equal is a duplicate of any age and
 * adds nothing. seq grows with arrival, within a transaction without gaps, and is never used again.
 * Outside ids become numbers on the way in, through the writer's caches. */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "store/records.h"
#include "store/store.h"

/** Identity present, at least one shopper, caps, ranges, UTF-8. ERR_INVALID names the field. */
ERR_MUST_USE enum err_code event_check(const struct event *e, struct err *err);

enum event_outcome {
    EVENT_ADDED = 0,
    EVENT_DUPLICATE,
    EVENT_UNKNOWN_PRODUCT, /* not stored; reason code "unknown_product" */
};

enum {
    EVENTS_CREATE_PRODUCTS = 1 /* an unknown product becomes an inactive one named by its id */
};

/** Add n events that passed event_check. seq, user_no and product_no of each are filled in (0 where
 *  not stored). With both ids an anonymous shopper who is joined to nobody is joined to the known
 *  one.
 *  events    [n]  borrowed during the call
 *  outcomes  [n]  what became of each; may be NULL
 *  added     how many were new; may be NULL
 *  Cost: some 3 us each; 1,000 a transaction is a good number. */
ERR_MUST_USE enum err_code events_add(struct store_tx *tx, struct event *events, size_t n,
                                      unsigned flags, enum event_outcome *outcomes, size_t *added,
                                      struct err *err);

/** Events with seq above after_seq up to and including last_seq (INT64_MAX: all), by seq, at most
 *  limit. In what events_next gives, user_no is resolved through links; user_id, anonymous_id and
 *  product_id are empty (user_id_of and product_id_of tell them). Events of erased shoppers are
 *  left out. Texts are borrowed until the next call on rows. */
ERR_MUST_USE enum err_code events_after(struct db *db, int64_t after_seq, int64_t last_seq,
                                        int64_t limit, struct db_rows *rows, struct err *err);

/** As events_after, without links and limit, for those of first_seq..last_seq that were withdrawn
 *  (feedback.h): every other reading leaves them out. */
ERR_MUST_USE enum err_code events_withdrawn(struct db *db, int64_t first_seq, int64_t last_seq,
                                            struct db_rows *rows, struct err *err);

/** What an event did to a product, without the rest. */
struct event_act {
    int64_t seq;
    int64_t time; /* UTC microseconds */
    enum event_type type;
    uint32_t product_no; /* > 0 */
    uint32_t user_no;    /* as it came, without links */
    bool feedback;       /* feedback.h */
};

/** As events_after for the events that name a product, without resolving links: a third of the cost. */
ERR_MUST_USE enum err_code event_acts_after(struct db *db, int64_t after_seq, int64_t last_seq,
                                            struct db_rows *rows, struct err *err);

/** The same of erased shoppers, whose rows wait for compaction. */
ERR_MUST_USE enum err_code event_acts_erased(struct db *db, int64_t after_seq, int64_t last_seq,
                                             struct db_rows *rows, struct err *err);

/** The next one. */
ERR_MUST_USE enum err_code event_acts_next(struct db_rows *rows, struct event_act *act, bool *more,
                                           struct err *err);

/** As events_after, by (time, id): those behind that pair and before the moment until. For one page after the
 *  other: events that arrive meanwhile may be missed, none comes twice. */
ERR_MUST_USE enum err_code events_by_time(struct db *db, int64_t after_time, struct str after_id,
                                          int64_t until, int64_t limit, struct db_rows *rows,
                                          struct err *err);

/** The next event. came_as (may be NULL) receives the number that it came with. */
ERR_MUST_USE enum err_code events_next(struct db_rows *rows, struct event *e, uint32_t *came_as,
                                       bool *more, struct err *err);

struct event_counts {
    int64_t events;              /* stored now; an upper bound after compaction */
    int64_t first_seq, last_seq; /* 0 and 0 with none */
    int64_t first_time, last_time;
};

/** Without a scan. */
ERR_MUST_USE enum err_code events_count(struct db *db, struct event_counts *out, struct err *err);

#endif
