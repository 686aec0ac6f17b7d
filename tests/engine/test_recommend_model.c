/* test_recommend_model.c - what is written is read; what is damaged is refused. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/mem.h"
#include "engine/model.h"
#include "index/damage.h"
#include "support/suite.h"

enum { ROWS = 23, DIM = 4, CELLS = 3, USERS = 11 };

static char dir[64], path[80];

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/aisle-model-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/recommend.model", dir);
}

static void teardown(void)
{
    struct err err;
    ck_ok(fs_remove_tree(dir, &err));
}

/* --- round trip ------------------------------------------------------------------------------- */

#define SAME(a, b, field, n) ck_assert_mem_eq((a)->field, (b)->field, (n) * sizeof *(a)->field)

static void same_lists(const struct neighbour_lists *a, const struct neighbour_lists *b,
                       size_t rows)
{
    SAME(a, b, offsets, rows + 1);
    SAME(a, b, rows, a->offsets[rows]);
    SAME(a, b, scores, a->offsets[rows]);
}

static void same_vectors(const struct vectors *a, const struct vectors *b)
{
    size_t places = (size_t)a->blocks * VEC_BLOCK_ROWS;
    ck_assert(a->rows == b->rows && a->dim == b->dim);
    ck_assert(a->cells == b->cells && a->blocks == b->blocks);
    SAME(a, b, exact, (size_t)a->rows * a->dim);
    SAME(a, b, centroids, (size_t)a->cells * a->dim);
    SAME(a, b, cell_blocks, a->cells + 1);
    SAME(a, b, block_rows, places);
    SAME(a, b, block_scales, places);
    SAME(a, b, codes, a->blocks * vec_block_bytes(a->dim));
}

static void same_content(const struct content_tower *a, const struct content_tower *b)
{
    ck_assert(a->features == b->features && a->products == b->products);
    if (a->features == 0)
        return;
    ck_assert_uint_eq(a->dim, b->dim);
    SAME(a, b, keys, a->features);
    SAME(a, b, idf, a->features);
    SAME(a, b, weights, (size_t)a->features * a->dim);
}

static void same_sessions(const struct session_index *a, const struct session_index *b)
{
    ck_assert_uint_eq(a->sessions, b->sessions);
    if (a->sessions == 0)
        return;
    ck_assert_uint_eq(a->items, b->items);
    SAME(a, b, offsets, a->sessions + 1);
    SAME(a, b, item, a->offsets[a->sessions]);
    SAME(a, b, end_s, a->sessions);
    SAME(a, b, of_offsets, a->items + 1);
    SAME(a, b, of_session, a->of_offsets[a->items]);
    SAME(a, b, idf, a->items);
}

static void same_model(const struct recommend_model *a, const struct recommend_model *b)
{
    size_t acts = a->history_offsets[a->users];
    ck_assert(str_eq(a->meta, b->meta));
    ck_assert(a->position == b->position && a->trained_at == b->trained_at);
    ck_assert(a->rows == b->rows && a->dim == b->dim);
    ck_assert(a->users == b->users && a->alpha == b->alpha);
    ck_assert(a->regularisation == b->regularisation);
    ck_assert(a->exponent == b->exponent && a->mean_products == b->mean_products);
    SAME(a, b, items, a->rows);
    SAME(a, b, popularity, a->rows);
    SAME(a, b, again_days, a->rows);
    SAME(a, b, again_share, a->rows);
    ck_assert(a->source == b->source && a->graph_scale == b->graph_scale);
    if (a->dim)
        same_vectors(&a->vectors, &b->vectors);
    if (a->dim && a->source == FACTORS_ALS)
        SAME(a, b, spectrum, a->dim);
    if (a->dim && a->source == FACTORS_PROPAGATION)
        SAME(a, b, fold_in, a->rows);
    if (a->source == FACTORS_PROPAGATION)
        same_lists(&a->graph, &b->graph, a->rows);
    same_lists(&a->next, &b->next, a->rows);
    same_lists(&a->near, &b->near, a->rows);
    same_lists(&a->with, &b->with, a->rows);
    same_lists(&a->next, &b->next, a->rows);
    same_lists(&a->alike, &b->alike, a->rows);
    same_content(&a->content, &b->content);
    same_sessions(&a->sessions, &b->sessions);
    SAME(a, b, user_no, a->users);
    SAME(a, b, history_offsets, a->users + 1);
    SAME(a, b, history_acts, acts);
    SAME(a, b, history_days, acts);
}

