/* trees_json.c - XGBoost's JSON (its doc/model.schema, 1.7 to 3.x) to trees: a pull reader over the text, one
 * tree in memory at a time. */
#include <math.h>

#include "base/json_reader.h"
#include "base/mem.h"
#include "num/trees_int.h"

/* An array of the file. */
struct numbers {
    double *v; /* [cap] owned */
    size_t len, cap;
};

enum array { LEFT, RIGHT, FEATURE, VALUE, MISSING_LEFT, SPLIT_TYPE, CATEGORIES, ARRAYS };

struct reading {
    struct json_reader r;
    struct trees t;
    struct numbers arrays[ARRAYS];
    struct trees_source_node *nodes; /* [TREES_SOURCE_NODES_MAX] owned */
    int64_t said_trees;              /* -1: not yet */
    int64_t said_features;
    double base_score; /* as it stands there: in the space of predictions */
    bool has_base, has_objective, has_booster;
};

/* --- one tree -------------------------------------------------------------------------------- */

static bool push(struct json_reader *r, struct numbers *a, double v)
{
    if (a->len == TREES_SOURCE_NODES_MAX)
        return jr_fail(r, ERR_LIMIT, "a tree has more than %d nodes", TREES_SOURCE_NODES_MAX);
    if (a->len == a->cap) {
        size_t cap = a->cap ? 2 * a->cap : 64;
        double *bigger = mem_try_resize(a->v, cap, sizeof *bigger);
        if (!bigger)
            return jr_fail(r, ERR_MEMORY, "no memory for %zu nodes of a tree", cap);
        a->v = bigger;
        a->cap = cap;
    }
    a->v[a->len++] = v;
    return true;
}

/* Numbers, or the true and false that some versions write for default_left. */
static void read_array(struct json_reader *r, struct numbers *a)
{
    double v;
    bool b;
    a->len = 0;
    if (!jr_arr(r))
        return;
    while (jr_next(r)) {
        if (jr_peek(r) == JR_BOOL) {
            if (jr_bool(r, &b))
                push(r, a, b);
        } else if (jr_double(r, &v)) {
            push(r, a, v);
        }
    }
}

/* The file writes counts as strings: "num_nodes": "15". */
static bool read_count(struct json_reader *r, const char *what, int64_t max, int64_t *out)
{
    struct str text;
    struct err why;
    if (jr_peek(r) == JR_NUMBER)
        return jr_i64(r, 0, max, out);
    if (!jr_str(r, &text))
        return false;
    if (str_parse_i64(text, 0, max, out, &why) != ERR_OK)
        return jr_fail(r, ERR_CORRUPT, "%s: %s", what, why.msg);
    return true;
}

static bool whole_within(double v, double lo, double hi)
{
    return v >= lo && v <= hi && v == floor(v);
}

static bool node_of(struct reading *g, size_t i)
{
    const struct numbers *a = g->arrays;
    struct trees_source_node *n = &g->nodes[i];
    double left = a[LEFT].v[i], right = a[RIGHT].v[i], feature = a[FEATURE].v[i];
    double last = (double)a[LEFT].len - 1;
    float value = (float)a[VALUE].v[i];
    if (!whole_within(left, -1, last) || !whole_within(right, -1, last) ||
        (left < 0) != (right < 0))
        return jr_fail(&g->r, ERR_CORRUPT, "tree %u, node %zu: its children are no nodes of %zu",
                       g->t.len, i, a[LEFT].len);
    if (!isfinite(value))
        return jr_fail(&g->r, ERR_CORRUPT, "tree %u, node %zu: its value is not finite", g->t.len,
                       i);
    if (a[SPLIT_TYPE].len && a[SPLIT_TYPE].v[i] != 0)
        return jr_fail(&g->r, ERR_UNSUPPORTED, "tree %u, node %zu splits by categories", g->t.len,
                       i);
    /* features are counted once all is read, for the count comes last; unused nodes may have any */
    bool inner = left >= 0;
    if (inner && !whole_within(feature, 0, TREES_FEATURES_MAX - 1))
        return jr_fail(&g->r, ERR_CORRUPT, "tree %u, node %zu: there is no feature %g", g->t.len, i,
                       feature);
    *n = (struct trees_source_node){.left = (int32_t)left,
                                    .right = (int32_t)right,
                                    .feature = inner ? (uint32_t)feature : 0,
                                    .value = value,
                                    .missing_left = a[MISSING_LEFT].v[i] != 0};
    return true;
}

