/* rules.c - /v1/rules: business rules, written, tried and listed. */
#include "store/rules.h"

#include <sodium.h>

#include "api/list.h"
#include "base/clock.h"
#include "rank/rules.h"
#include "recommend/experiment_set.h"
#include "recommend/recommend.h"

enum { RULE_ID_RANDOM = 6, PRIORITY_USUAL = 100, NO_BITS = 36 };

/* --- telling ----------------------------------------------------------------------------------- */

/* The members that are a rule's own; what was absent stays so. */
static void write_definition(struct call *call, struct str definition, struct json_writer *w)
{
    struct json_reader r;
    struct str key, value;
    jr_init(&r, definition, call->arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key) && jr_raw(&r, &value)) {
            jw_key(w, key);
            jw_raw(w, value);
        }
}

/* The experiments that decide about it. */
static void write_experiments(struct call *call, struct str id, struct json_writer *w)
{
    const struct experiment_set *s = experiments_of(call->view);
    JW_ARR(w, "experiments");
    for (size_t i = 0; s && i < s->len; i++)
        if (experiment_entry_names_rule(&s->entries[i], id)) {
            jw_obj(w);
            JW_STR(w, "id", s->entries[i].record.id);
            JW_Z(w, "state", experiment_state_name(s->entries[i].record.state));
            jw_obj_end(w);
        }
    jw_arr_end(w);
}

static void write_members(struct call *call, const struct rule_row *row, struct json_writer *w)
{
    struct rule rule;
    struct err why;
    JW_STR(w, "id", row->id);
    JW_STR(w, "name", row->name);
    JW_BOOL(w, "enabled", row->enabled);
    JW_I64(w, "priority", row->priority);
    write_definition(call, row->definition, w);
    JW_TIME(w, "created_at", row->created_at);
    JW_TIME(w, "updated_at", row->updated_at);
    write_experiments(call, row->id, w);
    if (rule_parse(row, call->arena, &rule, &why) != ERR_OK)
        JW_Z(w, "error", why.msg); /* a later version wrote it: it is not in force */
}

static enum err_code write_warnings(struct call *call, const struct rule_row *row,
                                    struct json_writer *w, struct err *err)
{
    struct rule rule;
    struct rule_warning *found = ARENA_NEW(call->arena, struct rule_warning, RULE_WARNINGS_MAX);
    size_t n = 0;
    enum err_code code = ERR_OK;
    JW_ARR(w, "warnings");
    if (rule_parse(row, call->arena, &rule, NULL) == ERR_OK)
        code = rules_warn(call->view, &rule, clock_now_us(), call->arena, found, &n, err);
    for (size_t i = 0; i < n; i++) {
        jw_obj(w);
        JW_Z(w, "code", found[i].code);
        if (found[i].other)
            JW_STR(w, "rule_id", found[i].other->id);
        JW_Z(w, "text", found[i].text);
        jw_obj_end(w);
    }
    jw_arr_end(w);
    return code;
}

/* --- listing ----------------------------------------------------------------------------------- */

/* A cursor holds what rules are ordered by. */
static int64_t cursor_of(const struct rule_row *row)
{
    return (int64_t)row->priority << NO_BITS | row->no;
}

static enum err_code read_rules(struct call *call, struct db *db, struct page *page, void *arg,
                                struct err *err)
{
    struct db_rows rows = {0};
    struct rule_row row, after = {.priority = (int32_t)(page->cursor >> NO_BITS),
                                  .no = page->cursor & (((int64_t)1 << NO_BITS) - 1)};
    bool more;
    (void)arg;
    enum err_code code = rules_after(db, page->cursor ? &after : NULL, page->limit, &rows, err);
    while (code == ERR_OK && (code = rules_next(&rows, &row, &more, err)) == ERR_OK && more) {
        jw_obj(page->w);
        write_members(call, &row, page->w);
        jw_obj_end(page->w);
        page_took(page, cursor_of(&row));
    }
    db_rows_close(&rows);
    return code;
}

enum { CURSOR, LIMIT };

static const struct param list_params[] = {
    [CURSOR] = {.name = STR_LIT("cursor"), .kind = PARAM_NUMBER, .lo = 0, .hi = INT64_MAX},
    [LIMIT] = {.name = STR_LIT("limit"), .kind = PARAM_NUMBER, .fallback = 50, .lo = 1, .hi = 200},
};

static enum err_code list_rules(struct call *call, struct err *err)
{
    return reply_page(call, CURSOR, LIMIT, read_rules, NULL, err);
}

static enum err_code read_rule(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct rule_row *row = arg;
    return rule_get(db, row->id, call->arena, row, err);
}