static void check_look_ups(const struct recommend_model *want, const struct recommend_model *m)
{
    for (uint32_t no = 0, row = 0; want->rows && no <= want->items[want->rows - 1] + 2; no++) {
        bool there = row < want->rows && want->items[row] == no;
        ck_assert_uint_eq(recommend_model_row(m, no), there ? row : UINT32_MAX);
        row += there;
    }
    for (uint32_t no = 0, u = 0; want->users && no <= want->user_no[want->users - 1] + 2; no++) {
        const uint32_t *acts = NULL;
        const uint16_t *days = NULL;
        bool there = u < want->users && want->user_no[u] == no;
        size_t n = recommend_model_history(m, no, &acts, &days);
        uint64_t from = there ? want->history_offsets[u] : 0;
        ck_assert_uint_eq(n, there ? want->history_offsets[u + 1] - from : 0);
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_eq(acts[i], want->history_acts[from + i]);
            ck_assert_uint_eq(days[i], want->history_days[from + i]);
        }
        u += there;
    }
}

START_TEST(what_is_written_is_read_and_found)
{
    static const struct {
        uint32_t rows, dim, cells, users;
    } sizes[] = {{ROWS, DIM, CELLS, USERS},
                 {ROWS, DIM, 1, USERS},
                 {ROWS, 0, 0, USERS},
                 {1, 1, 1, 1},
                 {0, 0, 0, 0},
                 {5, 2, 5, 0}};
    for (size_t i = 0; i < 2 * sizeof sizes / sizeof *sizes; i++) {
        struct arena a;
        struct err err;
        struct recommend_model got;
        arena_init(&a, 0, 16 << 20);
        uint32_t rows = sizes[i / 2].rows, dim = sizes[i / 2].dim, cells = sizes[i / 2].cells;
        struct recommend_model want = (i % 2 ? fake_graph_model : fake_model)(
            i + 1, rows, dim, cells, sizes[i / 2].users, &a);
        ck_ok(recommend_model_write(&want, path, &err));
        ck_ok(recommend_model_open(path, true, &got, &err));
        same_model(&want, &got);
        check_look_ups(&want, &got);
        recommend_model_close(&got);
        recommend_model_close(&got); /* all-zero is fine */
        arena_release(&a);
    }
}
END_TEST

/* --- every check ------------------------------------------------------------------------------ */

/* Breaks one promise of a good model, in copies of its arrays. */
typedef void break_fn(struct recommend_model *m, struct arena *a);

#define COPY(array, n) memcpy(arena_alloc(a, (n), sizeof *(array)), (array), (n) * sizeof *(array))

#define BREAK_ARRAY(name, type, field, n, statement)                                               \
    static void name(struct recommend_model *m, struct arena *a)                                   \
    {                                                                                              \
        type *v = COPY(m->field, (size_t)(n));                                                     \
        statement;                                                                                 \
        m->field = v;                                                                              \
    }
#define BREAK_FIELD(name, statement)                                                               \
    static void name(struct recommend_model *m, struct arena *a)                                   \
    {                                                                                              \
        (void)a;                                                                                   \
        statement;                                                                                 \
    }

#define LISTED(l) ((l).offsets[m->rows])
/* The first place in near where a list of two or more begins. */
static uint32_t a_pair(const struct neighbour_lists *l)
{
    uint32_t row = 0;
    while (l->offsets[row + 1] - l->offsets[row] < 2)
        row++;
    return l->offsets[row];
}

static uint32_t row_at(const struct neighbour_lists *l, uint32_t at)
{
    uint32_t row = 0;
    while (l->offsets[row + 1] <= at)
        row++;
    return row;
}