static bool append_tree(struct reading *g, int64_t said_nodes)
{
    static const char *const names[ARRAYS] = {"left_children",    "right_children", "split_indices",
                                              "split_conditions", "default_left",   "split_type",
                                              "categories"};
    size_t n = g->arrays[LEFT].len;
    struct err why;
    for (int k = LEFT; k <= SPLIT_TYPE; k++)
        if (g->arrays[k].len != n && !(k == SPLIT_TYPE && g->arrays[k].len == 0))
            return jr_fail(&g->r, ERR_CORRUPT, "tree %u: %s has %zu numbers, left_children %zu",
                           g->t.len, names[k], g->arrays[k].len, n);
    if (n == 0 || (said_nodes >= 0 && (size_t)said_nodes != n))
        return jr_fail(&g->r, ERR_CORRUPT, "tree %u: num_nodes is %lld, left_children has %zu",
                       g->t.len, (long long)said_nodes, n);
    if (g->arrays[CATEGORIES].len)
        return jr_fail(&g->r, ERR_UNSUPPORTED, "tree %u splits by categories", g->t.len);
    for (size_t i = 0; i < n; i++)
        if (!node_of(g, i))
            return false;
    if (trees_append(&g->t, g->nodes, n, &why) != ERR_OK)
        return jr_fail(&g->r, why.code, "%s", why.msg);
    return true;
}

static void read_tree_param(struct reading *g, int64_t *nodes)
{
    static const char *const names[] = {"num_nodes", "size_leaf_vector"};
    struct jr_fields f = {.names = names, .n = 2};
    int64_t size;
    int at;
    if (!jr_obj(&g->r))
        return;
    while ((at = jr_field(&g->r, &f)) >= 0) {
        if (at == 0)
            read_count(&g->r, "num_nodes", TREES_SOURCE_NODES_MAX, nodes);
        else if (read_count(&g->r, "size_leaf_vector", INT32_MAX, &size) && size > 1)
            jr_fail(&g->r, ERR_UNSUPPORTED, "tree %u has vectors in its leaves", g->t.len);
    }
}

static void read_tree(struct reading *g)
{
    static const char *const names[] = {"left_children",    "right_children", "split_indices",
                                        "split_conditions", "default_left",   "split_type",
                                        "categories",       "tree_param"};
    struct jr_fields f = {.names = names, .n = 8};
    int64_t nodes = -1;
    int at;
    for (int k = 0; k < ARRAYS; k++)
        g->arrays[k].len = 0;
    if (!jr_obj(&g->r))
        return;
    while ((at = jr_field(&g->r, &f)) >= 0) {
        if (at < ARRAYS)
            read_array(&g->r, &g->arrays[at]);
        else
            read_tree_param(g, &nodes);
    }
    if (!g->r.failed)
        append_tree(g, nodes);
}

/* --- around the trees ------------------------------------------------------------------------ */

static void read_trees_param(struct reading *g)
{
    static const char *const names[] = {"num_trees"};
    struct jr_fields f = {.names = names, .n = 1};
    if (!jr_obj(&g->r))
        return;
    while (jr_field(&g->r, &f) >= 0)
        read_count(&g->r, "num_trees", INT32_MAX, &g->said_trees);
}

static void read_model(struct reading *g)
{
    static const char *const names[] = {"gbtree_model_param", "trees"};
    struct jr_fields f = {.names = names, .n = 2};
    int at;
    if (!jr_obj(&g->r))
        return;
    while ((at = jr_field(&g->r, &f)) >= 0) {
        if (at == 0)
            read_trees_param(g);
        else if (jr_arr(&g->r))
            while (jr_next(&g->r))
                read_tree(g);
    }
}

static void read_booster(struct reading *g)
{
    static const char *const names[] = {"name", "model"};
    struct jr_fields f = {.names = names, .n = 2};
    char quoted[40];
    struct str name;
    int at;
    if (!jr_obj(&g->r))
        return;
    while ((at = jr_field(&g->r, &f)) >= 0) {
        if (at == 1)
            read_model(g);
        else if (jr_str(&g->r, &name) && !str_is(name, "gbtree"))
            jr_fail(&g->r, ERR_UNSUPPORTED, "the booster is \"%s\", not gbtree",
                    err_quote(quoted, sizeof quoted, name.p, name.n));
    }
    g->has_booster = true;
}

