/* Training on a real store: published, rolled back, cleared; refused by its gates; killed and failed at
 * every step. */
#include "train/recommend_train.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/rng.h"
#include "engine/engine.h"
#include "ingest/shop.h"
#include "num/vec.h"
#include "store/models.h"

enum { USERS = 60, PRODUCTS = 40, ACTS = 14, KILLS = 12 };

/* Two tastes: even shoppers see even products, two months long. */
static void fill(struct shop *s)
{
    struct import_report r;
    struct err err;
    struct buf text;
    struct rng rng;
    rng_init(&rng, 5);
    buf_init(&text, 1 << 20);
    buf_puts(&text, "id,title\n");
    for (int i = 0; i < PRODUCTS; i++)
        buf_printf(&text, "p%d,product %d\n", i, i);
    ck_ok(import_text(s, text.data, (struct import_options){.kind = IMPORT_PRODUCTS}, &r, &err));
    buf_reset(&text);
    buf_puts(&text, "time,type,user_id,product_id\n");
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ACTS; i++)
            buf_printf(&text, "2026-0%d-%02dT10:00:%02dZ,view,u%d,p%d\n",
                       1 + (int)rng_below(&rng, 2), 1 + (int)rng_below(&rng, 28),
                       (int)rng_below(&rng, 60), u, (int)rng_below(&rng, PRODUCTS / 2) * 2 + u % 2);
    ck_ok(import_text(s, text.data, (struct import_options){.kind = IMPORT_EVENTS}, &r, &err));
    buf_release(&text);
}

static void open_filled(struct shop *s)
{
    struct err err;
    ck_ok(vec_init(&err));
    shop_init(s);
    fill(s);
}

static struct train_options options(void)
{
    struct train_options o = {.params = recommend_defaults(), .threads = 1};
    o.params.dim = 8;
    o.params.iterations = 2;
    o.params.regularisation = 1;
    return o;
}

/* Factors of nothing, which order all products alike for everybody, and hardly a neighbour. */
static struct recommend_params useless(void)
{
    struct recommend_params p = options().params;
    p.regularisation = 1e6f;
    p.alpha = 1e-6f;
    p.dim = 1;
    p.neighbours = 1;
    return p;
}

static struct train_result train(struct shop *s, const struct train_options *o)
{
    struct train_result r;
    struct err err;
    ck_ok(recommend_train(s->store, o, &r, &err));
    return r;
}

/* The version that serves; "" for none. */
static const char *live_version(struct shop *s)
{
    struct db *db;
    struct model_version m;
    struct err err;
    ck_ok(store_read_begin(s->store, &db, &err));
    enum err_code code = model_live(db, STR_LIT("recommend"), &s->arena, &m, &err);
    ck_assert(code == ERR_OK || code == ERR_NOT_FOUND);
    store_read_end(s->store, db);
    return code == ERR_OK ? arena_str(&s->arena, m.version).p : "";
}

static const char *version_dir(struct shop *s, const char *version)
{
    return arena_printf(&s->arena, "%s/models/recommend/%s", s->dir, version).p;
}

/* A version that serves must be whole. */
static void check_live(struct shop *s, bool must)
{
    struct recommend_model m;
    struct err err;
    const char *version = live_version(s);
    ck_assert(!must || *version);
    if (!*version)
        return;
    const char *path = arena_printf(&s->arena, "%s/recommend.model", version_dir(s, version)).p;
    ck_ok(recommend_model_open(path, true, &m, &err));
    ck_assert_uint_eq(m.rows, PRODUCTS);
    recommend_model_close(&m);
}

