/* A field's value: found, shaped as the mapping says, checked and converted. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/mem.h"
#include "ingest/html.h"
#include "ingest/mapping_int.h"
#include "ingest/timeformat.h"

#include "base/check.h"

/* --- beginning ------------------------------------------------------------------------------- */

static struct field cell(const struct record *rec, const struct map_column *c)
{
    return c->at < 0 ? (struct field){{NULL, 0}, FIELD_ABSENT} : rec->fields[c->at];
}

void row_init(struct row *row, struct mapping *m, const struct record *rec, struct arena *arena,
              int64_t now)
{
    *row = (struct row){.m = m, .rec = rec, .arena = arena, .now = now};
    if (rec->fault != REASON_NONE) {
        row->fault.reason = rec->fault;
        snprintf(row->fault.message, sizeof row->fault.message, "%s", rec->message);
    } else {
        row->rec = map_fill_record(row);
        row->filled = row->rec != rec;
    }
}

bool row_fail(struct row *row, enum target t, enum import_reason why, const char *fmt, ...)
{
    if (row->fault.reason != REASON_NONE)
        return false;
    row->fault.reason = why;
    row->fault.column = mapping_column(row->m, t);
    va_list ap;
    va_start(ap, fmt);
    int n = snprintf(row->fault.message, sizeof row->fault.message, "%s: ", target_name(t));
    vsnprintf(row->fault.message + n, sizeof row->fault.message - (size_t)n, fmt, ap);
    va_end(ap);
    return false;
}

/* --- the value ------------------------------------------------------------------------------- */

static struct str joined(struct row *row, const struct map_field *f)
{
    size_t n = 0;
    bool any = false;
    for (size_t i = 0; i < f->parts_len; i++) {
        const struct map_part *p = &f->parts[i];
        n += p->is_column ? cell(row->rec, &p->column).text.n : p->text.n;
    }
    char *to = n <= MAP_TEXT_MAX ? arena_try_alloc(row->arena, n + 1) : NULL;
    if (!to)
        return (struct str){NULL, 0};
    n = 0;
    for (size_t i = 0; i < f->parts_len; i++) {
        const struct map_part *p = &f->parts[i];
        struct str s = p->is_column ? str_trim(cell(row->rec, &p->column).text) : p->text;
        any |= p->is_column && s.n > 0;
        if (s.n)
            memcpy(to + n, s.p, s.n);
        n += s.n;
    }
    return any ? (struct str){to, n} : (struct str){NULL, 0};
}

static struct str replaced(struct row *row, const struct map_field *f, struct str s)
{
    for (size_t i = 0; i < f->replace_len && s.n; i++) {
        const struct map_pair *p = &f->replace[i];
        struct str rest = s;
        size_t at;
        if (p->from.n == 0 || str_search(s, p->from) == SIZE_MAX)
            continue;
        struct buf b;
        buf_init(&b, MAP_TEXT_MAX);
        while ((at = str_search(rest, p->from)) != SIZE_MAX) {
            buf_put(&b, rest.p, at);
            buf_put_str(&b, p->to);
            rest.p += at + p->from.n;
            rest.n -= at + p->from.n;
        }
        buf_put_str(&b, rest);
        s = arena_str(row->arena, buf_str(&b));
        buf_release(&b);
    }
    return s;
}

