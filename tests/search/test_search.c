#include "search/search.h"

#include "search/oracle.h"
#include "support/suite.h"

enum { DOCS = 240, QUERIES = 150 };

/* A shop whose living products are `fakes`, spread over segments, and what must be found in it. */
struct world {
    struct view_fixture shop;
    struct arena arena;
    struct fake *fakes; /* [DOCS] the present versions */
    struct oracle oracle;
    struct searcher *searcher;
};

static void index_fakes(struct world *w, struct fake *const *fakes, size_t n)
{
    const struct product *products[DOCS];
    for (size_t i = 0; i < n; i++)
        products[i] = &fakes[i]->product;
    fixture_index(&w->shop, products, n);
}

/* Older versions of many products, then the present ones in pieces. */
static void index_in_layers(struct world *w, struct rng *r)
{
    struct buf out;
    struct fake *present[DOCS], *old[DOCS];
    size_t n = 0;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < DOCS; i++)
        if (rng_below(r, 3)) {
            old[n] = ARENA_NEW(&w->arena, struct fake, 1);
            fake_make(old[n++], w->fakes[i].product.no, r, &w->arena, &out);
        }
    buf_release(&out);
    index_fakes(w, old, n);
    for (unsigned layer = 0; layer < 7; layer++) {
        n = 0;
        for (size_t i = 0; i < DOCS; i++)
            if (i % 7 == layer)
                present[n++] = &w->fakes[i];
        index_fakes(w, present, n);
    }
}

static void world_init(struct world *w, uint64_t seed, bool layers)
{
    struct rng r;
    struct fake *all[DOCS];
    rng_init(&r, seed + 1);
    *w = (struct world){.searcher = searcher_new()};
    fixture_init(&w->shop);
    arena_init(&w->arena, 0, 64 << 20);
    w->fakes = fake_catalogue(DOCS, seed, &w->arena);
    for (size_t i = 0; i < DOCS; i++) {
        all[i] = &w->fakes[i];
        fixture_trade(&all[i]->product, &r);
        fixture_live(&w->shop, &all[i]->product);
    }
    if (layers)
        index_in_layers(w, &r);
    else
        index_fakes(w, all, DOCS);
    oracle_init(&w->oracle, (const struct fake *const *)all, DOCS);
}

static void world_release(struct world *w)
{
    oracle_release(&w->oracle);
    searcher_free(w->searcher);
    fixture_release(&w->shop);
    arena_release(&w->arena);
}

static struct search_request request_of(struct world *w, struct str query)
{
    return (struct search_request){.query = query,
                                   .page = 1,
                                   .limit = 100,
                                   .language = STR_LIT("en"),
                                   .currency = w->shop.shop.currency,
                                   .now_us = 2000000};
}

static struct search_result run(struct world *w, const struct search_request *r)
{
    struct search_result result;
    struct err err;
    ck_ok(search_run(w->searcher, w->shop.view, r, &w->shop.arena, &result, &err));
    return result;
}

static struct search_result query(struct world *w, const char *text)
{
    struct search_request r = request_of(w, str_of(text));
    return run(w, &r);
}

static struct str random_query(struct rng *r, struct arena *a)
{
    static const char *const words[] = {
        "kettle", "red",      "run",    "running", "shoe",   "T-shirt", "tshirt",  "women",
        "steel",  "1.5",      "pan",    "WH-1000", "wh1000", "wh 1000", "cafe",    "K-12-RED",
        "K-30",   "K30RED",   "SKU9",   "gift",    "Home",   "kitchen", "nowhere", "id 40_x",
        "水壶",   "红色水壶", "运动鞋", "动鞋",    "灯",     "北",      "usb-c",   "Northpot",
        "lam",    "ke",       "bott",   "网球 鞋", "NORTH",  "shoes",   "r",       "x"};
    struct str text = {NULL, 0};
    for (uint64_t n = 1 + rng_below(r, 3); n; n--)
        text = arena_printf(a, "%.*s%s%s", STR_ARG(text), text.n ? " " : "",
                            words[rng_below(r, sizeof words / sizeof *words)]);
    return text;
}

/* --- what may be shown, naively -------------------------------------------------------------- */

