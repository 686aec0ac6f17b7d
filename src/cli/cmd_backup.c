/* cmd_backup.c - `aisle backup` and `aisle restore`. */
#include "store/backup.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/signal.h"
#include "cli/cli.h"
#include "cli/commands.h"

static enum cli_exit print_summary(const struct args *args, const char *verb, const char *where,
                                   const struct backup_summary *s)
{
    struct result result;
    char at[CLOCK_ISO_SIZE];
    result_begin(&result);
    jw_obj(&result.w);
    JW_I64(&result.w, "files", s->files);
    JW_I64(&result.w, "bytes", s->bytes);
    JW_TIME(&result.w, "made_at", s->made_at);
    JW_I64(&result.w, "schema", s->schema_version);
    jw_obj_end(&result.w);
    if (!args->json)
        printf("%s %s: %" PRId64 " files, %" PRId64 " bytes, as of %s.\n", verb, where, s->files,
               s->bytes, clock_format_iso(s->made_at, at));
    return result_end(args, &result, EXIT_FINE);
}

/* The store tells how many pages are done; the total is known with the first of them. */
static bool show_progress(void *arg, int64_t done, int64_t total)
{
    struct progress *p = arg;
    p->total = (uint64_t)total;
    progress_add(p, (uint64_t)done - p->done);
    return !signal_stopping();
}

static enum cli_exit run_backup(const struct args *args)
{
    struct store *store;
    struct progress progress;
    struct backup_summary summary;
    struct err err;
    signal_watch_stop();
    if (open_store(args, true, true, &store, &err) != ERR_OK)
        return fail(args, &err);
    progress_open(&progress, "backup", "pages", 0, progress_style_of(args));
    enum err_code code =
        backup_make(store, args->words[0], show_progress, &progress, &summary, &err);
    progress_close(&progress);
    store_close(store);
    if (code == ERR_OK)
        code = backup_verify(args->words[0], &summary, &err);
    return code == ERR_OK ? print_summary(args, "Backed up to", args->words[0], &summary)
                          : fail(args, &err);
}

const struct command cmd_backup = {
    .name = "backup",
    .summary = "Copy the whole shop, while it runs, and verify the copy",
    .usage = "DIR",
    .text = "DIR must be missing or empty. The copy is of one moment: database, pictures and\n"
            "models, with a manifest of checksums, which is read back and compared. A server may\n"
            "run on the folder meanwhile.\n\n"
            "  aisle backup /backups/2026-11-23\n"
            "  aisle restore /backups/2026-11-23 --data /srv/shop\n",
    .words_min = 1,
    .words_max = 1,
    .run = run_backup,
};

static const struct flag restore_flags[] = {
    {"--verify", NULL, "only read the backup and say whether it is whole"},
};

static enum cli_exit run_restore(const struct args *args)
{
    struct backup_summary summary;
    struct err err;
    bool verify = args_has(args, "--verify");
    enum err_code code = verify ? backup_verify(args->words[0], &summary, &err)
                                : backup_restore(args->words[0], data_dir(args), &summary, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    return verify ? print_summary(args, "Whole:", args->words[0], &summary)
                  : print_summary(args, "Restored into", data_dir(args), &summary);
}

const struct command cmd_restore = {
    .name = "restore",
    .summary = "Make the data folder from a backup",
    .usage = "FROM [--verify]",
    .text = "Verifies every file first, then copies into the data folder, which must be missing\n"
            "or empty. With --verify nothing is written.\n\n"
            "  aisle restore /backups/2026-11-23 --data /srv/shop\n",
    .flags = restore_flags,
    .flags_len = 1,
    .words_min = 1,
    .words_max = 1,
    .run = run_restore,
};
