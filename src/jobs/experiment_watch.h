/* experiment_watch.h - running experiments that should end are stopped.
 *
 * Each is reported on (eval/experiment_report.h) and, where its verdict says why it should end, stopped with that as its
 * reason, unless somebody has changed its state meanwhile. One that cannot be read or reported on is left running, and
 * told in the log.
 * Threads: any; they may meet: the second one finds nothing to stop. */
#ifndef JOBS_EXPERIMENT_WATCH_H
#define JOBS_EXPERIMENT_WATCH_H

#include "store/records.h"
#include "store/store.h"

struct experiment_watch {
    int64_t running; /* looked at */
    int64_t stopped; /* of these */
};

/** currency  the shop's, for experiments that name none; 0: none
 *  stopping  asked between transactions; may be NULL
 *  ERR_CANCELLED  stopping said so; what the store reports */
ERR_MUST_USE enum err_code experiment_watch(struct store *store, currency_code currency,
                                            bool (*stopping)(void *arg), void *arg,
                                            struct experiment_watch *out, struct err *err);

#endif
