/* import_there.h - importing in the server that holds the folder. */
#ifndef CLI_IMPORT_THERE_H
#define CLI_IMPORT_THERE_H

#include "cli/cli.h"
#include "ingest/import.h"

/** As import_file, by a job of the server: standard input is sent to it, another file is named. A signal
 *  cancels the job, and this waits until it has ended.
 *  ERR_UNAVAILABLE  no server listens, or it ended meanwhile; otherwise what import_file says */
ERR_MUST_USE enum err_code import_there(const struct args *args, const struct import_options *o,
                                        struct import_report *report, struct err *err);

#endif
