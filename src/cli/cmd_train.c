#include "cli/cmd_train.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/control.h"
#include "cli/shop.h"

static const struct flag flags[] = {
    {"--params", "K=V,...", "parameters, for example dim=128,iterations=15"},
    {"--threads", "N", "how many threads (all processors)"},
    {"--refit", NULL, "go on from the version that serves: its parameters, its learned ranker"},
    {"--auto", NULL, "first look for better parameters, from the live version's on"},
    {"--budget", "SECONDS", "with --auto: so long (300)"},
    {"--test-share", "X", "share of the acts that is held out to measure (0.2)"},
    {"--until", "TIME", "as if nothing had happened from then on, to compare parameters"},
    {"--no-ranker", NULL, "lists stay in the order of the sources' weights"},
    {"--no-publish", NULL, "write the version, do not register it"},
    {"--cold-start", NULL, "fit from nothing, not from the factors of the model that serves"},
    {"--force", NULL, "publish even if a gate fails"},
    {"--progress", NULL, "with --json: lines of progress and message before the result"},
};

/* How far it was when it was last said. */
struct telling {
    const struct args *args;
    bool lines; /* of JSON on standard output */
    const char *what;
    int percent;
};

static void print_line(double done, const char *what)
{
    char room[256];
    struct buf text = {.data = room, .cap = sizeof room, .max = sizeof room - 1};
    struct json_writer w;
    jw_init(&w, &text);
    jw_obj(&w);
    JW_DECIMAL(&w, "progress", done, 3);
    JW_Z(&w, "message", what);
    jw_obj_end(&w);
    printf("%.*s\n", (int)text.len, text.data);
    fflush(stdout); /* who follows reads a pipe */
}

/* People are told of steps, programs of each percent. */
static void show(void *arg, double done, const char *what)
{
    struct telling *t = arg;
    int percent = (int)(100 * done);
    bool step = what != t->what;
    if (!step && (!t->lines || percent == t->percent))
        return;
    t->what = what;
    t->percent = percent;
    if (t->lines)
        print_line(done, what);
    else if (!t->args->quiet && !t->args->json)
        fprintf(t->args->err, "train: %3d%%  %s\n", percent, what);
}

enum err_code train_and_publish(const struct args *args, struct store *store,
                                const struct train_options *options, bool force,
                                struct train_result *result, bool *published, struct err *err)
{
    struct telling telling = {.args = args};
    struct train_options o = *options;
    if (!o.progress) {
        o.progress = show;
        o.progress_arg = &telling;
    }
    enum err_code code = recommend_train(store, &o, result, err);
    if (code != ERR_OK || result->refit.skipped)
        return code;
    return recommend_publish(store, result->version, force, published, err);
}

