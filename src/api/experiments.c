/* experiments.c - /v1/experiments, and what they say of a request. Those that serve are the view's
 * (recommend/experiment_set.h). */
#include <sodium.h>

#include "api/api_int.h"
#include "recommend/experiment_set.h"
#include "store/experiments.h"

_Static_assert((int)EXPERIMENT_LAYERS_MAX <= (int)LIST_VARIANTS_MAX,
               "a list's id can say them all");

void find_experiments(struct call *call, enum placement placement, const struct shopper *shopper,
                      struct experiment_settings *out)
{
    const struct experiment_set *s = experiments_of(call->view);
    struct str id = shopper->personalise ? shopper->id : (struct str){0};
    experiments_apply(&call->api->o.weights, s ? s->entries : NULL, s ? s->len : 0, placement,
                      shopper->kind, id, out);
}

struct preview {
    struct str id, variant;
    struct experiment_entry entry; /* as if it were decided for the variant */
};

static enum err_code read_preview(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct preview *p = arg;
    struct experiment_record *r = &p->entry.record;
    char quoted[64];
    enum err_code code = experiment_get(db, p->id, call->arena, r, err);
    if (code == ERR_OK)
        code = experiment_read(r->definition, call->arena, &p->entry.e, err);
    if (code != ERR_OK)
        return err_prefix(err, code, "experiment");
    if (experiment_variant_of(&p->entry.e, p->variant) == p->entry.e.variants_len)
        return err_set(err, ERR_INVALID, "variant: there is no '%s' in that experiment",
                       err_quote(quoted, sizeof quoted, p->variant.p, p->variant.n));
    r->state = EXPERIMENT_DECIDED;
    r->decision = p->variant;
    r->decided_at = INT64_MAX; /* on top of what was decided before */
    return ERR_OK;
}

enum err_code preview_variant(struct call *call, enum placement placement, struct str experiment,
                              struct str variant, struct experiment_settings *out, struct err *err)
{
    struct preview p = {.id = experiment, .variant = variant};
    enum err_code code = call_read(call, read_preview, &p, err);
    if (code != ERR_OK)
        return code;
    const struct experiment_set *s = experiments_of(call->view);
    size_t n = 0, others = s ? s->len : 0;
    struct experiment_entry *entries = arena_try_alloc(call->arena, (others + 1) * sizeof *entries);
    for (size_t i = 0; entries && i < others; i++)
        if (s->entries[i].record.state == EXPERIMENT_DECIDED &&
            s->entries[i].record.no != p.entry.record.no)
            entries[n++] = s->entries[i];
    if (entries) {
        entries[n++] = p.entry;
        experiments_apply(&call->api->o.weights, entries, n, placement, USER_KNOWN, (struct str){0},
                          out);
    }
    return entries ? ERR_OK : err_set(err, ERR_LIMIT, "the experiments do not fit");
}

/* --- telling --------------------------------------------------------------------------------- */

static void write_text(struct json_writer *w, struct str text)
{
    if (text.n)
        jw_str(w, text);
    else
        jw_null(w);
}

static void write_alert(const char *code, struct str variant, const char *text,
                        struct json_writer *w)
{
    jw_obj(w);
    JW_Z(w, "code", code);
    JW_KEY(w, "variant"), write_text(w, variant);
    JW_Z(w, "text", text);
    jw_obj_end(w);
}

/* Versions that its shoppers should get, and do not. */
static void write_missing(struct call *call, const struct experiment_entry *entry,
                          struct json_writer *w)
{
    for (size_t i = 0; i < entry->e.variants_len; i++) {
        const struct experiment_variant *v = &entry->e.variants[i];
        struct err why = {0};
        if (v->model.n &&
            (entry->record.state == EXPERIMENT_RUNNING || str_eq(v->name, entry->record.decision)))
            engine_version_failure(call->api->o.engine, v->model, &why);
        if (why.code != ERR_OK)
            write_alert("model_not_served", v->name, why.msg, w);
    }
}

