#include <stdio.h>

#include "base/signal.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/control.h"
#include "cli/import_quarantine.h"
#include "cli/import_there.h"
#include "ingest/import.h"

static const struct flag flags[] = {
    {"--format", "F", "csv, tsv, jsonl, json or xml (by content and name)"},
    {"--mapping", "M", "a ready mapping's name, or a YAML file (our own field names)"},
    {"--charset", "C", "character set of the text (by BOM, else UTF-8)"},
    {"--currency", "CUR", "currency of amounts that name none"},
    {"--dry-run", NULL, "do everything but write"},
    {"--full", NULL, "products: deactivate what the file does not have"},
    {"--quarantine", "WHAT", "list, retry or export the rows that were refused"},
    {"--force", NULL, "even if --full would deactivate more than a fifth; import again"},
};

static enum cli_exit print_reports(const struct args *args, const struct import_report *reports,
                                   size_t n)
{
    struct buf text;
    struct json_writer w;
    enum cli_exit status = EXIT_FINE;
    buf_init(&text, 16 << 20);
    if (args->json) {
        jw_init(&w, &text);
        if (n == 1) {
            import_report_json(&reports[0], &w);
        } else {
            jw_arr(&w);
            for (size_t i = 0; i < n; i++)
                import_report_json(&reports[i], &w);
            jw_arr_end(&w);
        }
        status = print_json(args, &w);
    } else {
        for (size_t i = 0; i < n; i++)
            import_report_text(&reports[i], &text);
        fwrite(text.data, 1, text.len, args->out);
    }
    buf_release(&text);
    return status;
}

/* store NULL: in the server that holds the folder. */
static enum cli_exit import_files(const struct args *args, struct store *store,
                                  struct import_options *o)
{
    static struct import_report reports[CLI_WORDS_MAX];
    struct err err;
    size_t n = 0;
    enum err_code code = ERR_OK;
    for (size_t i = 1; i < args->words_len && code == ERR_OK; i++) {
        o->path = args->words[i];
        code = store ? import_file(store, o, &reports[n], &err)
                     : import_there(args, o, &reports[n], &err);
        n++;
    }
    enum cli_exit printed = print_reports(args, reports, n);
    return code == ERR_OK ? printed : fail(args, &err);
}

static enum cli_exit run(const struct args *args)
{
    struct import_options o = {.format = args_flag(args, "--format"),
                               .mapping = args_flag(args, "--mapping"),
                               .charset = args_flag(args, "--charset"),
                               .currency = args_flag(args, "--currency"),
                               .dry_run = args_has(args, "--dry-run"),
                               .full = args_has(args, "--full"),
                               .force = args_has(args, "--force"),
                               .progress = progress_style_of(args)};
    struct store *store;
    struct err err;
    if (args_has(args, "--quarantine"))
        return import_quarantine(args);
    if (args->words_len < 2)
        return fail_usage(args, "expected a kind and a file");
    if (!import_kind_of(str_of(args->words[0]), &o.kind))
        return fail_usage(args, "'%s': expected products, users, events, orders or interactions",
                          args->words[0]);
    if (o.full && o.kind != IMPORT_PRODUCTS)
        return fail_usage(args, "--full is for products");
    signal_watch_stop();
    enum err_code code = open_store(args, false, false, &store, &err);
    if (code == ERR_CONFLICT && control_answers(args))
        return import_files(args, NULL, &o);
    if (code != ERR_OK)
        return fail_open(args, &err);
    enum cli_exit status = import_files(args, store, &o);
    store_close(store);
    return status;
}

static enum cli_exit run_within(const struct args *args, struct store *store)
{
    if (!args_has(args, "--quarantine"))
        return fail_usage(args, "files are imported by a job of the server");
    return import_quarantine_within(args, store);
}

const struct command cmd_import = {
    .name = "import",
    .summary = "Take in a file of products, users, events, orders or interactions",
    .usage = "products|users|events|orders|interactions [--mapping M] FILE...",
    .text =
        "Reads CSV, TSV, JSON Lines, JSON arrays and XML feeds, plain, gzip or zstd; \"-\" is\n"
        "standard input. Rows that break a rule go to quarantine with place and reason. A killed\n"
        "import continues where it was; a file that was imported adds nothing the second time.\n"
        "Ready mappings: google-merchant, shopify, woocommerce, online-retail.\n\n"
        "  aisle import products --mapping google-merchant feed.xml.gz\n"
        "  aisle import orders --mapping online-retail online_retail.csv\n"
        "  aisle import --quarantine list\n"
        "  aisle import events --quarantine retry\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_min = 0,
    .words_max = CLI_WORDS_MAX,
    .run = run,
    .run_within = run_within,
};
