#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "store/models.h"
#include "train/recommend_train.h"

static const char family[] = "recommend";

static const struct flag flags[] = {
    {"--force", NULL, "publish: even if a gate failed"},
    {"--keep", "N", "gc: how many versions to keep besides the live one and the one before (5)"},
};

static void print_model(const struct args *args, const struct model_version *m)
{
    char at[CLOCK_ISO_SIZE];
    fprintf(args->out, "%-10.*s %-20.*s %-9s %s%s\n", STR_ARG(m->family), STR_ARG(m->version),
            model_state_name(m->state), clock_format_iso(m->created_at, at),
            m->live ? "  live" : "");
}

static enum cli_exit list(const struct args *args, struct store *store)
{
    struct db *db;
    struct db_rows rows = {0};
    struct model_version m;
    struct result result;
    struct err err;
    bool more;
    size_t n = 0;
    enum err_code code = store_read_begin(store, &db, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    result_begin(&result);
    jw_arr(&result.w);
    code = models_list(db, (struct str){0}, &rows, &err);
    for (; code == ERR_OK && (code = models_next(&rows, &m, &more, &err)) == ERR_OK && more; n++)
        args->json ? model_write(&m, &result.w) : print_model(args, &m);
    jw_arr_end(&result.w);
    db_rows_close(&rows);
    store_read_end(store, db);
    if (code == ERR_OK && n == 0 && !args->json)
        fputs("There is no model yet: `aisle train` makes one.\n", args->out);
    return result_end(args, &result, code == ERR_OK ? EXIT_FINE : fail(args, &err));
}

static enum cli_exit show(const struct args *args, struct store *store)
{
    struct arena arena;
    struct db *db;
    struct model_version m;
    struct result result;
    struct err err;
    enum err_code code = store_read_begin(store, &db, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    arena_init(&arena, 0, 4 << 20);
    result_begin(&result);
    code = args->words_len > 1
               ? model_get(db, str_of(family), str_of(args->words[1]), &arena, &m, &err)
               : model_live(db, str_of(family), &arena, &m, &err);
    if (code == ERR_OK) {
        model_write(&m, &result.w);
        if (!args->json) {
            print_model(args, &m);
            fprintf(args->out, "%.*s\n", STR_ARG(m.manifest));
        }
    }
    store_read_end(store, db);
    enum cli_exit status = result_end(args, &result, code == ERR_OK ? EXIT_FINE : fail(args, &err));
    arena_release(&arena);
    return status;
}

static enum cli_exit publish(const struct args *args, struct store *store)
{
    struct err err;
    bool published;
    if (recommend_publish(store, args->words[1], args_has(args, "--force"), &published, &err) !=
        ERR_OK)
        return fail(args, &err);
    if (args->json)
        fprintf(args->out, "{\"published\":%s}\n", published ? "true" : "false");
    else
        fprintf(args->out, "Version %s %s.\n", args->words[1],
                published ? "serves now"
                          : "is not published: a gate failed (--force publishes it all the same)");
    return published ? EXIT_FINE : EXIT_FAILED;
}

static enum err_code rollback_job(struct store_tx *tx, void *arg, struct err *err)
{
    (void)arg;
    return model_rollback(tx, str_of(family), err);
}

static enum cli_exit rollback(const struct args *args, struct store *store)
{
    struct err err;
    if (store_write(store, rollback_job, NULL, &err) != ERR_OK)
        return fail(args, &err);
    return show(args, store);
}

static enum cli_exit gc(const struct args *args, struct store *store)
{
    int64_t keep;
    size_t removed;
    struct err err;
    if (!args_i64(args, "--keep", 5, 0, 1000000, &keep))
        return EXIT_USAGE;
    if (recommend_gc(store, (size_t)keep, &removed, &err) != ERR_OK)
        return fail(args, &err);
    fprintf(args->out, args->json ? "{\"removed\":%zu}\n" : "%zu versions removed.\n", removed);
    return EXIT_FINE;
}

static const struct verb verbs[] = {
    {"list", false, 0, 0, list},      {"show", false, 0, 1, show},
    {"publish", true, 1, 1, publish}, {"rollback", true, 0, 0, rollback},
    {"gc", true, 0, 0, gc},
};

const struct command cmd_models = {
    .name = "models",
    .summary = "List, publish, roll back and clear model versions",
    .usage = "list | show [VERSION] | publish VERSION [--force] | rollback | gc [--keep N]",
    .text =
        "`aisle train` writes versions and publishes those whose gates pass. Rolling back makes\n"
        "the version before the live one live again; products and orders are not touched by it.\n"
        "gc removes old versions, never the live one, the one before it or one that an experiment\n"
        "names. All of this works while a server runs, which serves the version published last.\n\n"
        "  aisle models list\n"
        "  aisle models publish 20261123T180000-1 --force\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_min = 1,
    .words_max = 2,
    .verbs = verbs,
    .verbs_len = sizeof verbs / sizeof *verbs,
    .run = run_verb,
    .run_within = run_verb_within,
};
