/* model.h - random models that satisfy all that recommend_model.h promises. */
#ifndef TESTS_ENGINE_MODEL_H
#define TESTS_ENGINE_MODEL_H

#include "base/arena.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/rng.h"
#include "engine/recommend_model.h"
#include "store/records.h"

#define FAKE_OF(type, n) ARENA_NEW(a, type, (size_t)(n) + 1)

static inline float *fake_floats(struct rng *r, struct arena *a, size_t n)
{
    float *v = FAKE_OF(float, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (float)rng_below(r, 1000) / 1000;
    return v;
}

/* Numbers that ascend from above 0. */
static inline uint32_t *fake_numbers(struct rng *r, struct arena *a, size_t n)
{
    uint32_t *v = FAKE_OF(uint32_t, n);
    for (size_t i = 0; i < n; i++)
        v[i] = (i ? v[i - 1] : 0) + 1 + (uint32_t)rng_below(r, 3);
    return v;
}

static inline uint32_t *fake_shuffled(struct rng *r, struct arena *a, uint32_t n)
{
    uint32_t *v = FAKE_OF(uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = (uint32_t)rng_below(r, i + 1);
        v[i] = v[k];
        v[k] = i;
    }
    return v;
}

static inline struct neighbour_lists fake_lists_of(struct rng *r, struct arena *a, uint32_t rows)
{
    enum { LIST_MAX = 5 };
    uint32_t *offsets = FAKE_OF(uint32_t, rows + 1);
    uint32_t *to = FAKE_OF(uint32_t, (size_t)rows * LIST_MAX), n = 0;
    float *scores = FAKE_OF(float, (size_t)rows *LIST_MAX);
    for (uint32_t row = 0; row < rows; row++) {
        const uint32_t *order = fake_shuffled(r, a, rows);
        uint64_t len = rng_below(r, LIST_MAX + 1);
        for (uint32_t i = 0; i < rows && n - offsets[row] < len; i++)
            if (order[i] != row) {
                scores[n] = 1 / (float)(1 + n - offsets[row]);
                to[n++] = order[i];
            }
        offsets[row + 1] = n;
    }
    return (struct neighbour_lists){offsets, to, scores};
}

static inline void fake_histories(struct recommend_model *m, struct rng *r, struct arena *a)
{
    enum { HISTORY_MAX = 9 };
    uint64_t *offsets = FAKE_OF(uint64_t, m->users + 1);
    uint32_t *acts = FAKE_OF(uint32_t, (size_t)m->users * HISTORY_MAX);
    uint16_t *days = FAKE_OF(uint16_t, (size_t)m->users * HISTORY_MAX);
    for (uint32_t u = 0; u < m->users; u++) {
        uint64_t n = offsets[u] + (m->rows ? rng_below(r, HISTORY_MAX) : 0);
        for (uint64_t i = offsets[u]; i < n; i++) {
            acts[i] = (uint32_t)rng_below(r, EVENT_TYPES) << HISTORY_ROW_BITS |
                      (uint32_t)rng_below(r, m->rows);
            days[i] = (uint16_t)(UINT16_MAX - (i - offsets[u]) * 100);
        }
        offsets[u + 1] = n;
    }
    m->user_no = fake_numbers(r, a, m->users);
    m->history_offsets = offsets;
    m->history_acts = acts;
    m->history_days = days;
}

static inline void fake_vectors(struct recommend_model *m, uint32_t cells, struct rng *r,
                                struct arena *a)
{
    struct vectors *v = &m->vectors;
    *v = (struct vectors){.rows = m->rows, .dim = m->dim, .cells = cells};
    uint32_t *bounds = FAKE_OF(uint32_t, cells + 1);
    const uint32_t *order = fake_shuffled(r, a, m->rows);
    uint32_t each = cells ? m->rows / cells : 0;
    for (uint32_t c = 0; c < cells; c++) {
        uint32_t n = c + 1 < cells ? each : m->rows - c * each;
        bounds[c + 1] = bounds[c] + (n + VEC_BLOCK_ROWS - 1) / VEC_BLOCK_ROWS;
    }
    v->blocks = bounds[cells];
    uint32_t *rows = FAKE_OF(uint32_t, (size_t)v->blocks * VEC_BLOCK_ROWS);
    uint8_t *codes = FAKE_OF(uint8_t, v->blocks * vec_block_bytes(m->dim));
    for (size_t i = 0; i < (size_t)v->blocks * VEC_BLOCK_ROWS; i++)
        rows[i] = VECTORS_NO_ROW;
    for (uint32_t c = 0, at = 0; c < cells; c++)
        for (uint32_t i = 0, n = c + 1 < cells ? each : m->rows - c * each; i < n; i++)
            rows[bounds[c] * VEC_BLOCK_ROWS + i] = order[at++];
    for (size_t i = 0; i < v->blocks * vec_block_bytes(m->dim); i++)
        codes[i] = (uint8_t)rng_below(r, 256);
    v->exact = fake_floats(r, a, (size_t)m->rows * m->dim);
    v->centroids = fake_floats(r, a, (size_t)cells * m->dim);
    v->cell_blocks = bounds;
    v->block_rows = rows;
    v->block_scales = fake_floats(r, a, (size_t)v->blocks * VEC_BLOCK_ROWS);
    v->codes = codes;
}

static inline void fake_content(struct recommend_model *m, struct rng *r, struct arena *a)
{
    enum { FEATURES = 6 };
    uint64_t *keys = FAKE_OF(uint64_t, FEATURES);
    float *idf = fake_floats(r, a, FEATURES);
    for (uint64_t i = 0; i < FEATURES; i++)
        keys[i] = i / 2 << CONTENT_KIND_SHIFT | (i + rng_below(r, 2) * FEATURES);
    for (uint64_t i = 1; i < FEATURES; i++) /* of one kind two, ascending */
        if (keys[i] <= keys[i - 1])
            keys[i] = keys[i - 1] + 1;
    m->content = (struct content_tower){.features = FEATURES,
                                        .dim = m->dim,
                                        .products = m->rows,
                                        .keys = keys,
                                        .idf = idf,
                                        .weights = fake_floats(r, a, (size_t)FEATURES * m->dim)};
}

static inline const void *fake_copy(struct arena *a, const void *from, size_t n, size_t size)
{
    void *to = arena_alloc(a, n + 1, size);
    return n ? memcpy(to, from, n * size) : to;
}

/* Sessions of random rows. */
static inline struct session_index fake_sessions(struct rng *r, struct arena *a, uint32_t rows)
{
    enum { SESSIONS = 12, EACH = 6 };
    uint64_t offsets[SESSIONS + 1] = {0};
    uint32_t item[SESSIONS * EACH];
    int64_t end_us[SESSIONS];
    struct session_index x;
    for (uint32_t s = 0; s < SESSIONS; s++) {
        offsets[s + 1] = offsets[s] + rng_below(r, EACH + 1);
        end_us[s] = 1700000000000000 + (int64_t)rng_below(r, 1000000000000);
        for (uint64_t p = offsets[s]; p < offsets[s + 1]; p++)
            item[p] = (uint32_t)rng_below(r, rows);
    }
    struct session_input in = {SESSIONS, rows, 0, offsets, item, end_us};
    CHECK(session_index_build(&in, &x, NULL) == ERR_OK);
    struct session_index copy = {
        .sessions = x.sessions,
        .items = rows,
        .offsets = fake_copy(a, x.offsets, SESSIONS + 1, sizeof *x.offsets),
        .item = fake_copy(a, x.item, x.offsets[SESSIONS], sizeof *x.item),
        .end_s = fake_copy(a, x.end_s, SESSIONS, sizeof *x.end_s),
        .of_offsets = fake_copy(a, x.of_offsets, rows + 1, sizeof *x.of_offsets),
        .of_session = fake_copy(a, x.of_session, x.of_offsets[rows], sizeof *x.of_session),
        .idf = fake_copy(a, x.idf, rows, sizeof *x.idf)};
    session_index_release(&x);
    return copy;
}

/** A model of these sizes, all in the arena. dim 0: no factors, and cells counts for nothing. */
static inline struct recommend_model fake_model(uint64_t seed, uint32_t rows, uint32_t dim,
                                                uint32_t cells, uint32_t users, struct arena *a)
{
    struct rng r;
    rng_init(&r, seed);
    struct recommend_model m = {
        .meta = STR_LIT("{\"factors\":8}"),
        .position = (int64_t)seed,
        .trained_at = 1700000000000000 + (int64_t)seed,
        .rows = rows,
        .dim = dim,
        .alpha = 40,
        .regularisation = 0.1f,
        .exponent = 0.75f,
        .mean_products = 12.5f,
        .users = users,
    };
    m.items = fake_numbers(&r, a, rows);
    m.popularity = fake_floats(&r, a, rows);
    m.again_share = fake_floats(&r, a, rows);
    float *again_days = fake_floats(&r, a, rows);
    for (uint32_t row = 0; row < rows; row++)
        again_days[row] += 0.5f;
    m.again_days = again_days;
    m.spectrum = fake_floats(&r, a, dim);
    if (dim)
        fake_vectors(&m, cells, &r, a);
    m.near = fake_lists_of(&r, a, rows);
    m.with = fake_lists_of(&r, a, rows);
    m.next = fake_lists_of(&r, a, rows);
    m.alike = fake_lists_of(&r, a, rows);
    if (dim)
        fake_content(&m, &r, a);
    fake_histories(&m, &r, a);
    if (rows > 1)
        m.sessions = fake_sessions(&r, a, rows);
    return m;
}

/** The same with the factors of linear propagation. */
static inline struct recommend_model fake_graph_model(uint64_t seed, uint32_t rows, uint32_t dim,
                                                      uint32_t cells, uint32_t users,
                                                      struct arena *a)
{
    struct rng r;
    struct recommend_model m = fake_model(seed, rows, dim, cells, users, a);
    rng_init(&r, seed + 1);
    m.source = FACTORS_PROPAGATION;
    m.spectrum = NULL;
    m.fold_in = fake_floats(&r, a, rows);
    m.graph = fake_lists_of(&r, a, rows);
    m.graph_scale = 2.5f;
    return m;
}

static inline void touch_lists(const struct neighbour_lists *l, uint32_t rows)
{
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t i = l->offsets[row]; i < l->offsets[row + 1]; i++) {
            CHECK(l->rows[i] < rows && l->rows[i] != row);
            CHECK(l->scores[i] > 0 && l->scores[i] <= 1);
            CHECK(i == l->offsets[row] || l->scores[i] <= l->scores[i - 1]);
        }
}