BREAK_FIELD(too_many_dimensions, *m = fake_model(3, ROWS, RECOMMEND_DIM_MAX + 1, 1, USERS, a))
BREAK_FIELD(more_cells_than_rows, *m = fake_model(3, 2, DIM, 3, USERS, a))
BREAK_FIELD(no_regularisation, m->regularisation = 0)
BREAK_FIELD(infinite_regularisation, m->regularisation = INFINITY)
BREAK_FIELD(alpha_not_a_number, m->alpha = NAN)
BREAK_FIELD(exponent_negative, m->exponent = -0.1f)
BREAK_FIELD(exponent_too_great, m->exponent = RECOMMEND_EXPONENT_MAX + 0.1f)
BREAK_FIELD(exponent_nan, m->exponent = NAN)
BREAK_FIELD(mean_negative, m->mean_products = -1)
BREAK_FIELD(mean_infinite, m->mean_products = INFINITY)
BREAK_ARRAY(items_repeat, uint32_t, items, ROWS, v[4] = v[3])
BREAK_ARRAY(item_zero, uint32_t, items, ROWS, v[0] = 0)
BREAK_ARRAY(popularity_negative, float, popularity, ROWS, v[ROWS - 1] = -0.5f)
BREAK_ARRAY(popularity_nan, float, popularity, ROWS, v[0] = NAN)
BREAK_ARRAY(interval_zero, float, again_days, ROWS, v[1] = 0)
BREAK_ARRAY(interval_infinite, float, again_days, ROWS, v[ROWS - 1] = INFINITY)
BREAK_ARRAY(share_above_one, float, again_share, ROWS, v[2] = 1.01f)
BREAK_ARRAY(share_nan, float, again_share, ROWS, v[0] = NAN)
#define BLOCKS (m->vectors.blocks)
#define PLACES ((size_t)BLOCKS * VEC_BLOCK_ROWS)
BREAK_FIELD(no_cells, *m = fake_model(3, ROWS, DIM, 0, USERS, a))
BREAK_FIELD(half_a_block, m->vectors.blocks = 0)
BREAK_ARRAY(spectrum_negative, float, spectrum, DIM, v[0] = -1)
BREAK_ARRAY(spectrum_nan, float, spectrum, DIM, v[DIM - 1] = NAN)
BREAK_ARRAY(factor_infinite, float, vectors.exact, ROWS *DIM, v[ROWS * DIM - 1] = -INFINITY)
BREAK_ARRAY(centroid_nan, float, vectors.centroids, CELLS *DIM, v[1] = NAN)
BREAK_ARRAY(cells_from_one, uint32_t, vectors.cell_blocks, CELLS + 1, v[0] = 1)
BREAK_ARRAY(cells_descend, uint32_t, vectors.cell_blocks, CELLS + 1, v[1] = BLOCKS + 1)
BREAK_ARRAY(cells_end_early, uint32_t, vectors.cell_blocks, CELLS + 1, v[CELLS] = BLOCKS - 1)
BREAK_ARRAY(block_row_beyond, uint32_t, vectors.block_rows, PLACES, v[3] = ROWS)
BREAK_ARRAY(block_row_twice, uint32_t, vectors.block_rows, PLACES, v[3] = v[4])
BREAK_ARRAY(block_row_missing, uint32_t, vectors.block_rows, PLACES, v[3] = VECTORS_NO_ROW)
BREAK_ARRAY(scale_negative, float, vectors.block_scales, PLACES, v[2] = -1)
BREAK_ARRAY(scale_infinite, float, vectors.block_scales, PLACES, v[2] = INFINITY)
BREAK_ARRAY(near_from_one, uint32_t, near.offsets, ROWS + 1, v[0] = 1)
BREAK_ARRAY(near_descends, uint32_t, near.offsets, ROWS + 1, v[3] = LISTED(m->near) + 1)
BREAK_ARRAY(near_row_beyond, uint32_t, near.rows, LISTED(m->near), v[0] = ROWS)
BREAK_ARRAY(near_itself, uint32_t, near.rows, LISTED(m->near),
            v[a_pair(&m->near)] = row_at(&m->near, a_pair(&m->near)))
