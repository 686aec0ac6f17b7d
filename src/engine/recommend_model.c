#include "engine/recommend_model.h"

#include <math.h>

#include "base/check.h"
#include "base/mem.h"
#include "index/container.h"
#include "store/records.h"

static const char KIND[] = "recommend";

/* The scalars, as one fixed-size section. */
struct header {
    int64_t position;
    int64_t trained_at;
    uint32_t rows, dim, users, source, features, products, sessions;
    float alpha, regularisation, exponent, mean_products, graph_scale;
};

/* --- writing --------------------------------------------------------------------------------- */

static void add_lists(struct container_writer *w, const struct neighbour_lists *l, uint32_t rows,
                      const char *const names[3])
{
    container_writer_add(w, names[0], sizeof *l->offsets, l->offsets, (size_t)rows + 1);
    container_writer_add(w, names[1], sizeof *l->rows, l->rows, l->offsets[rows]);
    container_writer_add(w, names[2], sizeof *l->scores, l->scores, l->offsets[rows]);
}

static const char *const graph_names[3] = {"graph.offsets", "graph.rows", "graph.scores"};
static const char *const near_names[3] = {"near.offsets", "near.rows", "near.scores"};
static const char *const with_names[3] = {"with.offsets", "with.rows", "with.scores"};
static const char *const next_names[3] = {"next.offsets", "next.rows", "next.scores"};
static const char *const alike_names[3] = {"alike.offsets", "alike.rows", "alike.scores"};

static void add_content(struct container_writer *w, const struct content_tower *t)
{
    container_writer_add(w, "content.keys", sizeof *t->keys, t->keys, t->features);
    container_writer_add(w, "content.idf", sizeof *t->idf, t->idf, t->features);
    container_writer_add(w, "content.weights", sizeof *t->weights, t->weights,
                         (size_t)t->features * t->dim);
}

enum err_code recommend_model_write(const struct recommend_model *m, const char *path,
                                    struct err *err)
{
    struct header head = {.position = m->position,
                          .trained_at = m->trained_at,
                          .rows = m->rows,
                          .dim = m->dim,
                          .users = m->users,
                          .source = m->source,
                          .graph_scale = m->graph_scale,
                          .features = m->content.features,
                          .products = m->content.products,
                          .sessions = m->sessions.sessions,
                          .alpha = m->alpha,
                          .regularisation = m->regularisation,
                          .exponent = m->exponent,
                          .mean_products = m->mean_products};
    struct container_writer *w = container_writer_new(KIND, RECOMMEND_MODEL_VERSION);
    container_writer_add(w, "header", sizeof head, &head, 1);
    container_writer_add(w, "meta", 1, m->meta.p, m->meta.n);
    container_writer_add(w, "items", sizeof *m->items, m->items, m->rows);
    container_writer_add(w, "popularity", sizeof *m->popularity, m->popularity, m->rows);
    container_writer_add(w, "again.days", sizeof *m->again_days, m->again_days, m->rows);
    container_writer_add(w, "again.share", sizeof *m->again_share, m->again_share, m->rows);
    if (m->dim && m->source == FACTORS_ALS)
        container_writer_add(w, "spectrum", sizeof *m->spectrum, m->spectrum, m->dim);
    if (m->dim && m->source == FACTORS_PROPAGATION)
        container_writer_add(w, "fold_in", sizeof *m->fold_in, m->fold_in, m->rows);
    vectors_write(&m->vectors, w);
    if (m->source == FACTORS_PROPAGATION)
        add_lists(w, &m->graph, m->rows, graph_names);
    add_lists(w, &m->near, m->rows, near_names);
    add_lists(w, &m->with, m->rows, with_names);
    add_lists(w, &m->next, m->rows, next_names);
    add_lists(w, &m->alike, m->rows, alike_names);
    if (m->content.features)
        add_content(w, &m->content);
    if (m->sessions.sessions)
        session_index_write(&m->sessions, w);
    size_t acts = m->history_offsets[m->users];
    container_writer_add(w, "user.no", sizeof *m->user_no, m->user_no, m->users);
    container_writer_add(w, "user.offsets", sizeof *m->history_offsets, m->history_offsets,
                         (size_t)m->users + 1);
    container_writer_add(w, "user.acts", sizeof *m->history_acts, m->history_acts, acts);
    container_writer_add(w, "user.days", sizeof *m->history_days, m->history_days, acts);
    enum err_code code = container_write_file(w, path, err);
    container_writer_free(w);
    return code;
}

/* --- checking -------------------------------------------------------------------------------- */

