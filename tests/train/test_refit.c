/* Refits on a real store: what they take over, when they are due, when they are refused, and when a full training takes
 * their place. */
#include "train/refit.h"

#include <dirent.h>

#include "base/clock.h"
#include "base/fs.h"
#include "ingest/shop.h"
#include "num/vec.h"
#include "recommend/weights.h"
#include "store/models.h"
#include "train/bands.h"
#include "train/recommend_train.h"

static void put_event(void *arg, uint32_t user, uint32_t product, int64_t time,
                      enum event_type type)
{
    char when[CLOCK_ISO_SIZE];
    buf_printf(arg, "%s,%s,u%u,p%u\n", clock_format_iso(time, when),
               type == EVENT_PURCHASE ? "purchase" : "view", user, product);
}

static void open_filled(struct shop *s)
{
    struct import_report r;
    struct err err;
    struct buf text;
    ck_ok(vec_init(&err));
    trees_init();
    shop_init(s);
    buf_init(&text, 16 << 20);
    buf_puts(&text, "id,title,category,price,currency\n");
    for (uint32_t no = 1; no <= PRODUCTS; no++)
        buf_printf(&text, "p%u,product %u,kind%u,%lld,EUR\n", no, no, no % KINDS,
                   (long long)price_of(no));
    ck_ok(import_text(s, text.data, (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    buf_reset(&text);
    buf_puts(&text, "time,type,user_id,product_id\n");
    visits(11, put_event, &text);
    ck_ok(import_text(s, text.data, (struct import_options){.kind = IMPORT_EVENTS}, &r, &err));
    ck_assert_uint_eq(r.quarantined, 0);
    buf_release(&text);
}

static struct train_options options(void)
{
    struct train_options o = {.params = recommend_defaults(), .threads = 1};
    o.params.dim = 16;
    o.params.iterations = 4;
    return o;
}

static struct train_result train(struct shop *s, const struct train_options *o)
{
    struct train_result r;
    struct err err;
    ck_ok(recommend_train(s->store, o, &r, &err));
    return r;
}

static struct train_result refit(struct shop *s)
{
    struct train_options o = {.params = recommend_defaults(), .threads = 1, .refit = true};
    return train(s, &o);
}

static const char *file_of(struct shop *s, const char *version, const char *name)
{
    return arena_printf(&s->arena, "%s/models/recommend/%s/%s", s->dir, version, name).p;
}

static struct str read_file(struct shop *s, const char *path)
{
    struct buf text;
    struct err err;
    buf_init(&text, RANKER_BYTES_MAX);
    ck_ok(fs_read_file(path, RANKER_BYTES_MAX, &text, &err));
    struct str kept = arena_str(&s->arena, buf_str(&text));
    buf_release(&text);
    return kept;
}

static void replace(struct shop *s, const char *path, const char *from, const char *to)
{
    struct err err;
    struct str text = read_file(s, path);
    const char *at = strstr(text.p, from);
    ck_assert_msg(at, "%s", from);
    struct str made =
        arena_printf(&s->arena, "%.*s%s%s", (int)(at - text.p), text.p, to, at + strlen(from));
    ck_ok(fs_write_file_atomic(path, made.p, made.n, &err));
}

/* Trained on all but the last days, and it serves. */
static struct train_result serve_old(struct shop *s, bool no_ranker)
{
    struct train_options o = options();
    struct err err;
    bool published;
    o.until = END - 10 * DAY;
    o.no_ranker = no_ranker;
    struct train_result r = train(s, &o);
    ck_ok(recommend_publish(s->store, r.version, false, &published, &err));
    ck_assert_msg(published, "%s", r.gates.verdict);
    return r;
}

static size_t versions_there(struct shop *s)
{
    size_t n = 0;
    DIR *d = opendir(file_of(s, "", ""));
    for (struct dirent *e; d && (e = readdir(d));)
        n += e->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

START_TEST(a_refit_takes_over_parameters_and_ranker_and_is_measured_on_what_came_since)
{
    struct shop s;
    struct err err;
    bool published;
    open_filled(&s);
    struct train_result old = serve_old(&s, false);
    ck_assert_uint_gt(old.ranker.trees, 0);
    struct train_result r = refit(&s);
    ck_assert(train_is_refit(&r) && r.refit.ranker && !r.refit.skipped);
    ck_assert_uint_eq(r.refit.trees, old.ranker.trees);
    ck_assert_uint_eq(r.dim, 16); /* of what serves, not of the options */
    ck_assert_double_eq_tol(r.refit.full_s, old.seconds, old.write_s + 1e-3);
    const struct gate *g = &r.gates.gate[GATE_LIVE_MODEL];
    ck_assert(g->measured && !r.gates.gate[GATE_LIVE_PARAMETERS].measured);
    ck_assert_int_le(g->split, END - 10 * DAY);
    ck_assert_int_gt(g->split, END - 11 * DAY);
    ck_assert_uint_ge(r.refit.shoppers, g->users);
    ck_assert_msg(r.gates.passed, "%s", r.gates.verdict);
    struct str before = read_file(&s, file_of(&s, old.version, RANKER_FILE));
    struct str after = read_file(&s, file_of(&s, r.version, RANKER_FILE));
    ck_assert(str_eq(before, after));
    struct str manifest = read_file(&s, file_of(&s, r.version, "manifest.json"));
    ck_assert_ptr_nonnull(
        strstr(manifest.p, arena_printf(&s.arena, "\"refit_of\":\"%s\"", old.version).p));
    ck_ok(recommend_publish(s.store, r.version, false, &published, &err));
    ck_assert(published);
    shop_release(&s);
}
END_TEST

START_TEST(where_hardly_anybody_came_back_nothing_is_written)
{
    struct shop s;
    struct err err;
    open_filled(&s);
    struct train_options o = options();
    o.no_ranker = true;
    struct train_result all = train(&s, &o);
    ck_ok(recommend_publish(s.store, all.version, false, NULL, &err));
    struct train_result r = refit(&s);
    ck_assert(r.refit.asked && r.refit.skipped && !train_is_refit(&r));
    ck_assert_str_eq(r.version, "");
    ck_assert_uint_eq(r.refit.shoppers, 0);
    ck_assert_ptr_nonnull(strstr(r.refit.why, "only 0 shoppers"));
    ck_assert_uint_eq(versions_there(&s), 1);
    shop_release(&s);
}
END_TEST

START_TEST(a_refit_that_is_worse_than_what_serves_is_refused)
{
    struct shop s;
    struct err err;
    bool published;
    struct train_options o = options();
    open_filled(&s);
    o.until = END - 10 * DAY;
    o.no_ranker = true;
    o.params.iterations = 7;
    struct train_result old = train(&s, &o);
    /* As if its parameters had been others: the file is good, a fit with them is not. */
    const char *manifest = file_of(&s, old.version, "manifest.json");
    replace(&s, manifest, "\"alpha\":2", "\"alpha\":0.00001");
    replace(&s, manifest, "\"regularisation\":20", "\"regularisation\":1000000");
    replace(&s, manifest, "\"neighbours\":50", "\"neighbours\":1");
    replace(&s, manifest, "\"content\":10", "\"content\":0");
    ck_ok(recommend_publish(s.store, old.version, false, &published, &err));
    ck_assert(published);
    struct train_result r = refit(&s);
    ck_assert(train_is_refit(&r));
    ck_assert_msg(!r.gates.passed, "%s", r.gates.verdict);
    ck_assert_ptr_nonnull(strstr(r.gates.verdict, "the live model"));
    ck_ok(recommend_publish(s.store, r.version, false, &published, &err));
    ck_assert(!published);
    shop_release(&s);
}
END_TEST

START_TEST(where_nothing_serves_a_full_training_takes_its_place)
{
    struct shop s;
    struct err err;
    struct train_options o = options();
    open_filled(&s);
    o.refit = true;
    o.no_ranker = true;
    struct train_result r = train(&s, &o);
    ck_assert(r.refit.asked && !train_is_refit(&r) && !r.refit.skipped);
    ck_assert_str_eq(r.refit.why, "nothing serves yet");
    ck_assert_uint_eq(r.dim, 16);
    ck_ok(recommend_publish(s.store, r.version, false, NULL, &err));
    o.until = END - 10 * DAY; /* what serves knows what it is not to know */
    r = train(&s, &o);
    ck_assert(!train_is_refit(&r) && !r.refit.skipped);
    ck_assert_ptr_nonnull(strstr(r.refit.why, "is not to know"));
    shop_release(&s);
}
END_TEST

START_TEST(a_ranker_of_other_weights_or_bytes_is_learned_anew)
{
    struct shop s;
    struct recommend_weights weights = recommend_weights_default;
    struct train_options o = {.params = options().params,
                              .threads = 1,
                              .refit = true,
                              .no_ranker = true, /* what a full training does is tested elsewhere */
                              .weights = &weights};
    open_filled(&s);
    struct train_result old = serve_old(&s, false);
    struct train_result r = train(&s, &o);
    ck_assert(train_is_refit(&r)); /* the same, told */
    weights.of[PLACEMENT_HOME].factors += 0.5f;
    r = train(&s, &o);
    ck_assert(!train_is_refit(&r) && !r.refit.ranker);
    ck_assert_ptr_nonnull(strstr(r.refit.why, "other weights"));
    weights = recommend_weights_default;
    replace(&s, file_of(&s, old.version, RANKER_FILE), "\"item.heat\"", "\"item.cold\"");
    r = train(&s, &o);
    ck_assert(!train_is_refit(&r) && !r.refit.ranker && r.refit.trees == 0);
    ck_assert_ptr_nonnull(strstr(r.refit.why, "is not the file of its manifest"));
    struct fs_info info;
    struct err err;
    ck_ok(fs_stat(file_of(&s, r.version, RANKER_FILE), &info, &err));
    ck_assert(!info.exists); /* nothing of it came along */
    shop_release(&s);
}
END_TEST

START_TEST(weights_have_one_sum_and_others_another)
{
    char of_null[SUM_SIZE], same[SUM_SIZE], other[SUM_SIZE];
    struct recommend_weights weights = recommend_weights_default;
    refit_weights_sum(NULL, of_null);
    refit_weights_sum(&weights, same);
    ck_assert_str_eq(of_null, same);
    ck_assert_uint_eq(strlen(same), 16);
    for (size_t p = 0; p < PLACEMENTS; p++)
        for (size_t i = 0; i < SOURCE_WEIGHTS; i++) {
            struct recommend_weights changed = weights;
            placement_weight_put(&changed.of[p], i, placement_weight(&changed.of[p], i) + 0.25f);
            refit_weights_sum(&changed, other);
            ck_assert_str_ne(other, same);
        }
}
END_TEST

SUITE("refit", a_refit_takes_over_parameters_and_ranker_and_is_measured_on_what_came_since,
      where_hardly_anybody_came_back_nothing_is_written,
      a_refit_that_is_worse_than_what_serves_is_refused,
      where_nothing_serves_a_full_training_takes_its_place,
      a_ranker_of_other_weights_or_bytes_is_learned_anew, weights_have_one_sum_and_others_another)