BREAK_ARRAY(near_twice, uint32_t, near.rows, LISTED(m->near),
            v[a_pair(&m->near) + 1] = v[a_pair(&m->near)])
BREAK_ARRAY(near_score_zero, float, near.scores, LISTED(m->near), v[0] = 0)
BREAK_ARRAY(near_score_above_one, float, near.scores, LISTED(m->near), v[0] = 1.001f)
BREAK_ARRAY(near_ascends, float, near.scores, LISTED(m->near),
            v[a_pair(&m->near)] = v[a_pair(&m->near) + 1] / 2)
BREAK_ARRAY(near_score_nan, float, near.scores, LISTED(m->near), v[0] = NAN)
BREAK_ARRAY(with_row_beyond, uint32_t, with.rows, LISTED(m->with), v[0] = UINT32_MAX)
BREAK_ARRAY(with_score_negative, float, with.scores, LISTED(m->with), v[0] = -1)
BREAK_ARRAY(next_row_beyond, uint32_t, next.rows, LISTED(m->next), v[0] = ROWS)
BREAK_FIELD(source_unknown, m->source = FACTOR_SOURCES)
#define GRAPH_MODEL fake_graph_model(3, ROWS, DIM, CELLS, USERS, a)
BREAK_FIELD(graph_scale_zero, *m = GRAPH_MODEL; m->graph_scale = 0)
BREAK_FIELD(graph_scale_nan, *m = GRAPH_MODEL; m->graph_scale = NAN)
BREAK_FIELD(fold_in_negative, *m = GRAPH_MODEL; ((float *)(uintptr_t)m->fold_in)[2] = -1)
BREAK_FIELD(graph_itself, *m = GRAPH_MODEL;
            ((uint32_t *)(uintptr_t)m->graph.rows)[0] = row_at(&m->graph, 0))
BREAK_ARRAY(alike_itself, uint32_t, alike.rows, LISTED(m->alike),
            v[a_pair(&m->alike)] = row_at(&m->alike, a_pair(&m->alike)))
#define FEATURES (m->content.features)
BREAK_FIELD(features_without_factors, {
    struct content_tower t = m->content;
    *m = fake_model(3, ROWS, 0, 0, USERS, a);
    m->content = t;
})
BREAK_ARRAY(features_repeat, uint64_t, content.keys, FEATURES, v[1] = v[0])
BREAK_ARRAY(feature_of_no_kind, uint64_t, content.keys, FEATURES,
            v[FEATURES - 1] = (uint64_t)CONTENT_KINDS << CONTENT_KIND_SHIFT)
BREAK_ARRAY(idf_infinite, float, content.idf, FEATURES, v[2] = INFINITY)
BREAK_ARRAY(idf_negative, float, content.idf, FEATURES, v[2] = -1)
BREAK_ARRAY(tower_not_a_number, float, content.weights, FEATURES *DIM, v[FEATURES * DIM - 1] = NAN)
BREAK_ARRAY(session_row_beyond, uint32_t, sessions.item, m->sessions.offsets[m->sessions.sessions],
            v[0] = ROWS)
BREAK_ARRAY(session_not_listed, uint32_t, sessions.of_session, m->sessions.of_offsets[m->rows],
            v[0]++)
BREAK_ARRAY(users_repeat, uint32_t, user_no, USERS, v[USERS - 1] = v[USERS - 2])
BREAK_ARRAY(user_zero, uint32_t, user_no, USERS, v[0] = 0)
BREAK_ARRAY(history_from_one, uint64_t, history_offsets, USERS + 1, v[0] = 1)
BREAK_ARRAY(history_descends, uint64_t, history_offsets, USERS + 1, v[1] = UINT64_MAX)
BREAK_ARRAY(history_row_beyond, uint32_t, history_acts, m->history_offsets[USERS], v[0] = ROWS)
BREAK_ARRAY(history_type_unknown, uint32_t, history_acts, m->history_offsets[USERS],
            v[0] = (uint32_t)EVENT_TYPES << HISTORY_ROW_BITS)

