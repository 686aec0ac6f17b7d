/* models.h - which model versions exist, and which one of each family serves.
 *
 * The files lie in DIR/models/<family>/<version>/; this is the register. Publishing and rolling
 * back are one transaction each, so there is always at most one live version per family. */
#ifndef STORE_MODELS_H
#define STORE_MODELS_H

#include "base/arena.h"
#include "base/json_writer.h"
#include "store/records.h"
#include "store/store.h"

enum model_state {
    MODEL_TRAINED = 0, /* files complete */
    MODEL_PASSED,      /* and its gates passed */
    MODEL_REJECTED,    /* a gate failed; can be published by force only */
};

struct model_version {
    int64_t no;         /* given by the store */
    struct str family;  /* "recommend", "search", "rank", "chat" */
    struct str version; /* unique in the family, sorts by age */
    enum model_state state;
    bool live;           /* it serves */
    struct str previous; /* live before it was published; empty: none */
    struct str manifest; /* JSON object */
    int64_t created_at;
    int64_t published_at; /* 0: never */
};

/** Insert, or replace state and manifest by (family, version). */
ERR_MUST_USE enum err_code model_put(struct store_tx *tx, const struct model_version *m,
                                     struct err *err);

/** Make it the live one. ERR_NOT_FOUND; ERR_CONFLICT  a gate failed and force is not set. */
ERR_MUST_USE enum err_code model_publish(struct store_tx *tx, struct str family, struct str version,
                                         bool force, struct err *err);

/** Make the one before the live one live again. ERR_NOT_FOUND  there is none. */
ERR_MUST_USE enum err_code model_rollback(struct store_tx *tx, struct str family, struct err *err);

/** Forget one. ERR_CONFLICT  it is live; ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code model_delete(struct store_tx *tx, struct str family, struct str version,
                                        struct err *err);

/** Texts are copied into the arena. ERR_NOT_FOUND. */
ERR_MUST_USE enum err_code model_get(struct db *db, struct str family, struct str version,
                                     struct arena *arena, struct model_version *out,
                                     struct err *err);

/** The version that serves. ERR_NOT_FOUND  none is published. */
ERR_MUST_USE enum err_code model_live(struct db *db, struct str family, struct arena *arena,
                                      struct model_version *out, struct err *err);

/** Versions of a family (empty: of all), newest first. Texts are borrowed until the next call. */
ERR_MUST_USE enum err_code models_list(struct db *db, struct str family, struct db_rows *rows,
                                       struct err *err);
ERR_MUST_USE enum err_code models_next(struct db_rows *rows, struct model_version *out, bool *more,
                                       struct err *err);

/** "trained", "passed", "rejected". */
const char *model_state_name(enum model_state state);

/** The version as JSON, as /v1/models and `aisle models` tell it (docs/http-api.md). */
void model_write(const struct model_version *m, struct json_writer *w);

#endif
