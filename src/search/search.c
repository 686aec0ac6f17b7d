#include "search/search.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/mem.h"
#include "search/search_int.h"

enum { HIGHLIGHTS_MAX = 64 };

struct searcher *searcher_new(void)
{
    struct searcher *s = MEM_NEW(struct searcher);
    s->analyser = text_analyser_new();
    return s;
}

void searcher_free(struct searcher *s)
{
    if (!s)
        return;
    text_analyser_free(s->analyser);
    mem_free(s->scores);
    mem_free(s->touched);
    mem_free(s);
}

bool search_sort_of(struct str name, enum search_sort *out)
{
    static const char *const names[SORTS] = {
        [SORT_RELEVANCE] = "relevance",   [SORT_PRICE_ASC] = "price_asc",
        [SORT_PRICE_DESC] = "price_desc", [SORT_NEWEST] = "newest",
        [SORT_RATING] = "rating",         [SORT_POPULAR] = "popular",
    };
    for (int i = 0; i < SORTS; i++)
        if (str_is(name, names[i])) {
            *out = (enum search_sort)i;
            return true;
        }
    return false;
}

static bool is_among(struct str name, const struct str *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

enum err_code search_facets_of(struct str list, struct arena *arena, struct search_request *out,
                               struct err *err)
{
    out->facets = NULL;
    out->facets_len = 0;
    if (list.n == 0)
        return ERR_OK;
    struct str *names = arena_try_alloc(arena, SEARCH_FACETS_MAX * sizeof *names);
    if (!names)
        return err_set(err, ERR_LIMIT, "the facets do not fit");
    size_t n = 0;
    while (list.p && list.n) {
        struct str name = str_trim(str_split(&list, ','));
        if (name.n == 0 || is_among(name, names, n))
            continue;
        if (n == SEARCH_FACETS_MAX)
            return err_set(err, ERR_LIMIT, "facets: more than %d", SEARCH_FACETS_MAX);
        names[n++] = name;
    }
    out->facets = names;
    out->facets_len = n;
    return ERR_OK;
}

/* --- the best of the window ------------------------------------------------------------------ */

struct ranked {
    double key; /* higher first */
    double score;
    uint32_t product_no;
};

static bool before(const struct ranked *a, const struct ranked *b)
{
    return a->key > b->key || (a->key == b->key && a->product_no < b->product_no);
}

/* A bounded heap with the worst at its root, as num/topk.h, over doubles: prices must not round. */
struct window {
    struct ranked *items; /* [cap] */
    size_t len, cap;
};

static void sift_down(struct window *w, size_t at)
{
    for (;;) {
        size_t worst = at, left = 2 * at + 1;
        for (size_t child = left; child < left + 2 && child < w->len; child++)
            if (before(&w->items[worst], &w->items[child]))
                worst = child;
        if (worst == at)
            return;
        struct ranked t = w->items[at];
        w->items[at] = w->items[worst];
        w->items[worst] = t;
        at = worst;
    }
}

static void offer(struct window *w, struct ranked item)
{
    if (w->cap == 0)
        return;
    if (w->len == w->cap) {
        if (before(&item, &w->items[0])) {
            w->items[0] = item;
            sift_down(w, 0);
        }
        return;
    }
    size_t at = w->len++;
    w->items[at] = item;
    while (at > 0 && before(&w->items[(at - 1) / 2], &w->items[at])) {
        struct ranked t = w->items[at];
        w->items[at] = w->items[(at - 1) / 2];
        w->items[(at - 1) / 2] = t;
        at = (at - 1) / 2;
    }
}

static int best_first(const void *a, const void *b)
{
    return before(a, b) ? -1 : before(b, a);
}

/* --- collecting ------------------------------------------------------------------------------ */

struct collector {
    const struct view *view;
    const struct search_request *request;
    const struct recommend_model *model;
    struct facet_counter *facets; /* NULL: none */
    struct window window;
    uint64_t total;
    uint32_t needed;    /* words that a document must have */
    uint32_t best_near; /* the most words of a document that may be shown but has too few */
    bool by_score;
};

/* What sells now, then what sold over the long run. */
static double popularity(const struct collector *c, uint32_t product_no)
{
    double heat = (double)live_heat(c->view->live, product_no, c->request->now_us);
    uint32_t row = c->model ? recommend_model_row(c->model, product_no) : UINT32_MAX;
    return heat + (row == UINT32_MAX ? 0 : 1e-3 * (double)c->model->popularity[row]);
}

static double price_key(const struct collector *c, uint32_t product_no, double sign)
{
    struct live_row row;
    live_get(c->view->live, product_no, &row);
    if (row.price_minor == STORE_NO_AMOUNT || row.currency != c->request->currency)
        return -1e18; /* last either way: prices are below */
    return sign * (double)row.price_minor;
}

static double key_of(const struct collector *c, const struct segment *s, uint32_t doc, double score)
{
    uint32_t product_no = s->product_no[doc];
    switch (c->request->sort) {
    case SORT_RELEVANCE:
        return c->by_score ? score : popularity(c, product_no);
    case SORT_PRICE_ASC:
        return price_key(c, product_no, -1);
    case SORT_PRICE_DESC:
        return price_key(c, product_no, 1);
    case SORT_NEWEST:
        return (double)s->created_at[doc];
    case SORT_RATING: /* the mean, drawn to 3 by ten votes, so that one vote is not the best */
        return (double)(s->rating_mean[doc] * (float)s->rating_count[doc] + 30) /
               ((double)s->rating_count[doc] + 10);
    case SORT_POPULAR:
        return popularity(c, product_no);
    case SORTS:
        break;
    }
    UNREACHABLE();
}

static bool shown(const struct collector *c, uint32_t product_no)
{
    struct live_row row;
    if (!c->request->out_of_stock)
        return live_sellable(c->view->live, product_no);
    live_get(c->view->live, product_no, &row);
    return row.status == PRODUCT_ACTIVE;
}

static bool eligible(const struct collector *c, uint32_t slot, uint32_t doc)
{
    const struct catalogue *catalogue = c->view->catalogue;
    return shown(c, catalogue->segments[slot]->product_no[doc]) &&
           catalogue_alive(catalogue, slot, doc) && filter_match(c->request->filter, slot, doc);
}

static void collect(struct collector *c, uint32_t slot, uint32_t doc, double score)
{
    const struct segment *s = c->view->catalogue->segments[slot];
    uint32_t product_no = s->product_no[doc];
    if (!eligible(c, slot, doc))
        return;
    c->total++;
    if (c->facets)
        facet_counter_count(c->facets, doc);
    offer(&c->window, (struct ranked){key_of(c, s, doc, score), score, product_no});
}

/* Take the documents with enough words; as long as there are none, note how near others come. */
static void collect_scored(struct searcher *s, struct collector *c, uint32_t slot)
{
    for (uint32_t i = 0; i < s->touched_len; i++) {
        uint32_t doc = s->touched[i];
        uint32_t words = (uint32_t)__builtin_popcount(s->scores[doc].words);
        if (words >= c->needed)
            collect(c, slot, doc, (double)s->scores[doc].score);
        else if (c->total == 0 && words > c->best_near && eligible(c, slot, doc))
            c->best_near = words;
    }
}

static enum err_code collect_segment(struct searcher *s, struct collector *c, const struct query *q,
                                     uint32_t slot, struct err *err)
{
    const struct segment *segment = c->view->catalogue->segments[slot];
    enum err_code code = c->facets ? facet_counter_begin_segment(c->facets, slot, err) : ERR_OK;
    if (code != ERR_OK)
        return code;
    if (q->words == 0) {
        for (uint32_t doc = 0; doc < segment->docs; doc++)
            collect(c, slot, doc, 0);
    } else {
        code = score_segment(s, c->view, q, slot, err);
        if (code == ERR_OK)
            collect_scored(s, c, slot);
        clear_scores(s);
    }
    if (code == ERR_OK && c->facets)
        code = facet_counter_end_segment(c->facets, err);
    return code;
}

static enum err_code collect_all(struct searcher *s, struct collector *c, const struct query *q,
                                 struct arena *arena, struct err *err)
{
    c->total = 0;
    c->window.len = 0;
    enum err_code code = facet_counter_begin(c->view, c->request, arena, &c->facets, err);
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS && code == ERR_OK; slot++)
        if (c->view->catalogue->segments[slot])
            code = collect_segment(s, c, q, slot, err);
    return code;
}