static size_t count_of(struct str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

/* Up to a separator that no backslash stands before. */
static struct str next_piece(struct str *rest, char by)
{
    struct str s = *rest;
    size_t at = 0;
    while (at < s.n && s.p[at] != by)
        at += s.p[at] == '\\' && at + 1 < s.n ? 2 : 1;
    *rest = at < s.n ? (struct str){s.p + at + 1, s.n - at - 1} : (struct str){NULL, 0};
    return str_trim((struct str){s.p, at < s.n ? at : s.n});
}

/* "a\,b" without its backslashes. */
static struct str without_escapes(struct row *row, struct str s, char by)
{
    char *to = memchr(s.n ? s.p : "", '\\', s.n) ? arena_try_alloc(row->arena, s.n) : NULL;
    size_t n = 0;
    if (!to)
        return s;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\\' || i + 1 == s.n || s.p[i + 1] != by)
            to[n++] = s.p[i];
    return (struct str){to, n};
}

struct str map_next_piece(struct row *row, struct str *rest, char by)
{
    return without_escapes(row, next_piece(rest, by), by);
}

static struct str split_part(struct row *row, const struct map_field *f, struct str s)
{
    struct str rest = s, found = {NULL, 0};
    for (int i = 0; rest.p; i++) {
        struct str piece = next_piece(&rest, f->split_by);
        bool wanted = f->split_take == SPLIT_DEEPEST
                          ? !found.p || count_of(piece, '>') > count_of(found, '>')
                          : i == f->split_take || f->split_take == -1;
        if (wanted)
            found = piece;
    }
    return without_escapes(row, found, f->split_by);
}

static struct str looked_up(const struct map_field *f, struct str s)
{
    for (size_t i = 0; i < f->lookup_len; i++)
        if (str_eq_nocase(f->lookup[i].from, s))
            return f->lookup[i].to;
    return s;
}

static struct str lowered(struct row *row, struct str s)
{
    char *to = arena_try_alloc(row->arena, s.n + 1);
    if (!to)
        return s;
    for (size_t i = 0; i < s.n; i++)
        to[i] = (char)tolower((unsigned char)s.p[i]); /* the "C" locale: ASCII only */
    return (struct str){to, s.n};
}

static struct str shaped(struct row *row, const struct map_field *f, struct str s)
{
    if (f->strip_prefix.n && str_starts(s, f->strip_prefix)) {
        s.p += f->strip_prefix.n;
        s.n -= f->strip_prefix.n;
    }
    if (f->strip_suffix.n && str_ends(s, f->strip_suffix))
        s.n -= f->strip_suffix.n;
    if (f->split_by)
        s = split_part(row, f, s);
    if (f->replace_len)
        s = replaced(row, f, s);
    if (f->lookup_len)
        s = looked_up(f, s);
    if (f->lower)
        s = lowered(row, s);
    if (f->html && s.n <= 4 * STORE_TEXT_MAX)
        s = html_to_text(s, row->arena);
    return s;
}

static struct str all_columns(struct row *row, const struct map_field *f)
{
    struct buf b;
    buf_init(&b, MAP_TEXT_MAX);
    for (size_t i = 0; i < f->join_len; i++) {
        struct str text = str_trim(cell(row->rec, &f->join[i]).text);
        if (text.n && b.len)
            buf_put_str(&b, f->join_by);
        if (text.n)
            buf_put_str(&b, text);
    }
    struct str s =
        b.full || b.len == 0 ? (struct str){NULL, 0} : arena_str(row->arena, buf_str(&b));
    buf_release(&b);
    return s;
}

static struct str value_of(struct row *row, const struct map_field *f, enum field_kind *kind)
{
    struct field found = {{NULL, 0}, FIELD_ABSENT};
    if (!f->set)
        return found.text;
    for (size_t i = 0; i < f->columns_len && found.text.n == 0; i++) {
        found = cell(row->rec, &f->columns[i]);
        found.text = str_trim(found.text);
    }
    if (kind)
        *kind = found.kind;
    if (f->plain)
        return found.text;
    if (f->constant.p)
        return f->constant;
    if (f->parts_len)
        found.text = joined(row, f);
    if (f->join_len)
        found.text = all_columns(row, f);
    if (found.text.n)
        found.text = shaped(row, f, found.text);
    return found.text.n ? found.text : f->absent;
}

struct str map_value(struct row *row, const struct map_field *f, enum field_kind *kind)
{
    struct str s = {NULL, 0};
    for (; f && s.n == 0; f = f->other) {
        if (kind)
            *kind = FIELD_TEXT;
        s = value_of(row, f, kind);
    }
    return s;
}

struct str row_value(struct row *row, enum target t, enum field_kind *kind)
{
    return map_value(row, &row->m->fields[t], kind);
}

/* A scalar: of repeated elements the first, and no object or array. */
static bool scalar(struct row *row, enum target t, struct str *out)
{
    enum field_kind kind;
    *out = row_value(row, t, &kind);
    if (kind == FIELD_JSON)
        return row_fail(row, t, REASON_UNKNOWN_VALUE,
                        "an array or object stands where a value is due");
    if (kind == FIELD_LIST)
        *out = str_trim(str_split(&(struct str){out->p, out->n}, '\n'));
    if (out->n == 0 && target_required(t, row->m->kind))
        return row_fail(row, t, REASON_MISSING, "missing");
    return true;
}

static const char *quoted(struct str s)
{
    static _Thread_local char out[64];
    return err_quote(out, sizeof out, s.p, s.n);
}

/* --- text ------------------------------------------------------------------------------------ */

bool row_id(struct row *row, enum target t, struct str *out)
{
    if (!scalar(row, t, out))
        return false;
    if (out->n > STORE_ID_MAX)
        return row_fail(row, t, REASON_BAD_ID, "an id of %zu bytes, above %d", out->n,
                        STORE_ID_MAX);
    for (size_t i = 0; i < out->n; i++)
        if ((unsigned char)out->p[i] < ' ' || out->p[i] == 0x7f)
            return row_fail(row, t, REASON_BAD_ID, "an id with a control character");
    return true;
}

bool row_text(struct row *row, enum target t, size_t max, struct str *out)
{
    if (!scalar(row, t, out))
        return false;
    if (out->n > max)
        return row_fail(row, t, REASON_TEXT_TOO_LONG, "%zu bytes, above %zu", out->n, max);
    return true;
}

/* --- numbers --------------------------------------------------------------------------------- */

/* A comma with one or two digits behind it, and then nothing, groups no thousands. */
static bool ends_in_decimals(struct str s)
{
    for (size_t digits = 1; digits <= 2 && digits < s.n; digits++) {
        if (!isdigit((unsigned char)s.p[s.n - digits]))
            return false;
        if (s.p[s.n - digits - 1] == ',')
            return true;
    }
    return false;
}

/* "1.299,00" and "1 299,00" to "1299.00"; "1,299.00" likewise where the point is decimal. */
static struct str plain_number(struct row *row, enum target t, struct str s)
{
    bool comma = row->m->fields[t].decimal_comma || ends_in_decimals(s);
    char group = comma ? '.' : ',', point = comma ? ',' : '.';
    if (point == '.' && !memchr(s.p, group, s.n))
        return s;
    char *to = arena_try_alloc(row->arena, s.n + 1);
    if (!to)
        return s;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool grouping = s.p[i] == group && n > 0 && i + 3 < s.n &&
                        isdigit((unsigned char)s.p[i + 1]) && isdigit((unsigned char)s.p[i + 2]) &&
                        isdigit((unsigned char)s.p[i + 3]);
        if (grouping || s.p[i] == ' ')
            continue;
        to[n++] = s.p[i] == point ? '.' : s.p[i];
    }
    return (struct str){to, n};
}