static bool shown(const struct product *p, bool out_of_stock)
{
    return p->status == PRODUCT_ACTIVE && (out_of_stock || p->stock != 0);
}

static const struct fake_value *value_of(const struct fake *f, const char *facet)
{
    for (size_t i = 0; i < f->values_len; i++)
        if (strcmp(f->values[i].facet, facet) == 0)
            return &f->values[i];
    return NULL;
}

static bool everything(const struct world *w, const struct fake *f)
{
    (void)w;
    (void)f;
    return true;
}

static bool northpot(const struct world *w, const struct fake *f)
{
    (void)w;
    return str_eq_nocase(f->product.brand, STR_LIT("northpot"));
}

static bool cheap(const struct world *w, const struct fake *f)
{
    return f->product.currency == w->shop.shop.currency &&
           f->product.price_minor != STORE_NO_AMOUNT && f->product.price_minor < 2000;
}

static bool at_home(const struct world *w, const struct fake *f)
{
    (void)w;
    return str_is(f->product.category, "Home") ||
           str_starts(f->product.category, STR_LIT("Home >"));
}

static const struct {
    const char *text;
    bool (*holds)(const struct world *w, const struct fake *f);
} filters[] = {{"", everything},
               {"brand = NORTHPOT", northpot},
               {"price < 2000", cheap},
               {"category = home", at_home}};

/* --- the result against the oracle ----------------------------------------------------------- */

static struct oracle_doc *doc_of(struct world *w, uint32_t product_no)
{
    for (size_t i = 0; i < DOCS; i++)
        if (w->fakes[i].product.no == product_no)
            return &w->oracle.docs[i];
    ck_abort_msg("product %u is not in the shop", product_no);
}

/* Marks the docs of the result in matches [DOCS]; returns how many, and whether it is relaxed. */
static size_t expected(struct world *w, const struct search_request *r, size_t filter,
                       bool matches[DOCS], bool *relaxed)
{
    unsigned most = 0, want = (unsigned)__builtin_popcount(w->oracle.words);
    size_t n = 0;
    for (size_t i = 0; i < DOCS; i++) {
        const struct oracle_doc *d = &w->oracle.docs[i];
        matches[i] = shown(&d->fake->product, r->out_of_stock) && filters[filter].holds(w, d->fake);
        unsigned words = (unsigned)__builtin_popcount(d->words);
        if (matches[i] && words > most)
            most = words;
    }
    *relaxed = most > 0 && most < want;
    for (size_t i = 0; i < DOCS; i++) {
        matches[i] = matches[i] &&
                     (want == 0 ||
                      (most > 0 && (unsigned)__builtin_popcount(w->oracle.docs[i].words) >= most));
        n += matches[i];
    }
    return n;
}

/* All pages of a result; every product once. */
static size_t all_hits(struct world *w, struct search_request r, struct search_hit hits[DOCS])
{
    size_t n = 0;
    r.limit = 7;
    for (r.page = 1;; r.page++) {
        struct search_result page = run(w, &r);
        ck_assert_uint_le(n + page.hits_len, page.total);
        for (size_t i = 0; i < page.hits_len; i++)
            hits[n++] = page.hits[i];
        if (page.hits_len < r.limit) {
            ck_assert_uint_eq(n, page.total);
            return n;
        }
    }
}

static void check_hits(struct world *w, const struct search_request *r, const bool matches[DOCS])
{
    struct search_hit hits[DOCS];
    bool seen[DOCS] = {false};
    size_t n = all_hits(w, *r, hits);
    for (size_t i = 0; i < n; i++) {
        const struct oracle_doc *d = doc_of(w, hits[i].product_no);
        size_t at = (size_t)(d - w->oracle.docs);
        ck_assert_msg(matches[at] && !seen[at], "'%.*s' shows %u", STR_ARG(r->query),
                      hits[i].product_no);
        seen[at] = true;
        ck_assert_msg(fabs(hits[i].score - d->score) < 1e-4, "'%.*s' %u: %.6f, not %.6f",
                      STR_ARG(r->query), hits[i].product_no, hits[i].score, d->score);
        if (i > 0 && w->oracle.words)
            ck_assert(hits[i - 1].score > hits[i].score ||
                      (hits[i - 1].score == hits[i].score &&
                       hits[i - 1].product_no < hits[i].product_no));
    }
}