/* What an operator should look at. */
static void write_alerts(struct call *call, const struct experiment_record *r,
                         struct json_writer *w)
{
    const struct experiment_set *s = experiments_of(call->view);
    struct experiment read;
    struct err why;
    JW_ARR(w, "alerts");
    if (experiment_read(r->definition, call->arena, &read, &why) != ERR_OK)
        write_alert("unreadable", (struct str){0}, why.msg, w); /* a later version wrote it */
    for (size_t i = 0; s && i < s->len; i++)
        if (s->entries[i].record.no == r->no && s->entries[i].record.state == r->state)
            write_missing(call, &s->entries[i], w);
    jw_arr_end(w);
}

static void write_experiment(struct call *call, const struct experiment_record *r,
                             struct json_writer *w)
{
    jw_obj(w);
    JW_STR(w, "id", r->id);
    JW_I64(w, "number", r->no);
    JW_Z(w, "state", experiment_state_name(r->state));
    JW_RAW(w, "definition", r->definition);
    JW_STR(w, "salt", r->salt);
    JW_KEY(w, "decision"), write_text(w, r->decision);
    JW_KEY(w, "reason"), write_text(w, r->reason);
    JW_TIME_OR_NULL(w, "created_at", r->created_at);
    JW_TIME_OR_NULL(w, "started_at", r->started_at);
    JW_TIME_OR_NULL(w, "stopped_at", r->stopped_at);
    JW_TIME_OR_NULL(w, "decided_at", r->decided_at);
    write_alerts(call, r, w);
    jw_obj_end(w);
}

static enum err_code read_all(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct json_writer *w = arg;
    struct db_rows rows = {0};
    struct experiment_record r;
    bool more;
    enum err_code code = experiments_list(db, &rows, err);
    while (code == ERR_OK && (code = experiments_next(&rows, &r, &more, err)) == ERR_OK && more)
        write_experiment(call, &r, w);
    db_rows_close(&rows);
    return code;
}

