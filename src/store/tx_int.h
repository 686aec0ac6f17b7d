/* tx_int.h - what a writing transaction carries beside the connection: the numbers that the writer
 * knows, and the changes that repositories report. */
#ifndef STORE_TX_INT_H
#define STORE_TX_INT_H

#include "store/changes.h"
#include "store/id_cache_int.h"
#include "store/store.h"

struct tx {
    struct store_tx pub;                     /* what jobs see; must come first */
    struct id_cache users;                   /* kind is enum user_kind */
    struct id_cache products;                /* kind 0 */
    struct change runs[CHANGE_AGGREGATES];   /* reported, not yet written; op 0: none */
    struct change before[CHANGE_AGGREGATES]; /* runs as they were when the job began */
    bool staging;                            /* this job's products are reported as CHANGE_STAGE */
};

static inline struct tx *tx_of(struct store_tx *tx)
{
    return (struct tx *)tx;
}

void tx_init(struct tx *tx, struct db *db);
void tx_release(struct tx *tx);

/** Around each job: begin, and undo if it failed. */
void tx_begin_job(struct tx *tx);
void tx_undo_job(struct tx *tx);

/** Before the commit: write what the jobs reported. */
ERR_MUST_USE enum err_code tx_finish(struct tx *tx, struct err *err);

/** The transaction as a whole was lost. */
void tx_undo_all(struct tx *tx);

/** Report a change of a number, or of first..last. Neighbours with the same op become one entry. */
ERR_MUST_USE enum err_code tx_change(struct store_tx *tx, enum change_aggregate aggregate,
                                     enum change_op op, int64_t no, struct err *err);
ERR_MUST_USE enum err_code tx_change_range(struct store_tx *tx, enum change_aggregate aggregate,
                                           enum change_op op, int64_t first, int64_t last,
                                           struct err *err);

#endif
