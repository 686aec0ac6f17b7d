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

static void show(const struct compact_report *r)
{
    printf("Removed %" PRId64 " events of erased shoppers, %" PRId64 " quarantined rows, %" PRId64
           " kept replies,\n%" PRId64 " ended jobs and %" PRId64
           " entries of the log of changes.\n",
           r->events, r->quarantined, r->replies, r->jobs, r->changes);
    if (!r->log_emptied)
        puts("A reader held on to the write-ahead log: the bytes in it go with the next "
             "compaction.");
}

static enum cli_exit run(const struct args *args)
{
    struct store *store;
    struct compact_report report = {0};
    struct result result;
    struct err err;
    signal_watch_stop();
    if (open_store(args, true, false, &store, &err) != ERR_OK)
        return fail_open(args, &err);
    enum err_code code = housekeeping_run(store, NULL, stopping, NULL, &report, &err);
    store_close(store);
    if (code != ERR_OK)
        return fail(args, &err);
    result_begin(&result);
    housekeeping_json(&report, &result.w);
    if (!args->json)
        show(&report);
    return result_end(args, &result, EXIT_FINE);
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
        "day, and before it trains; or now:\n\n"
        "  curl -X POST -H \"Authorization: Bearer $ADMIN_KEY\" -d '{\"kind\":\"compact\"}' \\\n"
        "       http://localhost:5000/v1/jobs\n",
    .run = run,
};
