#include "num/trees.h"

#include <math.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "num/trees_int.h"
#include "num/vec.h"

const struct trees_ops *trees_ops = &trees_scalar;

/* The tables of vec in its order, each with the one of trees that needs no more of the processor. */
static const struct {
    const char *vec;
    const struct trees_ops *ops;
} tables[] = {
    {"scalar", &trees_scalar},
#ifdef __x86_64__
    {"avx2", &trees_avx2},
    {"avx512", &trees_avx512},
    {"avx512-vnni", &trees_avx512},
#endif
};

static const struct trees_ops *ops_of(const struct vec_ops *v)
{
    for (size_t i = 0; v && i < sizeof tables / sizeof *tables; i++)
        if (str_is(str_of(v->name), tables[i].vec))
            return tables[i].ops;
    return NULL;
}

void trees_init(void)
{
    trees_ops = ops_of(vec);
}

const struct trees_ops *trees_available(size_t i)
{
    return ops_of(vec_available(i));
}

void trees_release(struct trees *t)
{
    mem_free(t->column);
    mem_free(t->tree);
    mem_free(t->threshold);
    mem_free(t->place);
    mem_free(t->leaf);
    *t = (struct trees){0};
}

/* --- laying out ------------------------------------------------------------------------------ */

struct filling {
    struct trees *t;
    const struct trees_source_node *nodes;
    size_t n;
    uint8_t *seen; /* [n] */
    struct trees_tree tree;
    struct err *err;
};

/* Depth of the tree below a node; a node that is reached twice, or none, is an error. */
static enum err_code measure(struct filling *f, int32_t node, uint32_t depth)
{
    if (node < 0 || (size_t)node >= f->n)
        return err_set(f->err, ERR_CORRUPT, "tree %u: there is no node %d of %zu", f->t->len, node,
                       f->n);
    if (f->seen[node])
        return err_set(f->err, ERR_CORRUPT, "tree %u: two ways lead to node %d", f->t->len, node);
    f->seen[node] = 1;
    const struct trees_source_node *s = &f->nodes[node];
    if (s->left == -1 && s->right == -1)
        return ERR_OK;
    if (depth == TREES_DEPTH_MAX)
        return err_set(f->err, ERR_LIMIT, "tree %u is deeper than %d", f->t->len, TREES_DEPTH_MAX);
    if (f->tree.depth <= depth)
        f->tree.depth = depth + 1;
    enum err_code code = measure(f, s->left, depth + 1);
    return code == ERR_OK ? measure(f, s->right, depth + 1) : code;
}

/* Until trees_finish a place is column feature * 2 + (1: NaN goes left). */
static void fill(struct filling *f, int32_t node, uint32_t at, uint32_t depth)
{
    struct trees *t = f->t;
    const struct trees_source_node *s = &f->nodes[node];
    bool is_leaf = s->left == -1;
    if (depth == f->tree.depth) {
        t->leaf[f->tree.first_leaf + at + 1 - (1u << depth)] = s->value;
        return;
    }
    t->threshold[f->tree.first_node + at] = is_leaf ? INFINITY : s->value;
    t->place[f->tree.first_node + at] =
        is_leaf ? -1 : (int32_t)(s->feature * 2 + (s->missing_left ? 1 : 0));
    fill(f, is_leaf ? node : s->left, 2 * at + 1, depth + 1);
    fill(f, is_leaf ? node : s->right, 2 * at + 2, depth + 1);
}

static enum err_code grow(void **p, size_t n, size_t size, struct err *err)
{
    void *bigger = mem_try_resize(*p, n, size);
    if (!bigger)
        return err_set(err, ERR_MEMORY, "no memory for %zu nodes of trees", n);
    *p = bigger;
    return ERR_OK;
}

static enum err_code make_room(struct trees *t, uint32_t nodes, uint32_t leaves, uint32_t trees,
                               struct err *err)
{
    enum err_code code = grow((void **)&t->tree, trees, sizeof *t->tree, err);
    if (code == ERR_OK)
        code = grow((void **)&t->threshold, nodes, sizeof *t->threshold, err);
    if (code == ERR_OK)
        code = grow((void **)&t->place, nodes, sizeof *t->place, err);
    if (code == ERR_OK)
        code = grow((void **)&t->leaf, leaves, sizeof *t->leaf, err);
    return code;
}

