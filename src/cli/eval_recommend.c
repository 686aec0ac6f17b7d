/* eval_recommend.c - fit on one file of who had what, foretell another. */
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/mem.h"
#include "cli/eval.h"
#include "eval/ranking.h"
#include "recommend/factors.h"
#include "recommend/profile.h"
#include "train/recommend_fit.h"

enum { K_MAX = 1000, FIELDS_MAX = 3, GRAIN = 64, QUEUE = 64, ARENA_MAX = 64 << 20 };

/* --- reading --------------------------------------------------------------------------------- */

/* The users and items of both files, numbered from 1 as they come. */
struct feedback {
    struct map_str users, items;
    bool pairs; /* the format */
};

static uint32_t number_of(struct map_str *ids, struct str id)
{
    bool added;
    uint64_t *no = map_str_at(ids, id, &added);
    if (added)
        *no = ids->len;
    return (uint32_t)*no;
}

static bool is_separator(char c)
{
    return c == ' ' || c == '\t' || c == ',' || c == ';' || c == '\r';
}

static struct str next_field(struct str *line)
{
    size_t begin = 0, end;
    while (begin < line->n && is_separator(line->p[begin]))
        begin++;
    for (end = begin; end < line->n && !is_separator(line->p[end]); end++)
        continue;
    struct str field = {line->p + begin, end - begin};
    *line = (struct str){line->p + end, line->n - end};
    return field;
}

/* Once a day: without times, nothing says that two things were had together. */
static enum err_code take_adjacency(struct feedback *f, struct str line, struct interactions *out,
                                    struct err *err)
{
    struct str user = next_field(&line), item;
    enum err_code code = ERR_OK;
    for (int64_t day = 1; code == ERR_OK && (item = next_field(&line)).n; day++)
        code = interactions_append(out, number_of(&f->users, user), number_of(&f->items, item),
                                   day * CLOCK_US_PER_DAY, 1, EVENT_VIEW, 1, err);
    return code;
}

static bool parse_time(struct str text, int64_t *us)
{
    if (str_parse_i64(text, 0, INT64_MAX / CLOCK_US_PER_S, us, NULL) == ERR_OK) {
        *us *= CLOCK_US_PER_S;
        return true;
    }
    return clock_parse_iso(text, us, NULL) == ERR_OK;
}

static enum err_code take_pair(struct feedback *f, const int order[FIELDS_MAX], struct str line,
                               struct interactions *out, struct err *err)
{
    struct str fields[16] = {{0}}, field;
    int64_t time = CLOCK_US_PER_DAY;
    for (size_t n = 0; n < 16 && (field = next_field(&line)).n; n++)
        fields[n] = field;
    struct str user = fields[order[0]], item = fields[order[1]];
    if (user.n == 0 || item.n == 0)
        return err_set(err, ERR_INVALID, "a pair needs a user and an item");
    if (order[2] >= 0 && fields[order[2]].n && !parse_time(fields[order[2]], &time))
        return err_set(err, ERR_INVALID, "'%.*s' is neither seconds nor an ISO time",
                       (int)(fields[order[2]].n < 40 ? fields[order[2]].n : 40),
                       fields[order[2]].p);
    return interactions_append(out, number_of(&f->users, user), number_of(&f->items, item), time, 1,
                               EVENT_VIEW, 1, err);
}

/* Does the line name columns? Then order tells which of the first 16 fields is what. */
static bool read_header(struct str line, int order[FIELDS_MAX])
{
    static const char *const names[FIELDS_MAX][3] = {{"user", "user_id", "userid"},
                                                     {"item", "item_id", "product_id"},
                                                     {"time", "timestamp", "ts"}};
    int found[FIELDS_MAX] = {-1, -1, -1};
    struct str field;
    for (int n = 0; n < 16 && (field = next_field(&line)).n; n++)
        for (int c = 0; c < FIELDS_MAX; c++)
            for (int i = 0; i < 3; i++)
                if (str_eq_nocase(field, str_of(names[c][i])))
                    found[c] = n;
    if (found[0] < 0 || found[1] < 0)
        return false;
    memcpy(order, found, sizeof found);
    return true;
}

