/* engine_versions.c - the experiments that serve, and the versions of the model that they name.
 *
 * Model:   who understands experiments (options.experiments) tells which versions and rules they name; here each
 *          version is opened aside, verified whole, and put into a view of its own beside the one of the published
 *          version (view.h). Experiments, versions and rules come into view together: an experiment that has begun
 *          finds its versions, and one that has ended leaves nothing behind.
 * Missing: a version that is not registered, or whose files cannot be read, is not kept: its shoppers get the published
 *          one, engine_version_failure tells why, and it is tried again every few seconds. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/engine_int.h"
#include "store/models.h"

/* What is about to be served. */
struct plan {
    struct served_experiments *experiments; /* owned reference; NULL: none */
    struct rule_rows *rules;                /* owned reference; NULL: nobody compiles them */
    int64_t newest;                         /* of the log */
    bool registered[VIEW_VERSIONS_MAX];     /* the first versions of experiments */
    struct served_model *models[VIEW_VERSIONS_MAX]; /* [models_len] owned references */
    size_t models_len;
    struct missing_version missing[VIEW_VERSIONS_MAX]; /* [missing_len] */
    size_t missing_len;
};

static size_t versions_of(const struct plan *p)
{
    size_t n = p->experiments ? p->experiments->versions_len : 0;
    return n < VIEW_VERSIONS_MAX ? n : VIEW_VERSIONS_MAX;
}

static void release_plan(struct plan *p)
{
    for (size_t i = 0; i < p->models_len; i++)
        served_model_unref(p->models[i]);
    served_experiments_unref(p->experiments);
    rule_rows_unref(p->rules);
}

/* --- reading --------------------------------------------------------------------------------- */

static enum err_code find_registered(struct db *db, struct plan *p, struct err *err)
{
    struct arena arena;
    struct model_version m;
    enum err_code code = ERR_OK;
    arena_init(&arena, 0, 16 << 20);
    for (size_t i = 0; i < versions_of(p) && code == ERR_OK; i++) {
        arena_reset(&arena);
        code = model_get(db, STR_LIT("recommend"), p->experiments->versions[i], &arena, &m, err);
        p->registered[i] = code == ERR_OK;
        if (code == ERR_NOT_FOUND)
            code = ERR_OK;
    }
    arena_release(&arena);
    return code;
}

