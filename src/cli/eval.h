/* eval.h - `aisle eval`: measurements on files that the caller brings or on a shop's past, through the code that
 * serves.
 *
 * Each prints one JSON object to standard output, with --json or without. */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include "base/pool.h"
#include "cli/cli.h"

/** eval_recommend.c, eval_lists.c, eval_cold.c, eval_again.c, eval_search.c, eval_next.c, eval_sessions.c, eval_ope.c,
 *  eval_refit.c */
enum cli_exit eval_recommend(const struct args *args);
enum cli_exit eval_lists(const struct args *args);
enum cli_exit eval_again(const struct args *args);
enum cli_exit eval_cold(const struct args *args);
enum cli_exit eval_search(const struct args *args);
enum cli_exit eval_next(const struct args *args);
enum cli_exit eval_sessions(const struct args *args);
enum cli_exit eval_ope(const struct args *args);
enum cli_exit eval_refit(const struct args *args);

/** The other threads of a measurement, beside the one that calls. threads: in all, 0 every processor. *out stays
 *  NULL for one. Errors as pool_new. */
ERR_MUST_USE enum err_code eval_pool(unsigned threads, struct pool **out, struct err *err);

/** "recall@20" as the key of the next value. */
void eval_key_at(struct json_writer *w, const char *metric, size_t k);

/** Print the object in r, whatever the flags, unless code says that there is none; releases r. */
enum cli_exit eval_end(const struct args *args, struct result *r, enum err_code code,
                       const struct err *err);

#endif
