/* train_args.h - the arguments of a training job, kept with it as {"parameters": {"dim": 32, ...}} or
 * {"refit": true}. What is not named has its default. */
#ifndef JOBS_TRAIN_ARGS_H
#define JOBS_TRAIN_ARGS_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

enum { TRAIN_ARGS_MAX = 4096 }; /* bytes of the JSON */

struct train_args {
    const char *params; /* "dim=32,alpha=2" as `aisle train --params` takes them; NULL: none */
    bool refit;         /* train/refit.h: then there are no parameters */
};

/** Read an object of parameters; out->params lies in the arena.
 *  ERR_INVALID  no object of numbers, a name that is not known, a value beyond its bounds */
ERR_MUST_USE enum err_code train_args_parse(struct str parameters, struct arena *arena,
                                            struct train_args *out, struct err *err);

/** Append the JSON that the job keeps; nothing where all is as usual. */
void train_args_write(const struct train_args *args, struct buf *out);

/** Read what train_args_write wrote; empty: all as usual. ERR_INVALID  anything else. */
ERR_MUST_USE enum err_code train_args_read(struct str json, struct arena *arena,
                                           struct train_args *out, struct err *err);

#endif