#define CORRUPT(err, ...) err_set((err), ERR_CORRUPT, "recommend model: " __VA_ARGS__)

static enum err_code check_ascending(const uint32_t *v, size_t n, const char *what, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] <= (i ? v[i - 1] : 0))
            return CORRUPT(err, "%s is out of order at %zu", what, i);
    return ERR_OK;
}

static enum err_code check_offsets(const uint32_t *v, size_t n, size_t total, const char *what,
                                   struct err *err)
{
    if (v[0] != 0 || v[n] != total)
        return CORRUPT(err, "%s does not span its %zu entries", what, total);
    for (size_t i = 0; i < n; i++)
        if (v[i] > v[i + 1])
            return CORRUPT(err, "%s descends at %zu", what, i);
    return ERR_OK;
}

static enum err_code check_not_negative(const float *v, size_t n, const char *what, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]) || v[i] < 0)
            return CORRUPT(err, "%s is not a number of 0 or more at %zu", what, i);
    return ERR_OK;
}

static enum err_code check_below(const uint32_t *v, size_t n, uint32_t end, const char *what,
                                 struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] >= end)
            return CORRUPT(err, "%s refers to row %u of %u at %zu", what, v[i], end, i);
    return ERR_OK;
}

/* The list of a row: short, without the row itself or one twice, best first. listed [rows] keeps
 * one more than the list in which each row was seen last. */
static enum err_code check_list(const struct neighbour_lists *l, uint32_t row, uint32_t *listed,
                                const char *const names[3], struct err *err)
{
    uint32_t from = l->offsets[row], end = l->offsets[row + 1];
    if (end - from > RECOMMEND_NEIGHBOURS_MAX)
        return CORRUPT(err, "%s has too long a list at %u", names[0], row);
    for (uint32_t i = from; i < end; i++) {
        float most = i == from ? 1 : l->scores[i - 1];
        if (!(l->scores[i] > 0) || !(l->scores[i] <= most))
            return CORRUPT(err, "%s is not in (0, 1] and descending at %u", names[2], i);
        if (l->rows[i] == row || listed[l->rows[i]] == row + 1)
            return CORRUPT(err, "%s repeats row %u at %u", names[1], l->rows[i], i);
        listed[l->rows[i]] = row + 1;
    }
    return ERR_OK;
}

static enum err_code read_lists(const struct container *c, uint32_t rows,
                                const char *const names[3], struct neighbour_lists *l,
                                struct err *err)
{
    size_t total;
    TRY_SECTION(c, names[0], &l->offsets, (size_t)rows + 1, err);
    TRY(container_section(c, names[1], sizeof *l->rows, (const void **)&l->rows, &total, err));
    TRY_SECTION(c, names[2], &l->scores, total, err);
    TRY(check_offsets(l->offsets, rows, total, names[0], err));
    TRY(check_below(l->rows, total, rows, names[1], err));
    uint32_t *listed = mem_try_new(rows, sizeof *listed);
    enum err_code code = ERR_OK;
    if (!listed && rows)
        return err_set(err, ERR_MEMORY, "no memory to check %u rows", rows);
    for (uint32_t r = 0; r < rows && code == ERR_OK; r++)
        code = check_list(l, r, listed, names, err);
    mem_free(listed);
    return code;
}

static enum err_code read_als(const struct container *c, struct recommend_model *m, struct err *err)
{
    if (!(m->regularisation > 0) || !(m->alpha > 0) || !isfinite(m->regularisation) ||
        !isfinite(m->alpha))
        return CORRUPT(err, "alpha %g and regularisation %g", (double)m->alpha,
                       (double)m->regularisation);
    if (!(m->exponent >= 0 && m->exponent <= RECOMMEND_EXPONENT_MAX) ||
        !(m->mean_products >= 0 && isfinite(m->mean_products)))
        return CORRUPT(err, "exponent %g and %g products of a shopper", (double)m->exponent,
                       (double)m->mean_products);
    TRY_SECTION(c, "spectrum", &m->spectrum, m->dim, err);
    return check_not_negative(m->spectrum, m->dim, "spectrum", err);
}

static enum err_code read_graph(const struct container *c, struct recommend_model *m,
                                struct err *err)
{
    if (!(m->graph_scale > 0) || !isfinite(m->graph_scale))
        return CORRUPT(err, "graph scale %g", (double)m->graph_scale);
    if (m->dim) {
        TRY_SECTION(c, "fold_in", &m->fold_in, m->rows, err);
        TRY(check_not_negative(m->fold_in, m->rows, "fold_in", err));
    }
    return read_lists(c, m->rows, graph_names, &m->graph, err);
}