static const struct {
    break_fn *fn;
    const char *says; /* what the message names */
} breaks[] = {
    {too_many_dimensions, "dimensions"},
    {more_cells_than_rows, "cells"},
    {no_regularisation, "regularisation"},
    {infinite_regularisation, "regularisation"},
    {alpha_not_a_number, "alpha"},
    {exponent_negative, "exponent"},
    {exponent_too_great, "exponent"},
    {exponent_nan, "exponent"},
    {mean_negative, "products of a shopper"},
    {mean_infinite, "products of a shopper"},
    {items_repeat, "items"},
    {item_zero, "items"},
    {popularity_negative, "popularity"},
    {popularity_nan, "popularity"},
    {interval_zero, "again"},
    {interval_infinite, "again"},
    {share_above_one, "again"},
    {share_nan, "again"},
    {no_cells, "vectors.cells"},
    {half_a_block, "vectors."},
    {spectrum_negative, "spectrum"},
    {spectrum_nan, "spectrum"},
    {factor_infinite, "vectors.exact"},
    {centroid_nan, "vectors.centroids"},
    {cells_from_one, "vectors.cells"},
    {cells_descend, "vectors.cells"},
    {cells_end_early, "vectors.cells"},
    {block_row_beyond, "vectors.rows"},
    {block_row_twice, "vectors.rows"},
    {block_row_missing, "vectors.rows"},
    {scale_negative, "vectors.scales"},
    {scale_infinite, "vectors.scales"},
    {near_from_one, "near.offsets"},
    {near_descends, "near.offsets"},
    {near_row_beyond, "near.rows"},
    {near_itself, "near.rows"},
    {near_twice, "near.rows"},
    {near_score_zero, "near.scores"},
    {near_score_above_one, "near.scores"},
    {near_ascends, "near.scores"},
    {near_score_nan, "near.scores"},
    {with_row_beyond, "with.rows"},
    {with_score_negative, "with.scores"},
    {next_row_beyond, "next.rows"},
    {source_unknown, "factor source"},
    {graph_scale_zero, "graph scale"},
    {graph_scale_nan, "graph scale"},
    {fold_in_negative, "fold_in"},
    {graph_itself, "graph.rows"},
    {alike_itself, "alike.rows"},
    {features_without_factors, "features"},
    {features_repeat, "content.keys"},
    {feature_of_no_kind, "content.keys"},
    {idf_infinite, "content.idf"},
    {idf_negative, "content.idf"},
    {tower_not_a_number, "content.weights"},
    {session_row_beyond, "session.items"},
    {session_not_listed, "session.of"},
    {users_repeat, "user.no"},
    {user_zero, "user.no"},
    {history_from_one, "user.offsets"},
    {history_descends, "user.offsets"},
    {history_row_beyond, "user.acts"},
    {history_type_unknown, "user.acts"},
};

START_TEST(every_broken_promise_is_refused_by_name)
{
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        struct arena a;
        struct err err;
        arena_init(&a, 0, 16 << 20);
        struct recommend_model m = fake_model(3, ROWS, DIM, CELLS, USERS, &a), got = {0};
        breaks[i].fn(&m, &a);
        ck_ok(recommend_model_write(&m, path, &err));
        enum err_code code = recommend_model_open(path, true, &got, &err);
        ck_assert_msg(code == ERR_CORRUPT, "case %zu (%s) opens", i, breaks[i].says);
        ck_assert_msg(strstr(err.msg, breaks[i].says), "%s does not name %s", err.msg,
                      breaks[i].says);
        ck_assert_ptr_null(got.file);
        arena_release(&a);
    }
}
END_TEST

/* --- hostile bytes ---------------------------------------------------------------------------- */