static void compare_with_oracle(struct world *w, uint64_t seed)
{
    struct rng r;
    size_t hits = 0, relaxed_results = 0;
    rng_init(&r, seed);
    for (int i = 0; i < QUERIES; i++) {
        size_t filter = rng_below(&r, 4);
        bool matches[DOCS], relaxed;
        arena_reset(&w->shop.arena);
        struct search_request q = request_of(w, random_query(&r, &w->arena));
        q.prefix = rng_below(&r, 2);
        q.out_of_stock = rng_below(&r, 2);
        q.filter = fixture_filter(&w->shop, filters[filter].text);
        oracle_query(&w->oracle, q.query, q.prefix);
        size_t want = expected(w, &q, filter, matches, &relaxed);
        struct search_result result = run(w, &q);
        ck_assert_msg(result.total == want, "'%.*s' with '%s': %d products, not %zu",
                      STR_ARG(q.query), filters[filter].text, (int)result.total, want);
        ck_assert_int_eq(result.relaxed, relaxed);
        check_hits(w, &q, matches);
        hits += want;
        relaxed_results += relaxed;
    }
    ck_assert_uint_gt(hits, QUERIES);
    ck_assert_uint_gt(relaxed_results, 5);
}

START_TEST(every_query_gives_what_scoring_all_products_one_by_one_gives)
{
    struct world w;
    world_init(&w, 3, false);
    compare_with_oracle(&w, 11);
    world_release(&w);
}
END_TEST

START_TEST(older_versions_in_other_segments_change_nothing)
{
    struct world w;
    world_init(&w, 4, true);
    compare_with_oracle(&w, 12);
    for (size_t i = 0; i < DOCS; i += 9) { /* sold, then taken back: the texts are there again */
        const struct product *p = &w.fakes[i].product;
        fixture_remove(&w.shop, p->no);
        fixture_index(&w.shop, &p, 1);
    }
    compare_with_oracle(&w, 13);
    fixture_merge(&w.shop);
    compare_with_oracle(&w, 14);
    world_release(&w);
}
END_TEST

START_TEST(layers_and_their_merge_rank_alike_to_the_bit)
{
    struct world layers, merged;
    struct rng r;
    rng_init(&r, 8);
    world_init(&layers, 6, true);
    world_init(&merged, 6, true);
    fixture_merge(&merged.shop);
    for (int i = 0; i < QUERIES; i++) {
        struct search_request q = request_of(&layers, random_query(&r, &layers.arena));
        q.prefix = true;
        struct search_result a = run(&layers, &q), b = run(&merged, &q);
        ck_assert_uint_eq(a.total, b.total);
        ck_assert_uint_eq(a.hits_len, b.hits_len);
        for (size_t k = 0; k < a.hits_len; k++) {
            ck_assert_uint_eq(a.hits[k].product_no, b.hits[k].product_no);
            ck_assert(a.hits[k].score == b.hits[k].score);
        }
    }
    world_release(&layers);
    world_release(&merged);
}
END_TEST

/* --- words ----------------------------------------------------------------------------------- */

static void put(struct world *w, uint32_t no, const char *title)
{
    char id[16];
    snprintf(id, sizeof id, "P%03u", no);
    struct product p = fixture_product(no, id, title);
    fixture_put(&w->shop, &p);
}

static void empty_world(struct world *w)
{
    *w = (struct world){.searcher = searcher_new()};
    fixture_init(&w->shop);
    arena_init(&w->arena, 0, 1 << 20);
}

static void empty_world_release(struct world *w)
{
    searcher_free(w->searcher);
    fixture_release(&w->shop);
    arena_release(&w->arena);
}

/* The numbers that a query finds, in order: "3,1". A '~' stands before a relaxed result. */
static const char *found(struct world *w, const char *text)
{
    struct search_result r = query(w, text);
    struct str out = STR_LIT("");
    for (size_t i = 0; i < r.hits_len; i++)
        out = arena_printf(&w->shop.arena, "%.*s%s%u", STR_ARG(out), out.n ? "," : "",
                           r.hits[i].product_no);
    return arena_printf(&w->shop.arena, "%s%.*s", r.relaxed ? "~" : "", STR_ARG(out)).p;
}

