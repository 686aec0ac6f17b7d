#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/signal.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "eval/attribution.h"

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

static enum err_code report(struct store *store, struct attribution_options *o, unsigned by,
                            struct json_writer *w, struct err *err)
{
    struct list_key key;
    bool found;
    enum err_code code = list_key_load(store, &key, &found, err);
    if (code != ERR_OK)
        return code;
    if (!found)
        return err_set(err, ERR_UNAVAILABLE, "this shop has not served a list yet");
    o->key = &key;
    return attribution_report(store, o, by, w, err);
}

static enum cli_exit run(const struct args *args)
{
    struct attribution_options o = {.stopping = stopping};
    struct store *store;
    struct buf text;
    struct json_writer w;
    struct err err;
    unsigned by;
    if (strcmp(args->words[0], "attribution") != 0)
        return fail_usage(args, "'%s': expected attribution", args->words[0]);
    if (!read_flags(args, &o, &by))
        return EXIT_USAGE;
    signal_watch_stop();
    if (open_store(args, true, true, &store, &err) != ERR_OK)
        return fail_open(args, &err);
    buf_init(&text, REPORT_BYTES);
    jw_init(&w, &text);
    enum err_code code = report(store, &o, by, &w, &err);
    enum cli_exit status = code == ERR_OK ? print_json(args, &w) : fail(args, &err);
    buf_release(&text);
    store_close(store);
    return status;
}

const struct command cmd_report = {
    .name = "report",
    .summary = "What the lists that were served led to",
    .usage = "attribution [--from TIME] [--to TIME] [--by NAMES]",
    .text =
        "Tells from events and orders what lists of recommendations and search results led to:\n"
        "requests, impressions, clicks, carts, purchases and revenue, as GET\n"
        "/v1/reports/attribution does, also while a server runs on the folder. One JSON object.\n\n"
        "  aisle report attribution --from 2026-11-01 --to 2026-12-01 --by placement,model\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_min = 1,
    .words_max = 1,
    .run = run,
};
