/* rules_parse.c - a rule's record to a rule. */
#include <stdio.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "rank/filter_int.h"
#include "rank/rules.h"

static const char *const action_names[RULE_ACTIONS] = {
    [RULE_PIN] = "pin",   [RULE_BOOST] = "boost",     [RULE_BURY] = "bury",
    [RULE_HIDE] = "hide", [RULE_REQUIRE] = "require", [RULE_CAP] = "cap",
};

static const char *const audience_names[] = {"all", "known", "anonymous"};
static const char *const cap_names[CAP_BYS] = {"brand", "supplier_id", "category"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

enum { AUDIENCES = sizeof audience_names / sizeof *audience_names, DAYS = 7, DAY_MIN = 24 * 60 };

const char *rule_action_name(enum rule_action a)
{
    CHECK((unsigned)a < RULE_ACTIONS);
    return action_names[a];
}

/* One of names[n]; the failure lists them. */
static bool read_name(struct json_reader *r, const char *what, const char *const *names, size_t n,
                      size_t *out)
{
    struct str text;
    char known[160] = "";
    size_t len = 0;
    if (!jr_str(r, &text))
        return false;
    for (size_t i = 0; i < n; i++)
        if (str_is(text, names[i])) {
            *out = i;
            return true;
        }
    for (size_t i = 0; i < n && len < sizeof known; i++)
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "", names[i]);
    return jr_fail(r, ERR_INVALID, "%s: expected one of %s", what, known);
}

/* --- where ------------------------------------------------------------------------------------- */

static bool read_places(struct json_reader *r, struct arena *arena, struct rule *out)
{
    struct str *places = arena_try_alloc(arena, RULE_PLACES_MAX * sizeof *places);
    if (!places)
        return jr_fail(r, ERR_LIMIT, "placements: too large");
    out->places = places;
    if (!jr_arr(r))
        return false;
    while (jr_next(r)) {
        if (out->places_len == RULE_PLACES_MAX)
            return jr_fail(r, ERR_LIMIT, "placements: more than %d", RULE_PLACES_MAX);
        if (!jr_str_max(r, RULE_PLACE_MAX, &places[out->places_len++]))
            return false;
    }
    return true;
}

/* --- when -------------------------------------------------------------------------------------- */

static bool read_time(struct json_reader *r, const char *what, int64_t *out)
{
    struct str text;
    struct err why;
    if (jr_null(r))
        return true;
    if (!jr_str(r, &text))
        return false;
    if (clock_parse_iso(text, out, &why) != ERR_OK || *out <= 0)
        return jr_fail(r, ERR_INVALID, "schedule.%s: expected a time as 2026-11-28T08:00:00Z",
                       what);
    return true;
}

static bool read_days(struct json_reader *r, uint8_t *days)
{
    size_t day;
    if (!jr_arr(r))
        return false;
    while (jr_next(r)) {
        if (!read_name(r, "schedule.days", day_names, DAYS, &day))
            return false;
        *days |= (uint8_t)(1u << day);
    }
    return true;
}

/* "08:30" to minutes; "24:00" is the end of the day. */
static bool read_minute(struct json_reader *r, const char *what, int16_t *out)
{
    struct str text, rest;
    int64_t hour, minute;
    if (!jr_str(r, &text))
        return false;
    rest = text;
    struct str first = str_split(&rest, ':');
    if (first.n != 2 || rest.n != 2 || str_parse_i64(first, 0, 24, &hour, NULL) != ERR_OK ||
        str_parse_i64(rest, 0, 59, &minute, NULL) != ERR_OK || hour * 60 + minute > DAY_MIN)
        return jr_fail(r, ERR_INVALID, "schedule.hours.%s: expected 00:00 to 24:00", what);
    *out = (int16_t)(hour * 60 + minute);
    return true;
}

static bool read_hours(struct json_reader *r, struct rule *out)
{
    static const char *const names[] = {"from", "until"};
    struct jr_fields fields = {.names = names, .n = 2, .strict = true};
    int field;
    if (jr_obj(r))
        while ((field = jr_field(r, &fields)) >= 0)
            read_minute(r, names[field], field ? &out->hours_until : &out->hours_from);
    if (!r->failed && fields.seen != 3)
        return jr_fail(r, ERR_INVALID, "schedule.hours: from and until are needed");
    if (!r->failed && out->hours_from % DAY_MIN == out->hours_until % DAY_MIN)
        out->hours_from = out->hours_until = 0;
    return !r->failed;
}