static enum err_code get_rule(struct call *call, struct err *err)
{
    struct json_writer w;
    struct rule_row row = {.id = http_request_param(call->req, "id")};
    enum err_code code = call_read(call, read_rule, &row, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    jw_obj(&w);
    write_members(call, &row, &w);
    code = write_warnings(call, &row, &w, err);
    jw_obj_end(&w);
    return code == ERR_OK ? reply_json(call, 200, &w, err) : code;
}

/* --- writing ----------------------------------------------------------------------------------- */

struct rule_write {
    struct call *call;
    struct rule_row row;
    struct str patch; /* of PATCH: the body */
    bool only_new;    /* of POST: one that is there is a conflict */
    bool created;
};

static enum err_code check_places(const struct rule *rule, struct err *err)
{
    enum placement p;
    char quoted[48];
    for (size_t i = 0; i < rule->places_len; i++)
        if (!placement_of(rule->places[i], &p) && !str_is(rule->places[i], "search"))
            return err_set(err, ERR_INVALID, "placements: '%s' is not known",
                           err_quote(quoted, sizeof quoted, rule->places[i].p, rule->places[i].n));
    return ERR_OK;
}

enum { ID, NAME, ENABLED, PRIORITY, OF_DEFINITION };

static const char *const members[] = {[ID] = "id",
                                      [NAME] = "name",
                                      [ENABLED] = "enabled",
                                      [PRIORITY] = "priority",
                                      [OF_DEFINITION] = "placements",
                                      "schedule",
                                      "audience",
                                      "products",
                                      "action"};

static void read_member(struct json_reader *r, int member, struct rule_row *row,
                        struct json_writer *definition)
{
    int64_t priority;
    struct str id, raw;
    if (member == ID && jr_str(r, &id)) {
        if (row->id.n && !str_eq(id, row->id))
            jr_fail(r, ERR_INVALID, "id: not the one in the path");
        row->id = id;
    } else if (member == NAME) {
        jr_str_max(r, STORE_ID_MAX, &row->name);
    } else if (member == ENABLED) {
        jr_bool(r, &row->enabled);
    } else if (member == PRIORITY) {
        if (jr_i64(r, 0, STORE_RULE_PRIORITY_MAX, &priority))
            row->priority = (int32_t)priority;
    } else if (member >= OF_DEFINITION && !jr_null(r) && jr_raw(r, &raw)) {
        jw_key(definition, str_of(members[member]));
        jw_raw(definition, raw);
    }
}

/* A whole rule, checked. row->id may be given. */
static enum err_code rule_from_json(struct call *call, struct str text, struct rule_row *row,
                                    struct err *err)
{
    struct jr_fields fields = {
        .names = members, .n = sizeof members / sizeof *members, .strict = true};
    struct json_reader r;
    struct json_writer w;
    struct buf definition;
    struct rule rule;
    int member;
    buf_init(&definition, 2 * STORE_RULE_DEFINITION_MAX);
    jw_init(&w, &definition);
    *row = (struct rule_row){.id = row->id, .enabled = true, .priority = PRIORITY_USUAL};
    jr_init(&r, text, call->arena);
    jw_obj(&w);
    if (jr_obj(&r))
        while ((member = jr_field(&r, &fields)) >= 0)
            read_member(&r, member, row, &w);
    jw_obj_end(&w);
    enum err_code code = jr_end(&r, err);
    row->definition = text; /* so that a mistake has its place in what was sent */
    if (code == ERR_OK)
        code = rule_parse(row, call->arena, &rule, err);
    if (code == ERR_OK)
        code = check_places(&rule, err);
    if (code == ERR_OK)
        code = jw_end(&w, "the rule", err);
    row->definition = arena_str(call->arena, buf_str(&definition));
    buf_release(&definition);
    return code;
}

/* The stored rule as it was last written, for a patch to be laid over. */
static struct str whole(struct call *call, const struct rule_row *row)
{
    struct buf text;
    struct json_writer w;
    buf_init(&text, 4 * STORE_RULE_DEFINITION_MAX);
    jw_init(&w, &text);
    jw_obj(&w);
    JW_STR(&w, "id", row->id);
    JW_STR(&w, "name", row->name);
    JW_BOOL(&w, "enabled", row->enabled);
    JW_I64(&w, "priority", row->priority);
    write_definition(call, row->definition, &w);
    jw_obj_end(&w);
    struct str out = arena_str(call->arena, buf_str(&text));
    buf_release(&text);
    return out;
}

static enum err_code patch_stored(struct store_tx *tx, struct rule_write *write, struct err *err)
{
    struct call *call = write->call;
    struct rule_row stored;
    struct str text;
    enum err_code code = rule_get(tx->db, write->row.id, call->arena, &stored, err);
    if (code == ERR_OK)
        code = json_merge(whole(call, &stored), write->patch, call->arena, &text, err);
    return code == ERR_OK ? rule_from_json(call, text, &write->row, err) : code;
}

static enum err_code write_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct rule_write *write = arg;
    struct rule_row there;
    enum err_code code = ERR_OK;
    if (write->patch.n)
        code = patch_stored(tx, write, err);
    if (code == ERR_OK && write->only_new &&
        rule_get(tx->db, write->row.id, write->call->arena, &there, NULL) == ERR_OK)
        code = err_set(err, ERR_CONFLICT, "id: there is a rule with it; PUT replaces one");
    return code == ERR_OK ? rule_put(tx, &write->row, NULL, &write->created, err) : code;
}

