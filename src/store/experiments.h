/* experiments.h - which experiments there are, and what state each is in.
 *
 * What an experiment compares is its definition, JSON that recommend/experiment.h reads and checks; here it is text.
 * States go draft -> running -> stopped -> decided, and never back: who took part must not change afterwards. A
 * definition changes only while it is a draft. */
#ifndef STORE_EXPERIMENTS_H
#define STORE_EXPERIMENTS_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"

enum experiment_state {
    EXPERIMENT_DRAFT,
    EXPERIMENT_RUNNING,
    EXPERIMENT_STOPPED, /* nobody takes part any more */
    EXPERIMENT_DECIDED, /* everybody gets the variant that was decided for */
    EXPERIMENT_STATES
};

enum { EXPERIMENT_REASON_MAX = 240, EXPERIMENTS_MAX = 1000 };

struct experiment_record {
    int64_t no; /* given by the store */
    struct str id;
    enum experiment_state state;
    struct str definition; /* JSON object */
    struct str salt;       /* what shoppers are hashed with */
    uint32_t first_bucket; /* of its layer, once it runs */
    struct str decision;   /* name of the variant; empty until decided */
    struct str reason;     /* why it was stopped or decided; may be empty */
    int64_t created_at, started_at, stopped_at, decided_at; /* 0: not yet */
};

/** Copy its texts into the arena, in place. */
void experiment_record_keep(struct arena *arena, struct experiment_record *r);

/** "draft", "running", "stopped", "decided". */
const char *experiment_state_name(enum experiment_state s);
bool experiment_state_of(struct str name, enum experiment_state *out);

/** Add a draft. ERR_CONFLICT  there is one of that id; ERR_LIMIT  EXPERIMENTS_MAX are there; ERR_INVALID */
ERR_MUST_USE enum err_code experiment_add(struct store_tx *tx, const struct experiment_record *e,
                                          struct err *err);

/** Write definition, state and what belongs to it, by number. Times of states are the caller's. */
ERR_MUST_USE enum err_code experiment_put(struct store_tx *tx, const struct experiment_record *e,
                                          struct err *err);

/** ERR_CONFLICT  it runs; ERR_NOT_FOUND */
ERR_MUST_USE enum err_code experiment_delete(struct store_tx *tx, struct str id, struct err *err);

/** Texts are copied into the arena. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code experiment_get(struct db *db, struct str id, struct arena *arena,
                                          struct experiment_record *out, struct err *err);

/** All, oldest first. Texts are borrowed until the next call. */
ERR_MUST_USE enum err_code experiments_list(struct db *db, struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code experiments_next(struct db_rows *rows, struct experiment_record *out,
                                            bool *more, struct err *err);

#endif
