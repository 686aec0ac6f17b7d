#include "eval/judgements.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/signal.h"
#include "eval/grading.h"
#include "eval/table.h"
#include "num/stats.h"
#include "search/search.h"

enum { ARENA_MAX = 64 << 20, TEXTS_MAX = 1 << 30, GRADE_MAX = 100 };

static const struct shop_profile shop = {.languages = {{"en", 2}, {"zh", 2}}, .languages_len = 2};

enum err_code judgements_init(struct judgements *j, struct err *err)
{
    *j = (struct judgements){0};
    arena_init(&j->texts, 0, TEXTS_MAX);
    return segment_builder_new(shop.languages, shop.languages_len, &j->builder, err);
}

void judgements_release(struct judgements *j)
{
    segment_builder_free(j->builder);
    map_str_release(&j->query_of);
    map_str_release(&j->product_of);
    mem_free(j->lines);
    mem_free(j->queries);
    mem_free(j->took_us);
    arena_release(&j->texts);
    *j = (struct judgements){0};
}

/* --- reading --------------------------------------------------------------------------------- */

static enum err_code add_title(struct judgements *j, struct str id, uint32_t no, struct str title,
                               struct err *err)
{
    char name[16];
    snprintf(name, sizeof name, "%u", no);
    struct product p = {.no = no,
                        .id = id.n && id.n <= STORE_ID_MAX ? id : str_of(name),
                        .title = title,
                        .price_minor = STORE_NO_AMOUNT,
                        .list_price_minor = STORE_NO_AMOUNT,
                        .stock = STORE_STOCK_UNTRACKED};
    return segment_builder_add(j->builder, &p, err);
}

static void keep_query(struct judgements *j, struct str query, uint32_t no)
{
    if (no > j->queries_cap) {
        j->queries_cap = j->queries_cap ? 2 * j->queries_cap : 1024;
        j->queries = mem_resize(j->queries, j->queries_cap, sizeof *j->queries);
    }
    j->queries[no - 1] = arena_str(&j->texts, query);
}

static enum err_code add_line(struct judgements *j, struct str query, struct str title,
                              struct str id, struct str grade, struct err *err)
{
    struct judgement line = {0};
    bool new_query, new_title;
    if (str_parse_double(grade, &line.grade, err) != ERR_OK)
        return err_prefix(err, ERR_INVALID, "grade");
    if (!(fabs(line.grade) <= GRADE_MAX))
        return err_set(err, ERR_INVALID, "grade: not between -%d and %d", GRADE_MAX, GRADE_MAX);
    if (query.n == 0 || title.n == 0)
        return err_set(err, ERR_INVALID, "query or title is empty");
    if (j->len == JUDGEMENTS_MAX)
        return err_set(err, ERR_LIMIT, "more than %d lines", JUDGEMENTS_MAX);
    uint64_t *no = map_str_at(&j->product_of, id.n ? id : title, &new_title);
    if (new_title)
        *no = j->product_of.len;
    line.product_no = (uint32_t)*no;
    no = map_str_at(&j->query_of, query, &new_query);
    if (new_query)
        *no = j->query_of.len;
    line.query = (uint32_t)*no;
    if (new_query)
        keep_query(j, query, line.query);
    if (j->len == j->cap) {
        j->cap = j->cap ? 2 * j->cap : 4096;
        j->lines = mem_resize(j->lines, j->cap, sizeof *j->lines);
    }
    j->lines[j->len++] = line;
    return new_title ? add_title(j, id, line.product_no, title, err) : ERR_OK;
}

static enum err_code read_lines(struct judgements *j, struct reader *r,
                                const struct table_column columns[4], struct err *err)
{
    const struct record *rec;
    enum err_code code;
    while ((code = reader_next(r, &rec, err)) == ERR_OK && rec) {
        struct str id = {0};
        if (rec->fault != REASON_NONE)
            code = err_set(err, ERR_INVALID, "%s", rec->message);
        else if (columns[3].at >= 0)
            id = rec->fields[columns[3].at].text;
        if (code == ERR_OK)
            code = add_line(j, str_trim(rec->fields[columns[0].at].text),
                            str_trim(rec->fields[columns[1].at].text), id,
                            str_trim(rec->fields[columns[2].at].text), err);
        if (code != ERR_OK)
            return err_prefix(err, code, "line %llu", (unsigned long long)rec->line);
    }
    return code;
}

static int by_query(const void *a, const void *b)
{
    const struct judgement *x = a, *y = b;
    if (x->query != y->query)
        return x->query < y->query ? -1 : 1;
    return (x->product_no > y->product_no) - (x->product_no < y->product_no);
}

enum err_code judgements_read(struct judgements *j, const char *path, const char *overrides,
                              struct err *err)
{
    struct table_column columns[] = {
        {"query|search_term", false, -1},
        {"title|product_title", false, -1},
        {"grade|relevance|score", false, -1},
        {"product_id|product_uid", true, -1},
    };
    struct reader *r;
    enum err_code code = table_open(path, overrides, columns, 4, &r, err);
    if (code != ERR_OK)
        return code;
    code = read_lines(j, r, columns, err);
    reader_close(r);
    if (code == ERR_OK && j->len == 0)
        code = err_set(err, ERR_INVALID, "it holds nothing");
    if (code != ERR_OK)
        return err_prefix(err, code, "%s", path);
    qsort(j->lines, j->len, sizeof *j->lines, by_query);
    return ERR_OK;
}

/* --- scoring --------------------------------------------------------------------------------- */

