/* eval.h - `aisle eval`: measurements on files that the caller brings, through the code that serves.
 *
 * Each prints one JSON object to standard output, with --json or without. */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include "cli/cli.h"
#include "ingest/reader.h"

/** eval_recommend.c, eval_search.c */
enum cli_exit eval_recommend(const struct args *args);
enum cli_exit eval_search(const struct args *args);

/* A column that an evaluation wants. */
struct eval_column {
    const char *names; /* "query|search_term": the name in --columns, then what headers call it */
    bool optional;
    int at; /* out: the reader's index, -1 where an optional one is missing */
};

/** Open a table and find its columns; overrides is the text of --columns, or NULL.
 *  *out  returned owned: reader_close
 *  ERR_INVALID  a column is missing (the message lists the header), or --columns is wrong */
ERR_MUST_USE enum err_code eval_open_table(const char *path, const char *overrides,
                                           struct eval_column *columns, size_t n,
                                           struct reader **out, struct err *err);

/** "recall@20" as the key of the next value. */
void eval_key_at(struct json_writer *w, const char *metric, size_t k);

/** Print the object in r, whatever the flags, unless code says that there is none; releases r. */
enum cli_exit eval_end(const struct args *args, struct result *r, enum err_code code,
                       const struct err *err);

#endif
