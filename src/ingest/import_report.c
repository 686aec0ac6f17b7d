/* What an import counted: as JSON (also kept in the checkpoint), and for people. */
#include <inttypes.h>
#include <stddef.h>

#include "base/json_reader.h"
#include "ingest/import_int.h"

#include "base/check.h"

static const struct {
    const char *name;
    size_t at;
} counters[] = {
    {"bytes", offsetof(struct import_report, bytes)},
    {"lines", offsetof(struct import_report, lines)},
    {"accepted", offsetof(struct import_report, accepted)},
    {"merged", offsetof(struct import_report, merged)},
    {"quarantined", offsetof(struct import_report, quarantined)},
    {"skipped", offsetof(struct import_report, skipped)},
    {"created", offsetof(struct import_report, created)},
    {"changed", offsetof(struct import_report, changed)},
    {"unchanged", offsetof(struct import_report, unchanged)},
    {"deactivated", offsetof(struct import_report, deactivated)},
    {"invoices", offsetof(struct import_report, invoices)},
    {"customers", offsetof(struct import_report, customers)},
    {"skus", offsetof(struct import_report, skus)},
    {"sale_lines", offsetof(struct import_report, sale_lines)},
    {"return_lines", offsetof(struct import_report, return_lines)},
    {"adjustment_lines", offsetof(struct import_report, adjustment_lines)},
    {"charge_lines", offsetof(struct import_report, charge_lines)},
    {"guest_lines", offsetof(struct import_report, guest_lines)},
    {"returns_matched", offsetof(struct import_report, returns_matched)},
    {"near_skus", offsetof(struct import_report, near_skus)},
    {"products_made", offsetof(struct import_report, products_made)},
};
enum { COUNTERS = sizeof counters / sizeof *counters };

static uint64_t get(const struct import_report *r, size_t i)
{
    uint64_t v;
    memcpy(&v, (const char *)r + counters[i].at, sizeof v);
    return v;
}

void import_report_json(const struct import_report *r, struct json_writer *w)
{
    jw_obj(w);
    JW_Z(w, "kind", import_kind_name(r->kind));
    JW_BOOL(w, "dry_run", r->dry_run);
    JW_BOOL(w, "again", r->again);
    JW_BOOL(w, "resumed", r->resumed);
    for (size_t i = 0; i < COUNTERS; i++) {
        jw_key(w, str_of(counters[i].name));
        jw_u64(w, get(r, i));
    }
    JW_I64(w, "net_revenue_minor", r->net_revenue_minor);
    JW_Z(w, "currency", r->currency);
    JW_Z(w, "near_examples", r->near_examples);
    JW_KEY(w, "reasons");
    import_reasons_write(r->by_reason, w);
    JW_DECIMAL(w, "seconds", r->seconds, 3);
    jw_obj_end(w);
}

static void read_reasons(struct json_reader *jr, struct import_report *out)
{
    struct str key;
    int64_t n;
    if (!jr_obj(jr))
        return;
    while (jr_key(jr, &key))
        for (unsigned i = 0; i < IMPORT_REASONS; i++)
            if (str_is(key, import_reason_name((enum import_reason)i)) &&
                jr_i64(jr, 0, INT64_MAX, &n))
                out->by_reason[i] = (uint64_t)n;
}

static void read_member(struct json_reader *jr, struct str key, struct import_report *out)
{
    struct str text;
    int64_t n;
    for (size_t i = 0; i < COUNTERS; i++)
        if (str_is(key, counters[i].name) && jr_i64(jr, 0, INT64_MAX, &n)) {
            memcpy((char *)out + counters[i].at, &(uint64_t){(uint64_t)n}, sizeof(uint64_t));
            return;
        }
    if (str_is(key, "again"))
        jr_bool(jr, &out->again);
    else if (str_is(key, "resumed"))
        jr_bool(jr, &out->resumed);
    else if (str_is(key, "dry_run"))
        jr_bool(jr, &out->dry_run);
    else if (str_is(key, "kind") && jr_str(jr, &text))
        (void)import_kind_of(text, &out->kind);
    else if (str_is(key, "seconds"))
        jr_double(jr, &out->seconds);
    else if (str_is(key, "net_revenue_minor"))
        jr_i64(jr, INT64_MIN, INT64_MAX, &out->net_revenue_minor);
    else if (str_is(key, "currency") && jr_str_max(jr, 3, &text))
        memcpy(out->currency, text.p, text.n);
    else if (str_is(key, "near_examples") && jr_str_max(jr, sizeof out->near_examples - 1, &text))
        memcpy(out->near_examples, text.p, text.n);
    else if (str_is(key, "reasons"))
        read_reasons(jr, out);
}

bool import_report_read(struct import_report *out, struct str json)
{
    struct json_reader jr;
    struct err err;
    struct arena scratch;
    struct str key;
    struct import_report r = {.kind = out->kind};
    arena_init(&scratch, 0, STORE_JSON_MAX);
    jr_init(&jr, json, &scratch);
    if (jr_obj(&jr))
        while (jr_key(&jr, &key))
            read_member(&jr, key, &r);
    bool fine = jr_end(&jr, &err) == ERR_OK;
    arena_release(&scratch);
    if (fine)
        *out = r;
    return fine;
}

static void orders_text(const struct import_report *r, struct buf *out)
{
    buf_printf(out,
               "  %" PRIu64 " invoices, %" PRIu64 " customers, %" PRIu64 " products; %" PRIu64
               " sales, %" PRIu64 " returns (%" PRIu64 " matched to their sale), %" PRIu64
               " adjustments, %" PRIu64 " charges; %" PRIu64 " lines of guests\n",
               r->invoices, r->customers, r->skus, r->sale_lines, r->return_lines,
               r->returns_matched, r->adjustment_lines, r->charge_lines, r->guest_lines);
    buf_printf(out, "  net revenue %" PRId64 " minor units of %s\n", r->net_revenue_minor,
               r->currency[0] ? r->currency : "no currency");
    if (r->near_skus)
        buf_printf(out, "  %" PRIu64 " product ids differ from another in case alone: %s\n",
                   r->near_skus, r->near_examples);
}

void import_report_text(const struct import_report *r, struct buf *out)
{
    if (r->again)
        buf_puts(out, "this file was imported before; nothing was read. What it had:\n");
    buf_printf(out,
               "%s%s: %" PRIu64 " lines = %" PRIu64 " accepted + %" PRIu64 " merged + %" PRIu64
               " quarantined",
               r->dry_run ? "dry run, " : "", import_kind_name(r->kind), r->lines, r->accepted,
               r->merged, r->quarantined);
    if (r->seconds > 0)
        buf_printf(out, " in %.1f s (%.0f lines/s)", r->seconds, (double)r->lines / r->seconds);
    buf_putc(out, '\n');
    if (r->kind == IMPORT_ORDERS)
        orders_text(r, out);
    if (r->kind == IMPORT_PRODUCTS || r->kind == IMPORT_USERS)
        buf_printf(out,
                   "  %" PRIu64 " created, %" PRIu64 " changed, %" PRIu64 " unchanged, %" PRIu64
                   " deactivated\n",
                   r->created, r->changed, r->unchanged, r->deactivated);
    for (unsigned i = 0; i < IMPORT_REASONS; i++)
        if (r->by_reason[i])
            buf_printf(out, "  quarantined: %s %" PRIu64 "\n",
                       import_reason_name((enum import_reason)i), r->by_reason[i]);
}
