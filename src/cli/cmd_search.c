#include "search/search.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/shop.h"

static const struct flag flags[] = {
    {"--filter", "F", "only what matches: 'brand = \"Northpot\" AND price < 5000'"},
    {"--facets", "NAMES", "count the values of these: brand,category,price,attributes.color"},
    {"--sort", "S", "relevance, price_asc, price_desc, newest, rating or popular"},
    {"--limit", "N", "how many to show, 0 to 100 (10)"},
    {"--page", "N", "from 1 (1)"},
    {"--lang", "L", "language of the texts (the shop's first)"},
    {"--currency", "CUR", "currency of filters, sorts and price facets (the shop's)"},
    {"--whole-words", NULL, "the last word is finished"},
    {"--out-of-stock", NULL, "also what is sold out"},
};

static struct str flag_str(const struct args *args, const char *name)
{
    return str_of(args_flag(args, name));
}

/* The words of the command line are one query. */
static struct str join_words(const struct args *args, struct arena *arena)
{
    struct str query = {0};
    for (size_t i = 0; i < args->words_len; i++)
        query = arena_printf(arena, "%.*s%s%s", STR_ARG(query), i ? " " : "", args->words[i]);
    return query;
}

static enum err_code build_request(const struct args *args, struct shop *s, int64_t limit,
                                   int64_t page, struct search_request *r, struct err *err)
{
    struct filter *filter;
    struct bound_filter *bound;
    const char *sort = args_flag(args, "--sort");
    *r = (struct search_request){.query = join_words(args, &s->arena),
                                 .limit = (uint32_t)limit,
                                 .page = (uint32_t)page,
                                 .prefix = !args_has(args, "--whole-words"),
                                 .out_of_stock = args_has(args, "--out-of-stock"),
                                 .now_us = clock_now_us()};
    if (sort && !search_sort_of(str_of(sort), &r->sort))
        return err_set(
            err, ERR_INVALID,
            "--sort: expected relevance, price_asc, price_desc, newest, rating or popular");
    enum err_code code = shop_language(s, args_flag(args, "--lang"), &r->language, err);
    if (code == ERR_OK)
        code = shop_currency(s, args_flag(args, "--currency"), &r->currency, err);
    if (code == ERR_OK)
        code = search_facets_of(flag_str(args, "--facets"), &s->arena, r, err);
    if (code == ERR_OK)
        code = filter_parse(flag_str(args, "--filter"), &s->arena, &filter, err);
    if (code == ERR_OK)
        code = filter_bind(filter, s->view, r->currency, &s->arena, &bound, err);
    if (code == ERR_OK)
        r->filter = bound;
    return code;
}

/* As GET /v1/search answers. */
static void write_result(const struct shop *s, const struct search_request *r,
                         const struct search_result *found, int64_t took_us, struct json_writer *w)
{
    jw_obj(w);
    search_members(s->view, r, found, w);
    JW_I64(w, "took_us", took_us);
    jw_obj_end(w);
}

/* --- for people ------------------------------------------------------------------------------ */

static void print_facet(const struct facet_result *f, currency_code currency)
{
    char low[SHOP_AMOUNT_SIZE], high[SHOP_AMOUNT_SIZE];
    printf("\n%.*s\n", STR_ARG(f->name));
    for (size_t i = 0; i < f->values_len; i++)
        printf("%8" PRIu64 "  %.*s\n", f->values[i].count, STR_ARG(f->values[i].label));
    for (size_t i = 0; i < f->ranges_len; i++)
        printf("%8" PRIu64 "  %s to %s\n", f->ranges[i].count,
               shop_amount(f->ranges[i].from, currency, low),
               shop_amount(f->ranges[i].to, currency, high));
}

static void print_result(const struct shop *s, const struct search_request *r,
                         const struct search_result *found, int64_t took_us)
{
    printf("%" PRIu64 " products%s, %" PRId64 " us\n", found->total,
           found->relaxed ? " (none has all words)" : "", took_us);
    for (size_t i = 0; i < found->hits_len; i++)
        shop_print_product(s, found->hits[i].product_no, r->language);
    for (size_t i = 0; i < found->facets_len; i++)
        print_facet(&found->facets[i], r->currency);
}

static enum cli_exit search(const struct args *args, struct shop *s, int64_t limit, int64_t page)
{
    struct search_request request;
    struct search_result found;
    struct result result;
    struct err err;
    enum err_code code = build_request(args, s, limit, page, &request, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    struct searcher *searcher = searcher_new();
    int64_t begin_ns = clock_mono_ns();
    code = search_run(searcher, s->view, &request, &s->arena, &found, &err);
    int64_t took_us = (clock_mono_ns() - begin_ns) / 1000;
    result_begin(&result);
    if (code == ERR_OK && args->json)
        write_result(s, &request, &found, took_us, &result.w);
    else if (code == ERR_OK)
        print_result(s, &request, &found, took_us);
    enum cli_exit status = result_end(args, &result, code == ERR_OK ? EXIT_FINE : fail(args, &err));
    searcher_free(searcher);
    return status;
}

static enum cli_exit run(const struct args *args)
{
    int64_t limit, page;
    struct shop shop;
    struct err err;
    if (!args_i64(args, "--limit", 10, 0, SEARCH_LIMIT_MAX, &limit) ||
        !args_i64(args, "--page", 1, 1, SEARCH_WINDOW_MAX, &page))
        return EXIT_USAGE;
    if (shop_open(args, &shop, &err) != ERR_OK)
        return fail(args, &err);
    enum cli_exit status = search(args, &shop, limit, page);
    shop_close(&shop);
    return status;
}

const struct command cmd_search = {
    .name = "search",
    .summary = "Search the catalogue as a shopper would",
    .usage = "[QUERY...] [--filter F] [--facets NAMES] [--sort S]",
    .text = "Answers from the data folder as GET /v1/search does, also while a server runs on it.\n"
            "Without a query it lists everything, the popular first.\n\n"
            "  aisle search red kettle --facets brand,price\n"
            "  aisle search --filter 'price < 5000' --sort price_desc --json\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_max = CLI_WORDS_MAX,
    .run = run,
};