/* A number, only not one of ours: "99999999999999999999". */
static bool is_decimal(struct str s)
{
    size_t digits = 0, points = 0;
    for (size_t i = s.n && s.p[0] == '-'; i < s.n; i++) {
        digits += isdigit((unsigned char)s.p[i]) != 0;
        points += s.p[i] == '.';
        if (!isdigit((unsigned char)s.p[i]) && s.p[i] != '.')
            return false;
    }
    return digits > 0 && points <= 1;
}

bool row_i64(struct row *row, enum target t, int64_t lo, int64_t hi, int64_t absent, int64_t *out)
{
    struct str s;
    struct err err;
    if (!scalar(row, t, &s))
        return false;
    *out = absent;
    if (s.n == 0)
        return true;
    if (row->m->yaml)
        s = plain_number(row, t, s);
    if (s.n > 2 && str_ends(s, STR_LIT(".0"))) /* a whole number that went through a spreadsheet */
        s.n -= 2;
    bool whole = str_parse_i64(s, INT64_MIN, INT64_MAX, out, &err) == ERR_OK;
    if (!whole && !(is_decimal(s) && !memchr(s.p, '.', s.n)))
        return row_fail(row, t, REASON_BAD_NUMBER, "'%s' is not a whole number", quoted(s));
    if (!whole || *out < lo || *out > hi)
        return row_fail(row, t, REASON_OUT_OF_RANGE, "%s is not between %lld and %lld", quoted(s),
                        (long long)lo, (long long)hi);
    return true;
}

/* Files of shops say "untracked" (our word, by a lookup), count what was sold too often as less than
 * nothing, and know half pieces. */
bool row_stock(struct row *row, int64_t *out)
{
    double pieces;
    struct err err;
    struct str s = row_value(row, TO_STOCK, NULL);
    *out = STORE_STOCK_UNTRACKED;
    if (mapping_is_native(row->m))
        return row_i64(row, TO_STOCK, STORE_STOCK_UNTRACKED, STORE_AMOUNT_MAX,
                       STORE_STOCK_UNTRACKED, out);
    if (s.n == 0 || str_is(s, "untracked") || mapping_matches(row->m, RULE_UNTRACKED, row->rec))
        return true;
    if (str_parse_double(plain_number(row, TO_STOCK, s), &pieces, &err) != ERR_OK)
        return row_fail(row, TO_STOCK, REASON_BAD_NUMBER, "'%s' is not a number", quoted(s));
    if (pieces > (double)STORE_AMOUNT_MAX)
        return row_fail(row, TO_STOCK, REASON_OUT_OF_RANGE, "%s is more than %lld", quoted(s),
                        (long long)STORE_AMOUNT_MAX);
    *out = pieces > 0 ? (int64_t)pieces : 0;
    return true;
}

