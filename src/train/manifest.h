/* manifest.h - manifest.json of a version of the family "recommend": what it was made of, how it measured,
 * and the checksums of its files. The register of versions keeps a copy. */
#ifndef TRAIN_MANIFEST_H
#define TRAIN_MANIFEST_H

#include "base/arena.h"
#include "base/json_writer.h"
#include "train/recommend_train.h"

enum { MANIFEST_MAX = 64 << 10 };

#define MANIFEST_FILE "manifest.json"
#define MODEL_FILE    "recommend.model"

/* A file of the version. bytes 0: the manifest names none. */
struct manifest_file {
    int64_t bytes;
    struct str xxh3; /* of all of it, 16 hexadecimal digits */
};

/* What a manifest says that gates and publication need. */
struct manifest {
    bool passed;
    struct recommend_params params; /* the defaults where it is silent */
    int64_t last_time;              /* of the acts, UTC us; 0: it is silent */
    struct manifest_file model, ranker;
    bool is_refit;      /* train/refit.h */
    struct str weights; /* their sum (train/refit.h); empty: it is silent */
    double full_s;      /* seconds of the last full training behind it; 0: it is silent */
};

/** Write dir/manifest.json for the model file in dir, and the ranker's (engine/ranker.h) where there is one.
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
