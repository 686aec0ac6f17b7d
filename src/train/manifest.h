/* manifest.h - manifest.json of a version of the family "recommend": what it was made of, how it measured,
 * and the checksum of its file. The register of versions keeps a copy. */
#ifndef TRAIN_MANIFEST_H
#define TRAIN_MANIFEST_H

#include "base/arena.h"
#include "base/json_writer.h"
#include "train/recommend_train.h"

enum { MANIFEST_MAX = 64 << 10 };

#define MANIFEST_FILE "manifest.json"
#define MODEL_FILE    "recommend.model"

/* What a manifest says that gates and publication need. */
struct manifest {
    bool passed;
    struct recommend_params params; /* the defaults where it is silent */
    int64_t last_time;              /* of the acts, UTC us; 0: it is silent */
    int64_t bytes;                  /* of the model file */
    struct str xxh3;
};

/** Write dir/manifest.json for the model file in dir.
 *  r  version, gates and evaluation are filled
 *  Errors as the files report. */
ERR_MUST_USE enum err_code manifest_write(const char *dir, const struct train_options *o,
                                          const struct interactions *it,
                                          const struct recommend_model *m,
                                          const struct train_result *r, struct err *err);

/** Texts are borrowed from text or the arena. ERR_CORRUPT. */
ERR_MUST_USE enum err_code manifest_parse(struct str text, struct arena *arena,
                                          struct manifest *out, struct err *err);

#endif
