/* eval_search.c - order judged titles by the search engine's scores and compare with the grades. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/signal.h"
#include "cli/eval.h"
#include "index/segment_build.h"
#include "num/stats.h"
#include "search/search.h"

enum { K = 10, ARENA_MAX = 64 << 20, TEXTS_MAX = 1 << 30, LINES_MAX = 20000000 };

/* A line of the file. */
struct judgement {
    uint32_t query;      /* index of its text */
    uint32_t product_no; /* from 1 */
    double grade;
    double score; /* out */
};

struct judgements {
    struct judgement *lines; /* [len], by query once sorted */
    size_t len, cap;
    struct map_str query_of, product_of; /* text or id to number from 1 */
    struct str *queries;                 /* [queries_cap] by number - 1 */
    size_t queries_cap;
    struct arena texts;
    struct segment_builder *builder;
    double relevant; /* grades from this one up */
};

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
    if (query.n == 0 || title.n == 0)
        return err_set(err, ERR_INVALID, "query or title is empty");
    if (j->len == LINES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d lines", LINES_MAX);
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
                                const struct eval_column columns[4], struct err *err)
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

static enum err_code read_file(struct judgements *j, const char *path, const char *overrides,
                               struct err *err)
{
    struct eval_column columns[] = {
        {"query|search_term", false, -1},
        {"title|product_title", false, -1},
        {"grade|relevance|score", false, -1},
        {"product_id|product_uid", true, -1},
    };
    struct reader *r;
    enum err_code code = eval_open_table(path, overrides, columns, 4, &r, err);
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
static enum err_code build_view(struct judgements *j, const struct shop_profile *shop,
                                struct view *out, struct err *err)
{
    struct segment *segment;
    struct catalogue *empty = catalogue_new();
    enum err_code code = segment_builder_finish_memory(j->builder, &segment, err);
    *out = (struct view){.refs = 1, .shop = shop};
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

/* took_us [queries] */
static enum err_code score_all(struct judgements *j, const struct view *view, double *took_us,
                               struct err *err)
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
        took_us[q] = (double)(clock_mono_ns() - start) / 1e3;
    }
    searcher_free(searcher);
    arena_release(&arena);
    return code;
}

/* --- measuring ------------------------------------------------------------------------------- */

struct quality {
    size_t queries, correlated; /* those with different grades */
    double spearman, ndcg, mrr; /* sums */
};

struct valued {
    double value;
    size_t at;
};

static int by_value(const void *a, const void *b)
{
    const struct valued *x = a, *y = b;
    return (x->value > y->value) - (x->value < y->value);
}

/* Ranks from 1, ties share their mean (Spearman 1904). */
static void rank_of(struct valued *sorted, size_t n, double *ranks)
{
    qsort(sorted, n, sizeof *sorted, by_value);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && sorted[end].value == sorted[i].value; end++)
            continue;
        for (size_t k = i; k < end; k++)
            ranks[sorted[k].at] = (double)(i + end + 1) / 2;
    }
}

static double correlation(const double *x, const double *y, size_t n)
{
    double mean = (double)(n + 1) / 2, xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mean) * (y[i] - mean);
        xx += (x[i] - mean) * (x[i] - mean);
        yy += (y[i] - mean) * (y[i] - mean);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static bool grades_differ(const struct judgement *lines, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (lines[i].grade != lines[0].grade)
            return true;
    return false;
}

/* Rank correlation of scores and grades; 0 where all scores are equal. */
static double spearman(const struct judgement *lines, size_t n)
{
    struct valued *sorted = mem_new(n, sizeof *sorted);
    double *scores = mem_new(n, sizeof *scores), *grades = mem_new(n, sizeof *grades);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct valued){lines[i].score, i};
    rank_of(sorted, n, scores);
    for (size_t i = 0; i < n; i++)
        sorted[i] = (struct valued){lines[i].grade, i};
    rank_of(sorted, n, grades);
    double rho = correlation(scores, grades, n);
    mem_free(sorted);
    mem_free(scores);
    mem_free(grades);
    return rho;
}

static int by_score(const void *a, const void *b)
{
    const struct judgement *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->product_no > y->product_no) - (x->product_no < y->product_no);
}

static int by_grade(const void *a, const void *b)
{
    const struct judgement *x = a, *y = b;
    return (x->grade < y->grade) - (x->grade > y->grade);
}

