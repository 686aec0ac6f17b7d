/* rules_asker.c - who asks, and when: audience and schedule. */
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "rank/rules_int.h"
#include "text/fold.h"

enum { DAY_MIN = 24 * 60 };

/* --- when -------------------------------------------------------------------------------------- */

static bool in_hours(const struct rule *rule, int minute)
{
    int from = rule->hours_from, until = rule->hours_until;
    if (from == until)
        return true;
    return from < until ? minute >= from && minute < until : minute >= from || minute < until;
}

bool rule_in_season(const struct rule *rule, int64_t now_us, int32_t utc_offset_min)
{
    if (now_us < rule->from_us || (rule->until_us && now_us >= rule->until_us))
        return false;
    if (rule->days == 0 && rule->hours_from == rule->hours_until)
        return true;
    struct clock_civil here = clock_civil_of(now_us + utc_offset_min * 60 * CLOCK_US_PER_S);
    return (rule->days == 0 || rule->days >> here.weekday & 1) &&
           in_hours(rule, here.hour * 60 + here.minute);
}

/* --- who --------------------------------------------------------------------------------------- */

enum truth { NO, YES, UNKNOWN };

static bool same_text(struct str a, struct str b)
{
    struct buf x, y;
    buf_init(&x, FILTER_BYTES_MAX * 8);
    buf_init(&y, STORE_JSON_MAX * 8);
    bool same = text_fold(a, &x, NULL) == ERR_OK && text_fold(b, &y, NULL) == ERR_OK &&
                str_eq(buf_str(&x), buf_str(&y));
    buf_release(&x);
    buf_release(&y);
    return same;
}

static bool in_range(const struct filter_range *r, double v)
{
    return (r->low_open ? v > r->low : v >= r->low) && (r->high_open ? v < r->high : v <= r->high);
}

static bool text_is(const struct filter *f, struct str text)
{
    for (size_t i = 0; i < f->values_len; i++)
        if (same_text(f->values[i], text))
            return true;
    return false;
}

static bool number_is(const struct filter *f, double v)
{
    double wanted;
    for (size_t i = 0; i < f->values_len; i++)
        if (str_parse_double(f->values[i], &wanted, NULL) == ERR_OK && wanted == v)
            return true;
    return false;
}

/* One value of the attribute, which is read; those of lists one by one. *number: some was one. */
static bool value_matches(const struct filter *f, struct json_reader *r, bool *number)
{
    struct str text;
    double v;
    bool flag, any = false;
    switch (jr_peek(r)) {
    case JR_NUMBER:
        *number = jr_double(r, &v) || *number;
        if (r->failed)
            return false;
        return f->op == FILTER_EXISTS ||
               (f->op == FILTER_RANGE ? in_range(&f->range, v) : number_is(f, v));
    case JR_STRING:
        return jr_str(r, &text) &&
               (f->op == FILTER_EXISTS || (f->op == FILTER_EQ && text_is(f, text)));
    case JR_BOOL:
        return jr_bool(r, &flag) &&
               (f->op == FILTER_EXISTS ||
                (f->op == FILTER_EQ && text_is(f, str_of(flag ? "true" : "false"))));
    case JR_ARRAY:
        if (jr_arr(r))
            while (jr_next(r) && jr_peek(r) != JR_ARRAY)
                any = value_matches(f, r, number) || any;
        return any;
    case JR_NONE:
    case JR_NULL:
    case JR_OBJECT:
        jr_skip(r);
        return false;
    }
    UNREACHABLE();
}

static enum truth test_term(const struct filter *f, struct str attributes, struct arena *arena)
{
    const struct str prefix = STR_LIT("attributes.");
    struct str name = {f->facet.p + prefix.n, f->facet.n - prefix.n}, key;
    struct json_reader r;
    bool matches = false, number = false;
    jr_init(&r, attributes.n ? attributes : STR_LIT("{}"), arena);
    if (jr_obj(&r))
        while (!matches && jr_key(&r, &key))
            if (str_eq(key, name))
                matches = value_matches(f, &r, &number);
    if (matches && !r.failed)
        return YES;
    return f->op == FILTER_RANGE && !number ? UNKNOWN : NO;
}

static enum truth test(const struct filter *f, struct str attributes, struct arena *arena)
{
    if (f->kind == FILTER_TERM)
        return test_term(f, attributes, arena);
    enum truth left = test(f->left, attributes, arena);
    if (f->kind == FILTER_NOT)
        return left == UNKNOWN ? UNKNOWN : left == YES ? NO : YES;
    enum truth right = test(f->right, attributes, arena),
               decides = f->kind == FILTER_AND ? NO : YES;
    if (left == decides || right == decides)
        return decides;
    return left == UNKNOWN || right == UNKNOWN ? UNKNOWN : left;
}

bool rules_attributes_match(const struct filter *f, struct str attributes, struct arena *arena)
{
    return test(f, attributes, arena) == YES;
}