static enum err_code read_lines(struct feedback *f, struct str rest, struct interactions *out,
                                struct err *err)
{
    int order[FIELDS_MAX] = {0, 1, 2};
    enum err_code code = ERR_OK;
    for (unsigned line_no = 1; rest.p && code == ERR_OK; line_no++) {
        struct str line = str_split(&rest, '\n');
        if (str_trim(line).n == 0 || (f->pairs && line_no == 1 && read_header(line, order)))
            continue;
        code = f->pairs ? take_pair(f, order, line, out, err) : take_adjacency(f, line, out, err);
        if (code != ERR_OK)
            code = err_prefix(err, code, "line %u", line_no);
    }
    return code;
}

static enum err_code read_file(struct feedback *f, const char *path, struct interactions *out,
                               struct err *err)
{
    struct fs_map map;
    struct derive_options options = derive_defaults();
    enum err_code code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    code = read_lines(f, (struct str){(const char *)map.data, map.bytes}, out, err);
    fs_map_close(&map);
    if (code == ERR_OK && out->len == 0)
        code = err_set(err, ERR_INVALID, "it holds nothing");
    if (code != ERR_OK)
        return err_prefix(err, code, "%s", path);
    return interactions_sort(out, &options, err);
}

/* --- measuring ------------------------------------------------------------------------------- */

/* A thread's own. */
struct lane {
    struct arena arena;
    struct ranking_totals totals;
    float *weight; /* [rows] of the user's past, all zero between users */
};

struct measuring {
    const struct interactions *past, *truth;
    const struct recommend_model *m;
    struct lane *lanes; /* [lanes_len] */
    unsigned lanes_len;
    size_t items, k;
    bool exact; /* score every item, without the index */
    pthread_mutex_t lock;
    enum err_code code; /* the first failure */
    struct err err;
};

/* Items are numbered from 0 in lists: number - 1. */
struct user_lists {
    uint32_t *past; /* [past_len] rows */
    float *weights; /* [past_len] */
    size_t past_len;
    uint32_t *truth; /* [truth_len] items, ascending */
    size_t truth_len;
};

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void read_past(const struct measuring *g, struct lane *lane, uint32_t user,
                      struct user_lists *out)
{
    size_t begin = interactions_user_begin(g->past, user);
    size_t end = interactions_user_end(g->past, user);
    out->past = ARENA_NEW(&lane->arena, uint32_t, end - begin + 1);
    out->weights = ARENA_NEW(&lane->arena, float, end - begin + 1);
    out->past_len = 0;
    for (size_t i = begin; i < end; i++) {
        uint32_t row = recommend_model_row(g->m, g->past->product_no[i]);
        if (row == UINT32_MAX)
            continue;
        if (lane->weight[row] == 0)
            out->past[out->past_len++] = row;
        lane->weight[row] += g->past->weight[i];
    }
    for (size_t i = 0; i < out->past_len; i++)
        out->weights[i] = profile_confidence(lane->weight[out->past[i]]);
}

static void read_truth(const struct measuring *g, struct lane *lane, uint32_t user,
                       struct user_lists *out)
{
    size_t begin = interactions_user_begin(g->truth, user);
    size_t end = interactions_user_end(g->truth, user), n = 0;
    out->truth = ARENA_NEW(&lane->arena, uint32_t, end - begin + 1);
    for (size_t i = begin; i < end; i++) {
        uint32_t row = recommend_model_row(g->m, g->truth->product_no[i]);
        if (row == UINT32_MAX || lane->weight[row] == 0)
            out->truth[n++] = g->truth->product_no[i] - 1;
    }
    qsort(out->truth, n, sizeof *out->truth, ascending);
    out->truth_len = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || out->truth[i] != out->truth[i - 1])
            out->truth[out->truth_len++] = out->truth[i];
}