enum err_code trees_append(struct trees *t, const struct trees_source_node *nodes, size_t n,
                           struct err *err)
{
    struct filling f = {.t = t, .nodes = nodes, .n = n, .err = err};
    if (t->len == TREES_MAX)
        return err_set(err, ERR_LIMIT, "there are more than %d trees", TREES_MAX);
    f.seen = mem_try_new(n, 1);
    if (!f.seen)
        return err_set(err, ERR_MEMORY, "no memory for %zu nodes of a tree", n);
    enum err_code code = measure(&f, 0, 0);
    mem_free(f.seen);
    if (code != ERR_OK)
        return code;
    uint32_t leaves = 1u << f.tree.depth;
    if (t->leaves + leaves > TREES_NODES_MAX)
        return err_set(err, ERR_LIMIT, "the trees have more than %d leaves, filled up",
                       TREES_NODES_MAX);
    code = make_room(t, t->nodes + leaves - 1, t->leaves + leaves, t->len + 1, err);
    if (code != ERR_OK)
        return code;
    f.tree.first_node = t->nodes;
    f.tree.first_leaf = t->leaves;
    fill(&f, 0, 0, 0);
    t->tree[t->len++] = f.tree;
    t->nodes += leaves - 1;
    t->leaves += leaves;
    return ERR_OK;
}

enum err_code trees_finish(struct trees *t, struct err *err)
{
    uint16_t of[2 * TREES_FEATURES_MAX]; /* column + 1 of feature * 2 + way; 0: none yet */
    memset(of, 0, sizeof of);
    t->column = mem_try_new(2 * TREES_FEATURES_MAX, sizeof *t->column);
    if (!t->column)
        return err_set(err, ERR_MEMORY, "no memory for the columns of trees");
    for (uint32_t i = 0; i < t->nodes; i++) {
        int32_t wanted = t->place[i];
        if (wanted >= 0 && !of[wanted]) {
            t->column[t->columns++] = (uint16_t)wanted;
            of[wanted] = (uint16_t)t->columns;
        }
        /* whatever is below infinity goes left, and else right: to the same leaf */
        t->place[i] = wanted < 0 ? 0 : (of[wanted] - 1) * TREES_BLOCK;
    }
    if (t->columns == 0)
        t->columns = 1; /* a tree that is filled up looks at one */
    return ERR_OK;
}

/* --- scoring --------------------------------------------------------------------------------- */

/* The columns of the rows [0, n) of x, n <= TREES_BLOCK. */
static void fill_table(const struct trees *t, const float *x, size_t stride, size_t n, float *table)
{
    for (uint32_t c = 0; c < t->columns; c++) {
        const float *from = x + (size_t)(t->column[c] >> 1) * stride;
        float missing = t->column[c] & 1 ? -INFINITY : INFINITY;
        float *to = table + (size_t)c * TREES_BLOCK;
        if (n == TREES_BLOCK) {
            for (size_t i = 0; i < TREES_BLOCK; i++)
                to[i] = from[i] != from[i] ? missing : from[i];
            continue;
        }
        for (size_t i = 0; i < TREES_BLOCK; i++)
            to[i] = i >= n ? 0 : from[i] != from[i] ? missing : from[i];
    }
}

void trees_score_with(const struct trees_ops *ops, const struct trees *t, const float *x,
                      size_t stride, size_t n, float *out)
{
    _Alignas(64) float table[2 * TREES_FEATURES_MAX * TREES_BLOCK];
    _Alignas(64) float sums[TREES_BLOCK];
    DCHECK(stride >= n);
    for (size_t at = 0; at < n; at += TREES_BLOCK) {
        size_t rows = n - at < TREES_BLOCK ? n - at : TREES_BLOCK;
        fill_table(t, x + at, stride, rows, table);
        for (size_t i = 0; i < TREES_BLOCK; i++)
            sums[i] = t->base;
        ops->block(t, table, sums);
        memcpy(out + at, sums, rows * sizeof *out);
    }
}

void trees_score(const struct trees *t, const float *x, size_t stride, size_t n, float *out)
{
    trees_score_with(trees_ops, t, x, stride, n, out);
}

float trees_predict(const struct trees *t, float margin)
{
    return t->link == TREES_LOGISTIC ? 1 / (1 + expf(-margin)) : margin;
}
