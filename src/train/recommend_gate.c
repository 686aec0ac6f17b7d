#include "train/recommend_gate.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/fs.h"
#include "store/models.h"
#include "train/manifest.h"

/* --- what serves ----------------------------------------------------------------------------- */

/* The register's live version, if there is one and its manifest can be read. */
static enum err_code find_live(struct store *store, struct live_model *l, struct err *err)
{
    struct db *db;
    struct arena arena;
    struct model_version live;
    struct manifest m;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    arena_init(&arena, 0, 1 << 20);
    code = model_live(db, STR_LIT("recommend"), &arena, &live, err);
    if (code == ERR_OK)
        code = manifest_parse(live.manifest, &arena, &m, err);
    if (code == ERR_OK) {
        snprintf(l->version, VERSION_SIZE, "%.*s", STR_ARG(live.version));
        l->params = m.params;
        l->last_time = m.last_time;
        l->full_s = m.full_s;
        l->ranker_bytes = m.ranker.bytes;
        snprintf(l->ranker_xxh3, sizeof l->ranker_xxh3, "%.*s", STR_ARG(m.ranker.xxh3));
        snprintf(l->weights, sizeof l->weights, "%.*s", STR_ARG(m.weights));
    }
    arena_release(&arena);
    store_read_end(store, db);
    return code;
}

enum err_code live_model_open(struct store *store, struct live_model *out, struct err *err)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    *out = (struct live_model){0};
    enum err_code code = find_live(store, out, err);
    if (code == ERR_OK)
        code = fs_join(dir, store_dir(store), "models/recommend", err);
    if (code == ERR_OK)
        code = fs_join(path, dir, out->version, err);
    if (code == ERR_OK)
        code = fs_join(dir, path, MODEL_FILE, err);
    if (code == ERR_OK)
        code = recommend_model_open(dir, false, &out->model, err);
    if (code == ERR_NOT_FOUND || code == ERR_CORRUPT || code == ERR_UNSUPPORTED) {
        *out = (struct live_model){0}; /* it serves nobody */
        code = ERR_OK;
    }
    return code;
}

void live_model_close(struct live_model *l)
{
    recommend_model_close(&l->model);
    *l = (struct live_model){0};
}

/* --- figures --------------------------------------------------------------------------------- */

static void fill(struct gate *g, const struct recommend_evaluation *e, double other,
                 struct stats_interval difference)
{
    *g = (struct gate){.measured = e->users >= GATE_USERS_MIN,
                       .users = e->users,
                       .split = e->split,
                       .candidate = e->lists.ndcg,
                       .other = other,
                       .difference = difference};
}

void gate_popularity(struct gates *g, const struct recommend_evaluation *e)
{
    fill(&g->gate[GATE_POPULARITY], e, e->popularity.ndcg, e->gain);
}

void gate_rival(struct gates *g, enum gate_kind kind, const struct recommend_evaluation *e)
{
    fill(&g->gate[kind], e, e->rival.ndcg, e->over_rival);
}

void gate_same_parameters(struct gates *g, const struct recommend_evaluation *e)
{
    fill(&g->gate[GATE_LIVE_PARAMETERS], e, e->lists.ndcg, (struct stats_interval){0});
}

/* --- the verdict ----------------------------------------------------------------------------- */

static const char *const rivals[GATE_KINDS] = {
    [GATE_POPULARITY] = "popularity",
    [GATE_LIVE_MODEL] = "the live model",
    [GATE_LIVE_PARAMETERS] = "the live model's parameters",
};

static bool fails(const struct gate *g)
{
    return g->measured && g->difference.high < 0;
}

static void say_failed(struct gates *g, enum gate_kind kind, size_t k)
{
    const struct gate *f = &g->gate[kind];
    snprintf(g->verdict, sizeof g->verdict,
             "NDCG@%zu %.4f is below %.4f of %s, by %.4f [%.4f, %.4f] over %zu shoppers", k,
             f->candidate, f->other, rivals[kind], -f->difference.mean, -f->difference.high,
             -f->difference.low, f->users);
}

static void say_passed(struct gates *g, const struct recommend_evaluation *e)
{
    const struct gate *beaten = &g->gate[GATE_LIVE_MODEL];
    const char *name = rivals[GATE_LIVE_MODEL];
    int n =
        snprintf(g->verdict, sizeof g->verdict, "NDCG@%zu %.4f, popularity %.4f, over %zu shoppers",
                 e->k, e->lists.ndcg, e->popularity.ndcg, e->users);
    if (!beaten->measured) {
        beaten = &g->gate[GATE_LIVE_PARAMETERS];
        name = rivals[GATE_LIVE_PARAMETERS];
    }
    if (beaten->measured)
        snprintf(g->verdict + n, sizeof g->verdict - (size_t)n,
                 "; against %s %+.4f [%+.4f, %+.4f] over %zu", name, beaten->difference.mean,
                 beaten->difference.low, beaten->difference.high, beaten->users);
}

void gates_judge(struct gates *g, const struct live_model *live,
                 const struct recommend_evaluation *e, int64_t until)
{
    bool serves = live->version[0] != '\0';
    bool compared = g->gate[GATE_LIVE_MODEL].measured || g->gate[GATE_LIVE_PARAMETERS].measured;
    memcpy(g->live, live->version, VERSION_SIZE);
    g->passed = false;
    if (serves && until && until <= live->last_time) {
        char from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE];
        snprintf(g->verdict, sizeof g->verdict,
                 "it knows nothing from %s on, the live model %s knows acts up to %s",
                 clock_format_iso(until, from), live->version,
                 clock_format_iso(live->last_time, to));
        return;
    }
    if (serves && !compared) {
        snprintf(g->verdict, sizeof g->verdict,
                 "only %zu shoppers to measure, %d are needed to compare with the live model %s",
                 e->users, GATE_USERS_MIN, live->version);
        return;
    }
    for (enum gate_kind kind = 0; kind < GATE_KINDS; kind++)
        if (fails(&g->gate[kind])) {
            say_failed(g, kind, e->k);
            return;
        }
    g->passed = true;
    if (e->users < GATE_USERS_MIN)
        snprintf(g->verdict, sizeof g->verdict,
                 "only %zu shoppers to measure: nothing to be sure of", e->users);
    else
        say_passed(g, e);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void write_gate(struct json_writer *w, const char *name, const struct gate *g)
{
    if (!g->measured)
        return;
    jw_key(w, str_of(name));
    jw_obj(w);
    JW_U64(w, "shoppers", g->users);
    JW_TIME(w, "split", g->split);
    JW_DECIMAL(w, "candidate", g->candidate, 5);
    JW_DECIMAL(w, "other", g->other, 5);
    JW_OBJ(w, "difference");
    JW_DECIMAL(w, "mean", g->difference.mean, 5);
    JW_DECIMAL(w, "low", g->difference.low, 5);
    JW_DECIMAL(w, "high", g->difference.high, 5);
    jw_obj_end(w);
    JW_BOOL(w, "passed", !fails(g));
    jw_obj_end(w);
}

void gates_json(const struct gates *g, struct json_writer *w)
{
    jw_obj(w);
    JW_Z(w, "live_version", g->live[0] ? g->live : NULL);
    write_gate(w, "popularity", &g->gate[GATE_POPULARITY]);
    write_gate(w, "live_model", &g->gate[GATE_LIVE_MODEL]);
    write_gate(w, "live_parameters", &g->gate[GATE_LIVE_PARAMETERS]);
    jw_obj_end(w);
}
