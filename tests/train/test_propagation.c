#include "train/propagation.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/signal.h"
#include "num/dense.h"
#include "num/vec.h"
#include "train/dense_eigen.h"
#include "train/random_matrix.h"

enum { USERS = 80, ITEMS = 40, CELLS = 300, KEEP = 7, DIM = 6 };

static const struct propagation_options lists_only = {
    .user_exponent = 0.35f, .out_exponent = 0.6f, .in_exponent = 0.3f, .keep = KEEP};
static const struct propagation_options factors_only = {.dim = DIM,
                                                        .gamma = 0.7f,
                                                        .low_user = 0.5f,
                                                        .low_item = 0.4f,
                                                        .low_out = 0.6f,
                                                        .low_in = 0.3f,
                                                        .flat = 1,
                                                        .seed = 1};

struct sample {
    struct matrix m;
    double dense[USERS * ITEMS]; /* weights, or 1 where binary */
    double user[USERS], item[ITEMS];
};

static void setup(struct sample *s, bool binary)
{
    struct rng r;
    struct err err;
    dense_init();
    ck_ok(vec_init(&err));
    rng_init(&r, 11);
    *s = (struct sample){.m = {0}};
    /* the last user and the last item have nothing */
    double dense[USERS * ITEMS];
    random_matrix(&r, USERS - 1, ITEMS - 1, CELLS, &s->m, dense);
    struct matrix_cell cells[CELLS];
    size_t n = 0;
    for (uint32_t u = 0; u < USERS - 1; u++)
        for (uint32_t i = 0; i < ITEMS - 1; i++) {
            double w = dense[u * (ITEMS - 1) + i];
            if (w > 0)
                cells[n++] = (struct matrix_cell){u, i, (float)w};
            s->dense[u * ITEMS + i] = binary ? w > 0 : w;
            s->user[u] += s->dense[u * ITEMS + i];
            s->item[i] += s->dense[u * ITEMS + i];
        }
    matrix_release(&s->m);
    ck_ok(matrix_build(cells, n, USERS, ITEMS, &s->m, &err));
}

static double damp(double n, float exponent)
{
    return n > 0 ? pow(n, -(double)exponent) : 0;
}

/* P_ij by its definition, 0 on the diagonal. */
static double two_steps(const struct sample *s, const struct propagation_options *o, size_t i,
                        size_t j)
{
    double sum = 0;
    for (size_t u = 0; u < USERS; u++)
        sum += s->dense[u * ITEMS + i] * damp(s->user[u], 2 * o->user_exponent) *
               s->dense[u * ITEMS + j];
    return i == j ? 0 : sum * damp(s->item[i], o->out_exponent) * damp(s->item[j], o->in_exponent);
}

/* low [ITEMS][ITEMS] = gamma D^-out' V H V' D^in' by its definition. */
static void low_pass(const struct sample *s, const struct propagation_options *o, double *low)
{
    double a[ITEMS * ITEMS] = {0}, q[ITEMS * ITEMS];
    size_t order[ITEMS];
    for (size_t u = 0; u < USERS; u++)
        for (size_t i = 0; i < ITEMS; i++)
            for (size_t j = 0; j < ITEMS; j++)
                a[i * ITEMS + j] += s->dense[u * ITEMS + i] * s->dense[u * ITEMS + j] *
                                    damp(s->user[u], 2 * o->low_user) *
                                    damp(s->item[i], o->low_item) * damp(s->item[j], o->low_item);
    jacobi_eigen(a, ITEMS, q);
    diagonal_order(a, ITEMS, order);
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t j = 0; j < ITEMS; j++) {
            double sum = 0;
            for (size_t k = 0; k < o->dim; k++) {
                double share = a[order[k] * (ITEMS + 1)] / a[order[0] * (ITEMS + 1)];
                sum += pow(fmax(1 - share, 0), (double)o->flat) * q[i * ITEMS + order[k]] *
                       q[j * ITEMS + order[k]];
            }
            low[i * ITEMS + j] = (double)o->gamma * sum * damp(s->item[i], o->low_out) *
                                 damp(s->item[j], -o->low_in);
        }
}