/* Every folder but the one for work in progress holds a whole version. */
static size_t check_folders(struct shop *s)
{
    size_t n = 0;
    DIR *d = opendir(version_dir(s, ""));
    for (struct dirent *e; d && (e = readdir(d));) {
        struct recommend_model m;
        struct err err;
        if (e->d_name[0] == '.')
            continue;
        const char *path =
            arena_printf(&s->arena, "%s/recommend.model", version_dir(s, e->d_name)).p;
        ck_ok(recommend_model_open(path, true, &m, &err));
        recommend_model_close(&m);
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

static bool exists(const char *path)
{
    struct fs_info info;
    struct err err;
    ck_ok(fs_stat(path, &info, &err));
    return info.exists;
}

static enum err_code rollback_job(struct store_tx *tx, void *arg, struct err *err)
{
    (void)arg;
    return model_rollback(tx, STR_LIT("recommend"), err);
}

START_TEST(versions_are_published_rolled_back_and_cleared)
{
    struct shop s;
    struct err err;
    struct train_options o = options();
    char versions[6][VERSION_SIZE];
    bool published;
    size_t removed;
    open_filled(&s);
    for (int i = 0; i < 6; i++) {
        struct train_result r = train(&s, &o);
        ck_assert_msg(r.gates.passed, "%s", r.gates.verdict);
        ck_assert_uint_ge(r.evaluation.users, GATE_USERS_MIN);
        ck_assert_str_eq(live_version(&s), i ? versions[i - 1] : ""); /* not before it is told to */
        ck_ok(recommend_publish(s.store, r.version, false, &published, &err));
        ck_assert(published);
        ck_assert_str_eq(live_version(&s), r.version);
        snprintf(versions[i], VERSION_SIZE, "%s", r.version);
        check_live(&s, true);
    }
    ck_ok(store_write(s.store, rollback_job, NULL, &err));
    ck_assert_str_eq(live_version(&s), versions[4]);
    ck_ok(recommend_gc(s.store, 1, &removed, &err));
    ck_assert_str_eq(live_version(&s), versions[4]);
    check_live(&s, true);
    ck_assert(exists(version_dir(&s, versions[5])));
    ck_assert(!exists(version_dir(&s, versions[0])));
    ck_assert_uint_eq(check_folders(&s), 6 - removed);
    shop_release(&s);
}
END_TEST

START_TEST(a_worse_model_is_kept_but_not_published_without_force)
{
    struct shop s;
    struct err err;
    struct train_options o = options();
    bool published;
    open_filled(&s);
    struct train_result good = train(&s, &o);
    ck_ok(recommend_publish(s.store, good.version, false, &published, &err));
    o.params = useless();
    struct train_result bad = train(&s, &o);
    ck_assert_msg(!bad.gates.passed, "%s", bad.gates.verdict);
    ck_assert_ptr_nonnull(strstr(bad.gates.verdict, "live model"));
    ck_ok(recommend_publish(s.store, bad.version, false, &published, &err));
    ck_assert(!published);
    ck_assert_str_eq(live_version(&s), good.version);
    ck_ok(recommend_publish(s.store, bad.version, true, &published, &err));
    ck_assert(published);
    ck_assert_str_eq(live_version(&s), bad.version);
    shop_release(&s);
}
END_TEST

START_TEST(lists_that_are_worse_than_what_is_popular_are_refused)
{
    struct recommend_evaluation e = {.k = 10,
                                     .users = GATE_USERS_MIN,
                                     .lists = {.ndcg = 0.1},
                                     .popularity = {.ndcg = 0.2},
                                     .gain = {.mean = -0.1, .low = -0.15, .high = -0.05}};
    struct live_model none = {.version = ""};
    struct gates g = {0};
    gate_popularity(&g, &e);
    gates_judge(&g, &none, &e, 0);
    ck_assert(!g.passed);
    ck_assert_ptr_nonnull(strstr(g.verdict, "0.1000 is below 0.2000 of popularity"));
    e.gain.high = 0.01; /* may be chance */
    gate_popularity(&g, &e);
    gates_judge(&g, &none, &e, 0);
    ck_assert(g.passed);
    e.gain.high = -0.05;
    e.users--; /* too few to tell */
    gate_popularity(&g, &e);
    gates_judge(&g, &none, &e, 0);
    ck_assert(g.passed);
}
END_TEST

static int64_t day_of(int month, int day)
{
    struct err err;
    char text[32];
    int64_t us;
    snprintf(text, sizeof text, "2026-%02d-%02dT00:00:00Z", month, day);
    ck_ok(clock_parse_iso(str_of(text), &us, &err));
    return us;
}

static void publish(struct shop *s, const struct train_result *r)
{
    struct err err;
    bool published;
    ck_ok(recommend_publish(s->store, r->version, false, &published, &err));
    ck_assert_msg(published, "%s", r->gates.verdict);
}

/* What the version's file scores on the acts from split on, measured as a server that went on with it would. */
static double ndcg_of(struct shop *s, const char *version, int64_t until, int64_t split,
                      size_t *users)
{
    struct interactions it;
    struct recommend_model m;
    struct recommend_evaluation e;
    struct err err;
    struct derive_options derive = derive_defaults();
    struct engine_options frozen = {.frozen = true};
    struct engine *engine;
    const char *path = arena_printf(&s->arena, "%s/recommend.model", version_dir(s, version)).p;
    ck_ok(derive_interactions(s->store, &derive, &it, NULL, &err));
    ck_ok(recommend_model_open(path, true, &m, &err));
    ck_ok(engine_open(s->store, &frozen, &engine, &err));
    struct view *view = engine_view(engine);
    struct evaluate_options o = {.split = split,
                                 .k = 10,
                                 .users_max = 1000,
                                 .seed = 1,
                                 .rival = &m,
                                 .rival_until = until < split ? until : split};
    ck_ok(recommend_evaluate(&it, view, &m, &o, &e, &err));
    view_unref(view);
    engine_close(engine);
    recommend_model_close(&m);
    interactions_release(&it);
    *users = e.users;
    return e.rival.ndcg;
}

START_TEST(too_few_shoppers_to_measure_pass_only_where_nothing_serves)
{
    struct shop s;
    struct train_options o = options();
    open_filled(&s);
    o.test_share = 1e-9; /* one act: one shopper */
    struct train_result first = train(&s, &o);
    ck_assert_msg(first.gates.passed, "%s", first.gates.verdict);
    ck_assert_uint_lt(first.evaluation.users, GATE_USERS_MIN);
    publish(&s, &first);
    struct train_result second = train(&s, &o);
    ck_assert_msg(!second.gates.passed, "%s", second.gates.verdict);
    ck_assert_ptr_nonnull(strstr(second.gates.verdict, first.version));
    ck_assert_str_eq(second.gates.live, first.version);
    ck_assert_str_eq(live_version(&s), first.version);
    shop_release(&s);
}
END_TEST

START_TEST(a_model_that_knows_less_than_the_live_one_is_refused)
{
    struct shop s;
    struct train_options o = options();
    open_filled(&s);
    struct train_result all = train(&s, &o);
    publish(&s, &all);
    o.until = day_of(2, 1); /* many shoppers can be measured, and the parameters are the same */
    struct train_result old = train(&s, &o);
    ck_assert_uint_ge(old.evaluation.users, GATE_USERS_MIN);
    ck_assert_msg(!old.gates.passed, "%s", old.gates.verdict);
    ck_assert_ptr_nonnull(strstr(old.gates.verdict, "2026-02-01"));
    o.until = day_of(1, 2); /* nobody can be measured */
    ck_assert(!train(&s, &o).gates.passed);
    o.until = day_of(12, 1); /* after the last act: it knows as much */
    struct train_result same = train(&s, &o);
    ck_assert_msg(same.gates.passed, "%s", same.gates.verdict);
    shop_release(&s);
}
END_TEST

START_TEST(the_live_model_itself_is_measured_on_what_neither_has_seen)
{
    struct shop s;
    size_t users;
    struct train_options o = options();
    open_filled(&s);
    o.until = day_of(2, 1);
    struct train_result old = train(&s, &o);
    publish(&s, &old);

    o.until = 0; /* the live one ends before the split */
    struct train_result r = train(&s, &o);
    const struct gate *g = &r.gates.gate[GATE_LIVE_MODEL];
    ck_assert(g->measured && !r.gates.gate[GATE_LIVE_PARAMETERS].measured);
    ck_assert_int_eq(g->split, r.evaluation.split);
    ck_assert_uint_eq(g->users, r.evaluation.users);
    ck_assert_double_eq(g->candidate, r.evaluation.lists.ndcg);
    ck_assert_double_eq_tol(g->other, ndcg_of(&s, old.version, day_of(2, 1), g->split, &users),
                            1e-9);
    ck_assert_double_eq_tol(g->difference.mean, g->candidate - g->other, 1e-12);
    ck_assert_msg(r.gates.passed, "%s", r.gates.verdict);

    o.test_share = 0.9; /* and now after it: both are measured from its end on */
    r = train(&s, &o);
    ck_assert(g->measured && r.gates.gate[GATE_LIVE_PARAMETERS].measured);
    ck_assert_int_ge(g->split, day_of(1, 28));
    ck_assert_int_le(g->split, day_of(2, 1));
    ck_assert_double_eq_tol(g->other, ndcg_of(&s, old.version, day_of(2, 1), g->split, &users),
                            1e-9);
    ck_assert_uint_eq(g->users, users);
    ck_assert_int_lt(r.evaluation.split, g->split);

    o.params = useless();
    r = train(&s, &o);
    ck_assert(!r.gates.passed && g->difference.high < 0);
    shop_release(&s);
}
END_TEST

START_TEST(training_again_on_the_same_acts_compares_the_parameters)
{
    struct shop s;
    struct train_options o = options();
    open_filled(&s);
    struct train_result first = train(&s, &o);
    publish(&s, &first);
    struct train_result r = train(&s, &o);
    const struct gate *g = &r.gates.gate[GATE_LIVE_PARAMETERS];
    ck_assert_msg(r.gates.passed, "%s", r.gates.verdict);
    ck_assert(g->measured && !r.gates.gate[GATE_LIVE_MODEL].measured);
    ck_assert(g->difference.mean == 0 && g->difference.low == 0 && g->difference.high == 0);
    o.params.seed = 2; /* fitted and measured for themselves */
    r = train(&s, &o);
    ck_assert_double_eq(g->other, first.evaluation.lists.ndcg);
    ck_assert_double_eq(g->candidate, r.evaluation.lists.ndcg);
    ck_assert_msg(r.gates.passed, "%s", r.gates.verdict);
    shop_release(&s);
}
END_TEST

START_TEST(a_live_model_whose_file_is_damaged_bars_nobody)
{
    struct shop s;
    struct err err;
    struct train_options o = options();
    open_filled(&s);
    struct train_result first = train(&s, &o);
    publish(&s, &first);
    const char *path =
        arena_printf(&s.arena, "%s/recommend.model", version_dir(&s, first.version)).p;
    o.test_share = 1e-9;
    ck_assert(!train(&s, &o).gates.passed);
    ck_ok(fs_write_file_atomic(path, "not a model", 11, &err));
    struct train_result r = train(&s, &o);
    ck_assert_msg(r.gates.passed, "%s", r.gates.verdict);
    ck_assert_str_eq(r.gates.live, "");
    publish(&s, &r);
    shop_release(&s);
}
END_TEST

START_TEST(the_figures_of_the_gates_stand_in_manifest_and_result)
{
    struct shop s;
    struct err err;
    struct buf text, manifest;
    struct json_writer w;
    struct train_options o = options();
    open_filled(&s);
    struct train_result first = train(&s, &o);
    publish(&s, &first);
    struct train_result r = train(&s, &o);
    buf_init(&text, 1 << 20);
    buf_init(&manifest, 1 << 20);
    jw_init(&w, &text);
    gates_json(&r.gates, &w);
    ck_ok(jw_end(&w, "gates", &err));
    ck_assert_ptr_nonnull(strstr(text.data, first.version));
    ck_assert_ptr_nonnull(strstr(text.data, "\"live_parameters\":{\"shoppers\":"));
    ck_assert_ptr_nonnull(strstr(text.data, "\"difference\":{\"mean\":0"));
    ck_ok(fs_read_file(arena_printf(&s.arena, "%s/manifest.json", version_dir(&s, r.version)).p,
                       1 << 20, &manifest, &err));
    buf_putc(&manifest, '\0');
    ck_assert_ptr_nonnull(strstr(manifest.data, text.data));
    buf_reset(&text);
    jw_init(&w, &text);
    train_result_json(&r, &w);
    ck_ok(jw_end(&w, "result", &err));
    ck_assert_ptr_nonnull(strstr(text.data, "\"gates\":{\"live_version\":"));
    buf_release(&text);
    buf_release(&manifest);
    shop_release(&s);
}
END_TEST

struct told {
    size_t times, steps;
    double done;
    const char *what;
    bool forward;
};

static void note(void *arg, double done, const char *what)
{
    struct told *t = arg;
    t->forward &= done >= t->done && done <= 1;
    t->steps += what != t->what;
    t->times++;
    t->done = done;
    t->what = what;
}

START_TEST(training_says_how_far_it_is_in_small_steps_and_never_goes_back)
{
    struct shop s;
    struct train_options o = options();
    open_filled(&s);
    o.params.iterations = 10;
    o.progress = note;
    for (int round = 0; round < 3; round++) { /* alone; beside the same; beside other parameters */
        struct told told = {.forward = true};
        o.progress_arg = &told;
        o.params.seed = round < 2 ? 1 : 2;
        struct train_result r = train(&s, &o);
        ck_assert(told.forward);
        ck_assert_uint_ge(told.times, 10 + (round ? FIT_WARM_ITERATIONS : 10) + 6);
        ck_assert_uint_ge(told.steps, round < 2 ? 4 : 5);
        ck_assert_double_ge(told.done, 0.95);
        publish(&s, &r);
    }
    shop_release(&s);
}
END_TEST

START_TEST(what_is_missing_or_damaged_is_not_published)
{
    struct shop s;
    struct err err;
    struct train_options o = options();
    open_filled(&s);
    struct train_result r = train(&s, &o);
    ck_err(recommend_publish(s.store, "20000101T000000-1", false, NULL, &err), ERR_NOT_FOUND);
    const char *model = arena_printf(&s.arena, "%s/recommend.model", version_dir(&s, r.version)).p;
    const char *manifest = arena_printf(&s.arena, "%s/manifest.json", version_dir(&s, r.version)).p;
    struct buf bytes, text;
    buf_init(&bytes, 16 << 20);
    buf_init(&text, 1 << 20);
    ck_ok(fs_read_file(model, 16 << 20, &bytes, &err));
    ck_ok(fs_read_file(manifest, 1 << 20, &text, &err));
    for (size_t at = 0; at < bytes.len; at += 1 + bytes.len / 17) {
        bytes.data[at] = (char)(bytes.data[at] ^ 1);
        ck_ok(fs_write_file_atomic(model, bytes.data, bytes.len, &err));
        ck_err(recommend_publish(s.store, r.version, true, NULL, &err), ERR_CORRUPT);
        bytes.data[at] = (char)(bytes.data[at] ^ 1);
    }
    ck_ok(fs_write_file_atomic(model, bytes.data, bytes.len / 2, &err));
    ck_err(recommend_publish(s.store, r.version, true, NULL, &err), ERR_CORRUPT);
    ck_ok(fs_write_file_atomic(model, bytes.data, bytes.len, &err));
    for (size_t n = 0; n < text.len; n += 1 + text.len / 23) {
        ck_ok(fs_write_file_atomic(manifest, text.data, n, &err));
        ck_err(recommend_publish(s.store, r.version, true, NULL, &err), ERR_CORRUPT);
    }
    ck_assert_str_eq(live_version(&s), "");
    ck_ok(fs_write_file_atomic(manifest, text.data, text.len, &err));
    ck_ok(recommend_publish(s.store, r.version, false, NULL, &err));
    ck_assert_str_eq(live_version(&s), r.version);
    buf_release(&bytes);
    buf_release(&text);
    shop_release(&s);
}
END_TEST

START_TEST(a_shop_without_acts_has_nothing_to_learn)
{
    struct shop s;
    struct err err;
    struct train_result r;
    struct train_options o = options();
    shop_init(&s);
    ck_err(recommend_train(s.store, &o, &r, &err), ERR_INVALID);
    shop_release(&s);
}
END_TEST

START_TEST(a_failing_disk_leaves_the_live_model_and_nothing_half_written)
{
    struct shop s;
    struct err err;
    struct train_result r;
    struct train_options o = options();
    open_filled(&s);
    struct train_result first = train(&s, &o);
    ck_ok(recommend_publish(s.store, first.version, false, NULL, &err));
    size_t whole = 1;
    long at = 1;
    for (;; at++) {
        fault_fs_at(at, 28 /* ENOSPC */);
        enum err_code code = recommend_train(s.store, &o, &r, &err);
        long calls = fault_fs_calls();
        fault_fs_at(0, 0);
        ck_assert_str_eq(live_version(&s), first.version);
        size_t now = check_folders(&s);
        ck_assert(now == whole || now == whole + 1);
        whole = now;
        if (calls < at) {
            ck_assert_int_eq(code, ERR_OK);
            break;
        }
        ck_assert_int_ne(code, ERR_OK);
    }
    ck_assert_int_gt(at, 5);
    ck_assert(!exists(version_dir(&s, ".training"))); /* renamed into place */
    shop_release(&s);
}
END_TEST

/* Train and publish again and again, until somebody ends it. */
static void work_until_killed(const char *dir)
{
    struct store *store;
    struct train_options o = options();
    struct err err;
    if (store_open(&(struct store_options){.dir = dir}, &store, &err) != ERR_OK)
        _exit(1);
    for (;;) {
        struct train_result r;
        if (recommend_train(store, &o, &r, &err) != ERR_OK ||
            recommend_publish(store, r.version, false, NULL, &err) != ERR_OK)
            _exit(1);
    }
}

START_TEST(a_training_killed_at_any_moment_leaves_a_whole_live_model)
{
    struct shop s;
    struct err err;
    struct rng rng;
    struct train_options o = options();
    rng_init(&rng, 77);
    open_filled(&s);
    struct train_result first = train(&s, &o);
    ck_ok(recommend_publish(s.store, first.version, false, NULL, &err));
    for (int round = 0; round < KILLS; round++) {
        int status;
        store_close(s.store);
        s.store = NULL;
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0)
            work_until_killed(s.dir);
        usleep((useconds_t)(20000 + rng_below(&rng, 150000)));
        kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        shop_open(&s);
        check_live(&s, true);
        check_folders(&s);
    }
    struct train_result last = train(&s, &o); /* and training goes on */
    ck_ok(recommend_publish(s.store, last.version, false, NULL, &err));
    ck_assert_str_eq(live_version(&s), last.version);
    ck_assert(!exists(version_dir(&s, ".training")));
    shop_release(&s);
}
END_TEST

SUITE("recommend_train", versions_are_published_rolled_back_and_cleared,
      a_worse_model_is_kept_but_not_published_without_force,
      lists_that_are_worse_than_what_is_popular_are_refused,
      too_few_shoppers_to_measure_pass_only_where_nothing_serves,
      a_model_that_knows_less_than_the_live_one_is_refused,
      the_live_model_itself_is_measured_on_what_neither_has_seen,
      training_again_on_the_same_acts_compares_the_parameters,
      a_live_model_whose_file_is_damaged_bars_nobody,
      the_figures_of_the_gates_stand_in_manifest_and_result,
      training_says_how_far_it_is_in_small_steps_and_never_goes_back,
      what_is_missing_or_damaged_is_not_published, a_shop_without_acts_has_nothing_to_learn,
      a_failing_disk_leaves_the_live_model_and_nothing_half_written,
      a_training_killed_at_any_moment_leaves_a_whole_live_model)
