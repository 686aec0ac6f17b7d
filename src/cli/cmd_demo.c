#include <stdio.h>

#include "base/clock.h"
#include "cli/cmd_train.h"
#include "cli/commands.h"
#include "cli/shop_keys.h"
#include "demo/create.h"
#include "engine/engine.h"

static const struct flag flags[] = {
    {"--products", "N", "how many products (2000)"},
    {"--users", "N", "how many registered shoppers (3000)"},
    {"--events", "N", "about how many events (200000)"},
    {"--seed", "N", "another shop of the same size (1)"},
    {"--now", "TIME", "when its history ends (today, 00:00 UTC)"},
    {"--no-train", NULL, "do not train afterwards"},
};

static bool read_options(const struct args *args, struct demo_options *o)
{
    int64_t products, users, events, seed;
    struct err err;
    const char *now = args_flag(args, "--now");
    if (!args_i64(args, "--products", 0, 1, DEMO_PRODUCTS_MAX, &products) ||
        !args_i64(args, "--users", 0, 1, DEMO_USERS_MAX, &users) ||
        !args_i64(args, "--events", 0, 1, DEMO_EVENTS_MAX, &events) ||
        !args_i64(args, "--seed", 1, 0, INT64_MAX, &seed))
        return false;
    *o = (struct demo_options){.seed = (uint64_t)seed,
                               .products = (uint32_t)products,
                               .users = (uint32_t)users,
                               .events = (uint64_t)events};
    if (now && clock_parse_iso(str_of(now), &o->now_us, &err) != ERR_OK) {
        fail_usage(args, "--now: %s", err.msg);
        return false;
    }
    return true;
}

/* The catalogue as one file, so that the server starts at once. */
static enum err_code fold(struct store *store, struct err *err)
{
    struct engine *engine;
    struct engine_options options = {0};
    enum err_code code = engine_open(store, &options, &engine, err);
    if (code != ERR_OK)
        return code;
    code = engine_fold(engine, err);
    engine_close(engine);
    return code;
}

/* Made here too, so that the shop can be served read-only at once. */
static enum err_code make_keys(struct store *store, struct err *err)
{
    struct db *db;
    struct arena texts;
    struct shop_keys keys;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    arena_init(&texts, 0, 1 << 20);
    code = shop_keys_read(db, &texts, &keys, err);
    store_read_end(store, db);
    arena_release(&texts);
    return code == ERR_OK ? shop_keys_make(store, true, &keys, err) : code;
}

static enum err_code train(const struct args *args, struct store *store, struct err *err)
{
    struct train_options options = {.params = recommend_defaults()};
    struct train_result result;
    return train_and_publish(args, store, &options, false, &result, NULL, err);
}

static enum cli_exit print_totals(const struct args *args, const struct demo_totals *t)
{
    struct buf text;
    struct json_writer w;
    if (!args->json) {
        if (t->products == 0)
            printf("The demonstration shop is in %s already.\n", data_dir(args));
        else
            printf("A demonstration shop is in %s: %llu products, %llu shoppers, %llu events, "
                   "%llu orders.\n",
                   data_dir(args), (unsigned long long)t->products, (unsigned long long)t->users,
                   (unsigned long long)t->events, (unsigned long long)t->orders);
        return EXIT_FINE;
    }
    buf_init(&text, 4096);
    jw_init(&w, &text);
    jw_obj(&w);
    JW_U64(&w, "products", t->products);
    JW_U64(&w, "users", t->users);
    JW_U64(&w, "events", t->events);
    JW_U64(&w, "orders", t->orders);
    jw_obj_end(&w);
    enum cli_exit status = print_json(args, &w);
    buf_release(&text);
    return status;
}

static enum cli_exit run(const struct args *args)
{
    struct demo_options options;
    struct demo_totals totals = {0};
    struct progress progress;
    struct store *store;
    struct err err;
    if (!read_options(args, &options))
        return EXIT_USAGE;
    enum err_code code = open_store(args, false, false, &store, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    uint64_t total = (options.products ? options.products : DEMO_PRODUCTS) +
                     (options.users ? options.users : DEMO_USERS) +
                     (options.events ? options.events : DEMO_EVENTS);
    progress_open(&progress, "demo", "records", total, progress_style_of(args));
    code = demo_create(store, &options, &progress, &totals, &err);
    progress_close(&progress);
    if (code == ERR_OK)
        code = make_keys(store, &err);
    if (code == ERR_OK)
        code = fold(store, &err);
    if (code == ERR_OK && !args_has(args, "--no-train"))
        code = train(args, store, &err);
    store_close(store);
    return code == ERR_OK ? print_totals(args, &totals) : fail(args, &err);
}

const struct command cmd_demo = {
    .name = "demo",
    .summary = "Make a demonstration shop",
    .usage = "[--products N] [--users N] [--events N] [--seed N]",
    .text =
        "Fills the data folder with an invented shop: products in English and Chinese with\n"
        "drawn pictures, shoppers with tastes, and their events and orders of a year. The same\n"
        "options make the same shop; an interrupted run continues. Then a model is trained\n"
        "on it. docs/demo-shop.md tells how shoppers choose.\n\n"
        "  aisle demo && aisle serve\n"
        "  aisle demo --data /tmp/big --products 100000 --users 100000 --events 10000000\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .dense = true,
    .run = run,
};
