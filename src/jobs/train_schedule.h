/* train_schedule.h - when a server trains by itself: refits of what serves, and full trainings.
 *
 * Model:   where something serves, a refit (`aisle train --refit`) is queued so often, and a full training where so much
 *          time has passed since the last one, by the register of versions, whoever made it. A full training puts off the
 *          refit. Nothing is queued at once when a server starts, nor where nothing serves: the first training is
 *          somebody's decision. A training that failed or was refused is tried again when the next one is due.
 * Threads: one. */
#ifndef JOBS_TRAIN_SCHEDULE_H
#define JOBS_TRAIN_SCHEDULE_H

#include "store/store.h"

struct train_schedule {
    int64_t refit_every_us, full_every_us; /* 0: never */
    int64_t refit_at_ns, full_at_ns;       /* monotonic: when to look again */
};

/** Begin to count. Both periods are set. */
void train_schedule_begin(struct train_schedule *s);

/** Queue the job that is due, if any. What goes wrong is logged. */
void train_schedule_run(struct train_schedule *s, struct store *store);

#endif