START_TEST(each_character_of_a_chinese_query_must_be_found_within_a_pair)
{
    struct world w;
    empty_world(&w);
    put(&w, 1, "搪瓷水壶");
    put(&w, 2, "水壶 搪瓷");
    put(&w, 3, "搪瓷杯");
    put(&w, 4, "电水壶");
    ck_assert_str_eq(found(&w, "搪瓷水壶"), "1,2");
    ck_assert_str_eq(found(&w, "水壶"), "4,1,2");
    ck_assert_str_eq(found(&w, "瓷"), "3,1,2");
    ck_assert_str_eq(found(&w, "搪瓷锅"), "~3,1,2");
    empty_world_release(&w);
}
END_TEST

START_TEST(a_sku_is_found_whole_by_its_parts_and_without_separators)
{
    struct world w;
    empty_world(&w);
    put(&w, 1, "Headphones WH-1000XM4");
    put(&w, 2, "Headphones WH-1000");
    put(&w, 3, "Cable XM 4");
    ck_assert_str_eq(found(&w, "wh1000xm4"), "1");
    ck_assert_str_eq(found(&w, "WH-1000XM4"), "1");
    ck_assert_str_eq(found(&w, "wh 1000 xm 4"), "1");
    ck_assert_str_eq(found(&w, "1000xm4"), "1");
    ck_assert_str_eq(found(&w, "wh 1000"), "2,1");
    ck_assert_str_eq(found(&w, "xm4 cable"), "3");
    empty_world_release(&w);
}
END_TEST

START_TEST(a_word_and_its_stem_stand_for_one_word_and_the_word_itself_ranks_first)
{
    struct world w;
    empty_world(&w);
    put(&w, 1, "run shoes");
    put(&w, 2, "running shoes");
    put(&w, 3, "running socks");
    ck_assert_str_eq(found(&w, "running shoes"), "2,1");
    ck_assert_str_eq(found(&w, "T-shirt running"), "~2,3,1");
    empty_world_release(&w);
}
END_TEST

START_TEST(only_the_last_word_may_be_unfinished)
{
    struct world w;
    empty_world(&w);
    put(&w, 1, "red kettle");
    put(&w, 2, "red kettlebell");
    put(&w, 3, "redwood kettle");
    struct search_request r = request_of(&w, STR_LIT("red kett"));
    ck_assert_uint_eq(run(&w, &r).hits_len, 2);
    ck_assert(run(&w, &r).relaxed);
    r.prefix = true;
    struct search_result result = run(&w, &r);
    ck_assert_uint_eq(result.total, 2);
    ck_assert(!result.relaxed);
    r.query = STR_LIT("red kett ");
    ck_assert(run(&w, &r).relaxed);
    empty_world_release(&w);
}
END_TEST

START_TEST(nothing_found_is_an_empty_result)
{
    struct world w;
    empty_world(&w);
    ck_assert_uint_eq(query(&w, "kettle").total, 0);
    ck_assert_uint_eq(query(&w, "").total, 0);
    put(&w, 1, "kettle");
    struct search_result r = query(&w, "zzz");
    ck_assert_uint_eq(r.total, 0);
    ck_assert_uint_eq(r.hits_len, 0);
    ck_assert(!r.relaxed);
    ck_assert_str_eq(found(&w, ""), "1");
    empty_world_release(&w);
}
END_TEST

START_TEST(bad_requests_are_refused)
{
    struct world w;
    struct search_result result;
    struct err err;
    char longest[STORE_QUERY_MAX + 2];
    empty_world(&w);
    struct search_request r = request_of(&w, STR_LIT("a\xff"));
    ck_err(search_run(w.searcher, w.shop.view, &r, &w.shop.arena, &result, &err), ERR_INVALID);
    memset(longest, 'a', sizeof longest);
    r.query = (struct str){longest, STORE_QUERY_MAX + 1};
    ck_err(search_run(w.searcher, w.shop.view, &r, &w.shop.arena, &result, &err), ERR_INVALID);
    r = request_of(&w, STR_LIT("a"));
    r.page = SEARCH_WINDOW_MAX / 100 + 1;
    ck_err(search_run(w.searcher, w.shop.view, &r, &w.shop.arena, &result, &err), ERR_LIMIT);
    r.page = UINT32_MAX;
    ck_err(search_run(w.searcher, w.shop.view, &r, &w.shop.arena, &result, &err), ERR_LIMIT);
    r = request_of(&w, STR_LIT("a"));
    struct str facets[SEARCH_FACETS_MAX + 1] = {{NULL, 0}};
    r.facets = facets;
    r.facets_len = SEARCH_FACETS_MAX + 1;
    ck_err(search_run(w.searcher, w.shop.view, &r, &w.shop.arena, &result, &err), ERR_LIMIT);
    empty_world_release(&w);
}
END_TEST

