#include "cli/import_quarantine.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/signal.h"
#include "ingest/retry.h"
#include "store/quarantine.h"

/* What found its kind full. */
static enum err_code list_dropped(struct db *db, struct str kind, bool json, struct json_writer *w,
                                  struct err *err)
{
    struct db_rows rows = {0};
    bool more = true;
    enum err_code rc = quarantine_kinds(db, &rows, err);
    while (rc == ERR_OK && more) {
        struct quarantine_kind k;
        rc = quarantine_kinds_next(&rows, &k, &more, err);
        if (rc != ERR_OK || !more || k.dropped == 0 || (kind.n && !str_eq(kind, k.kind)))
            continue;
        if (!json) {
            buf_printf(w->out, "%-14.*s %-18s %" PRId64 "\n", STR_ARG(k.kind), "(not kept)",
                       k.dropped);
            continue;
        }
        jw_obj(w);
        JW_STR(w, "kind", k.kind);
        JW_I64(w, "dropped", k.dropped);
        jw_obj_end(w);
    }
    db_rows_close(&rows);
    return rc;
}

/* Counts by kind and reason. */
static enum err_code list(struct db *db, struct str kind, bool json, struct buf *out,
                          struct err *err)
{
    struct db_rows rows = {0};
    struct json_writer w;
    bool more = true;
    jw_init(&w, out);
    if (json)
        jw_arr(&w);
    enum err_code rc = quarantine_counts(db, &rows, err);
    while (rc == ERR_OK && more) {
        struct quarantine_count c;
        rc = quarantine_counts_next(&rows, &c, &more, err);
        if (rc != ERR_OK || !more || (kind.n && !str_eq(kind, c.kind)))
            continue;
        if (!json) {
            buf_printf(out, "%-14.*s %-18.*s %" PRId64 "\n", STR_ARG(c.kind), STR_ARG(c.reason),
                       c.rows);
            continue;
        }
        jw_obj(&w);
        JW_STR(&w, "kind", c.kind);
        JW_STR(&w, "reason", c.reason);
        JW_I64(&w, "rows", c.rows);
        jw_obj_end(&w);
    }
    db_rows_close(&rows);
    if (rc == ERR_OK)
        rc = list_dropped(db, kind, json, &w, err);
    if (json) {
        jw_arr_end(&w);
        jw_newline(&w);
    }
    return rc;
}

static void export_row(const struct quarantine *q, struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "kind", q->kind);
    JW_STR(w, "source", q->source);
    JW_U64(w, "line", q->line);
    JW_U64(w, "column", q->column);
    JW_STR(w, "reason", q->reason);
    JW_STR(w, "message", q->message);
    JW_STR(w, "raw", q->raw);
    JW_BOOL(w, "raw_cut", q->raw_cut);
    JW_TIME(w, "at", q->at);
    jw_obj_end(w);
    jw_newline(w);
}

/* Every open row as a JSON line, page by page. */
static enum err_code export_rows(struct db *db, struct str kind, FILE *to, struct buf *out,
                                 struct err *err)
{
    enum { PAGE = 1000 };
    int64_t after = 0;
    enum err_code rc = ERR_OK;
    for (size_t n = PAGE; rc == ERR_OK && n == PAGE;) {
        struct db_rows rows = {0};
        bool more = true;
        struct json_writer w;
        buf_reset(out);
        jw_init(&w, out);
        rc = quarantine_list(db, kind, (struct str){NULL, 0}, after, PAGE, &rows, err);
        for (n = 0; rc == ERR_OK && more; n++) {
            struct quarantine q;
            rc = quarantine_next(&rows, &q, &more, err);
            if (rc != ERR_OK || !more)
                break;
            after = q.no;
            export_row(&q, &w);
        }
        db_rows_close(&rows);
        fwrite(out->data ? out->data : "", 1, out->len, to);
    }
    buf_reset(out);
    return rc;
}

static void print_retried(const struct args *args, const struct retry_report *r, struct buf *out)
{
    struct json_writer w;
    jw_init(&w, out);
    if (args->json) {
        retry_report_json(r, &w);
        jw_newline(&w);
    } else {
        buf_printf(out,
                   "%" PRIu64 " rows tried: %" PRIu64 " taken, %" PRIu64 " refused again, %" PRIu64
                   " cannot be tried\n",
                   r->tried, r->taken, r->refused, r->impossible);
    }
}

static enum cli_exit retry(const struct args *args, struct store *store)
{
    struct retry_options o = {.mapping = args_flag(args, "--mapping"),
                              .currency = args_flag(args, "--currency")};
    struct retry_report r;
    struct buf out;
    struct err err;
    if (args->words_len == 0 || !import_kind_of(str_of(args->words[0]), &o.kind))
        return fail_usage(args, "expected products, users, events, orders or interactions");
    enum err_code code = import_retry(store, &o, &r, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    buf_init(&out, 1 << 20);
    print_retried(args, &r, &out);
    fwrite(out.data, 1, out.len, args->out);
    buf_release(&out);
    return EXIT_FINE;
}

/* list and export */
static enum cli_exit look(const struct args *args, struct store *store, bool all)
{
    struct str kind_name = args->words_len ? str_of(args->words[0]) : (struct str){NULL, 0};
    enum import_kind kind;
    struct db *db;
    struct buf out;
    struct err err;
    if (kind_name.n && !import_kind_of(kind_name, &kind))
        return fail_usage(args, "expected products, users, events, orders or interactions");
    enum err_code code = store_read_begin(store, &db, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    buf_init(&out, 64 << 20);
    code = all ? export_rows(db, kind_name, args->out, &out, &err)
               : list(db, kind_name, args->json, &out, &err);
    store_read_end(store, db);
    fwrite(out.data ? out.data : "", 1, out.len, args->out);
    buf_release(&out);
    return code == ERR_OK ? EXIT_FINE : fail(args, &err);
}

enum cli_exit import_quarantine_within(const struct args *args, struct store *store)
{
    const char *what = args_flag(args, "--quarantine");
    bool retries = strcmp(what, "retry") == 0;
    if (!retries && strcmp(what, "list") != 0 && strcmp(what, "export") != 0)
        return fail_usage(args, "--quarantine %s: expected list, retry or export", what);
    return retries ? retry(args, store) : look(args, store, strcmp(what, "export") == 0);
}

enum cli_exit import_quarantine(const struct args *args)
{
    struct store *store;
    struct err err;
    enum cli_exit status;
    if (strcmp(args_flag(args, "--quarantine"), "retry") == 0) {
        signal_watch_stop();
        if (!open_or_hand_over(args, &store, &status))
            return status;
    } else if (open_store(args, true, true, &store, &err) != ERR_OK) {
        return fail(args, &err);
    }
    status = import_quarantine_within(args, store);
    store_close(store);
    return status;
}