/* The best items that the user did not have. */
static enum err_code rank(const struct measuring *g, struct lane *lane, const struct user_lists *u,
                          uint32_t *list, size_t *len, struct err *err)
{
    size_t want = g->k + u->past_len, n = 0;
    struct topk_item *best = ARENA_NEW(&lane->arena, struct topk_item, want);
    float *x = ARENA_NEW(&lane->arena, float, g->m->dim);
    enum err_code code =
        factors_fold_in(g->m, u->past, u->weights, u->past_len, &lane->arena, x, err);
    if (code == ERR_OK && g->exact)
        n = vectors_search_exact(&g->m->vectors, x, want, best);
    else if (code == ERR_OK)
        code = vectors_search(&g->m->vectors, x, 0, want, &lane->arena, best, &n, err);
    *len = 0;
    for (size_t i = 0; i < n && *len < g->k && code == ERR_OK; i++)
        if (lane->weight[best[i].id] == 0)
            list[(*len)++] = g->m->items[best[i].id] - 1;
    return code;
}

static enum err_code measure_user(const struct measuring *g, struct lane *lane, uint32_t user,
                                  struct err *err)
{
    struct user_lists u;
    uint32_t list[K_MAX];
    size_t len;
    enum err_code code = ERR_OK;
    arena_reset(&lane->arena);
    read_past(g, lane, user, &u);
    read_truth(g, lane, user, &u);
    if (u.past_len && u.truth_len) {
        code = rank(g, lane, &u, list, &len, err);
        if (code == ERR_OK) {
            struct user_metrics m = ranking_measure(list, len, u.truth, u.truth_len, g->k);
            ranking_add(&lane->totals, list, len, &m, g->k);
        }
    }
    for (size_t i = 0; i < u.past_len; i++)
        lane->weight[u.past[i]] = 0;
    return code;
}

static void measure_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct measuring *g = arg;
    struct err err;
    enum err_code code = ERR_OK;
    for (size_t user = begin + 1; user <= end && code == ERR_OK; user++)
        code = measure_user(g, &g->lanes[lane], (uint32_t)user, &err);
    if (code == ERR_OK)
        return;
    pthread_mutex_lock(&g->lock);
    if (g->code == ERR_OK) {
        g->code = code;
        g->err = err;
    }
    pthread_mutex_unlock(&g->lock);
}

static enum err_code measure_all(struct measuring *g, struct pool *pool, size_t users,
                                 struct err *err)
{
    enum err_code code = ERR_OK;
    g->lanes_len = pool_lanes(pool);
    g->lanes = mem_new(g->lanes_len, sizeof *g->lanes);
    for (unsigned i = 0; i < g->lanes_len && code == ERR_OK; i++) {
        struct lane *lane = &g->lanes[i];
        arena_init(&lane->arena, 1 << 20, ARENA_MAX);
        lane->weight = mem_try_new(g->m->rows + 1, sizeof *lane->weight);
        code = lane->weight ? ranking_init(&lane->totals, g->items, err)
                            : err_set(err, ERR_MEMORY, "no memory for %u items", g->m->rows);
    }
    if (code != ERR_OK)
        return code;
    pool_for(pool, users, GRAIN, measure_range, g);
    for (unsigned i = 1; i < g->lanes_len; i++)
        ranking_merge(&g->lanes[0].totals, &g->lanes[i].totals);
    if (g->code != ERR_OK && err)
        *err = g->err;
    return g->code;
}

static void release(struct measuring *g)
{
    for (unsigned i = 0; i < g->lanes_len; i++) {
        arena_release(&g->lanes[i].arena);
        ranking_release(&g->lanes[i].totals);
        mem_free(g->lanes[i].weight);
    }
    mem_free(g->lanes);
    pthread_mutex_destroy(&g->lock);
}

/* --- the command ----------------------------------------------------------------------------- */

