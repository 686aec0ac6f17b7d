/* import_args.h - the arguments of an import job: what to import, kept with the job as JSON.
 *
 * A file that came over HTTP lies under DIR/.uploads until its job has ended. A server that was killed
 * leaves it there; the next start removes what no queued job wants. */
#ifndef JOBS_IMPORT_ARGS_H
#define JOBS_IMPORT_ARGS_H

#include "base/arena.h"
#include "base/fs.h"
#include "ingest/import.h"
#include "store/store.h"

struct import_args {
    struct import_options
        options;   /* path, name, format, charset, mapping, currency and the flags */
    bool uploaded; /* the file is ours, and goes when the job ends */
};

/** texts of out lie in the arena.
 *  ERR_INVALID  not what import_args_write wrote */
ERR_MUST_USE enum err_code import_args_read(struct str json, struct arena *arena,
                                            struct import_args *out, struct err *err);

void import_args_write(const struct import_args *args, struct json_writer *w);

/** Keep of paths their last part, as the name of the file and of the mapping, for who may not know where things
 *  lie on this machine. */
void import_args_forget_places(struct import_args *args);

/** Remove the file of a job that has ended, if it was uploaded. */
void import_args_discard(struct str json);

/** The folder of uploaded files, made where it is not there. */
ERR_MUST_USE enum err_code import_uploads_dir(const struct store *store, char out[FS_PATH_MAX],
                                              struct err *err);

/** Remove uploaded files that no queued job wants. Only while no job runs. */
ERR_MUST_USE enum err_code import_args_sweep(struct store *store, struct err *err);

#endif