static bool read_schedule(struct json_reader *r, struct rule *out)
{
    static const char *const names[] = {"from", "until", "days", "hours"};
    struct jr_fields fields = {.names = names, .n = 4, .strict = true};
    int field;
    if (jr_obj(r))
        while ((field = jr_field(r, &fields)) >= 0) {
            if (field < 2)
                read_time(r, names[field], field ? &out->until_us : &out->from_us);
            else if (field == 2)
                read_days(r, &out->days);
            else
                read_hours(r, out);
        }
    if (!r->failed && out->until_us && out->until_us <= out->from_us)
        return jr_fail(r, ERR_INVALID, "schedule.until: not after schedule.from");
    return !r->failed;
}

/* --- who and what ------------------------------------------------------------------------------ */

static bool read_filter(struct json_reader *r, const char *what, struct arena *arena,
                        const struct filter **out)
{
    struct str text;
    struct filter *filter;
    struct err why;
    if (!jr_str(r, &text))
        return false;
    enum err_code code = filter_parse(text, arena, &filter, &why);
    if (code != ERR_OK)
        return jr_fail(r, code, "%s: %s", what, why.msg);
    *out = filter;
    return true;
}

/* A term that shoppers do not have; NULL: none. */
static const struct filter *foreign_term(const struct filter *f)
{
    if (!f || f->kind != FILTER_TERM) {
        const struct filter *found = f ? foreign_term(f->left) : NULL;
        return found || !f ? found : foreign_term(f->right);
    }
    bool attribute = (f->field == FIELD_FACET || f->field == FIELD_ATTRIBUTE_NUMBER) &&
                     str_starts(f->facet, STR_LIT("attributes."));
    return attribute ? NULL : f;
}

static bool read_shoppers(struct json_reader *r, struct arena *arena, struct rule *out)
{
    if (!read_filter(r, "audience.filter", arena, &out->shoppers))
        return false;
    const struct filter *bad = foreign_term(out->shoppers);
    char quoted[64];
    return !bad ||
           jr_fail(r, ERR_INVALID,
                   "audience.filter: '%s' is nothing that a shopper has; attributes.NAME is",
                   err_quote(quoted, sizeof quoted, bad->text.p, bad->text.n));
}

static bool read_audience(struct json_reader *r, struct arena *arena, struct rule *out)
{
    static const char *const names[] = {"shoppers", "filter"};
    struct jr_fields fields = {.names = names, .n = 2, .strict = true};
    size_t who = AUDIENCE_ALL;
    int field;
    if (jr_obj(r))
        while ((field = jr_field(r, &fields)) >= 0) {
            if (field == 0)
                read_name(r, "audience.shoppers", audience_names, AUDIENCES, &who);
            else
                read_shoppers(r, arena, out);
        }
    out->audience = (enum rule_audience)who;
    if (!r->failed && out->shoppers && who == AUDIENCE_ANONYMOUS)
        return jr_fail(r, ERR_INVALID, "audience: of anonymous shoppers no attributes are known");
    return !r->failed;
}

/* --- the action -------------------------------------------------------------------------------- */

enum { TYPE, POSITION, FACTOR, COUNT, BY, ACTION_FIELDS };

static const char *const action_fields[ACTION_FIELDS] = {
    [TYPE] = "type", [POSITION] = "position", [FACTOR] = "factor", [COUNT] = "count", [BY] = "by"};

static bool read_factor(struct json_reader *r, float *out)
{
    double factor;
    if (!jr_double(r, &factor))
        return false;
    *out = (float)factor;
    return (factor >= 1 / RULE_FACTOR_MAX && factor <= RULE_FACTOR_MAX) ||
           jr_fail(r, ERR_INVALID, "action.factor: expected %g to %g", 1 / RULE_FACTOR_MAX,
                   RULE_FACTOR_MAX);
}

