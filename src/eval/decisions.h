/* decisions.h - what lists showed in the place that explores, as a log for off-policy estimates.
 *
 * Model:   the id of a list says which product its last place showed, how probably, and at which rank it was
 *          (recommend/explore.h). A decision is a list of which that product was seen; its reward is 1 if the product was
 *          opened (click or view) from that list within the time, else 0. What was not seen decides nothing. A
 *          shopper's decisions are one context.
 * Lines:   {"time", "context", "placement", "model", "action", "rank", "propensity", "reward", "target_propensity"}, which
 *          `aisle eval ope` reads. The target is the policy that never explores: 1 where the rank is 0. Whoever has
 *          another one puts its probabilities there.
 * Memory:  48 bytes a decision and 20 a list.
 * Threads: any. */
#ifndef EVAL_DECISIONS_H
#define EVAL_DECISIONS_H

#include "base/json_writer.h"
#include "eval/list_id.h"
#include "eval/record_walk.h"

enum { DECISIONS_MAX = 1 << 22 };

/** Write the lines of decisions seen in the time, by time; flush(arg, w) is called when some are in w's buffer, and empties
 *  it. *count: how many.
 *  ERR_LIMIT  more than DECISIONS_MAX; ERR_MEMORY; as walk_events and flush */
ERR_MUST_USE enum err_code
decisions_write(const struct walk_reading *r, const struct list_key *key, struct json_writer *w,
                enum err_code (*flush)(void *arg, struct json_writer *w, struct err *err),
                void *arg, uint64_t *count, struct err *err);

#endif