static enum err_code list_experiments(struct call *call, struct err *err)
{
    struct json_writer w;
    begin_json(call, &w);
    jw_obj(&w);
    JW_ARR(&w, "items");
    enum err_code code = call_read(call, read_all, &w, err);
    if (code != ERR_OK)
        return code;
    jw_arr_end(&w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

struct reading {
    struct str id;
    struct json_writer *w;
};

static enum err_code read_one(struct call *call, struct db *db, void *arg, struct err *err)
{
    const struct reading *reading = arg;
    struct experiment_record r;
    enum err_code code = experiment_get(db, reading->id, call->arena, &r, err);
    if (code == ERR_OK)
        write_experiment(call, &r, reading->w);
    return code;
}

static enum err_code get_experiment(struct call *call, struct err *err)
{
    struct json_writer w;
    struct reading reading = {http_request_param(call->req, "id"), &w};
    begin_json(call, &w);
    enum err_code code = call_read(call, read_one, &reading, err);
    return code == ERR_OK ? reply_json(call, 200, &w, err) : code;
}

/* --- changing -------------------------------------------------------------------------------- */

struct edit {
    struct str id, definition, salt, decision, reason;
    bool has_state;
    enum experiment_state state;
    struct experiment read; /* of definition, where that is given */
    struct arena *arena;
    bool created;
};

static void read_state(struct json_reader *r, struct edit *e)
{
    struct str name;
    char quoted[32];
    if (!jr_str(r, &name))
        return;
    e->has_state = experiment_state_of(name, &e->state);
    if (!e->has_state)
        jr_fail(r, ERR_INVALID, "state: '%s': expected running, stopped or decided",
                err_quote(quoted, sizeof quoted, name.p, name.n));
}

/* names [5]: of a new one the first three, of a change the last four. */
static enum err_code read_edit(struct call *call, bool is_new, struct edit *e, struct err *err)
{
    static const char *const names[] = {"id", "salt", "definition", "state", "decision", "reason"};
    struct jr_fields fields = {
        .names = is_new ? names : names + 2, .n = is_new ? 3 : 4, .strict = true};
    struct json_reader r;
    int field;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0) {
            int at = is_new ? field : field + 2;
            if (at == 0)
                jr_str_max(&r, STORE_ID_MAX, &e->id);
            else if (at == 1)
                jr_str_max(&r, STORE_ID_MAX, &e->salt);
            else if (at == 2)
                jr_raw(&r, &e->definition);
            else if (at == 3)
                read_state(&r, e);
            else
                jr_str_max(&r, EXPERIMENT_REASON_MAX, at == 4 ? &e->decision : &e->reason);
        }
    return jr_end(&r, err);
}

static enum err_code check_definition(struct edit *e, struct err *err)
{
    enum err_code code = experiment_read(e->definition, e->arena, &e->read, err);
    return code == ERR_OK ? code : err_prefix(err, code, "definition");
}

/* What it names is there. */
static enum err_code check_named(struct store_tx *tx, const struct edit *e, struct err *err)
{
    enum err_code code = experiment_check_named(tx->db, &e->read, e->arena, err);
    return code == ERR_OK ? code : err_prefix(err, code, "definition");
}

static enum err_code add_experiment(struct store_tx *tx, void *arg, struct err *err)
{
    const struct edit *e = arg;
    struct experiment_record r = {.id = e->id, .definition = e->definition, .salt = e->salt};
    enum err_code code = check_named(tx, e, err);
    return code == ERR_OK ? experiment_add(tx, &r, err) : code;
}

static enum err_code render_experiment(struct call *call, struct db *db, struct json_writer *w,
                                       int *status, struct err *err)
{
    const struct edit *e = call->job_arg;
    struct reading reading = {e->id, w};
    *status = e->created ? 201 : 200;
    return call_read_from(call, db, read_one, &reading, err);
}

static enum err_code post_experiment(struct call *call, struct err *err)
{
    struct edit *e = ARENA_NEW(call->arena, struct edit, 1);
    *e = (struct edit){.arena = call->arena, .created = true};
    enum err_code code = read_edit(call, true, e, err);
    if (code == ERR_OK)
        code = store_id_check("id", e->id, err);
    if (code == ERR_OK)
        code = check_definition(e, err);
    if (code == ERR_OK && e->salt.n == 0) {
        uint64_t drawn;
        randombytes_buf(&drawn, sizeof drawn);
        e->salt = arena_printf(call->arena, "%016llx", (unsigned long long)drawn);
    }
    return code == ERR_OK ? call_write(call, add_experiment, e, render_experiment, err) : code;
}

/* --- states ---------------------------------------------------------------------------------- */

static enum err_code start(struct store_tx *tx, struct edit *e, struct experiment_record *r,
                           struct err *err)
{
    struct experiment_entry entry = {.record = *r}, *others;
    size_t n;
    enum err_code code = experiment_read(r->definition, e->arena, &entry.e, err);
    if (code == ERR_OK)
        code = experiment_check_named(tx->db, &entry.e, e->arena, err);
    if (code == ERR_INVALID) /* of a draft that was right when it was written */
        code = err->code = ERR_CONFLICT;
    if (code == ERR_OK)
        code = experiments_read_serving(tx->db, e->arena, &others, &n, err);
    if (code == ERR_OK)
        code = experiment_check_room(&entry, others, n, err);
    if (code == ERR_OK)
        code = experiment_place(&entry, others, n, &r->first_bucket, err);
    r->started_at = tx->now_us;
    return code;
}

static enum err_code decide(struct store_tx *tx, const struct edit *e, struct experiment_record *r,
                            struct err *err)
{
    struct experiment_entry entry = {.record = *r}, *others;
    char quoted[64];
    size_t n;
    enum err_code code = experiment_read(r->definition, e->arena, &entry.e, err);
    size_t variant = code == ERR_OK ? experiment_variant_of(&entry.e, e->decision) : 0;
    if (code == ERR_OK && variant == entry.e.variants_len)
        code = err_set(err, ERR_INVALID, "decision: there is no variant '%s'",
                       err_quote(quoted, sizeof quoted, e->decision.p, e->decision.n));
    if (code == ERR_OK)
        code = experiments_read_serving(tx->db, e->arena, &others, &n, err);
    if (code == ERR_OK)
        code = experiment_check_decision(&entry, variant, others, n, err);
    r->decision = e->decision;
    return code;
}

static enum err_code change_state(struct store_tx *tx, struct edit *e, struct experiment_record *r,
                                  struct err *err)
{
    enum experiment_state from = r->state;
    if (e->state != from + 1)
        return err_set(err, ERR_CONFLICT, "a %s experiment cannot become %s",
                       experiment_state_name(from), experiment_state_name(e->state));
    /* Whatever the clock does, an experiment ends after it began. */
    int64_t now = tx->now_us;
    r->state = e->state;
    r->reason = e->reason;
    if (e->state == EXPERIMENT_RUNNING)
        return start(tx, e, r, err);
    if (e->state == EXPERIMENT_STOPPED) {
        r->stopped_at = now > r->started_at ? now : r->started_at;
        return ERR_OK;
    }
    r->decided_at = now > r->stopped_at ? now : r->stopped_at;
    return decide(tx, e, r, err);
}

static enum err_code edit_experiment(struct store_tx *tx, void *arg, struct err *err)
{
    struct edit *e = arg;
    struct experiment_record r;
    enum err_code code = experiment_get(tx->db, e->id, e->arena, &r, err);
    if (code == ERR_OK && e->definition.n && r.state != EXPERIMENT_DRAFT)
        code = err_set(err, ERR_CONFLICT, "definition: a %s experiment stays as it is",
                       experiment_state_name(r.state));
    if (code == ERR_OK && e->definition.n)
        code = check_named(tx, e, err);
    if (code == ERR_OK && e->definition.n)
        r.definition = e->definition;
    if (code == ERR_OK && e->has_state)
        code = change_state(tx, e, &r, err);
    return code == ERR_OK ? experiment_put(tx, &r, err) : code;
}

static enum err_code patch_experiment(struct call *call, struct err *err)
{
    struct edit *e = ARENA_NEW(call->arena, struct edit, 1);
    *e = (struct edit){.arena = call->arena};
    enum err_code code = read_edit(call, false, e, err);
    e->id = http_request_param(call->req, "id");
    if (code == ERR_OK && !e->definition.n && !e->has_state)
        code = err_set(err, ERR_INVALID, "definition or state: one of them is needed");
    if (code == ERR_OK && (e->decision.n > 0) != (e->has_state && e->state == EXPERIMENT_DECIDED))
        code = err_set(err, ERR_INVALID, "decision: goes with state decided, and only with it");
    if (code == ERR_OK && e->definition.n)
        code = check_definition(e, err);
    return code == ERR_OK ? call_write(call, edit_experiment, e, render_experiment, err) : code;
}

static enum err_code remove_experiment(struct store_tx *tx, void *arg, struct err *err)
{
    const struct edit *e = arg;
    return experiment_delete(tx, e->id, err);
}

static enum err_code delete_experiment(struct call *call, struct err *err)
{
    struct edit *e = ARENA_NEW(call->arena, struct edit, 1);
    e->id = http_request_param(call->req, "id");
    return call_write(call, remove_experiment, e, render_nothing, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/experiments", AUTH_ADMIN, list_experiments, 0, NO_PARAMS},
    {HTTP_POST, "/v1/experiments", AUTH_ADMIN, post_experiment, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_GET, "/v1/experiments/{id}", AUTH_ADMIN, get_experiment, 0, NO_PARAMS},
    {HTTP_PATCH, "/v1/experiments/{id}", AUTH_ADMIN, patch_experiment, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_DELETE, "/v1/experiments/{id}", AUTH_ADMIN, delete_experiment, ENDPOINT_WRITES,
     NO_PARAMS},
};
ENDPOINT_GROUP(experiment_endpoints, endpoints);
