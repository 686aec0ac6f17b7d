/* experiments.c - /v1/experiments, and those that serve.
 *
 * What serves is a set that every request reads and nobody changes: read anew from the store when the engine has
 * applied a change of an experiment, and swapped whole. */
#include <sodium.h>
#include <stdatomic.h>

#include "api/api_int.h"
#include "base/log.h"
#include "base/mem.h"
#include "recommend/experiment.h"
#include "store/experiments.h"

enum { SET_BYTES = 64 << 20, SALT_BYTES = 8 };

_Static_assert((int)EXPERIMENT_LAYERS_MAX <= (int)LIST_VARIANTS_MAX,
               "a list's id can say them all");

struct experiment_set {
    _Atomic uint32_t refs;
    uint64_t seen; /* engine_experiments when it was read */
    struct arena arena;
    struct experiment_entry *entries; /* [len] running or decided, in the arena */
    size_t len;
};

/* --- what serves ----------------------------------------------------------------------------- */

void experiment_set_unref(struct experiment_set *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1) {
        arena_release(&s->arena);
        mem_free(s);
    }
}

/* Those of a state that serves; a definition that cannot be read any more serves nobody. */
static enum err_code read_entries(struct db *db, struct arena *arena,
                                  struct experiment_entry **entries, size_t *len, struct err *err)
{
    struct db_rows rows = {0};
    struct experiment_record r;
    struct err why;
    bool more;
    *len = 0;
    *entries = arena_try_alloc(arena, EXPERIMENTS_MAX * sizeof **entries);
    if (!*entries)
        return err_set(err, ERR_LIMIT, "the experiments do not fit");
    enum err_code code = experiments_list(db, &rows, err);
    while (code == ERR_OK && (code = experiments_next(&rows, &r, &more, err)) == ERR_OK && more) {
        bool serves = r.state == EXPERIMENT_RUNNING || r.state == EXPERIMENT_DECIDED;
        if (!serves || *len == EXPERIMENTS_MAX) /* no more can be made */
            continue;
        struct experiment_entry *entry = &(*entries)[*len];
        experiment_record_keep(arena, &r);
        entry->record = r;
        if (experiment_read(r.definition, arena, &entry->e, &why) == ERR_OK)
            ++*len;
        else
            log_error("an experiment cannot be served", LOG_ERR_TEXT(&why));
    }
    db_rows_close(&rows);
    return code;
}

static enum err_code read_set(struct api *api, struct experiment_set **out, struct err *err)
{
    struct db *db;
    struct experiment_set *s = MEM_NEW(struct experiment_set);
    s->refs = 1;
    s->seen =
        engine_experiments(api->o.engine); /* before reading: what comes later is read again */
    arena_init(&s->arena, 0, SET_BYTES);
    enum err_code code = store_read_begin(api->o.store, &db, err);
    if (code == ERR_OK) {
        code = read_entries(db, &s->arena, &s->entries, &s->len, err);
        store_read_end(api->o.store, db);
    }
    if (code != ERR_OK) {
        experiment_set_unref(s);
        return code;
    }
    *out = s;
    return ERR_OK;
}

static struct experiment_set *set_ref(struct api *api)
{
    pthread_mutex_lock(&api->experiments_lock);
    struct experiment_set *s = api->experiments;
    if (s)
        atomic_fetch_add(&s->refs, 1);
    pthread_mutex_unlock(&api->experiments_lock);
    return s;
}

/* The newest set; an older one, or none, where the store cannot be read now. */
static struct experiment_set *current_set(struct api *api)
{
    struct experiment_set *s = set_ref(api), *fresh;
    struct err err;
    if (s && s->seen == engine_experiments(api->o.engine))
        return s;
    if (read_set(api, &fresh, &err) != ERR_OK) {
        log_error("experiments are served as they were", LOG_ERR_TEXT(&err));
        return s;
    }
    experiment_set_unref(s);
    atomic_fetch_add(&fresh->refs, 1);
    pthread_mutex_lock(&api->experiments_lock);
    s = api->experiments;
    api->experiments = fresh;
    pthread_mutex_unlock(&api->experiments_lock);
    experiment_set_unref(s);
    return fresh;
}

void find_experiments(struct call *call, enum placement placement, const struct shopper *shopper,
                      struct experiment_settings *out)
{
    struct experiment_set *s = current_set(call->api);
    struct str id = shopper->personalise ? shopper->id : (struct str){0};
    experiments_apply(&call->api->o.weights, s ? s->entries : NULL, s ? s->len : 0, placement,
                      shopper->kind, id, out);
    experiment_set_unref(s);
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
    struct experiment_set *s = current_set(call->api);
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
    experiment_set_unref(s);
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

static void write_experiment(const struct experiment_record *r, struct json_writer *w)
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
    jw_obj_end(w);
}

static enum err_code read_all(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct json_writer *w = arg;
    struct db_rows rows = {0};
    struct experiment_record r;
    bool more;
    (void)call;
    enum err_code code = experiments_list(db, &rows, err);
    while (code == ERR_OK && (code = experiments_next(&rows, &r, &more, err)) == ERR_OK && more)
        write_experiment(&r, w);
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
        write_experiment(&r, reading->w);
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
    struct experiment read;
    enum err_code code = experiment_read(e->definition, e->arena, &read, err);
    return code == ERR_OK ? code : err_prefix(err, code, "definition");
}

static enum err_code add_experiment(struct store_tx *tx, void *arg, struct err *err)
{
    const struct edit *e = arg;
    struct experiment_record r = {.id = e->id, .definition = e->definition, .salt = e->salt};
    return experiment_add(tx, &r, err);
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
        code = read_entries(tx->db, e->arena, &others, &n, err);
    if (code == ERR_OK)
        code = experiment_place(&entry, others, n, &r->first_bucket, err);
    r->started_at = tx->now_us;
    return code;
}

static enum err_code decide(const struct edit *e, struct experiment_record *r, struct err *err)
{
    struct experiment read;
    char quoted[64];
    enum err_code code = experiment_read(r->definition, e->arena, &read, err);
    if (code == ERR_OK && experiment_variant_of(&read, e->decision) == read.variants_len)
        code = err_set(err, ERR_INVALID, "decision: there is no variant '%s'",
                       err_quote(quoted, sizeof quoted, e->decision.p, e->decision.n));
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
    return decide(e, r, err);
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
