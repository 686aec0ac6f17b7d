#include <inttypes.h>
#include <stdio.h>

#include "base/signal.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "jobs/housekeeping.h"

static bool stopping(void *arg)
{
    (void)arg;
    return signal_stopping();
}

static void show(const struct args *args, const struct compact_report *r)
{
    fprintf(args->out,
            "Removed %" PRId64 " events of erased shoppers, %" PRId64 " quarantined rows, %" PRId64
            " kept replies,\n%" PRId64 " ended jobs and %" PRId64
            " entries of the log of changes.\n",
            r->events, r->quarantined, r->replies, r->jobs, r->changes);
    if (!r->log_emptied)
        fputs("A reader held on to the write-ahead log: the bytes in it go with the next "
              "compaction.\n",
              args->out);
}

static enum cli_exit compact(const struct args *args, struct store *store)
{
    struct compact_report report = {0};
    struct result result;
    struct err err;
    if (housekeeping_run(store, args->engine, stopping, NULL, &report, &err) != ERR_OK)
        return fail(args, &err);
    result_begin(&result);
    housekeeping_json(&report, &result.w);
    if (!args->json)
        show(args, &report);
    return result_end(args, &result, EXIT_FINE);
}

static enum cli_exit run(const struct args *args)
{
    struct store *store;
    enum cli_exit status;
    signal_watch_stop();
    if (!open_or_hand_over(args, &store, &status))
        return status;
    status = compact(args, store);
    store_close(store);
    return status;
}

const struct command cmd_compact = {
    .name = "compact",
    .summary = "Take out what erased shoppers left and what is old",
    .usage = "",
    .text =
        "Removes the events of erased shoppers, quarantined rows that are settled or older than\n"
        "90 days, replies that were kept for repeated requests and have expired, jobs that ended\n"
        "long ago, and the log of changes up to the oldest model and segment file. What was\n"
        "removed is overwritten in the files. A server does this by itself: when it starts, every\n"
        "day, and before it trains; this command makes it do so now.\n",
    .run = run,
    .run_within = compact,
};
