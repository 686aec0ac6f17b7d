#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/signal.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "eval/attribution.h"
#include "eval/decisions.h"

enum { DAYS = 7, REPORT_BYTES = 64 << 20 };

static const struct flag flags[] = {
    {"--from", "TIME", "from this moment on (seven days before --to)"},
    {"--to", "TIME", "before this moment (now)"},
    {"--by", "NAMES", "placement, model, variant, separated by commas (placement)"},
    {"--window-days", "N", "how long after a touch a purchase is its due, 1 to 90 (7)"},
};

static bool stopping(void *arg)
{
    (void)arg;
    return signal_stopping();
}

static bool time_flag(const struct args *args, const char *name, int64_t *out)
{
    struct err err;
    if (!args_has(args, name) ||
        clock_parse_iso(str_of(args_flag(args, name)), out, &err) == ERR_OK)
        return true;
    fail_usage(args, "%s: %s", name, err.msg);
    return false;
}

static bool read_flags(const struct args *args, struct attribution_options *o, unsigned *by)
{
    int64_t window;
    struct err err;
    const char *names = args_has(args, "--by") ? args_flag(args, "--by") : "placement";
    o->until = clock_now_us();
    if (!time_flag(args, "--to", &o->until) ||
        !args_i64(args, "--window-days", ATTRIBUTION_WINDOW_US / CLOCK_US_PER_DAY, 1, 90, &window))
        return false;
    o->from = o->until - DAYS * CLOCK_US_PER_DAY;
    o->window_us = window * CLOCK_US_PER_DAY;
    if (!time_flag(args, "--from", &o->from))
        return false;
    if (attribution_by_of(str_of(names), by, &err) == ERR_OK &&
        attribution_check(o, &err) == ERR_OK)
        return true;
    fail_usage(args, "%s", err.msg);
    return false;
}

static enum err_code load_key(struct store *store, struct list_key *key, struct err *err)
{
    bool found;
    enum err_code code = list_key_load(store, key, &found, err);
    if (code == ERR_OK && !found)
        code = err_set(err, ERR_UNAVAILABLE, "this shop has not served a list yet");
    return code;
}

static enum cli_exit report_attribution(const struct args *args, struct store *store,
                                        const struct attribution_options *o, unsigned by)
{
    struct buf text;
    struct json_writer w;
    struct err err;
    buf_init(&text, REPORT_BYTES);
    jw_init(&w, &text);
    enum err_code code = attribution_report(store, o, by, &w, &err);
    enum cli_exit status = code == ERR_OK ? print_json(args, &w) : fail(args, &err);
    buf_release(&text);
    return status;
}

static enum err_code print_lines(void *arg, struct json_writer *w, struct err *err)
{
    FILE *out = arg;
    enum err_code code = buf_ok(w->out, "the decisions", err);
    if (code == ERR_OK && fwrite(w->out->data, 1, w->out->len, out) != w->out->len)
        code = err_set_errno(err, ERR_IO, errno, "standard output");
    buf_reset(w->out);
    return code;
}

static enum cli_exit report_decisions(const struct args *args, struct store *store,
                                      const struct attribution_options *o)
{
    struct walk_reading r = {
        .store = store, .from = o->from, .until = o->until, .stopping = o->stopping};
    struct buf text;
    struct json_writer w;
    struct err err;
    uint64_t n;
    buf_init(&text, REPORT_BYTES);
    jw_init(&w, &text);
    enum err_code code = decisions_write(&r, o->key, &w, print_lines, args->out, &n, &err);
    buf_release(&text);
    if (code != ERR_OK)
        return fail(args, &err);
    if (!args->quiet)
        fprintf(args->err, "report: %llu decisions\n", (unsigned long long)n);
    return EXIT_FINE;
}

static enum cli_exit run(const struct args *args)
{
    struct attribution_options o = {.stopping = stopping};
    struct list_key key;
    struct store *store;
    struct err err;
    unsigned by;
    bool decisions = strcmp(args->words[0], "decisions") == 0;
    if (!decisions && strcmp(args->words[0], "attribution") != 0)
        return fail_usage(args, "'%s': expected attribution or decisions", args->words[0]);
    if (!read_flags(args, &o, &by))
        return EXIT_USAGE;
    signal_watch_stop();
    if (open_store(args, true, true, &store, &err) != ERR_OK)
        return fail_open(args, &err);
    o.key = &key;
    enum cli_exit status = EXIT_FINE;
    if (load_key(store, &key, &err) != ERR_OK)
        status = fail(args, &err);
    else
        status =
            decisions ? report_decisions(args, store, &o) : report_attribution(args, store, &o, by);
    store_close(store);
    return status;
}

const struct command cmd_report = {
    .name = "report",
    .summary = "What the lists that were served led to",
    .usage = "attribution|decisions [--from TIME] [--to TIME] [--by NAMES]",
    .text = "attribution  tells from events and orders what lists of recommendations and search "
            "results\n"
            "             led to: requests, impressions, clicks, carts, purchases and revenue, as\n"
            "             GET /v1/reports/attribution does. One JSON object.\n"
            "decisions    what experiments that explore showed, with its probability, and whether "
            "it was\n"
            "             opened: lines of JSON for `aisle eval ope`.\n\n"
            "Both also while a server runs on the folder.\n\n"
            "  aisle report attribution --from 2026-11-01 --to 2026-12-01 --by placement,model\n"
            "  aisle report decisions >decisions.jsonl && aisle eval ope --log decisions.jsonl\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