static double gain(const struct judgement *lines, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n && i < K; i++)
        sum += (exp2(lines[i].grade) - 1) / log2((double)i + 2);
    return sum;
}

static double first_relevant(const struct judgement *lines, size_t n, double relevant)
{
    for (size_t i = 0; i < n && i < K; i++)
        if (lines[i].grade >= relevant)
            return 1 / ((double)i + 1);
    return 0;
}

static void measure_query(struct judgements *j, size_t begin, size_t end, struct quality *q)
{
    struct judgement *lines = &j->lines[begin];
    size_t n = end - begin;
    if (grades_differ(lines, n)) {
        q->spearman += spearman(lines, n);
        q->correlated++;
    }
    qsort(lines, n, sizeof *lines, by_score);
    double got = gain(lines, n);
    q->mrr += first_relevant(lines, n, j->relevant);
    qsort(lines, n, sizeof *lines, by_grade);
    double best = gain(lines, n);
    q->ndcg += best > 0 ? got / best : 1;
    q->queries++;
}

static void write_result(struct judgements *j, double *took_us, struct json_writer *w)
{
    struct quality q = {0};
    double all = spearman(j->lines, j->len);
    for (size_t begin = 0, end; begin < j->len; begin = end) {
        end = end_of_query(j, begin);
        measure_query(j, begin, end, &q);
    }
    stats_sort(took_us, q.queries);
    jw_obj(w);
    JW_U64(w, "queries", q.queries);
    JW_U64(w, "titles", j->product_of.len);
    JW_U64(w, "judgements", j->len);
    JW_U64(w, "queries_with_different_grades", q.correlated);
    JW_DECIMAL(w, "spearman", q.correlated ? q.spearman / (double)q.correlated : 0, 5);
    JW_DECIMAL(w, "spearman_all", all, 5);
    eval_key_at(w, "ndcg", K), jw_decimal(w, q.ndcg / (double)q.queries, 5);
    eval_key_at(w, "mrr", K), jw_decimal(w, q.mrr / (double)q.queries, 5);
    JW_DOUBLE(w, "relevant_from_grade", j->relevant);
    JW_DECIMAL(w, "latency_p50_us", stats_quantile(took_us, q.queries, .5), 1);
    JW_DECIMAL(w, "latency_p99_us", stats_quantile(took_us, q.queries, .99), 1);
    jw_obj_end(w);
}

/* --- the command ----------------------------------------------------------------------------- */

static enum err_code evaluate(const struct args *args, struct judgements *j, struct json_writer *w,
                              struct err *err)
{
    static const struct shop_profile shop = {.languages = {{"en", 2}, {"zh", 2}},
                                             .languages_len = 2};
    struct view view = {0};
    double *took_us = NULL;
    enum err_code code = segment_builder_new(shop.languages, shop.languages_len, &j->builder, err);
    if (code == ERR_OK)
        code = read_file(j, args_flag(args, "--judgements"), args_flag(args, "--columns"), err);
    if (code == ERR_OK && !args_has(args, "--relevant"))
        for (size_t i = 0; i < j->len; i++)
            j->relevant =
                i == 0 || j->lines[i].grade > j->relevant ? j->lines[i].grade : j->relevant;
    if (code == ERR_OK)
        code = build_view(j, &shop, &view, err);
    if (code == ERR_OK) {
        took_us = mem_new(j->query_of.len, sizeof *took_us);
        code = score_all(j, &view, took_us, err);
    }
    if (code == ERR_OK)
        write_result(j, took_us, w);
    mem_free(took_us);
    catalogue_unref(view.catalogue);
    return code;
}

enum cli_exit eval_search(const struct args *args)
{
    struct judgements j = {0};
    struct result result;
    struct err err;
    const char *relevant = args_flag(args, "--relevant");
    if (!args_has(args, "--judgements"))
        return fail_usage(args, "search needs --judgements");
    if (relevant && str_parse_double(str_of(relevant), &j.relevant, &err) != ERR_OK)
        return fail_usage(args, "--relevant: %s", err.msg);
    arena_init(&j.texts, 0, TEXTS_MAX);
    result_begin(&result);
    enum err_code code = evaluate(args, &j, &result.w, &err);
    segment_builder_free(j.builder);
    map_str_release(&j.query_of);
    map_str_release(&j.product_of);
    mem_free(j.lines);
    mem_free(j.queries);
    arena_release(&j.texts);
    return eval_end(args, &result, code, &err);
}