static void lists_are_the_largest(bool binary)
{
    struct propagation_options o = lists_only;
    struct propagation p;
    struct sample s;
    struct err err;
    setup(&s, binary);
    o.binary = binary;
    ck_ok(propagation_fit(&s.m, &o, NULL, &p, &err));
    ck_assert(p.items == ITEMS && p.dim == 0 && !p.factors);
    for (size_t i = 0; i < ITEMS; i++) {
        size_t len = p.lists.offsets[i + 1] - p.lists.offsets[i], pairs = 0, better = 0;
        const uint32_t *rows = p.lists.rows + p.lists.offsets[i];
        const float *scores = p.lists.scores + p.lists.offsets[i];
        for (size_t k = 0; k < len; k++) {
            ck_assert_uint_ne(rows[k], i);
            ck_assert_double_eq_tol((double)scores[k], two_steps(&s, &o, i, rows[k]), 1e-5);
            ck_assert(k == 0 || scores[k - 1] > scores[k] ||
                      (scores[k - 1] == scores[k] && rows[k - 1] < rows[k]));
        }
        for (size_t j = 0; j < ITEMS; j++) {
            double want = two_steps(&s, &o, i, j);
            pairs += want > 0;
            better += len && want > (double)scores[len - 1] + 1e-5;
        }
        ck_assert_uint_eq(len, pairs < KEEP ? pairs : KEEP);
        ck_assert_uint_lt(better, KEEP);
    }
    propagation_release(&p);
    matrix_release(&s.m);
}

START_TEST(lists_are_the_largest_entries_of_two_steps)
{
    lists_are_the_largest(false);
}
END_TEST

START_TEST(weights_count_as_1_where_asked_for)
{
    lists_are_the_largest(true);
}
END_TEST

START_TEST(factors_are_the_low_pass)
{
    struct propagation p;
    struct sample s;
    struct err err;
    double low[ITEMS * ITEMS];
    setup(&s, false);
    ck_ok(propagation_fit(&s.m, &factors_only, NULL, &p, &err));
    ck_assert(p.dim == DIM && !p.lists.offsets);
    low_pass(&s, &factors_only, low);
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t j = 0; j < ITEMS; j++) {
            double got = 0;
            for (size_t k = 0; k < DIM; k++)
                got += (double)p.fold_in[i] * (double)p.factors[i * DIM + k] *
                       (double)p.factors[j * DIM + k];
            ck_assert_double_eq_tol(got, low[i * ITEMS + j], 1e-4);
        }
    propagation_release(&p);
    matrix_release(&s.m);
}
END_TEST

START_TEST(a_user_is_scored_by_both_parts)
{
    struct propagation_options o = factors_only;
    struct propagation p;
    struct sample s;
    struct err err;
    double low[ITEMS * ITEMS];
    static const uint32_t rows[] = {3, 17, 20, ITEMS - 1};
    static const float weights[] = {1, 2.5f, 0.5f, 1};
    float scores[2 * ITEMS], x[2 * DIM]; /* of another user before */
    setup(&s, false);
    o.user_exponent = 0.5f;
    o.out_exponent = o.in_exponent = 0.5f;
    o.keep = ITEMS; /* all of it */
    ck_ok(propagation_fit(&s.m, &o, NULL, &p, &err));
    low_pass(&s, &o, low);
    propagation_fold_in(&p, rows + 1, weights, 2, x);
    propagation_fold_in(&p, rows, weights, 4, x + DIM);
    propagation_score_factors(&p, x, 2, scores);
    propagation_add_lists(&p, rows, weights, 4, scores + ITEMS);
    for (size_t j = 0; j < ITEMS; j++) {
        double want = 0;
        for (size_t i = 0; i < 4; i++)
            want += (double)weights[i] * (two_steps(&s, &o, rows[i], j) + low[rows[i] * ITEMS + j]);
        ck_assert_double_eq_tol((double)scores[ITEMS + j], want, 1e-4);
    }
    propagation_release(&p);
    matrix_release(&s.m);
}
END_TEST

static bool same_bits(const struct propagation *a, const struct propagation *b)
{
    size_t n = a->lists.offsets[a->items];
    return memcmp(a->lists.offsets, b->lists.offsets, (a->items + 1) * sizeof(uint32_t)) == 0 &&
           memcmp(a->lists.rows, b->lists.rows, n * sizeof(uint32_t)) == 0 &&
           memcmp(a->lists.scores, b->lists.scores, n * sizeof(float)) == 0 &&
           memcmp(a->factors, b->factors, (size_t)a->items * a->dim * sizeof(float)) == 0 &&
           memcmp(a->fold_in, b->fold_in, a->items * sizeof(float)) == 0;
}