static enum err_code render_rule(struct call *call, struct db *db, struct json_writer *w,
                                 int *status, struct err *err)
{
    const struct rule_write *write = call->job_arg;
    struct rule_row row = {.id = write->row.id};
    enum err_code code = call_read_from(call, db, read_rule, &row, err);
    if (code != ERR_OK)
        return code;
    jw_obj(w);
    write_members(call, &row, w);
    code = write_warnings(call, &row, w, err);
    jw_obj_end(w);
    *status = write->created ? 201 : 200;
    return code;
}

static struct str random_id(struct call *call)
{
    unsigned char bytes[RULE_ID_RANDOM];
    char hex[2 * RULE_ID_RANDOM + 1];
    randombytes_buf(bytes, sizeof bytes);
    return arena_printf(call->arena, "rule-%s",
                        sodium_bin2hex(hex, sizeof hex, bytes, sizeof bytes));
}

static enum err_code write_rule(struct call *call, struct rule_write *write, struct err *err)
{
    return call_write(call, write_job, write, render_rule, err);
}

static enum err_code post_rule(struct call *call, struct err *err)
{
    struct rule_write *write = ARENA_NEW(call->arena, struct rule_write, 1);
    *write = (struct rule_write){.call = call, .only_new = true};
    enum err_code code = rule_from_json(call, call->req->body, &write->row, err);
    if (write->row.id.n == 0)
        write->row.id = random_id(call);
    return code == ERR_OK ? write_rule(call, write, err) : code;
}

static enum err_code put_rule(struct call *call, struct err *err)
{
    struct rule_write *write = ARENA_NEW(call->arena, struct rule_write, 1);
    *write = (struct rule_write){.call = call, .row.id = http_request_param(call->req, "id")};
    enum err_code code = store_id_check("id", write->row.id, err);
    if (code == ERR_OK)
        code = rule_from_json(call, call->req->body, &write->row, err);
    return code == ERR_OK ? write_rule(call, write, err) : code;
}

static enum err_code patch_rule(struct call *call, struct err *err)
{
    struct rule_write *write = ARENA_NEW(call->arena, struct rule_write, 1);
    struct json_reader r;
    *write = (struct rule_write){.call = call, .row.id = http_request_param(call->req, "id")};
    jr_init(&r, call->req->body, call->arena);
    if (jr_peek(&r) != JR_OBJECT)
        jr_fail(&r, ERR_INVALID, "expected an object");
    jr_raw(&r, &write->patch);
    enum err_code code = jr_end(&r, err);
    return code == ERR_OK ? write_rule(call, write, err) : code;
}

static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct rule_write *write = arg;
    struct str experiment;
    enum err_code code =
        experiments_name_rule(tx->db, write->row.id, write->call->arena, &experiment, err);
    if (code == ERR_OK && experiment.n)
        code = err_set(err, ERR_CONFLICT, "experiment '%.*s' compares this rule: stop it first",
                       STR_ARG(experiment));
    return code == ERR_OK ? rule_delete(tx, write->row.id, err) : code;
}

static enum err_code remove_rule(struct call *call, struct err *err)
{
    struct rule_write *write = ARENA_NEW(call->arena, struct rule_write, 1);
    *write = (struct rule_write){.call = call, .row.id = http_request_param(call->req, "id")};
    return call_write(call, delete_job, write, render_nothing, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/rules", AUTH_ADMIN, list_rules, 0, PARAMS(list_params)},
    {HTTP_POST, "/v1/rules", AUTH_ADMIN, post_rule, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_GET, "/v1/rules/{id}", AUTH_ADMIN, get_rule, 0, NO_PARAMS},
    {HTTP_PUT, "/v1/rules/{id}", AUTH_ADMIN, put_rule, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_PATCH, "/v1/rules/{id}", AUTH_ADMIN, patch_rule, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_DELETE, "/v1/rules/{id}", AUTH_ADMIN, remove_rule, ENDPOINT_WRITES, NO_PARAMS},
};
ENDPOINT_GROUP(rule_endpoints, endpoints);