bool row_picture(struct row *row, struct str *url, int64_t *position)
{
    struct err err;
    *url = map_value(row, &row->m->pictures.url, NULL);
    struct str at = map_value(row, &row->m->pictures.position, NULL);
    if (at.n == 0 || str_parse_i64(at, 0, INT32_MAX, position, &err) != ERR_OK)
        *position = INT64_MAX;
    return url->n > 0;
}

bool row_double(struct row *row, enum target t, double lo, double hi, double *out)
{
    struct str s;
    struct err err;
    if (!scalar(row, t, &s))
        return false;
    *out = 0;
    if (s.n == 0)
        return true;
    if (row->m->yaml)
        s = plain_number(row, t, s);
    if (str_parse_double(s, out, &err) != ERR_OK)
        return row_fail(row, t, REASON_BAD_NUMBER, "'%s' is not a number", quoted(s));
    if (*out < lo || *out > hi)
        return row_fail(row, t, REASON_OUT_OF_RANGE, "%s is not between %g and %g", quoted(s), lo,
                        hi);
    return true;
}

bool row_bool(struct row *row, enum target t, bool absent, bool *out)
{
    static const char *const yes[] = {"true", "1", "yes", "y", "on"};
    static const char *const no[] = {"false", "0", "no", "n", "off"};
    struct str s;
    if (!scalar(row, t, &s))
        return false;
    *out = absent;
    if (s.n == 0)
        return true;
    for (size_t i = 0; i < 5; i++) {
        if (str_eq_nocase(s, str_of(yes[i]))) {
            *out = true;
            return true;
        }
        if (str_eq_nocase(s, str_of(no[i]))) {
            *out = false;
            return true;
        }
    }
    return row_fail(row, t, REASON_UNKNOWN_VALUE, "'%s' is neither true nor false", quoted(s));
}

/* --- time ------------------------------------------------------------------------------------ */

static bool parse_time(const struct map_field *f, struct str s, int64_t *out)
{
    struct err err;
    for (size_t i = 0; i < f->formats_len; i++)
        if (time_parse(f->formats[i], s, out))
            return true;
    return f->formats_len == 0 && clock_parse_iso(s, out, &err) == ERR_OK;
}

bool row_moment(struct row *row, enum target t, int64_t *out)
{
    struct str s;
    *out = 0;
    return scalar(row, t, &s) &&
           (s.n == 0 || parse_time(&row->m->fields[t], s, out) ||
            row_fail(row, t, REASON_BAD_TIME, "'%s' is not a time", quoted(s)));
}

bool row_time(struct row *row, enum target t, int64_t *out)
{
    struct mapping *m = row->m;
    struct str s;
    if (!scalar(row, t, &s))
        return false;
    *out = 0;
    if (s.n == 0)
        return true;
    if (str_eq(s, m->last_time_text)) {
        *out = m->last_time;
        return true;
    }
    if (!parse_time(&m->fields[t], s, out))
        return row_fail(row, t, REASON_BAD_TIME, "'%s' is not a time", quoted(s));
    enum time_fault fault = store_time_fault(*out, row->now);
    if (fault == TIME_ANCIENT)
        return row_fail(row, t, REASON_ANCIENT_TIME, "%s is before 1990", quoted(s));
    if (fault == TIME_FUTURE)
        return row_fail(row, t, REASON_FUTURE_TIME, "%s is in the future", quoted(s));
    if (s.n < sizeof m->last_time_buf) {
        memcpy(m->last_time_buf, s.p, s.n);
        m->last_time_text = (struct str){m->last_time_buf, s.n};
        m->last_time = *out;
    }
    return true;
}

/* --- money ----------------------------------------------------------------------------------- */