/* "5E-1" or, from 3.1 on, "[5E-1]". */
static void read_base_score(struct reading *g)
{
    struct str text;
    struct err why;
    if (!jr_str(&g->r, &text))
        return;
    if (text.n >= 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
        text = (struct str){text.p + 1, text.n - 2};
    if (str_find(text, ',', 0) != SIZE_MAX) {
        jr_fail(&g->r, ERR_UNSUPPORTED, "base_score is of several outputs");
        return;
    }
    if (str_parse_double(text, &g->base_score, &why) != ERR_OK)
        jr_fail(&g->r, ERR_CORRUPT, "base_score: %s", why.msg);
    else
        g->has_base = true;
}

static void read_learner_param(struct reading *g)
{
    static const char *const names[] = {"base_score", "num_feature", "num_class", "num_target"};
    struct jr_fields f = {.names = names, .n = 4};
    int64_t outputs;
    int at;
    if (!jr_obj(&g->r))
        return;
    while ((at = jr_field(&g->r, &f)) >= 0) {
        if (at == 0)
            read_base_score(g);
        else if (at == 1)
            read_count(&g->r, names[at], INT32_MAX, &g->said_features);
        else if (read_count(&g->r, names[at], INT32_MAX, &outputs) && outputs > 1)
            jr_fail(&g->r, ERR_UNSUPPORTED, "%s is %lld: there are several outputs", names[at],
                    (long long)outputs);
    }
}

static void read_objective(struct reading *g)
{
    static const char *const names[] = {"name"};
    struct jr_fields f = {.names = names, .n = 1};
    char quoted[40];
    struct str name;
    if (!jr_obj(&g->r))
        return;
    while (jr_field(&g->r, &f) >= 0) {
        if (!jr_str(&g->r, &name))
            return;
        g->has_objective = true;
        g->t.link = str_is(name, "binary:logistic") ? TREES_LOGISTIC : TREES_IDENTITY;
        if (g->t.link == TREES_IDENTITY && !str_is(name, "reg:squarederror") &&
            !str_starts(name, STR_LIT("rank:")))
            jr_fail(&g->r, ERR_UNSUPPORTED, "the objective is \"%s\"",
                    err_quote(quoted, sizeof quoted, name.p, name.n));
    }
}

static void read_learner(struct reading *g)
{
    static const char *const names[] = {"gradient_booster", "learner_model_param", "objective"};
    struct jr_fields f = {.names = names, .n = 3};
    int at;
    if (!jr_obj(&g->r))
        return;
    while ((at = jr_field(&g->r, &f)) >= 0) {
        if (at == 0)
            read_booster(g);
        else if (at == 1)
            read_learner_param(g);
        else
            read_objective(g);
    }
}

/* --- all of it ------------------------------------------------------------------------------- */

static enum err_code take_base(struct reading *g, struct err *err)
{
    float base = (float)g->base_score;
    if (g->t.link == TREES_LOGISTIC) {
        if (!(base > 0 && base < 1))
            return err_set(err, ERR_CORRUPT, "base_score is %g, which is no probability",
                           g->base_score);
        base = -logf(1 / base - 1);
    }
    if (!isfinite(base))
        return err_set(err, ERR_CORRUPT, "base_score is %g", g->base_score);
    g->t.base = base;
    return ERR_OK;
}

static enum err_code complete(struct reading *g, struct err *err)
{
    const char *lacks = !g->has_booster        ? "gradient_booster"
                        : !g->has_objective    ? "objective"
                        : !g->has_base         ? "base_score"
                        : g->said_features < 0 ? "num_feature"
                        : g->said_trees < 0    ? "num_trees"
                                               : NULL;
    if (lacks)
        return err_set(err, ERR_CORRUPT, "this is no model of XGBoost: it has no \"%s\"", lacks);
    if (g->said_trees != (int64_t)g->t.len)
        return err_set(err, ERR_CORRUPT, "num_trees is %lld, and there are %u",
                       (long long)g->said_trees, g->t.len);
    if (g->said_features < 1 || g->said_features > TREES_FEATURES_MAX)
        return err_set(err, g->said_features < 1 ? ERR_CORRUPT : ERR_LIMIT,
                       "num_feature is %lld, not 1 to %d", (long long)g->said_features,
                       TREES_FEATURES_MAX);
    g->t.features = (uint32_t)g->said_features;
    enum err_code code = trees_finish(&g->t, err);
    for (uint32_t i = 0; code == ERR_OK && i < g->t.columns; i++)
        if (g->t.column[i] >> 1 >= g->t.features)
            return err_set(err, ERR_CORRUPT, "a tree asks for feature %u of %u",
                           g->t.column[i] >> 1, g->t.features);
    return code == ERR_OK ? take_base(g, err) : code;
}

static enum err_code read_all(struct reading *g, struct err *err)
{
    static const char *const names[] = {"learner"};
    struct jr_fields f = {.names = names, .n = 1};
    struct err why;
    if (jr_obj(&g->r))
        while (jr_field(&g->r, &f) >= 0)
            read_learner(g);
    enum err_code code = jr_end(&g->r, &why);
    if (code != ERR_OK) /* what is no JSON is damaged: it was written by a program */
        return err_set(err, code == ERR_INVALID ? ERR_CORRUPT : code, "%s", why.msg);
    return complete(g, err);
}

enum err_code trees_read(struct str json, struct trees *out, struct err *err)
{
    struct reading g = {.said_trees = -1, .said_features = -1};
    struct arena arena;
    arena_init(&arena, 0, 1 << 16); /* of keys and names with escapes: an honest file has none */
    jr_init(&g.r, json, &arena);
    g.nodes = mem_try_new(TREES_SOURCE_NODES_MAX, sizeof *g.nodes);
    enum err_code code =
        g.nodes ? read_all(&g, err) : err_set(err, ERR_MEMORY, "no memory for the nodes of a tree");
    if (code == ERR_OK)
        *out = g.t;
    else
        trees_release(&g.t);
    for (int k = 0; k < ARRAYS; k++)
        mem_free(g.arrays[k].v);
    mem_free(g.nodes);
    arena_release(&arena);
    return code;
}