static enum err_code read_factors(const struct container *c, struct recommend_model *m,
                                  struct err *err)
{
    if (m->source >= FACTOR_SOURCES)
        return CORRUPT(err, "factor source %u", m->source);
    if (m->dim > RECOMMEND_DIM_MAX)
        return CORRUPT(err, "%u dimensions", m->dim);
    if (m->source == FACTORS_PROPAGATION)
        TRY(read_graph(c, m, err));
    else if (m->dim)
        TRY(read_als(c, m, err));
    return m->dim ? vectors_read(c, m->rows, m->dim, &m->vectors, err) : ERR_OK;
}

static enum err_code read_again(const struct container *c, struct recommend_model *m,
                                struct err *err)
{
    TRY_SECTION(c, "again.days", &m->again_days, m->rows, err);
    TRY_SECTION(c, "again.share", &m->again_share, m->rows, err);
    for (uint32_t r = 0; r < m->rows; r++)
        if (!(m->again_days[r] > 0) || !isfinite(m->again_days[r]) ||
            !(m->again_share[r] >= 0 && m->again_share[r] <= 1))
            return CORRUPT(err, "again has share %g and %g days at %u", (double)m->again_share[r],
                           (double)m->again_days[r], r);
    return ERR_OK;
}

/* Features are known where there are factors to map them to. */
static enum err_code read_content(const struct container *c, uint32_t dim, struct content_tower *t,
                                  struct err *err)
{
    t->dim = dim;
    if (t->features == 0)
        return ERR_OK;
    if (dim == 0)
        return CORRUPT(err, "%u features without factors", t->features);
    TRY_SECTION(c, "content.keys", &t->keys, t->features, err);
    TRY_SECTION(c, "content.idf", &t->idf, t->features, err);
    TRY_SECTION(c, "content.weights", &t->weights, (size_t)t->features * dim, err);
    for (uint32_t i = 0; i < t->features; i++) {
        if (i && t->keys[i] <= t->keys[i - 1])
            return CORRUPT(err, "content.keys is out of order at %u", i);
        if (content_kind_of(t->keys[i]) >= CONTENT_KINDS)
            return CORRUPT(err, "content.keys has a feature of kind %u at %u",
                           (unsigned)content_kind_of(t->keys[i]), i);
    }
    TRY(check_not_negative(t->idf, t->features, "content.idf", err));
    for (size_t i = 0; i < (size_t)t->features * dim; i++)
        if (!isfinite(t->weights[i]))
            return CORRUPT(err, "content.weights is not finite at %zu", i);
    return ERR_OK;
}

static enum err_code read_sessions(const struct container *c, uint32_t sessions,
                                   struct recommend_model *m, struct err *err)
{
    if (sessions == 0)
        return ERR_OK;
    enum err_code code = session_index_read(c, sessions, m->rows, &m->sessions, err);
    return code == ERR_OK ? code : err_prefix(err, code, "recommend model");
}

static enum err_code read_histories(const struct container *c, struct recommend_model *m,
                                    struct err *err)
{
    size_t acts;
    TRY_SECTION(c, "user.no", &m->user_no, m->users, err);
    TRY_SECTION(c, "user.offsets", &m->history_offsets, (size_t)m->users + 1, err);
    TRY(container_section(c, "user.acts", sizeof *m->history_acts, (const void **)&m->history_acts,
                          &acts, err));
    TRY_SECTION(c, "user.days", &m->history_days, acts, err);
    TRY(check_ascending(m->user_no, m->users, "user.no", err));
    if (m->history_offsets[0] != 0 || m->history_offsets[m->users] != acts)
        return CORRUPT(err, "user.offsets does not span its %zu acts", acts);
    for (uint32_t u = 0; u < m->users; u++)
        if (m->history_offsets[u] > m->history_offsets[u + 1])
            return CORRUPT(err, "user.offsets descends at %u", u);
    for (size_t i = 0; i < acts; i++)
        if (HISTORY_ROW(m->history_acts[i]) >= m->rows ||
            HISTORY_TYPE(m->history_acts[i]) >= EVENT_TYPES)
            return CORRUPT(err, "user.acts has type %u of row %u of %u at %zu",
                           HISTORY_TYPE(m->history_acts[i]), HISTORY_ROW(m->history_acts[i]),
                           m->rows, i);
    return ERR_OK;
}

