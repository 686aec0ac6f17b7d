#include "recommend/explain.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/signal.h"
#include "cli/commands.h"
#include "cli/recommend_all.h"

static const struct flag flags[] = {
    {"--user", "ID", "for this shopper"},
    {"--anonymous", "ID", "for this guest"},
    {"--product", "ID", "beside this product (placement similar unless another is named)"},
    {"--placement", "P",
     "home, similar, bought_together, viewed_after, cart, checkout, order_confirmation, category, "
     "search, trending or new (home)"},
    {"--filter", "F", "only what matches: 'category = \"Home\" AND price < 5000'"},
    {"--limit", "N", "how many, 1 to 100 (10)"},
    {"--lang", "L", "language of the texts (the shop's first)"},
    {"--currency", "CUR", "currency of the filter's amounts (the shop's)"},
    {"--explain", NULL, "which sources and rules made it so, of each product"},
    {"--hide-seen", NULL, "leave out what the shopper viewed lately"},
    {"--all", NULL, "for every known shopper who has not opted out, into --out"},
    {"--out", "FILE", "with --all: JSON Lines, swapped in whole"},
    {"--threads", "N", "with --all: how many threads (all processors)"},
};

static enum err_code read_attributes(struct shop *s, struct recommend_request *r, struct err *err)
{
    struct db *db;
    struct user profile;
    enum err_code code = store_read_begin(s->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = user_get_no(db, r->user_no, &s->arena, &profile, err);
    store_read_end(s->store, db);
    if (code == ERR_OK)
        r->attributes = profile.attributes;
    return code;
}

static enum err_code read_shopper(const struct args *args, struct shop *s,
                                  struct recommend_request *r, struct err *err)
{
    const char *user = args_flag(args, "--user"), *guest = args_flag(args, "--anonymous");
    struct ids_shopper found;
    if (!user && !guest)
        return ERR_OK;
    if (user && guest)
        return err_set(err, ERR_INVALID, "--user or --anonymous, not both");
    enum err_code code = ids_find(engine_ids(s->engine), user ? USER_KNOWN : USER_ANONYMOUS,
                                  str_of(user ? user : guest), &found, err);
    if (code != ERR_OK)
        return code;
    if (found.user_no == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no shopper '%.100s'", user ? user : guest);
    r->user_no = found.personalise ? found.user_no : 0;
    r->known = user && found.personalise;
    return r->known ? read_attributes(s, r, err) : ERR_OK;
}

static enum err_code read_placement(const struct args *args, struct shop *s,
                                    struct recommend_request *r, struct err *err)
{
    const char *product = args_flag(args, "--product"), *name = args_flag(args, "--placement");
    uint32_t *context = ARENA_NEW(&s->arena, uint32_t, 1);
    r->placement = product ? PLACEMENT_SIMILAR : PLACEMENT_HOME;
    if (name && !placement_of(str_of(name), &r->placement))
        return err_set(err, ERR_INVALID,
                       "--placement: expected home, similar, bought_together, viewed_after, cart, "
                       "checkout, order_confirmation, category, search, trending or new");
    enum placement_needs needs = placement_needs(r->placement);
    if (needs == NEEDS_FILTER && !args_flag(args, "--filter"))
        return err_set(err, ERR_INVALID, "placement %s needs --filter",
                       placement_name(r->placement));
    if (!product)
        return needs == NEEDS_PRODUCT || needs == NEEDS_PRODUCTS
                   ? err_set(err, ERR_INVALID, "placement %s needs --product",
                             placement_name(r->placement))
                   : ERR_OK;
    *context = catalogue_find_id(s->view->catalogue, str_of(product));
    if (*context == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no product '%.100s'", product);
    r->context = context;
    r->context_len = 1;
    return ERR_OK;
}

static enum err_code read_filter(const struct args *args, struct shop *s,
                                 struct recommend_request *r, struct err *err)
{
    struct filter *filter;
    struct bound_filter *bound;
    currency_code currency;
    enum err_code code = shop_currency(s, args_flag(args, "--currency"), &currency, err);
    if (code == ERR_OK)
        code = filter_parse(str_of(args_flag(args, "--filter")), &s->arena, &filter, err);
    if (code == ERR_OK)
        code = filter_bind_for(filter, s->view,
                               &(struct filter_asker){currency, r->user_no, r->now_us}, &s->arena,
                               &bound, err);
    if (code == ERR_OK)
        r->filter = bound;
    return code;
}

static void print_result(const struct shop *s, const struct recommend_result *found,
                         struct str language)
{
    struct buf text;
    buf_init(&text, STORE_TITLE_MAX + 256);
    if (found->len == 0)
        puts("Nothing to recommend.");
    for (size_t i = 0; i < found->len; i++) {
        const struct recommend_item *item = &found->items[i];
        buf_reset(&text);
        reason_text(s->view, item->reason, item->reason_product, language, &text);
        shop_print_product(s, item->product_no, language);
        printf("%14.4f  %.*s\n", (double)item->score, STR_ARG(buf_str(&text)));
    }
    buf_release(&text);
}

/* The sources of a product with what each gave, and the rules that touched it, in one line each. */
static void print_explained(const struct shop *s, const struct explainer *x,
                            const struct explained *e)
{
    const struct candidates *c = &x->trace->candidates;
    size_t n;
    const uint16_t *rules = rules_in_force(x->trace->choice.rules, &n);
    for (uint32_t i = 0; i < c->sources_len; i++) {
        const struct candidate_source *source = &c->sources[i];
        float share = e->index && e->index <= source->len ? source->part[e->index] : 0;
        share *= source->scale;
        if (share > 0)
            printf("%14.4f  %s\n", (double)share, placement_weight_name(source->kind));
    }
    for (size_t i = 0; i < n; i++) {
        const struct rule *rule = rules_at(s->view, rules[i]);
        if (rules_select(x->trace->choice.rules, rules[i], e->at))
            printf("%14s  rule %.*s\n", rule_action_name(rule->action), STR_ARG(rule->id));
    }
}

static void print_explanation(const struct shop *s, const struct explainer *x, struct str language)
{
    const struct choice *ch = &x->trace->choice;
    for (size_t i = 0; i < ch->len; i++) {
        struct explained e = explain_product(x, ch->items[i].product_no);
        shop_print_product(s, e.product_no, language);
        print_explained(s, x, &e);
    }
}

static void write_explanation(const struct explainer *x, struct arena *arena, struct str language,
                              struct json_writer *w)
{
    const struct choice *ch = &x->trace->choice;
    JW_ARR(w, "rules");
    explain_write_rules(x, arena, w);
    jw_arr_end(w);
    JW_ARR(w, "products");
    for (size_t i = 0; i < ch->len; i++) {
        struct explained e = explain_product(x, ch->items[i].product_no);
        explain_write(x, &e, language, w);
    }
    jw_arr_end(w);
}

static enum cli_exit recommend(const struct args *args, struct shop *s, int64_t limit)
{
    struct recommend_request request = {.limit = (uint32_t)limit,
                                        .hide_seen = args_has(args, "--hide-seen"),
                                        .weights = &s->weights,
                                        .now_us = clock_now_us()};
    struct str language;
    struct recommend_trace trace;
    struct explainer x;
    struct result result;
    struct err err;
    bool explained = args_has(args, "--explain");
    enum err_code code = shop_language(s, args_flag(args, "--lang"), &language, &err);
    if (code == ERR_OK)
        code = read_placement(args, s, &request, &err);
    if (code == ERR_OK)
        code = read_shopper(args, s, &request, &err);
    if (code == ERR_OK)
        code = read_filter(args, s, &request, &err);
    if (code == ERR_OK)
        code = recommend_trace_run(s->view, &request, &s->arena, &trace, &err);
    if (code == ERR_OK)
        code = explain_init(&x, s->view, &request, &trace, &s->arena, &err);
    result_begin(&result);
    if (code == ERR_OK) {
        const struct recommend_result found = {trace.choice.items, trace.choice.len,
                                               trace.profile.len > 0};
        if (args->json) {
            jw_obj(&result.w);
            recommend_members(s->view, &request, &found, language, &result.w);
            if (explained)
                write_explanation(&x, &s->arena, language, &result.w);
            jw_obj_end(&result.w);
        } else if (explained) {
            print_explanation(s, &x, language);
        } else {
            print_result(s, &found, language);
        }
    }
    return result_end(args, &result, code == ERR_OK ? EXIT_FINE : fail(args, &err));
}

static void write_all_result(const struct recommend_all_result *r, struct json_writer *w)
{
    jw_obj(w);
    JW_U64(w, "shoppers", r->shoppers);
    JW_U64(w, "opted_out", r->opted_out);
    JW_U64(w, "products", r->products);
    JW_DECIMAL(w, "seconds", r->seconds, 3);
    JW_DECIMAL(w, "shoppers_per_s", r->seconds > 0 ? (double)r->shoppers / r->seconds : 0, 0);
    jw_obj_end(w);
}

static enum cli_exit recommend_everybody(const struct args *args, struct shop *s, int64_t limit,
                                         int64_t threads)
{
    struct recommend_all all = {.path = args_flag(args, "--out"),
                                .request = {.limit = (uint32_t)limit,
                                            .hide_seen = args_has(args, "--hide-seen"),
                                            .weights = &s->weights,
                                            .now_us = clock_now_us()},
                                .threads = (unsigned)threads};
    struct recommend_all_result done;
    struct result result;
    struct err err;
    enum err_code code = shop_language(s, args_flag(args, "--lang"), &all.language, &err);
    if (code == ERR_OK)
        code = read_placement(args, s, &all.request, &err);
    if (code == ERR_OK)
        code = read_filter(args, s, &all.request, &err);
    if (code == ERR_OK)
        code = recommend_all(args, s, &all, &done, &err);
    result_begin(&result);
    if (code == ERR_OK && args->json)
        write_all_result(&done, &result.w);
    else if (code == ERR_OK)
        printf("%llu lists of %llu products in %.1f s (%.0f/s); %llu shoppers opted out\n",
               (unsigned long long)done.shoppers, (unsigned long long)done.products, done.seconds,
               done.seconds > 0 ? (double)done.shoppers / done.seconds : 0,
               (unsigned long long)done.opted_out);
    return result_end(args, &result, code == ERR_OK ? EXIT_FINE : fail(args, &err));
}

static enum cli_exit run(const struct args *args)
{
    int64_t limit, threads;
    struct shop shop;
    struct err err;
    bool all = args_has(args, "--all");
    if (all && !args_flag(args, "--out"))
        return fail_usage(args, "--all needs --out");
    if (!all && (args_flag(args, "--out") || args_flag(args, "--threads")))
        return fail_usage(args, "--out and --threads are for --all");
    if (all && (args_flag(args, "--user") || args_flag(args, "--anonymous")))
        return fail_usage(args, "--all or one shopper, not both");
    if (!args_i64(args, "--threads", 0, 0, 256, &threads))
        return EXIT_USAGE;
    if (!args_i64(args, "--limit", 10, 1, RECOMMEND_LIMIT_MAX, &limit))
        return EXIT_USAGE;
    if (shop_open(args, &shop, &err) != ERR_OK)
        return fail(args, &err);
    signal_watch_stop();
    enum cli_exit status =
        all ? recommend_everybody(args, &shop, limit, threads) : recommend(args, &shop, limit);
    shop_close(&shop);
    return status;
}

const struct command cmd_recommend = {
    .name = "recommend",
    .summary = "Recommend products, and say why",
    .usage =
        "[--user ID] [--product ID] [--placement P] [--filter F] [--explain] | --all --out FILE",
    .text =
        "Answers from the data folder as GET /v1/recommendations does, also while a server\n"
        "runs on it.\n\n"
        "With --all it writes one line for every known shopper, for letters and other systems.\n\n"
        "  aisle recommend --user u17 --explain\n"
        "  aisle recommend --all --limit 6 --out letters.jsonl\n"
        "  aisle recommend --product K-1001-RED --placement bought_together --json\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .run = run,
};