/* --- facets ---------------------------------------------------------------------------------- */

/* Does the product count for this value of a facet? A path also counts for its ancestors. */
static bool has_value(struct oracle *o, const struct fake *f, const char *facet, struct str value)
{
    struct str want = oracle_fold(o, value);
    bool path = strcmp(facet, "category") == 0;
    for (size_t i = 0; i < f->values_len; i++) {
        struct str have = oracle_fold(o, f->values[i].text);
        if (strcmp(f->values[i].facet, facet) != 0)
            continue;
        if (str_eq(have, want) ||
            (path && have.n > want.n + 3 && str_starts(have, want) &&
             str_starts((struct str){have.p + want.n, have.n - want.n}, STR_LIT(" > "))))
            return true;
    }
    return false;
}

static void check_values(struct world *w, const struct facet_result *facet, const char *name,
                         const bool matches[DOCS])
{
    size_t with_any = 0, covered = 0;
    for (size_t v = 0; v < facet->values_len; v++) {
        uint64_t want = 0;
        for (size_t i = 0; i < DOCS; i++)
            want += matches[i] && has_value(&w->oracle, &w->fakes[i], name, facet->values[v].value);
        ck_assert_msg(facet->values[v].count == want, "%s '%.*s': %d, not %d", name,
                      STR_ARG(facet->values[v].value), (int)facet->values[v].count, (int)want);
        if (v > 0 && strcmp(name, "category") != 0)
            ck_assert_uint_ge(facet->values[v - 1].count, facet->values[v].count);
    }
    for (size_t i = 0; i < DOCS; i++) {
        bool any = matches[i] && value_of(&w->fakes[i], name), in = false;
        for (size_t v = 0; any && v < facet->values_len && !in; v++)
            in = has_value(&w->oracle, &w->fakes[i], name, facet->values[v].value);
        with_any += any;
        covered += in;
    }
    ck_assert_uint_eq(with_any, covered);
}

static void check_prices(struct world *w, const struct facet_result *facet,
                         const bool matches[DOCS])
{
    uint64_t priced = 0, in_ranges = 0;
    int64_t min = INT64_MAX, max = 0;
    for (size_t i = 0; i < DOCS; i++) {
        const struct product *p = &w->fakes[i].product;
        if (!matches[i] || p->price_minor == STORE_NO_AMOUNT ||
            p->currency != w->shop.shop.currency)
            continue;
        priced++;
        min = p->price_minor < min ? p->price_minor : min;
        max = p->price_minor > max ? p->price_minor : max;
        for (size_t k = 0; k < facet->ranges_len; k++)
            in_ranges +=
                facet->ranges[k].from <= p->price_minor && p->price_minor < facet->ranges[k].to;
    }
    ck_assert_int_eq(facet->priced, priced > 0);
    ck_assert_uint_eq(in_ranges, priced);
    for (size_t k = 0; k < facet->ranges_len; k++)
        in_ranges -= facet->ranges[k].count;
    ck_assert_uint_eq(in_ranges, 0);
    if (priced) {
        ck_assert_int_eq(facet->min_minor, min);
        ck_assert_int_eq(facet->max_minor, max);
    }
}