/* Each type has its members, and no others. */
static bool check_action(struct json_reader *r, uint64_t seen, const struct rule *out)
{
    static const uint64_t members[RULE_ACTIONS] = {[RULE_PIN] = 1u << POSITION,
                                                   [RULE_BOOST] = 1u << FACTOR,
                                                   [RULE_BURY] = 1u << FACTOR,
                                                   [RULE_REQUIRE] = 1u << COUNT,
                                                   [RULE_CAP] = 1u << COUNT | 1u << BY};
    if (!(seen & 1u << TYPE))
        return jr_fail(r, ERR_INVALID, "action.type: missing");
    for (int i = TYPE + 1; i < ACTION_FIELDS; i++)
        if ((seen ^ members[out->action]) >> i & 1)
            return jr_fail(r, ERR_INVALID, "action.%s: %s by %s", action_fields[i],
                           seen >> i & 1 ? "not taken" : "needed", action_names[out->action]);
    if (out->action == RULE_BOOST && out->factor < 1)
        return jr_fail(r, ERR_INVALID, "action.factor: a boost has at least 1; bury makes less");
    if (out->action == RULE_BURY && out->factor > 1)
        return jr_fail(r, ERR_INVALID, "action.factor: a bury has at most 1; boost makes more");
    if (out->action == RULE_REQUIRE && out->count == 0)
        return jr_fail(r, ERR_INVALID, "action.count: to require none is no rule");
    return true;
}

static bool read_action(struct json_reader *r, struct rule *out)
{
    struct jr_fields fields = {.names = action_fields, .n = ACTION_FIELDS, .strict = true};
    size_t type = 0, by = 0;
    int64_t position = 0, count = 0;
    int field;
    if (jr_obj(r))
        while ((field = jr_field(r, &fields)) >= 0) {
            if (field == TYPE)
                read_name(r, "action.type", action_names, RULE_ACTIONS, &type);
            else if (field == POSITION)
                jr_i64(r, 1, RULE_POSITION_MAX, &position);
            else if (field == FACTOR)
                read_factor(r, &out->factor);
            else if (field == COUNT)
                jr_i64(r, 0, RULE_COUNT_MAX, &count);
            else
                read_name(r, "action.by", cap_names, CAP_BYS, &by);
        }
    out->action = (enum rule_action)type;
    out->position = (uint32_t)position;
    out->count = (uint32_t)count;
    out->cap_by = (enum rule_cap_by)by;
    return !r->failed && check_action(r, fields.seen, out);
}

enum { PLACEMENTS, SCHEDULE, AUDIENCE, PRODUCTS, ACTION, OF_RECORD };

static void read_member(struct json_reader *r, int member, struct arena *arena, struct rule *out)
{
    if (jr_null(r))
        return;
    if (member == PLACEMENTS)
        read_places(r, arena, out);
    else if (member == SCHEDULE)
        read_schedule(r, out);
    else if (member == AUDIENCE)
        read_audience(r, arena, out);
    else if (member == PRODUCTS)
        read_filter(r, "products", arena, &out->products);
    else if (member == ACTION)
        read_action(r, out);
    else
        jr_skip(r);
}

enum err_code rule_parse(const struct rule_row *row, struct arena *arena, struct rule *out,
                         struct err *err)
{
    /* Those of the record may stand there too, so that a whole rule can be checked as it was sent. */
    static const char *const names[] = {"placements", "schedule", "audience", "products", "action",
                                        "id",         "name",     "enabled",  "priority"};
    struct jr_fields fields = {.names = names, .n = sizeof names / sizeof *names, .strict = true};
    struct json_reader r;
    int member;
    bool acts = false;
    *out = (struct rule){.no = row->no,
                         .id = row->id,
                         .name = row->name,
                         .enabled = row->enabled,
                         .priority = row->priority};
    jr_init(&r, row->definition, arena);
    if (jr_obj(&r))
        while ((member = jr_field(&r, &fields)) >= 0) {
            acts |= member == ACTION && jr_peek(&r) != JR_NULL;
            read_member(&r, member, arena, out);
        }
    if (!r.failed && !acts)
        jr_fail(&r, ERR_INVALID, "action: missing");
    return jr_end(&r, err);
}