static bool read_options(const struct args *args, struct train_options *o)
{
    struct err err;
    int64_t threads, budget;
    const char *params = args_flag(args, "--params"), *share = args_flag(args, "--test-share");
    *o = (struct train_options){.params = recommend_defaults()};
    if (!args_i64(args, "--threads", 0, 0, 256, &threads) ||
        !args_i64(args, "--budget", 300, 1, 7 * 86400, &budget))
        return false;
    if (!args_has(args, "--auto") && args_has(args, "--budget")) {
        fail_usage(args, "--budget is for --auto");
        return false;
    }
    static const char *const own[] = {"--params", "--auto", "--cold-start", "--no-ranker"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (args_has(args, "--refit") && args_has(args, own[i])) {
            fail_usage(args, "%s is for a full training: --refit takes what serves", own[i]);
            return false;
        }
    o->refit = args_has(args, "--refit");
    o->search_s = args_has(args, "--auto") ? (double)budget : 0;
    o->threads = (unsigned)threads;
    o->no_ranker = args_has(args, "--no-ranker");
    o->cold_start = args_has(args, "--cold-start");
    struct str rest = str_of(params);
    while (rest.p && rest.n)
        if (recommend_param_set(&o->params, str_split(&rest, ','), &err) != ERR_OK) {
            fail_usage(args, "--params: %s", err.msg);
            return false;
        }
    if (share && (str_parse_double(str_of(share), &o->test_share, &err) != ERR_OK ||
                  o->test_share <= 0 || o->test_share >= 1)) {
        fail_usage(args, "--test-share: expected a number between 0 and 1");
        return false;
    }
    static struct recommend_weights weights;
    o->weights = &weights;
    if (shop_profile_read(args->config, &o->shop, &err) != ERR_OK ||
        shop_weights_read(args->config, &weights, &err) != ERR_OK) {
        (void)fail(args, &err);
        return false;
    }
    const char *until = args_flag(args, "--until");
    if (until && clock_parse_iso(str_of(until), &o->until, &err) != ERR_OK) {
        fail_usage(args, "--until: %s", err.msg);
        return false;
    }
    return true;
}

/* What was tried, for people. */
static void print_search(const struct args *args, const struct search_result *r)
{
    fprintf(args->out, "%-16s %8s  %7s  %7s  %6s\n", "parameter", "value", "NDCG", "recall", "s");
    for (size_t i = 0; i < r->len; i++) {
        const struct search_trial *t = &r->trials[i];
        if (t->parameter)
            fprintf(args->out, "%-16s %8g", t->parameter, t->value);
        else
            fprintf(args->out, "%-25s", "(the start)");
        fprintf(args->out, "  %7.4f  %7.4f  %6.2f  %s\n", t->ndcg, t->recall, t->seconds,
                t->kept ? "kept" : "");
    }
    fprintf(args->out, "%-25s  %7.4f\n%-25s  %7.4f\n", "(popularity)", r->popularity,
            "(item-to-item)", r->item_knn);
}

/* How much of a full training it was. */
static void print_refit(const struct args *args, const struct train_result *r)
{
    const struct refit_report *f = &r->refit;
    if (f->why[0]) {
        fprintf(args->out, f->skipped ? "Nothing to refit: %s.\n" : "A full training: %s.\n",
                f->why);
        return;
    }
    fprintf(args->out, "A refit of %s, with its ranker of %u trees, in %.2f s", r->gates.live,
            f->trees, r->seconds);
    if (f->full_s > 0)
        fprintf(args->out, ": %.0f %% of a full training's %.1f s", 100 * r->seconds / f->full_s,
                f->full_s);
    fprintf(args->out, " (reading %.2f, shop %.2f, measuring %.2f, fitting %.2f).\n", r->derive_s,
            r->open_s, r->evaluate_s, r->fit_s);
}

static void print_words(const struct args *args, const struct train_result *r, bool published)
{
    if (r->search.len)
        print_search(args, &r->search);
    if (r->refit.asked)
        print_refit(args, r);
    if (r->refit.skipped)
        return;
    fprintf(args->out, "Version %s of %u products and %u shoppers: %s.\n%s\n", r->version,
            r->products, r->shoppers, r->gates.verdict,
            published         ? "It is published."
            : r->gates.passed ? "It is not published."
                              : "It is not published: a gate failed.");
}

static enum cli_exit print_result(const struct args *args, const struct train_result *r,
                                  bool published)
{
    struct buf text;
    struct json_writer w;
    enum cli_exit status = EXIT_FINE;
    if (args->json) {
        buf_init(&text, 1 << 20);
        jw_init(&w, &text);
        train_result_json(r, &w);
        status = print_json(args, &w);
        buf_release(&text);
    } else {
        print_words(args, r, published);
    }
    /* What was published against a gate was asked for, and that nothing was to be done is no failure. */
    bool fine = r->gates.passed || published || r->refit.skipped;
    return status != EXIT_FINE || fine ? status : EXIT_FAILED;
}

/* `aisle models publish` in the server that holds the folder. */
static enum cli_exit publish_there(const struct args *args, const char *version, bool *published)
{
    struct args publish = {.command = find_command("models"),
                           .words = {"publish", version},
                           .words_len = 2,
                           .config = args->config,
                           .err = args->err};
    char *said = NULL;
    size_t n = 0;
    enum cli_exit status = EXIT_UNAVAILABLE;
    for (size_t i = 0; i < publish.command->flags_len; i++)
        if (strcmp(publish.command->flags[i].name, "--force") == 0)
            publish.values[i] = args_flag(args, "--force");
    publish.out = open_memstream(&said, &n);
    if (!publish.out)
        return EXIT_SOFTWARE;
    if (!control_run(&publish, &status))
        fprintf(args->err,
                "aisle train: the server has gone. `aisle models publish %s` does the rest.\n",
                version);
    fclose(publish.out);
    free(said);
    *published = status == EXIT_FINE;
    return status == EXIT_FAILED ? EXIT_FINE : status;
}

/* Beside a server this process only reads and writes model files; the server registers them. */
static enum cli_exit train_beside(const struct args *args, const struct train_options *options)
{
    struct train_result result;
    struct store *store;
    struct err err;
    bool published = false;
    if (open_store(args, true, true, &store, &err) != ERR_OK)
        return fail(args, &err);
    enum err_code code = recommend_train(store, options, &result, &err);
    store_close(store);
    if (code != ERR_OK)
        return fail(args, &err);
    enum cli_exit status = EXIT_FINE;
    if (!args_has(args, "--no-publish") && !result.refit.skipped)
        status = publish_there(args, result.version, &published);
    return status == EXIT_FINE ? print_result(args, &result, published) : status;
}

static enum cli_exit run(const struct args *args)
{
    struct train_options options;
    struct train_result result;
    struct store *store;
    struct err err;
    bool published = false;
    struct telling telling = {.args = args, .lines = args_has(args, "--progress")};
    if (!read_options(args, &options))
        return EXIT_USAGE;
    options.progress = show;
    options.progress_arg = &telling;
    if (args_has(args, "--no-publish"))
        return train_beside(args, &options);
    enum err_code code = open_store(args, true, false, &store, &err);
    if (code == ERR_CONFLICT && control_answers(args))
        return train_beside(args, &options);
    if (code != ERR_OK)
        return fail_open(args, &err);
    code = train_and_publish(args, store, &options, args_has(args, "--force"), &result, &published,
                             &err);
    store_close(store);
    return code == ERR_OK ? print_result(args, &result, published) : fail(args, &err);
}

const struct command cmd_train = {
    .name = "train",
    .summary = "Learn from what shoppers did, and publish the result",
    .usage = "[--params K=V,...] [--threads N]",
    .text =
        "Reads events and orders, fits on the earlier part and measures on the rest, then fits on\n"
        "everything and writes a version under DIR/models/recommend. It is published if it is\n"
        "no worse than popularity and than the live version on the same shoppers; the live one\n"
        "serves until then, whatever happens. --auto tries other parameters on a part that lies "
        "before\n"
        "the one that is measured, shows what came of it, and goes on with the best; the next "
        "--auto\n"
        "begins there. --refit takes parameters and learned ranker of the live version, begins at "
        "its\n"
        "factors, and measures itself against it on what shoppers did since: a fraction of the "
        "time.\n"
        "Beside a running server this process trains and the\n"
        "server publishes; the server does all of it itself when it is asked:\n\n"
        "  curl -H \"Authorization: Bearer $ADMIN_KEY\" --json '{\"kind\":\"train\"}' \\\n"
        "       http://localhost:5000/v1/jobs\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .dense = true,
    .run = run,
};