START_TEST(the_same_bits_for_any_number_of_threads)
{
    enum { LARGE = 5000 };
    struct propagation_options o = factors_only;
    struct matrix_cell *cells = mem_new(6 * LARGE, sizeof *cells);
    struct propagation one, many;
    struct matrix m;
    struct rng r;
    struct err err;
    dense_init();
    ck_ok(vec_init(&err));
    rng_init(&r, 5);
    for (size_t i = 0; i < 6 * LARGE; i++)
        cells[i] =
            (struct matrix_cell){(uint32_t)rng_below(&r, LARGE), (uint32_t)rng_below(&r, LARGE),
                                 (float)(0.1 + rng_unit(&r))};
    ck_ok(matrix_build(cells, 6 * LARGE, LARGE, LARGE, &m, &err));
    o.user_exponent = 0.3f;
    o.out_exponent = o.in_exponent = 0.4f;
    o.keep = 20;
    ck_ok(propagation_fit(&m, &o, NULL, &one, &err));
    for (unsigned threads = 1; threads <= 2; threads++) { /* and the calling one */
        struct pool *pool;
        ck_ok(pool_new(&pool, "spread", threads, 8, &err));
        ck_ok(propagation_fit(&m, &o, pool, &many, &err));
        ck_assert(same_bits(&one, &many));
        propagation_release(&many);
        pool_free(pool);
    }
    propagation_release(&one);
    matrix_release(&m);
    mem_free(cells);
}
END_TEST

START_TEST(an_empty_matrix_is_refused)
{
    struct propagation p;
    struct matrix m;
    struct err err;
    ck_ok(matrix_build(NULL, 0, 3, 4, &m, &err));
    ck_err(propagation_fit(&m, &lists_only, NULL, &p, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "no weights at all"));
    matrix_release(&m);
}
END_TEST

START_TEST(weights_that_are_not_finite_and_positive_are_refused_by_their_place)
{
    static const float bad[] = {0, -1, NAN, INFINITY};
    struct propagation p;
    struct sample s;
    struct err err;
    setup(&s, false);
    char place[64];
    snprintf(place, sizeof place, "of user 0 and item %u ", s.m.column[1]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s.m.value[1] = bad[i];
        ck_err(propagation_fit(&s.m, &lists_only, NULL, &p, &err), ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(err.msg, place));
    }
    matrix_release(&s.m);
}
END_TEST

START_TEST(more_factors_than_the_matrix_has_are_refused)
{
    struct propagation_options o = factors_only;
    struct propagation p;
    struct sample s;
    struct err err;
    setup(&s, false);
    o.dim = ITEMS + 1;
    ck_err(propagation_fit(&s.m, &o, NULL, &p, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "dim 41: at most 40 for 80 users and 40 items"));
    matrix_release(&s.m);
}
END_TEST

START_TEST(a_stop_is_heard)
{
    struct propagation p;
    struct sample s;
    struct err err;
    setup(&s, false);
    signal_watch_stop();
    raise(SIGTERM);
    ck_err(propagation_fit(&s.m, &lists_only, NULL, &p, &err), ERR_CANCELLED);
    ck_err(propagation_fit(&s.m, &factors_only, NULL, &p, &err), ERR_CANCELLED);
    matrix_release(&s.m);
}
END_TEST

START_TEST(memory_that_runs_out_is_reported)
{
    struct propagation_options o = factors_only;
    struct propagation p;
    struct sample s;
    struct err err;
    setup(&s, false);
    o.keep = 3;
    enum err_code code = ERR_MEMORY;
    for (long at = 1; code != ERR_OK; at++) {
        mem_fail_at(at);
        code = propagation_fit(&s.m, &o, NULL, &p, &err);
        ck_assert(code == ERR_OK || code == ERR_MEMORY);
        ck_assert_int_lt(at, 1000);
    }
    mem_fail_at(0);
    propagation_release(&p);
    matrix_release(&s.m);
}
END_TEST

SUITE("propagation", lists_are_the_largest_entries_of_two_steps, weights_count_as_1_where_asked_for,
      factors_are_the_low_pass, a_user_is_scored_by_both_parts,
      the_same_bits_for_any_number_of_threads, an_empty_matrix_is_refused,
      weights_that_are_not_finite_and_positive_are_refused_by_their_place,
      more_factors_than_the_matrix_has_are_refused, a_stop_is_heard,
      memory_that_runs_out_is_reported)
