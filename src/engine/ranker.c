#include "engine/ranker.h"

#include <math.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "base/mem.h"

enum { ARENA_MAX = 1 << 16 };

/* --- reading --------------------------------------------------------------------------------- */

static bool read_name(struct json_reader *r, char out[RANKER_NAME_MAX])
{
    struct str name;
    if (!jr_str_max(r, RANKER_NAME_MAX - 1, &name))
        return false;
    memcpy(out, name.p, name.n);
    out[name.n] = '\0';
    return true;
}

/* Returns how many. */
static uint32_t read_names(struct json_reader *r, char (*out)[RANKER_NAME_MAX], uint32_t most,
                           const char *what)
{
    uint32_t n = 0;
    if (!jr_arr(r))
        return 0;
    while (jr_next(r)) {
        if (n == most)
            return (uint32_t)jr_fail(r, ERR_LIMIT, "there are more than %u %s", most, what);
        if (read_name(r, out[n]))
            n++;
    }
    return n;
}

static uint32_t read_floats(struct json_reader *r, float *out, double lo, double hi)
{
    uint32_t n = 0;
    double v;
    if (!jr_arr(r))
        return 0;
    while (jr_next(r)) {
        if (n == ISOTONIC_MAX)
            return (uint32_t)jr_fail(r, ERR_LIMIT, "there are more than %d steps", ISOTONIC_MAX);
        if (!jr_double(r, &v))
            return 0;
        if (!(v >= lo && v <= hi))
            return (uint32_t)jr_fail(r, ERR_CORRUPT, "%g is not within %g and %g", v, lo, hi);
        if (n && (float)v < out[n - 1])
            return (uint32_t)jr_fail(r, ERR_CORRUPT, "step %u is below the one before", n);
        out[n++] = (float)v;
    }
    return n;
}

static void read_steps(struct json_reader *r, struct isotonic *f)
{
    static const char *const names[] = {"score", "chance"};
    struct jr_fields fields = {.names = names, .n = 2};
    uint32_t len[2] = {0};
    int at;
    if (!jr_obj(r))
        return;
    while ((at = jr_field(r, &fields)) >= 0)
        len[at] = at == 0 ? read_floats(r, f->score, -(double)1e30f, (double)1e30f)
                          : read_floats(r, f->chance, 0, 1);
    if (len[0] != len[1])
        jr_fail(r, ERR_CORRUPT, "there are %u scores and %u chances", len[0], len[1]);
    f->len = len[0];
}

enum {
    FORMAT,
    FEATURES,
    DEFINITIONS,
    PLACEMENTS_FIELD,
    CANDIDATES,
    TREES_FIELD,
    ACT,
    PURCHASE,
    FIELDS
};

static const char *const fields[FIELDS] = {"format",     "features", "definitions", "placements",
                                           "candidates", "trees",    "act",         "purchase"};

/* Returns how many features are named. */
static uint32_t read_fields(struct json_reader *r, struct ranker *out, struct str *trees)
{
    struct jr_fields f = {.names = fields, .n = FIELDS};
    int64_t format = 0, definitions = 0, candidates = 0;
    uint32_t named = 0;
    int at;
    if (!jr_obj(r))
        return 0;
    while ((at = jr_field(r, &f)) >= 0) {
        if (at == FORMAT && jr_i64(r, 0, INT32_MAX, &format) && format != RANKER_FORMAT)
            jr_fail(r, ERR_UNSUPPORTED, "its format is %lld, not %d", (long long)format,
                    RANKER_FORMAT);
        else if (at == FEATURES)
            named = read_names(r, out->name, TREES_FEATURES_MAX, "features");
        else if (at == DEFINITIONS)
            jr_i64(r, 0, UINT32_MAX, &definitions);
        else if (at == PLACEMENTS_FIELD)
            out->placements = read_names(r, out->placement, RANKER_PLACEMENTS_MAX, "placements");
        else if (at == CANDIDATES)
            jr_i64(r, 1, RANKER_CANDIDATES_MAX, &candidates);
        else if (at == TREES_FIELD)
            jr_raw(r, trees);
        else if (at == ACT)
            read_steps(r, &out->act);
        else if (at == PURCHASE)
            read_steps(r, &out->purchase);
    }
    for (int i = 0; i < FIELDS && !r->failed; i++)
        if (!(f.seen >> i & 1))
            jr_fail(r, ERR_CORRUPT, "it has no \"%s\"", fields[i]);
    out->definitions = (uint32_t)definitions;
    out->candidates = (uint32_t)candidates;
    return named;
}