static enum err_code write_result(const struct measuring *g, double fit_s, double measure_s,
                                  struct json_writer *w, struct err *err)
{
    const struct ranking_totals *t = &g->lanes[0].totals;
    double users = t->users ? (double)t->users : 1, gini;
    enum err_code code = ranking_gini(t, &gini, err);
    if (code != ERR_OK)
        return code;
    jw_obj(w);
    JW_U64(w, "users", t->users);
    JW_U64(w, "items", g->items);
    JW_U64(w, "interactions", g->past->len);
    JW_U64(w, "dim", g->m->dim);
    eval_key_at(w, "recall", g->k), jw_decimal(w, t->recall / users, 5);
    eval_key_at(w, "ndcg", g->k), jw_decimal(w, t->ndcg / users, 5);
    eval_key_at(w, "hit", g->k), jw_decimal(w, t->hit / users, 5);
    JW_DECIMAL(w, "coverage", ranking_coverage(t), 5);
    JW_DECIMAL(w, "gini", gini, 5);
    JW_DECIMAL(w, "fit_s", fit_s, 3);
    JW_DECIMAL(w, "recommend_users_per_s", (double)t->users / (measure_s > 0 ? measure_s : 1), 0);
    JW_U64(w, "threads", g->lanes_len);
    jw_obj_end(w);
    return ERR_OK;
}

static enum err_code fit_and_measure(struct measuring *g, const struct recommend_params *params,
                                     unsigned threads, size_t users, struct json_writer *w,
                                     struct err *err)
{
    struct recommend_model model = {0};
    struct pool *pool = NULL;
    int64_t begin = clock_mono_ns(), fitted = begin;
    enum err_code code =
        threads == 1 ? ERR_OK : pool_new(&pool, "eval", threads ? threads - 1 : 0, QUEUE, err);
    if (code == ERR_OK)
        code = recommend_fit(g->past, params, &(struct fit_options){.pool = pool}, &model, err);
    fitted = clock_mono_ns();
    g->m = &model;
    if (code == ERR_OK && model.dim == 0)
        code = err_set(err, ERR_INVALID, "too little data for a factor model");
    if (code == ERR_OK)
        code = measure_all(g, pool, users, err);
    double measure_s = (double)(clock_mono_ns() - fitted) / 1e9;
    if (code == ERR_OK)
        code = write_result(g, (double)(fitted - begin) / 1e9, measure_s, w, err);
    pool_free(pool);
    recommend_fit_release(&model);
    return code;
}

static enum err_code evaluate(const struct args *args, bool pairs, size_t k, unsigned threads,
                              const struct recommend_params *params, struct json_writer *w,
                              struct err *err)
{
    struct feedback f = {.pairs = pairs};
    struct interactions past = {0}, truth = {0};
    struct measuring g = {
        .past = &past, .truth = &truth, .k = k, .exact = args_has(args, "--exact")};
    pthread_mutex_init(&g.lock, NULL);
    enum err_code code = read_file(&f, args_flag(args, "--train"), &past, err);
    if (code == ERR_OK)
        code = read_file(&f, args_flag(args, "--test"), &truth, err);
    g.items = f.items.len;
    if (code == ERR_OK)
        code = fit_and_measure(&g, params, threads, f.users.len, w, err);
    release(&g);
    interactions_release(&past);
    interactions_release(&truth);
    map_str_release(&f.users);
    map_str_release(&f.items);
    return code;
}

enum cli_exit eval_recommend(const struct args *args)
{
    const char *format = args_flag(args, "--format");
    struct recommend_params params = recommend_defaults();
    struct str list = str_of(args_flag(args, "--params"));
    struct result result;
    struct err err;
    int64_t k, threads;
    if (!args_has(args, "--train") || !args_has(args, "--test"))
        return fail_usage(args, "recommend needs --train and --test");
    bool pairs = format && strcmp(format, "pairs") == 0;
    if (format && !pairs && strcmp(format, "adjacency") != 0)
        return fail_usage(args, "--format: expected adjacency or pairs");
    if (!args_i64(args, "--k", 20, 1, K_MAX, &k) ||
        !args_i64(args, "--threads", 0, 0, 256, &threads))
        return EXIT_USAGE;
    while (list.p && list.n)
        if (recommend_param_set(&params, str_split(&list, ','), &err) != ERR_OK)
            return fail_usage(args, "--params: %s", err.msg);
    result_begin(&result);
    enum err_code code =
        evaluate(args, pairs, (size_t)k, (unsigned)threads, &params, &result.w, &err);
    return eval_end(args, &result, code, &err);
}