static inline double touch_floats(const float *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)v[i];
    return sum;
}

/* Every feature, and one that is unknown. */
static inline void touch_content(const struct recommend_model *m, const struct content_tower *t)
{
    float *x = mem_new((size_t)m->dim + 1, sizeof *x);
    volatile double touched_sum = 0; /* any: weights are only finite */
    for (uint32_t i = 0; i < t->features; i++) {
        const struct content_feature features[] = {{t->keys[i], 1}, {t->keys[i] + 1, 1}};
        struct content_vector v;
        CHECK(i == 0 || t->keys[i - 1] < t->keys[i]);
        content_vector_of(t, features, 2, &v);
        CHECK(v.len >= 1 && v.len <= 2 && v.index[0] == i);
        content_embed(t, &v, x);
        touched_sum += touch_floats(x, m->dim);
    }
    mem_free(x);
}

static inline void touch_sessions(const struct session_index *x)
{
    for (uint32_t s = 0; s < x->sessions; s++) {
        CHECK(s == 0 || x->end_s[s] <= x->end_s[s - 1]);
        for (uint32_t p = x->offsets[s]; p < x->offsets[s + 1]; p++)
            CHECK(x->item[p] < x->items);
    }
    for (uint32_t i = 0; x->sessions && i < x->items; i++) {
        CHECK(x->idf[i] >= 0 && x->idf[i] <= 1);
        for (uint32_t k = x->of_offsets[i]; k < x->of_offsets[i + 1]; k++) {
            uint32_t s = x->of_session[k], p;
            CHECK(s < x->sessions && (k == x->of_offsets[i] || s > x->of_session[k - 1]));
            for (p = x->offsets[s]; x->item[p] != i; p++)
                CHECK(p + 1 < x->offsets[s + 1]);
        }
    }
}