static enum err_code read_all(struct str json, struct ranker *r, struct err *err)
{
    struct json_reader reader;
    struct arena arena;
    struct str trees = {0};
    struct err why;
    arena_init(&arena, 0, ARENA_MAX);
    jr_init(&reader, json, &arena);
    uint32_t named = read_fields(&reader, r, &trees);
    enum err_code code = jr_end(&reader, &why);
    if (code != ERR_OK) /* what is no JSON is damaged: it was written by a program */
        code = err_set(err, code == ERR_INVALID ? ERR_CORRUPT : code, "ranker: %s", why.msg);
    else if ((code = trees_read(trees, &r->trees, err)) != ERR_OK)
        code = err_prefix(err, code, "ranker: trees");
    else if (named != r->trees.features)
        code = err_set(err, ERR_CORRUPT, "ranker: %u features have names, its trees have %u", named,
                       r->trees.features);
    arena_release(&arena);
    return code;
}

enum err_code ranker_read(struct str json, struct ranker *out, struct err *err)
{
    struct ranker r = {0};
    r.name = mem_try_new(TREES_FEATURES_MAX, sizeof *r.name);
    enum err_code code = r.name ? read_all(json, &r, err)
                                : err_set(err, ERR_MEMORY, "no memory for names of features");
    if (code == ERR_OK)
        *out = r;
    else
        ranker_release(&r);
    return code;
}

enum err_code ranker_open(const char *path, struct ranker *out, struct err *err)
{
    struct buf text;
    buf_init(&text, RANKER_BYTES_MAX);
    enum err_code code = fs_read_file(path, RANKER_BYTES_MAX, &text, err);
    if (code == ERR_OK) {
        code = ranker_read(buf_str(&text), out, err);
        if (code != ERR_OK)
            code = err_prefix(err, code, "%s", path);
    }
    buf_release(&text);
    return code;
}

void ranker_release(struct ranker *r)
{
    trees_release(&r->trees);
    mem_free(r->name);
    *r = (struct ranker){0};
}

bool ranker_serves(const struct ranker *r, const char *placement)
{
    for (uint32_t i = 0; i < r->placements; i++)
        if (strcmp(r->placement[i], placement) == 0)
            return true;
    return false;
}

/* --- writing --------------------------------------------------------------------------------- */

static void write_steps(struct json_writer *w, const struct isotonic *f)
{
    jw_obj(w);
    JW_ARR(w, "score");
    for (uint32_t i = 0; i < f->len; i++)
        jw_double(w, (double)f->score[i]);
    jw_arr_end(w);
    JW_ARR(w, "chance");
    for (uint32_t i = 0; i < f->len; i++)
        jw_double(w, (double)f->chance[i]);
    jw_arr_end(w);
    jw_obj_end(w);
}

enum err_code ranker_write(const struct ranker *r, uint32_t features, struct str trees,
                           struct buf *out, struct err *err)
{
    struct json_writer w;
    jw_init(&w, out);
    jw_obj(&w);
    JW_U64(&w, "format", RANKER_FORMAT);
    JW_ARR(&w, "features");
    for (uint32_t i = 0; i < features; i++)
        jw_z(&w, r->name[i]);
    jw_arr_end(&w);
    JW_U64(&w, "definitions", r->definitions);
    JW_ARR(&w, "placements");
    for (uint32_t i = 0; i < r->placements; i++)
        jw_z(&w, r->placement[i]);
    jw_arr_end(&w);
    JW_U64(&w, "candidates", r->candidates);
    JW_KEY(&w, "act");
    write_steps(&w, &r->act);
    JW_KEY(&w, "purchase");
    write_steps(&w, &r->purchase);
    JW_RAW(&w, "trees", trees);
    jw_obj_end(&w);
    return jw_end(&w, "the ranker", err);
}