static enum err_code read_plan(struct engine *e, struct plan *p, struct err *err)
{
    struct db *db;
    int64_t oldest;
    enum err_code code = store_read_begin(e->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = e->experiments_reader->read(db, &p->experiments, err);
    if (code == ERR_OK)
        code = find_registered(db, p, err);
    if (code == ERR_OK)
        code = read_rules(e, db, p->experiments, &p->rules, err);
    if (code == ERR_OK)
        code = changes_range(db, &oldest, &p->newest, err);
    store_read_end(e->store, db);
    return code;
}

/* --- versions -------------------------------------------------------------------------------- */

static void miss(struct plan *p, struct str version, const struct err *why)
{
    struct missing_version *m = &p->missing[p->missing_len++];
    snprintf(m->version, sizeof m->version, "%.*s", STR_ARG(version));
    m->why = *why;
}

struct served_model *kept_version(struct engine *e, struct str version)
{
    struct view *now = engine_view(e);
    const struct view *kept = view_of_version(now, version);
    struct served_model *m = kept == now ? NULL : served_model_ref(kept->model);
    view_unref(now);
    return m;
}

static void add_version(struct engine *e, struct plan *p, struct str version, bool registered)
{
    struct err why;
    struct served_model *m = registered ? kept_version(e, version) : NULL;
    enum err_code code = ERR_OK;
    if (!registered)
        code = err_set(&why, ERR_NOT_FOUND, "no such version is registered");
    else if (!m)
        code = open_version(e, version, true, &m, &why);
    if (code == ERR_OK)
        code = know_acts_since(e, m, &why);
    if (code == ERR_OK) {
        p->models[p->models_len++] = m;
        return;
    }
    served_model_unref(m);
    miss(p, version, &why);
}

static void add_versions(struct engine *e, struct plan *p)
{
    char live[sizeof((struct served_model *)0)->version] = "";
    struct view *now = engine_view(e); /* of which this thread alone changes the model */
    if (now->model)
        memcpy(live, now->model->version, sizeof live);
    view_unref(now);
    for (size_t i = 0; i < versions_of(p); i++)
        if (!str_is(p->experiments->versions[i], live))
            add_version(e, p, p->experiments->versions[i], p->registered[i]);
}

/* --- showing --------------------------------------------------------------------------------- */

/* The view of next that has this model, taken out of it; a new one where there is none. Takes m. */
static struct view *take_view(struct engine *e, struct view *next, struct served_model *m)
{
    for (size_t i = 0; i < next->versions_len; i++)
        if (next->versions[i]->model == m) {
            struct view *kept = next->versions[i];
            next->versions[i] = next->versions[--next->versions_len];
            served_model_unref(m);
            return kept;
        }
    struct view *v = copy_view(next);
    served_model_unref(v->model);
    v->model = m;
    newcomers_unref(v->newcomers);
    v->newcomers = NULL;
    renew_newcomers(e, v);
    shelve(v, clock_now_us(), INT64_MAX);
    return v;
}

static void replace_versions(struct engine *e, struct view *next, struct plan *p)
{
    struct view *kept[VIEW_VERSIONS_MAX];
    for (size_t i = 0; i < p->models_len; i++)
        kept[i] = take_view(e, next, p->models[i]);
    for (size_t i = 0; i < next->versions_len; i++)
        view_unref(next->versions[i]);
    memcpy(next->versions, kept, p->models_len * sizeof *kept);
    next->versions_len = p->models_len;
    p->models_len = 0;
}

/* All of the plan but what is missing is taken. */
static void show(struct engine *e, struct plan *p)
{
    pthread_mutex_lock(&e->build_lock);
    struct view *next = next_view(e);
    replace_versions(e, next, p);
    served_experiments_unref(e->experiments);
    e->experiments = p->experiments;
    rule_rows_unref(e->rule_rows);
    e->rule_rows = p->rules;
    p->experiments = NULL;
    p->rules = NULL;
    publish_view(e, next);
    note_known_acts(e, p->newest);
    pthread_mutex_unlock(&e->build_lock);
}

static bool was_missing(const struct engine *e, const char *version)
{
    for (size_t i = 0; i < e->missing_len; i++) /* written by this thread alone */
        if (strcmp(e->missing[i].version, version) == 0)
            return true;
    return false;
}

static void note_missing(struct engine *e, const struct plan *p)
{
    for (size_t i = 0; i < p->missing_len; i++)
        if (!was_missing(e, p->missing[i].version))
            log_error("an experiment's version of the model is not served",
                      LOG_Z("version", p->missing[i].version), LOG_ERR_TEXT(&p->missing[i].why));
    pthread_mutex_lock(&e->lock);
    memcpy(e->missing, p->missing, sizeof e->missing);
    e->missing_len = p->missing_len;
    pthread_mutex_unlock(&e->lock);
}

static size_t kept_len(struct engine *e)
{
    struct view *now = engine_view(e);
    size_t n = now->versions_len;
    view_unref(now);
    return n;
}

enum err_code load_experiments(struct engine *e, bool changed, struct err *err)
{
    struct plan p = {0};
    enum err_code code = read_plan(e, &p, err);
    if (code == ERR_OK) {
        add_versions(e, &p);
        note_missing(e, &p);
        if (changed || p.models_len != kept_len(e))
            show(e, &p);
    }
    release_plan(&p);
    return code;
}

/* --- telling --------------------------------------------------------------------------------- */

/* Is it among those that experiments name, and not among those that are kept? */
static bool is_beyond(const struct view *v, struct str version)
{
    const struct served_experiments *s = v->experiments;
    for (size_t i = VIEW_VERSIONS_MAX; s && i < s->versions_len; i++)
        if (str_eq(s->versions[i], version))
            return !v->model || !str_is(version, v->model->version);
    return false;
}

void engine_version_failure(struct engine *e, struct str version, struct err *why)
{
    struct view *now = engine_view(e);
    *why = (struct err){0};
    if (is_beyond(now, version))
        (void)err_set(why, ERR_LIMIT, "at most %d versions are kept beside the published one",
                      VIEW_VERSIONS_MAX);
    view_unref(now);
    pthread_mutex_lock(&e->lock);
    for (size_t i = 0; i < e->missing_len; i++)
        if (str_is(version, e->missing[i].version))
            *why = e->missing[i].why;
    pthread_mutex_unlock(&e->lock);
}