/** Read all that a server reads. Aborts where a model that was opened breaks a promise. */
static inline void touch_model(const struct recommend_model *m)
{
    const struct vectors *v = &m->vectors;
    double sum = touch_floats(m->popularity, m->rows);
    for (uint32_t row = 0; row < m->rows; row++)
        CHECK(m->again_days[row] > 0 && m->again_share[row] >= 0 && m->again_share[row] <= 1);
    if (m->dim)
        sum += (m->source == FACTORS_ALS ? touch_floats(m->spectrum, m->dim)
                                         : touch_floats(m->fold_in, m->rows)) +
               touch_floats(v->exact, (size_t)v->rows * v->dim) +
               touch_floats(v->centroids, (size_t)v->cells * v->dim);
    for (uint32_t c = 0; c < v->cells; c++)
        for (size_t i = (size_t)v->cell_blocks[c] * VEC_BLOCK_ROWS;
             i < (size_t)v->cell_blocks[c + 1] * VEC_BLOCK_ROWS; i++)
            sum += (double)v->block_scales[i] +
                   v->codes[i / VEC_BLOCK_ROWS * vec_block_bytes(v->dim)] +
                   (v->block_rows[i] == VECTORS_NO_ROW ? 0 : m->items[v->block_rows[i]]);
    CHECK(sum == sum);
    for (uint32_t row = 0; row < m->rows; row++)
        CHECK(recommend_model_row(m, m->items[row]) == row);
    if (m->source == FACTORS_PROPAGATION)
        touch_lists(&m->graph, m->rows);
    touch_lists(&m->next, m->rows);
    touch_lists(&m->near, m->rows);
    touch_lists(&m->with, m->rows);
    touch_lists(&m->next, m->rows);
    touch_lists(&m->alike, m->rows);
    touch_content(m, &m->content);
    touch_sessions(&m->sessions);
    for (uint32_t u = 0; u < m->users; u++) {
        const uint32_t *acts;
        const uint16_t *days;
        size_t n = recommend_model_history(m, m->user_no[u], &acts, &days);
        for (size_t i = 0; i < n; i++)
            CHECK(HISTORY_ROW(acts[i]) < m->rows && HISTORY_TYPE(acts[i]) < EVENT_TYPES &&
                  days[i] <= UINT16_MAX);
    }
}

#endif