START_TEST(facets_count_the_whole_result_over_all_segments)
{
    static const struct str names[] = {
        {"brand", 5},         {"category", 8}, {"attributes.color", 16}, {"attributes.size", 15},
        {"tags", 4},          {"price", 5},    {"in_stock", 8},          {"supplier_id", 11},
        {"no such facet", 13}};
    struct world w;
    struct rng r;
    rng_init(&r, 21);
    world_init(&w, 7, true);
    for (int i = 0; i < 40; i++) {
        bool matches[DOCS], relaxed;
        size_t filter = rng_below(&r, 4), stocked = 0, n;
        arena_reset(&w.shop.arena);
        struct search_request q =
            request_of(&w, rng_below(&r, 4) ? random_query(&r, &w.arena) : STR_LIT(""));
        q.limit = 0;
        q.facets = names;
        q.facets_len = sizeof names / sizeof *names;
        q.out_of_stock = true;
        q.filter = fixture_filter(&w.shop, filters[filter].text);
        oracle_query(&w.oracle, q.query, q.prefix);
        n = expected(&w, &q, filter, matches, &relaxed);
        struct search_result result = run(&w, &q);
        ck_assert_uint_eq(result.hits_len, 0);
        ck_assert_uint_eq(result.total, n);
        ck_assert_uint_eq(result.facets_len, q.facets_len);
        for (size_t f = 0; f < result.facets_len; f++)
            if (f != 5 && f != 6)
                check_values(&w, &result.facets[f], names[f].p, matches);
        check_prices(&w, &result.facets[5], matches);
        for (size_t d = 0; d < DOCS; d++)
            stocked += matches[d] && w.fakes[d].product.stock != 0;
        for (size_t v = 0; v < result.facets[6].values_len; v++)
            ck_assert_uint_eq(result.facets[6].values[v].count,
                              str_is(result.facets[6].values[v].value, "true") ? stocked
                                                                               : n - stocked);
    }
    world_release(&w);
}
END_TEST

/* --- orders ---------------------------------------------------------------------------------- */

static bool has_price(const struct world *w, const struct product *p)
{
    return p->price_minor != STORE_NO_AMOUNT && p->currency == w->shop.shop.currency;
}

START_TEST(prices_of_another_currency_are_never_compared)
{
    struct world w;
    world_init(&w, 9, true);
    for (int sort = SORT_PRICE_ASC; sort <= SORT_PRICE_DESC; sort++) {
        struct search_request r = request_of(&w, STR_LIT(""));
        struct search_hit hits[DOCS];
        r.sort = (enum search_sort)sort;
        size_t n = all_hits(&w, r, hits);
        ck_assert_uint_gt(n, DOCS / 4);
        for (size_t i = 1; i < n; i++) {
            const struct product *a = &doc_of(&w, hits[i - 1].product_no)->fake->product;
            const struct product *b = &doc_of(&w, hits[i].product_no)->fake->product;
            if (has_price(&w, a) && has_price(&w, b) && a->price_minor != b->price_minor)
                ck_assert((a->price_minor < b->price_minor) == (sort == SORT_PRICE_ASC));
            else if (has_price(&w, a) == has_price(&w, b))
                ck_assert_uint_lt(a->no, b->no);
            else
                ck_assert(has_price(&w, a));
        }
    }
    world_release(&w);
}
END_TEST

static double newest(const struct product *p)
{
    return (double)p->created_at;
}

static double best_rated(const struct product *p)
{
    return (p->rating_mean * p->rating_count + 30) / (p->rating_count + 10);
}

START_TEST(newest_and_best_rated_come_first)
{
    static const struct {
        enum search_sort sort;
        double (*key)(const struct product *p);
    } sorts[] = {{SORT_NEWEST, newest}, {SORT_RATING, best_rated}};
    struct world w;
    world_init(&w, 10, false);
    for (size_t s = 0; s < 2; s++) {
        struct search_request r = request_of(&w, STR_LIT("red"));
        struct search_hit hits[DOCS];
        r.sort = sorts[s].sort;
        size_t n = all_hits(&w, r, hits);
        ck_assert_uint_gt(n, 10);
        for (size_t i = 1; i < n; i++) {
            double a = sorts[s].key(&doc_of(&w, hits[i - 1].product_no)->fake->product);
            double b = sorts[s].key(&doc_of(&w, hits[i].product_no)->fake->product);
            ck_assert(a > b || (a == b && hits[i - 1].product_no < hits[i].product_no));
        }
    }
    world_release(&w);
}
END_TEST

