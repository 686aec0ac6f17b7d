/* housekeeping.h - compaction of a whole shop: the store's, with the log of changes trimmed as far as the
 * files that were made from it allow.
 *
 * Each segment file and each model records the position of the log that it was made from, and whoever
 * opens it reads the log from there. So the log goes only up to the oldest of them. A segment file that
 * holds back much is made anew first, where an engine is there to do it.
 * Threads: any; they take turns. */
#ifndef JOBS_HOUSEKEEPING_H
#define JOBS_HOUSEKEEPING_H

#include "base/json_writer.h"
#include "engine/engine.h"
#include "store/compact.h"

/** engine    the one that follows the store here; NULL: none runs
 *  stopping  as in compact.h; may be NULL
 *  report    may be NULL */
ERR_MUST_USE enum err_code housekeeping_run(struct store *store, struct engine *engine,
                                            bool (*stopping)(void *arg), void *arg,
                                            struct compact_report *report, struct err *err);

/** One JSON object, as the job and `aisle compact --json` tell it. */
void housekeeping_json(const struct compact_report *r, struct json_writer *w);

#endif
