/* create.h - fill a data folder with a demonstration shop.
 *
 * Model:   demo_generate into the store, some thousand records a transaction. The setting "demo" says
 *          what is being made before the first record is written, so that an interrupted creation
 *          continues: everything is written again with the same identities, which adds nothing twice.
 * Setting: {"seed", "products", "users", "events", "now_us", "complete"}, all numbers but the last.
 * Threads: one at a time per store. */
#ifndef DEMO_CREATE_H
#define DEMO_CREATE_H

#include <stdbool.h>

#include "base/progress.h"
#include "demo/demo.h"
#include "store/store.h"

/** The settings that a demonstration shop has. */
#define DEMO_SETTING      "demo"
#define DEMO_NAME_SETTING "shop.name" /* {"en": "...", "zh": "..."} */

/** Fill the store. options as in demo_generate; now_us 0 takes the stored one of an interrupted creation.
 *  progress (may be NULL) is added each record, about products + users + events in all.
 *  Done already with the same options: ERR_OK, nothing is written, *totals is all zero.
 *  ERR_CONFLICT  the store holds products that are not this demonstration shop's
 *  or what demo_generate and the store return. */
ERR_MUST_USE enum err_code demo_create(struct store *store, const struct demo_options *options,
                                       struct progress *progress, struct demo_totals *totals,
                                       struct err *err);

/** Was this store filled by demo_create, completely? */
ERR_MUST_USE enum err_code demo_is_here(struct db *db, bool *here, struct err *err);

#endif