/* --- the page -------------------------------------------------------------------------------- */

/* Cut the title at the ranges that matched: parts at odd places match. */
static enum err_code highlight(struct searcher *s, const struct view *view, const struct query *q,
                               struct str language, struct arena *arena, struct search_hit *hit,
                               struct err *err)
{
    struct text_range ranges[HIGHLIGHTS_MAX];
    struct text_snippet snippet;
    struct str title = card_title(view, hit->product_no, language);
    enum err_code code = text_highlight(s->analyser, title, q->matches, q->matches_len, 0, ranges,
                                        HIGHLIGHTS_MAX, &snippet, err);
    if (code != ERR_OK)
        return code;
    struct str *parts = arena_try_alloc(arena, (2 * snippet.n + 1) * sizeof *parts);
    if (!parts)
        return err_set(err, ERR_LIMIT, "the highlights do not fit");
    uint32_t at = 0;
    for (size_t i = 0; i < snippet.n; i++) {
        parts[2 * i] = (struct str){title.p + at, ranges[i].start - at};
        parts[2 * i + 1] = (struct str){title.p + ranges[i].start, ranges[i].end - ranges[i].start};
        at = ranges[i].end;
    }
    parts[2 * snippet.n] = (struct str){title.p + at, title.n - at};
    hit->title_parts = parts;
    hit->title_parts_len = 2 * snippet.n + 1;
    return ERR_OK;
}