/* The titles as a catalogue of one segment. */
static enum err_code build_view(struct judgements *j, struct view *out, struct err *err)
{
    struct segment *segment;
    struct catalogue *empty = catalogue_new();
    enum err_code code = segment_builder_finish_memory(j->builder, &segment, err);
    *out = (struct view){.refs = 1, .shop = &shop};
    if (code == ERR_OK) {
        code = catalogue_add(empty, segment, NULL, 0, &out->catalogue, err);
        if (code != ERR_OK)
            segment_close(segment);
    }
    catalogue_unref(empty);
    return code;
}

static enum err_code score_query(struct judgements *j, const struct view *view,
                                 struct searcher *searcher, size_t begin, size_t end,
                                 struct arena *arena, struct err *err)
{
    size_t n = end - begin;
    uint32_t *products = ARENA_NEW(arena, uint32_t, n);
    double *scores = ARENA_NEW(arena, double, n);
    struct search_request request = {.query = j->queries[j->lines[begin].query - 1]};
    for (size_t i = 0; i < n; i++)
        products[i] = j->lines[begin + i].product_no;
    enum err_code code = search_score(searcher, view, &request, products, n, arena, scores, err);
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        j->lines[begin + i].score = scores[i];
    return code;
}

static size_t end_of_query(const struct judgements *j, size_t begin)
{
    size_t end = begin;
    while (end < j->len && j->lines[end].query == j->lines[begin].query)
        end++;
    return end;
}

static enum err_code score_all(struct judgements *j, const struct view *view, struct err *err)
{
    struct arena arena;
    struct searcher *searcher = searcher_new();
    enum err_code code = ERR_OK;
    arena_init(&arena, 1 << 20, ARENA_MAX);
    for (size_t begin = 0, end, q = 0; begin < j->len && code == ERR_OK; begin = end, q++) {
        int64_t start = clock_mono_ns();
        end = end_of_query(j, begin);
        arena_reset(&arena);
        code = signal_check(err);
        if (code == ERR_OK)
            code = score_query(j, view, searcher, begin, end, &arena, err);
        j->took_us[q] = (double)(clock_mono_ns() - start) / 1e3;
    }
    searcher_free(searcher);
    arena_release(&arena);
    return code;
}

enum err_code judgements_score(struct judgements *j, struct err *err)
{
    struct view view = {0};
    mem_free(j->took_us);
    j->took_us = mem_try_new(j->query_of.len, sizeof *j->took_us);
    if (!j->took_us)
        return err_set(err, ERR_MEMORY, "no memory for %zu queries", j->query_of.len);
    enum err_code code = build_view(j, &view, err);
    if (code == ERR_OK)
        code = score_all(j, &view, err);
    catalogue_unref(view.catalogue);
    return code;
}

/* --- measuring ------------------------------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
    const struct judgement *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->product_no > y->product_no) - (x->product_no < y->product_no);
}

/* scores and grades [n], in order of score */
static enum err_code measure_query(double *scores, double *grades, size_t n,
                                   struct judgements_quality *q, struct err *err)
{
    double rho, ndcg;
    enum err_code code = ERR_OK;
    if (grading_differ(grades, n)) {
        code = grading_spearman(scores, grades, n, &rho, err);
        if (code != ERR_OK)
            return code;
        q->spearman += rho;
        q->correlated++;
    }
    code = grading_ndcg(grades, n, JUDGEMENTS_K, &ndcg, err);
    if (code != ERR_OK)
        return code;
    q->ndcg += ndcg;
    q->mrr += grading_mrr(grades, n, JUDGEMENTS_K, q->relevant);
    q->queries++;
    return ERR_OK;
}

static enum err_code measure_all(struct judgements *j, double *scores, double *grades,
                                 struct judgements_quality *q, struct err *err)
{
    enum err_code code = ERR_OK;
    for (size_t begin = 0, end; begin < j->len && code == ERR_OK; begin = end) {
        end = end_of_query(j, begin);
        qsort(&j->lines[begin], end - begin, sizeof *j->lines, by_score);
        for (size_t i = begin; i < end; i++) {
            scores[i] = j->lines[i].score;
            grades[i] = j->lines[i].grade;
        }
        code = measure_query(scores + begin, grades + begin, end - begin, q, err);
    }
    return code == ERR_OK ? grading_spearman(scores, grades, j->len, &q->spearman_all, err) : code;
}

static double highest_grade(const struct judgements *j)
{
    double highest = j->lines[0].grade;
    for (size_t i = 1; i < j->len; i++)
        highest = fmax(highest, j->lines[i].grade);
    return highest;
}

enum err_code judgements_measure(struct judgements *j, double relevant,
                                 struct judgements_quality *out, struct err *err)
{
    CHECK(j->len > 0 && j->took_us);
    struct judgements_quality q = {.relevant = isnan(relevant) ? highest_grade(j) : relevant};
    double *scores = mem_try_new(j->len, sizeof *scores);
    double *grades = mem_try_new(j->len, sizeof *grades);
    enum err_code code = scores && grades
                             ? measure_all(j, scores, grades, &q, err)
                             : err_set(err, ERR_MEMORY, "no memory for %zu judgements", j->len);
    mem_free(scores);
    mem_free(grades);
    if (code != ERR_OK)
        return code;
    q.spearman = q.correlated ? q.spearman / (double)q.correlated : 0;
    q.ndcg /= (double)q.queries;
    q.mrr /= (double)q.queries;
    stats_sort(j->took_us, q.queries);
    q.p50_us = stats_quantile(j->took_us, q.queries, .5);
    q.p99_us = stats_quantile(j->took_us, q.queries, .99);
    *out = q;
    return ERR_OK;
}