START_TEST(what_is_hot_comes_first_among_the_popular)
{
    struct world w;
    empty_world(&w);
    for (uint32_t no = 1; no <= 5; no++) {
        put(&w, no, "lamp");
        live_heat_add(w.shop.live, no, (float)((no * 3) % 5), 1000000);
    }
    struct search_request r = request_of(&w, STR_LIT("lamp"));
    r.sort = SORT_POPULAR;
    struct search_result result = run(&w, &r);
    static const uint32_t want[] = {3, 1, 4, 2, 5};
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(result.hits[i].product_no, want[i]);
    empty_world_release(&w);
}
END_TEST

START_TEST(sort_names_are_those_of_the_api)
{
    enum search_sort sort;
    ck_assert(search_sort_of(STR_LIT("price_desc"), &sort) && sort == SORT_PRICE_DESC);
    ck_assert(search_sort_of(STR_LIT("relevance"), &sort) && sort == SORT_RELEVANCE);
    ck_assert(!search_sort_of(STR_LIT("Price"), &sort));
    ck_assert(!search_sort_of(STR_LIT(""), &sort));
}
END_TEST

/* --- highlights ------------------------------------------------------------------------------ */

START_TEST(highlights_rebuild_the_title_and_mark_what_was_found)
{
    struct world w;
    struct rng r;
    size_t marked = 0;
    rng_init(&r, 5);
    world_init(&w, 12, false);
    for (int i = 0; i < QUERIES; i++) {
        arena_reset(&w.shop.arena);
        struct search_request q = request_of(&w, random_query(&r, &w.arena));
        q.prefix = true;
        struct search_result result = run(&w, &q);
        for (size_t k = 0; k < result.hits_len; k++) {
            const struct search_hit *h = &result.hits[k];
            struct str title = card_title(w.shop.view, h->product_no, q.language);
            size_t at = 0;
            for (size_t part = 0; part < h->title_parts_len; part++) {
                struct str piece = h->title_parts[part];
                ck_assert(piece.p == title.p + at);
                ck_assert(part % 2 == 0 || piece.n > 0);
                at += piece.n;
            }
            ck_assert_uint_eq(at, title.n);
            marked += h->title_parts_len > 1;
        }
    }
    ck_assert_uint_gt(marked, QUERIES);
    world_release(&w);
}
END_TEST

START_TEST(facets_are_named_once_however_often_they_are_asked_for)
{
    struct search_request r = {.facets_len = 7};
    struct arena arena;
    struct buf many = {.max = 1000};
    struct err err;
    arena_init(&arena, 0, 1 << 16);
    ck_ok(search_facets_of(STR_LIT(" brand,price,,brand , price,attributes.color,"), &arena, &r,
                           &err));
    ck_assert_uint_eq(r.facets_len, 3);
    ck_assert(str_is(r.facets[0], "brand") && str_is(r.facets[1], "price") &&
              str_is(r.facets[2], "attributes.color"));
    ck_ok(search_facets_of((struct str){NULL, 0}, &arena, &r, &err));
    ck_assert_uint_eq(r.facets_len, 0);
    for (int i = 0; i <= SEARCH_FACETS_MAX; i++) {
        ck_ok(search_facets_of(buf_str(&many), &arena, &r, &err));
        ck_assert_uint_eq(r.facets_len, (size_t)i);
        buf_printf(&many, "attributes.a%d,", i);
    }
    ck_err(search_facets_of(buf_str(&many), &arena, &r, &err), ERR_LIMIT);
    buf_release(&many);
    arena_release(&arena);
}
END_TEST

SUITE("search", every_query_gives_what_scoring_all_products_one_by_one_gives,
      older_versions_in_other_segments_change_nothing, layers_and_their_merge_rank_alike_to_the_bit,
      each_character_of_a_chinese_query_must_be_found_within_a_pair,
      a_sku_is_found_whole_by_its_parts_and_without_separators,
      a_word_and_its_stem_stand_for_one_word_and_the_word_itself_ranks_first,
      only_the_last_word_may_be_unfinished, nothing_found_is_an_empty_result,
      bad_requests_are_refused, facets_count_the_whole_result_over_all_segments,
      prices_of_another_currency_are_never_compared, newest_and_best_rated_come_first,
      what_is_hot_comes_first_among_the_popular, sort_names_are_those_of_the_api,
      facets_are_named_once_however_often_they_are_asked_for,
      highlights_rebuild_the_title_and_mark_what_was_found)