static bool letter(char c)
{
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool three_letters(const char *p)
{
    return letter(p[0]) && letter(p[1]) && letter(p[2]);
}

/* Three letters beside a digit, at either end, are a currency's code. */
static struct str cut_code(struct str *s)
{
    struct str code = {NULL, 0};
    if (s->n < 4)
        return code;
    struct str before = str_trim((struct str){s->p, s->n - 3});
    struct str behind = str_trim((struct str){s->p + 3, s->n - 3});
    if (three_letters(s->p + s->n - 3) && before.n &&
        isdigit((unsigned char)before.p[before.n - 1])) {
        code = (struct str){s->p + s->n - 3, 3};
        *s = before;
    } else if (three_letters(s->p) && behind.n && strchr("-.0123456789", behind.p[0])) {
        code = (struct str){s->p, 3};
        *s = behind;
    }
    return code;
}

/* Cut a currency off either end of an amount: "12.99 USD", "EUR 5", "£3.50". A symbol says nothing
 * certain ("$"), so it is dropped. */
static bool cut_currency(struct row *row, enum target t, struct str *s, currency_code *named)
{
    static const char *const symbols[] = {"\xc2\xa3", "\xe2\x82\xac", "$", "\xc2\xa5",
                                          "\xef\xbf\xa5"};
    struct str code = cut_code(s);
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        struct str symbol = str_of(symbols[i]);
        if (str_starts(*s, symbol))
            *s = str_trim((struct str){s->p + symbol.n, s->n - symbol.n});
        else if (str_ends(*s, symbol))
            *s = str_trim((struct str){s->p, s->n - symbol.n});
    }
    if (code.n && !currency_of(code, named))
        return row_fail(row, t, REASON_UNKNOWN_CURRENCY, "'%s' is no currency", quoted(code));
    return true;
}

/* The currency of an amount: the one it names must be the record's. */
static bool settle_currency(struct row *row, enum target t, currency_code named,
                            currency_code *currency)
{
    char a[4], b[4];
    if (*currency == 0)
        *currency = named ? named : row->m->currency;
    if (named && named != *currency)
        return row_fail(row, t, REASON_UNKNOWN_CURRENCY, "%s in a record in %s",
                        currency_name(named, a), currency_name(*currency, b));
    if (*currency == 0)
        return row_fail(row, t, REASON_UNKNOWN_CURRENCY, "no currency is given for this amount");
    return true;
}

static bool no_amount(struct row *row, enum target t, struct str s)
{
    if (is_decimal(s))
        return row_fail(row, t, REASON_OUT_OF_RANGE, "the amount %s is too large, or too exact",
                        quoted(s));
    return row_fail(row, t, REASON_BAD_MONEY, "'%s' is not an amount", quoted(s));
}

bool row_money(struct row *row, enum target t, currency_code *currency, int64_t *minor)
{
    const struct map_field *f = &row->m->fields[t];
    currency_code named = 0;
    struct str s;
    struct err err;
    *minor = STORE_NO_AMOUNT;
    if (!scalar(row, t, &s) || s.n == 0)
        return row->fault.reason == REASON_NONE;
    if (!f->major) {
        if (!settle_currency(row, t, 0, currency))
            return false;
        return row_i64(row, t, 0, STORE_AMOUNT_MAX, STORE_NO_AMOUNT, minor);
    }
    if (!cut_currency(row, t, &s, &named) || !settle_currency(row, t, named, currency))
        return false;
    s = plain_number(row, t, s);
    if (money_parse_minor(s, *currency, minor, NULL, &err) != ERR_OK)
        return no_amount(row, t, s);
    if (*minor < 0)
        return row_fail(row, t, REASON_OUT_OF_RANGE, "the amount %s is negative", quoted(s));
    return true;
}

bool row_micro(struct row *row, enum target t, currency_code currency, int64_t *micro)
{
    const struct map_field *f = &row->m->fields[t];
    currency_code named = 0;
    struct str s;
    struct err err;
    *micro = 0;
    if (!scalar(row, t, &s) || s.n == 0)
        return row->fault.reason == REASON_NONE;
    if (!f->major) {
        int64_t unit = 1000000, minor;
        for (int i = 0; i < currency_exponent(currency); i++)
            unit /= 10;
        if (!row_i64(row, t, -STORE_AMOUNT_MAX, STORE_AMOUNT_MAX, 0, &minor))
            return false;
        *micro = minor * unit;
        return true;
    }
    if (!cut_currency(row, t, &s, &named) || !settle_currency(row, t, named, &currency))
        return false;
    s = plain_number(row, t, s);
    if (money_parse_micro(s, micro, &err) != ERR_OK)
        return no_amount(row, t, s);
    return true;
}

bool row_currency(struct row *row, currency_code *out)
{
    struct str s;
    *out = 0;
    if (!scalar(row, TO_CURRENCY, &s))
        return false;
    if (s.n == 0)
        return true;
    if (!currency_of(s, out))
        return row_fail(row, TO_CURRENCY, REASON_UNKNOWN_CURRENCY, "'%s' is no currency",
                        quoted(s));
    return true;
}