static enum err_code make_page(struct searcher *s, struct collector *c, const struct query *q,
                               struct arena *arena, struct search_result *out, struct err *err)
{
    const struct search_request *r = c->request;
    struct window *w = &c->window;
    size_t from = (size_t)(r->page - 1) * r->limit;
    if (w->len)
        qsort(w->items, w->len, sizeof *w->items, best_first);
    size_t n = w->len > from ? w->len - from : 0;
    struct search_hit *hits = arena_try_alloc(arena, (n + 1) * sizeof *hits);
    if (!hits)
        return err_set(err, ERR_LIMIT, "the page does not fit");
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        const struct ranked *item = &w->items[from + i];
        hits[i] = (struct search_hit){.product_no = item->product_no, .score = item->score};
        if (q->words)
            code = highlight(s, c->view, q, r->language, arena, &hits[i], err);
    }
    out->hits = hits;
    out->hits_len = n;
    return code;
}

static enum err_code find(struct searcher *s, struct collector *c, const struct query *q,
                          struct arena *arena, struct search_result *out, struct err *err)
{
    c->needed = (uint32_t)__builtin_popcount(q->words);
    enum err_code code = collect_all(s, c, q, arena, err);
    if (code == ERR_OK && c->total == 0 && c->best_near > 0) {
        facet_counter_release(c->facets);
        c->needed = c->best_near;
        out->relaxed = true;
        code = collect_all(s, c, q, arena, err);
    }
    out->relaxed &= c->total > 0; /* what is live may have changed in between */
    out->total = c->total;
    if (code == ERR_OK)
        code = make_page(s, c, q, arena, out, err);
    if (code == ERR_OK)
        code = facet_counter_finish(c->facets, out, err);
    facet_counter_release(c->facets);
    return code;
}

enum err_code search_run(struct searcher *s, const struct view *view,
                         const struct search_request *r, struct arena *arena,
                         struct search_result *out, struct err *err)
{
    struct query query;
    struct collector c = {.view = view, .request = r, .model = view_model(view)};
    CHECK(r->page >= 1 && r->limit <= SEARCH_LIMIT_MAX);
    *out = (struct search_result){0};
    if ((uint64_t)r->page * r->limit > SEARCH_WINDOW_MAX)
        return err_set(err, ERR_LIMIT, "pages end at %d products", SEARCH_WINDOW_MAX);
    enum err_code code = query_plan(s->analyser, r, arena, &query, err);
    if (code != ERR_OK)
        return code;
    score_begin(s, view, &query);
    c.by_score = query.words != 0;
    c.window.cap = (size_t)r->page * r->limit;
    c.window.items = arena_try_alloc(arena, (c.window.cap + 1) * sizeof *c.window.items);
    if (!c.window.items)
        return err_set(err, ERR_LIMIT, "the page does not fit");
    return find(s, &c, &query, arena, out, err);
}

enum err_code search_score(struct searcher *s, const struct view *view,
                           const struct search_request *r, const uint32_t *products, size_t n,
                           struct arena *arena, double *scores, struct err *err)
{
    struct query query;
    enum err_code code = query_plan(s->analyser, r, arena, &query, err);
    if (code != ERR_OK)
        return code;
    score_begin(s, view, &query);
    for (size_t i = 0; i < n; i++)
        scores[i] = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS && code == ERR_OK; slot++) {
        if (!view->catalogue->segments[slot])
            continue;
        code = score_segment(s, view, &query, slot, err);
        for (size_t i = 0; i < n && code == ERR_OK; i++) {
            struct location at = catalogue_locate(view->catalogue, products[i]);
            if (at.slot == slot)
                scores[i] = (double)s->scores[at.doc].score;
        }
        clear_scores(s);
    }
    return code;
}