static unsigned char *write_image(size_t *bytes, struct arena *a)
{
    struct err err;
    struct buf file;
    struct recommend_model m = fake_model(5, ROWS, DIM, CELLS, USERS, a);
    buf_init(&file, 1 << 20);
    ck_ok(recommend_model_write(&m, path, &err));
    ck_ok(fs_read_file(path, 1 << 20, &file, &err));
    unsigned char *image = mem_try_aligned(1, file.len, CONTAINER_ALIGN);
    memcpy(image, file.data, file.len);
    *bytes = file.len;
    buf_release(&file);
    return image;
}

START_TEST(a_file_cut_anywhere_is_refused)
{
    struct arena a;
    struct err err;
    struct recommend_model m;
    size_t bytes;
    arena_init(&a, 0, 16 << 20);
    unsigned char *image = write_image(&bytes, &a);
    for (size_t n = 0; n < bytes; n += CONTAINER_ALIGN) {
        unsigned char *cut = mem_try_aligned(1, n ? n : 1, CONTAINER_ALIGN);
        for (int sealed = 0; sealed < 2; sealed++) {
            memcpy(cut, image, n);
            if (sealed)
                damage_seal(cut, n);
            ck_assert_int_ne(recommend_model_open_memory(cut, n, &m, &err), ERR_OK);
        }
        mem_free(cut);
    }
    mem_free(image);
    arena_release(&a);
}
END_TEST

START_TEST(flipped_bits_are_found_by_checksums_and_harmless_without)
{
    struct arena a;
    struct err err;
    struct recommend_model m;
    size_t bytes, opened = 0;
    struct rng r;
    rng_init(&r, 11);
    arena_init(&a, 0, 16 << 20);
    unsigned char *image = write_image(&bytes, &a);
    unsigned char *bad = mem_try_aligned(1, bytes, CONTAINER_ALIGN);
    for (int i = 0; i < 6000; i++) {
        memcpy(bad, image, bytes);
        for (uint64_t flips = 1 + rng_below(&r, 3); flips--;)
            bad[rng_below(&r, bytes)] ^= (unsigned char)(1 << rng_below(&r, 8));
        damage_seal(bad, bytes);
        if (recommend_model_open_memory(bad, bytes, &m, &err) != ERR_OK)
            continue;
        opened++;
        touch_model(&m);
        recommend_model_close(&m);
    }
    ck_assert_uint_gt(opened, 0);
    image[bytes - 1] ^= 1;
    ck_ok(fs_write_file_atomic(path, image, bytes, &err));
    ck_err(recommend_model_open(path, true, &m, &err), ERR_CORRUPT);
    mem_free(bad);
    mem_free(image);
    arena_release(&a);
}
END_TEST

START_TEST(no_file_another_kind_and_another_version_say_so)
{
    struct err err;
    struct recommend_model m;
    ck_err(recommend_model_open("/tmp/no-such-model", true, &m, &err), ERR_NOT_FOUND);
    struct container_writer *w = container_writer_new("segment", RECOMMEND_MODEL_VERSION);
    ck_ok(container_write_file(w, path, &err));
    container_writer_free(w);
    ck_err(recommend_model_open(path, true, &m, &err), ERR_CORRUPT);
    w = container_writer_new("recommend", RECOMMEND_MODEL_VERSION + 1);
    ck_ok(container_write_file(w, path, &err));
    container_writer_free(w);
    ck_err(recommend_model_open(path, true, &m, &err), ERR_UNSUPPORTED);
    w = container_writer_new("recommend", RECOMMEND_MODEL_VERSION);
    ck_ok(container_write_file(w, path, &err));
    container_writer_free(w);
    ck_assert_int_ne(recommend_model_open(path, true, &m, &err), ERR_OK);
}
END_TEST

Suite *suite(void)
{
    const TTest *const tests[] = {
        what_is_written_is_read_and_found, every_broken_promise_is_refused_by_name,
        a_file_cut_anywhere_is_refused, flipped_bits_are_found_by_checksums_and_harmless_without,
        no_file_another_kind_and_another_version_say_so};
    Suite *s = suite_create("recommend_model");
    TCase *c = tcase_create("recommend_model");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return s;
}