float recommend_lambda(float lambda, float exponent, double unseen, double mean_n, double n)
{
    if (exponent == 0)
        return lambda;
    return lambda * (float)pow((n + unseen) / (mean_n + unseen), (double)exponent);
}

static enum err_code read_all(struct recommend_model *m, struct err *err)
{
    const struct container *c = m->file;
    const struct header *head;
    TRY(container_expect(c, KIND, RECOMMEND_MODEL_VERSION, err));
    TRY_SECTION(c, "header", &head, 1, err);
    m->position = head->position;
    m->trained_at = head->trained_at;
    m->rows = head->rows;
    m->dim = head->dim;
    m->users = head->users;
    m->source = head->source;
    m->graph_scale = head->graph_scale;
    m->content.features = head->features;
    m->content.products = head->products;
    m->alpha = head->alpha;
    m->regularisation = head->regularisation;
    m->exponent = head->exponent;
    m->mean_products = head->mean_products;
    if (m->rows >= 1u << HISTORY_ROW_BITS)
        return CORRUPT(err, "%u rows", m->rows);
    TRY(container_section(c, "meta", 1, (const void **)&m->meta.p, &m->meta.n, err));
    TRY_SECTION(c, "items", &m->items, m->rows, err);
    TRY_SECTION(c, "popularity", &m->popularity, m->rows, err);
    TRY(check_ascending(m->items, m->rows, "items", err));
    TRY(check_not_negative(m->popularity, m->rows, "popularity", err));
    recommend_model_find_most(m);
    TRY(read_again(c, m, err));
    TRY(read_factors(c, m, err));
    TRY(read_lists(c, m->rows, near_names, &m->near, err));
    TRY(read_lists(c, m->rows, with_names, &m->with, err));
    TRY(read_lists(c, m->rows, next_names, &m->next, err));
    TRY(read_lists(c, m->rows, alike_names, &m->alike, err));
    TRY(read_content(c, m->dim, &m->content, err));
    TRY(read_sessions(c, head->sessions, m, err));
    return read_histories(c, m, err);
}

/* Takes file, whatever happens. */
static enum err_code finish_open(struct container *file, struct recommend_model *out,
                                 struct err *err)
{
    struct recommend_model m = {.file = file};
    enum err_code code = read_all(&m, err);
    if (code != ERR_OK) {
        container_close(file);
        return code;
    }
    *out = m;
    return ERR_OK;
}

enum err_code recommend_model_open(const char *path, bool checksums, struct recommend_model *out,
                                   struct err *err)
{
    struct container *file;
    TRY(container_open_file(path, checksums ? CONTAINER_CHECKSUMS : 0, &file, err));
    enum err_code code = finish_open(file, out, err);
    return code == ERR_OK ? code : err_prefix(err, code, "%s", path);
}

enum err_code recommend_model_open_memory(void *image, size_t bytes, struct recommend_model *out,
                                          struct err *err)
{
    struct container *file;
    TRY(container_open_memory(image, bytes, 0, &file, err));
    return finish_open(file, out, err);
}

void recommend_model_close(struct recommend_model *m)
{
    container_close(m->file);
    *m = (struct recommend_model){0};
}

/* --- look-up --------------------------------------------------------------------------------- */

/* Index of key in ascending v[n], or UINT32_MAX. A number of steps that the key does not change, and no branch that
 * depends on it: a wrong guess of the processor costs more than a step. */
static uint32_t find(const uint32_t *v, uint32_t n, uint32_t key)
{
    const uint32_t *at = v;
    if (n == 0)
        return UINT32_MAX;
    for (uint32_t left = n; left > 1;) {
        uint32_t half = left / 2;
        at += at[half] <= key ? half : 0;
        left -= half;
    }
    return *at == key ? (uint32_t)(at - v) : UINT32_MAX;
}

void recommend_model_find_most(struct recommend_model *m)
{
    m->popularity_most = 0;
    for (uint32_t row = 0; row < m->rows; row++)
        m->popularity_most = fmaxf(m->popularity_most, m->popularity[row]);
}

uint32_t recommend_model_row(const struct recommend_model *m, uint32_t product_no)
{
    return find(m->items, m->rows, product_no);
}

size_t recommend_model_history(const struct recommend_model *m, uint32_t user_no,
                               const uint32_t **acts, const uint16_t **days)
{
    uint32_t u = find(m->user_no, m->users, user_no);
    if (u == UINT32_MAX)
        return 0;
    uint64_t from = m->history_offsets[u];
    *acts = m->history_acts + from;
    *days = m->history_days + from;
    return m->history_offsets[u + 1] - from;
}
