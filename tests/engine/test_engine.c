/* test_engine.c - products: what the store holds is what the view shows, whatever happens between. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "engine/rig.h"
#include "store/users.h"

START_TEST(a_product_is_in_the_view_once_it_is_told_and_gone_once_deleted)
{
    struct rig r;
    struct err err;
    rig_init(&r);
    ck_assert_uint_eq(rig_stats(&r).products, 0);
    uint32_t no = rig_put(&r, "kettle");
    ck_assert(rig_shows(&r, no));
    struct view *v = engine_view(r.engine);
    ck_text(card_title(v, no, STR_LIT("en")), "kettle");
    ck_text(card_id(v, no), "kettle");
    ck_assert_uint_eq(catalogue_find_id(v->catalogue, STR_LIT("kettle")), no);
    ck_assert_uint_eq(engine_shop(r.engine)->currency, GBP);

    struct product_patch patch = {.fields = PRODUCT_STOCK, .stock = 0};
    ck_ok(product_patch(tx_begin(&r.shop), STR_LIT("kettle"), &patch, NULL, &err));
    rig_commit(&r);
    ck_assert(!rig_shows(&r, no));
    ck_assert(!view_shows(v, no)); /* even in a view from before */

    patch = (struct product_patch){
        .fields = PRODUCT_STOCK | PRODUCT_PRICE, .stock = 3, .price_minor = 777};
    uint64_t views = rig_stats(&r).views;
    ck_ok(product_patch(tx_begin(&r.shop), STR_LIT("kettle"), &patch, NULL, &err));
    rig_commit(&r);
    struct live_row row;
    live_get(v->live, no, &row);
    ck_assert_int_eq(row.price_minor, 777);
    ck_assert(rig_shows(&r, no));
    ck_assert_uint_eq(rig_stats(&r).segments, 1); /* nothing was indexed anew */
    ck_assert_uint_ge(rig_stats(&r).views, views);

    ck_ok(product_delete(tx_begin(&r.shop), STR_LIT("kettle"), NULL, &err));
    rig_commit(&r);
    ck_assert(!rig_shows(&r, no));
    ck_assert_uint_eq(rig_stats(&r).products, 0);
    ck_text(card_title(v, no, STR_LIT("en")), "kettle"); /* the old view still has its texts */
    view_unref(v);
    rig_release(&r);
}
END_TEST

/* --- against a table ------------------------------------------------------------------------- */

enum { PRODUCTS = 60, STEPS = 700 };

struct table {
    struct {
        bool there;
        uint32_t no;
        int64_t price, stock;
        unsigned title;
    } rows[PRODUCTS];
};

static void name_of(size_t i, char id[32])
{
    snprintf(id, 32, "product %zu", i);
}

static void title_of(unsigned n, char title[32])
{
    snprintf(title, 32, "title %u", n);
}

static void change_one(struct table *t, struct store_tx *tx, struct rng *rng, unsigned step)
{
    char id[32], title[32];
    struct err err;
    size_t i = rng_below(rng, PRODUCTS);
    name_of(i, id);
    uint64_t what = rng_below(rng, 10);
    if (what < 5) {
        struct product p = a_product(id);
        title_of(step, title);
        p.title = str_of(title);
        p.price_minor = step;
        ck_ok(product_put(tx, &p, &t->rows[i].no, NULL, &err));
        t->rows[i].there = true;
        t->rows[i].price = step;
        t->rows[i].stock = p.stock;
        t->rows[i].title = step;
    } else if (what < 8 && t->rows[i].there) {
        struct product_patch patch = {.fields = PRODUCT_PRICE | PRODUCT_STOCK,
                                      .price_minor = step,
                                      .stock = (int64_t)rng_below(rng, 3)};
        ck_ok(product_patch(tx, str_of(id), &patch, NULL, &err));
        t->rows[i].price = step;
        t->rows[i].stock = patch.stock;
    } else if (t->rows[i].there) {
        ck_ok(product_delete(tx, str_of(id), NULL, &err));
        t->rows[i].there = false;
    }
}

static void compare(struct rig *r, const struct table *t)
{
    struct view *v = engine_view(r->engine);
    uint32_t living = 0;
    for (size_t i = 0; i < PRODUCTS; i++) {
        char id[32], title[32];
        name_of(i, id);
        uint32_t no = t->rows[i].no;
        ck_assert_uint_eq(catalogue_find_id(v->catalogue, str_of(id)), t->rows[i].there ? no : 0);
        ck_assert(view_shows(v, no) == (t->rows[i].there && t->rows[i].stock > 0));
        if (!t->rows[i].there)
            continue;
        struct live_row row;
        living++;
        title_of(t->rows[i].title, title);
        ck_text(card_title(v, no, STR_LIT("zh")), title);
        live_get(v->live, no, &row);
        ck_assert_int_eq(row.price_minor, t->rows[i].price);
        ck_assert_int_eq(row.stock, t->rows[i].stock);
    }
    ck_assert_uint_eq(v->catalogue->products, living);
    view_unref(v);
}

START_TEST(random_changes_folds_and_restarts_show_what_a_table_holds)
{
    struct rig r;
    struct err err;
    struct table t = {0};
    struct rng rng;
    rng_init(&rng, 4);
    rig_init(&r);
    for (unsigned step = 1; step <= STEPS;) {
        struct store_tx *tx = tx_begin(&r.shop);
        for (uint64_t n = 1 + rng_below(&rng, 12); n--; step++)
            change_one(&t, tx, &rng, step);
        rig_commit(&r);
        compare(&r, &t);
        uint64_t what = rng_below(&rng, 12);
        if (what == 0)
            ck_ok(engine_fold(r.engine, &err));
        if (what == 1)
            rig_restart(&r);
        if (what < 2)
            compare(&r, &t);
        ck_assert_uint_le(rig_stats(&r).segments, 12);
        ck_assert_str_eq(rig_stats(&r).failure, "");
    }
    rig_release(&r);
}
END_TEST

START_TEST(a_large_change_is_applied_whole_though_in_steps)
{
    enum { MANY = 9001 }; /* several steps of reading and of indexing */
    struct rig r;
    struct err err;
    rig_init(&r);
    struct store_tx *tx = tx_begin(&r.shop);
    for (int i = 0; i < MANY; i++) {
        char id[32];
        snprintf(id, sizeof id, "p%d", i);
        put_product(tx, id);
    }
    rig_commit(&r);
    ck_assert_uint_eq(rig_stats(&r).products, MANY);
    int64_t position = newest_change(read_begin(&r.shop));
    read_end(&r.shop);
    ck_assert_int_eq(rig_stats(&r).position, position);
    ck_ok(engine_fold(r.engine, &err));
    rig_restart(&r);
    ck_assert_uint_eq(rig_stats(&r).products, MANY);
    rig_release(&r);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

struct folding {
    struct engine *engine;
    atomic_bool stop;
};

static void *fold_on(void *arg)
{
    struct folding *f = arg;
    struct err err;
    while (!atomic_load(&f->stop))
        ck_ok(engine_fold(f->engine, &err));
    return NULL;
}

START_TEST(folding_while_products_change_loses_nothing)
{
    struct rig r;
    struct table t = {0};
    struct rng rng;
    pthread_t folder;
    rng_init(&rng, 8);
    rig_init(&r);
    struct folding f = {.engine = r.engine};
    pthread_create(&folder, NULL, fold_on, &f);
    for (unsigned step = 1; step <= 300;) {
        struct store_tx *tx = tx_begin(&r.shop);
        for (uint64_t n = 1 + rng_below(&rng, 8); n--; step++)
            change_one(&t, tx, &rng, step);
        rig_commit(&r);
        compare(&r, &t);
    }
    atomic_store(&f.stop, true);
    pthread_join(folder, NULL);
    compare(&r, &t);
    rig_restart(&r);
    compare(&r, &t);
    ck_assert_uint_le(mappings_of(".segment"), 1);
    rig_release(&r);
}
END_TEST

/* The files in DIR/catalogue: how many, and the path of one. */
static size_t folded_files(struct rig *r, char path[FS_PATH_MAX])
{
    struct err err;
    struct str *names;
    struct fs_info info;
    char dir[FS_PATH_MAX];
    size_t n;
    ck_ok(fs_join(dir, r->shop.dir, "catalogue", &err));
    ck_ok(fs_stat(dir, &info, &err));
    if (!info.exists)
        return 0;
    ck_ok(fs_list_dir(dir, 100, &r->shop.arena, &names, &n, &err));
    if (n)
        ck_ok(fs_join(path, dir, names[0].p, &err));
    return n;
}

START_TEST(a_start_uses_the_folded_file_and_replays_what_came_later)
{
    struct rig r;
    struct err err;
    char path[FS_PATH_MAX];
    rig_init(&r);
    uint32_t old = rig_put(&r, "old"), gone = rig_put(&r, "gone");
    ck_ok(engine_fold(r.engine, &err));
    ck_assert_uint_eq(folded_files(&r, path), 1);
    uint32_t fresh = rig_put(&r, "fresh");
    ck_ok(product_delete(tx_begin(&r.shop), STR_LIT("gone"), NULL, &err));
    rig_commit(&r);
    ck_ok(engine_fold(r.engine, &err));
    ck_assert_uint_eq(folded_files(&r, path), 1); /* the older one is removed */
    uint32_t last = rig_put(&r, "last");
    rig_restart(&r);
    ck_assert_uint_eq(mappings_of(".segment"), 1);
    ck_assert(rig_shows(&r, old) && rig_shows(&r, fresh) && rig_shows(&r, last));
    ck_assert(!rig_shows(&r, gone));
    rig_release(&r);
}
END_TEST

START_TEST(a_damaged_folded_file_is_not_used)
{
    struct rig r;
    struct err err;
    char path[FS_PATH_MAX];
    for (int cut = 0; cut < 2; cut++) {
        struct buf file;
        rig_init(&r);
        uint32_t no = rig_put(&r, "p");
        ck_ok(engine_fold(r.engine, &err));
        ck_assert_uint_eq(folded_files(&r, path), 1);
        engine_close(r.engine);
        buf_init(&file, 1 << 20);
        ck_ok(fs_read_file(path, 1 << 20, &file, &err));
        file.data[file.len / 2] ^= 0x55;
        ck_ok(fs_write_file_atomic(path, file.data, cut ? file.len / 2 : file.len, &err));
        buf_release(&file);
        rig_start(&r);
        ck_assert_uint_eq(mappings_of(".segment"), 0);
        ck_assert(rig_shows(&r, no));
        ck_ok(engine_fold(r.engine, &err));
        ck_assert_uint_eq(mappings_of(".segment"), 1);
        rig_release(&r);
    }
}
END_TEST

START_TEST(a_log_trimmed_beyond_the_folded_file_means_building_anew)
{
    struct rig r;
    struct err err;
    rig_init(&r);
    uint32_t a = rig_put(&r, "a");
    ck_ok(engine_fold(r.engine, &err));
    ck_ok(product_delete(tx_begin(&r.shop), STR_LIT("a"), NULL, &err));
    rig_commit(&r);
    uint32_t b = rig_put(&r, "b"), c = rig_put(&r, "c");
    ck_ok(changes_trim(tx_begin(&r.shop), rig_stats(&r).position, NULL, &err));
    rig_commit(&r);
    rig_restart(&r);
    ck_assert_uint_eq(mappings_of(".segment"), 0);
    ck_assert(!rig_shows(&r, a) && rig_shows(&r, b) && rig_shows(&r, c));
    ck_assert_uint_eq(rig_stats(&r).products, 2);
    rig_release(&r);
}
END_TEST

START_TEST(a_folded_file_is_as_new_as_the_log_though_no_product_changed_lately)
{
    struct rig r;
    struct err err;
    int64_t at;
    uint32_t no;
    rig_init(&r);
    ck_ok(engine_oldest_file(r.shop.store, &at, &err));
    ck_assert_int_eq(at, 0);
    uint32_t a = rig_put(&r, "a");
    ck_ok(engine_fold(r.engine, &err));
    ck_ok(engine_oldest_file(r.shop.store, &at, &err));
    ck_assert_int_eq(at, rig_stats(&r).position);
    ck_ok(user_number(tx_begin(&r.shop), USER_KNOWN, STR_LIT("u"), &no, &err));
    rig_commit(&r);
    ck_assert_int_gt(rig_stats(&r).position, at);
    ck_ok(engine_fold(r.engine, &err));
    ck_ok(engine_oldest_file(r.shop.store, &at, &err));
    ck_assert_int_eq(at, rig_stats(&r).position);
    ck_ok(changes_trim(tx_begin(&r.shop), at, NULL, &err));
    rig_commit(&r);
    rig_put(&r, "b");
    rig_restart(&r);
    ck_assert_uint_gt(mappings_of(".segment"), 0); /* was used */
    ck_assert(rig_shows(&r, a));
    ck_assert_uint_eq(rig_stats(&r).products, 2);
    rig_release(&r);
}
END_TEST

START_TEST(a_fold_that_fails_at_any_call_leaves_the_old_file_and_the_view)
{
    struct rig r;
    struct err err;
    char path[FS_PATH_MAX];
    rig_init(&r);
    uint32_t first = rig_put(&r, "first");
    ck_ok(engine_fold(r.engine, &err));
    enum err_code code = ERR_IO;
    for (long n = 1; code != ERR_OK; n++) {
        char id[32];
        snprintf(id, sizeof id, "p%ld", n);
        uint32_t no = rig_put(&r, id);
        fault_fs_at(n, ENOSPC);
        code = engine_fold(r.engine, &err);
        fault_fs_at(0, 0);
        ck_assert(rig_shows(&r, first) && rig_shows(&r, no));
        size_t files = folded_files(&r, path);
        ck_assert_uint_ge(files, 1);
        ck_assert_uint_le(files, 2); /* a new one, before the old one could be removed */
        ck_assert_int_lt(n, 50);
    }
    rig_restart(&r);
    ck_assert(rig_shows(&r, first));
    ck_assert_uint_eq(mappings_of(".segment"), 1);
    rig_release(&r);
}
END_TEST

/* --- ends ------------------------------------------------------------------------------------- */

enum { ACKNOWLEDGED = 40 };

/* In a process of its own: puts products until it is killed, telling each once the view has it. */
static void put_for_ever(struct rig *r, int out)
{
    shop_reopen(&r->shop);
    rig_start(r);
    for (uint32_t i = 1;; i++) {
        char id[32];
        struct err err;
        snprintf(id, sizeof id, "p%u", i);
        uint32_t no = rig_put(r, id);
        if (i % 9 == 0)
            ck_ok(engine_fold(r->engine, &err));
        if (write(out, &no, sizeof no) != sizeof no)
            _exit(0);
    }
}

START_TEST(what_was_told_before_a_kill_is_in_the_view_after_it)
{
    struct rig r = {0};
    uint32_t told[ACKNOWLEDGED];
    int pipe_fds[2];
    shop_init(&r.shop);
    store_close(r.shop.store);
    r.shop.store = NULL;
    ck_assert_int_eq(pipe(pipe_fds), 0);
    pid_t child = fork();
    if (child == 0)
        put_for_ever(&r, pipe_fds[1]);
    close(pipe_fds[1]);
    for (size_t i = 0; i < ACKNOWLEDGED; i++)
        ck_assert_int_eq(read(pipe_fds[0], &told[i], sizeof told[i]), sizeof told[i]);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipe_fds[0]);
    shop_reopen(&r.shop);
    rig_start(&r);
    for (size_t i = 0; i < ACKNOWLEDGED; i++)
        ck_assert(rig_shows(&r, told[i]));
    rig_release(&r);
}
END_TEST

START_TEST(what_a_killed_process_left_half_written_is_swept_where_somebody_may_write)
{
    static const char *const folders[] = {".", "catalogue", "models", "models/recommend"};
    enum { FOLDERS = sizeof folders / sizeof *folders };
    static const char *const names[] = {".aisle-12345-1.tmp", "kept.tmp"};
    struct rig r;
    struct err err;
    struct fs_info info;
    char paths[2][FOLDERS][FS_PATH_MAX];
    rig_init(&r);
    for (size_t i = 0; i < FOLDERS; i++) {
        char dir[FS_PATH_MAX];
        ck_ok(fs_join(dir, r.shop.dir, folders[i], &err));
        ck_ok(fs_mkdirs(dir, &err));
        for (size_t k = 0; k < 2; k++) {
            ck_ok(fs_join(paths[k][i], dir, names[k], &err));
            ck_ok(fs_write_file_atomic(paths[k][i], "x", 1, &err));
        }
    }
    engine_close(r.engine);
    r.options.frozen = true;
    rig_start(&r);
    for (size_t i = 0; i < FOLDERS; i++) {
        ck_ok(fs_stat(paths[0][i], &info, &err));
        ck_assert_msg(info.exists, "%s: the folder may be another's", folders[i]);
    }
    r.options.frozen = false;
    rig_restart(&r);
    for (size_t i = 0; i < FOLDERS; i++) {
        ck_ok(fs_stat(paths[0][i], &info, &err));
        ck_assert_msg(!info.exists, "%s", folders[i]);
        ck_ok(fs_stat(paths[1][i], &info, &err));
        ck_assert_msg(info.exists, "%s", folders[i]);
    }
    rig_release(&r);
}
END_TEST

START_TEST(a_frozen_engine_reads_once_and_answers_waits_at_once)
{
    struct rig r;
    struct err err;
    rig_init(&r);
    uint32_t no = rig_put(&r, "p");
    engine_close(r.engine);
    r.options.frozen = true;
    rig_start(&r);
    ck_ok(engine_wait(r.engine, 0, &err));
    ck_assert(rig_shows(&r, no));
    uint32_t later = put_product(tx_begin(&r.shop), "later");
    rig_commit(&r);
    ck_assert(!rig_shows(&r, later));
    ck_assert_int_eq(rig_stats(&r).lag_ms, 0);
    rig_release(&r);
}
END_TEST

static void count_call(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
}

START_TEST(everyone_who_waits_is_told_once_even_by_an_engine_that_closes)
{
    enum { WAITERS = 1000 };
    struct rig r;
    atomic_int told = 0;
    rig_init(&r);
    for (int i = 0; i < WAITERS; i++)
        engine_sync(r.engine, count_call, &told);
    engine_close(r.engine);
    r.engine = NULL;
    ck_assert_int_eq(told, WAITERS);
    rig_release(&r);
}
END_TEST

/* --- arrivals -------------------------------------------------------------------------------- */

/* More of one moment than there is room for, others by the eighth of a second, one of a year later, and one of
 * another year later that is not for sale. */
enum { ARRIVALS = SHELF_MAX + 500, ARRIVALS_STEPS = 60, MOMENTS = ARRIVALS / 3 };

struct arrival {
    int64_t at;
    uint32_t no;
};

static int newest_first(const void *a, const void *b)
{
    const struct arrival *x = a, *y = b;
    if (x->at != y->at)
        return x->at > y->at ? -1 : 1;
    return x->no < y->no ? -1 : x->no > y->no;
}

static void check_arrivals(struct rig *r, const struct arrival *sorted)
{
    struct view *v = engine_view(r->engine);
    ck_assert_uint_eq(v->arrivals.len, SHELF_MAX);
    for (uint32_t i = 0; i < SHELF_MAX; i++)
        ck_assert_uint_eq(v->arrivals.product_no[i], sorted[i].no);
    view_unref(v);
}

static int64_t arrival_of(struct rng *rng, size_t i, bool crowd)
{
    const int64_t begin = 1600000000000000, year = 365 * CLOCK_US_PER_DAY;
    if (i < 2)
        return begin + (int64_t)(i + 1) * year;
    return begin + (crowd ? 0 : (int64_t)rng_below(rng, MOMENTS) * 1000000 / 8);
}

static void check_arrivals_of(bool crowd)
{
    static struct arrival all[ARRIVALS];
    struct rig r;
    struct err err;
    struct rng rng;
    char id[32];
    rng_init(&rng, 5);
    rig_init(&r);
    for (size_t from = 0; from < ARRIVALS; from += ARRIVALS / ARRIVALS_STEPS) {
        struct store_tx *tx = tx_begin(&r.shop);
        for (size_t i = from; i < from + ARRIVALS / ARRIVALS_STEPS; i++) {
            name_of(i, id);
            struct product p = a_product(id);
            p.created_at = all[i].at = arrival_of(&rng, i, crowd);
            if (i == 1)
                p.status = PRODUCT_INACTIVE;
            ck_ok(product_put(tx, &p, &all[i].no, NULL, &err));
        }
        rig_commit(&r);
    }
    all[1] = all[ARRIVALS - 1]; /* not for sale */
    qsort(all, ARRIVALS - 1, sizeof *all, newest_first);
    rig_restart(&r);
    check_arrivals(&r, all);
    ck_ok(engine_fold(r.engine, &err));
    rig_restart(&r);
    check_arrivals(&r, all);
    rig_release(&r);
}

START_TEST(arrivals_are_the_newest_in_order_however_they_lie_in_segments)
{
    check_arrivals_of(false);
    check_arrivals_of(true);
}
END_TEST

START_TEST(an_operator_sees_where_the_engine_is)
{
    static const char *const lines[] = {"aisle_products 1\n",         "aisle_engine_failing 0\n",
                                        "aisle_catalogue_segments 1", "aisle_change_lag_seconds ",
                                        "aisle_engine_position ",     "aisle_view_generation ",
                                        "aisle_live_shoppers 0"};
    struct rig r;
    struct buf text;
    rig_init(&r);
    rig_put(&r, "p");
    buf_init(&text, 1 << 20);
    metrics_render(metrics_default(), &text);
    buf_putc(&text, '\0');
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(text.data, lines[i]), "no %s in %s", lines[i], text.data);
    rig_release(&r);
    buf_reset(&text);
    metrics_render(metrics_default(), &text); /* a closed engine is not asked */
    buf_release(&text);
}
END_TEST

SUITE("engine", a_product_is_in_the_view_once_it_is_told_and_gone_once_deleted,
      random_changes_folds_and_restarts_show_what_a_table_holds,
      a_large_change_is_applied_whole_though_in_steps, folding_while_products_change_loses_nothing,
      a_start_uses_the_folded_file_and_replays_what_came_later, a_damaged_folded_file_is_not_used,
      a_log_trimmed_beyond_the_folded_file_means_building_anew,
      a_folded_file_is_as_new_as_the_log_though_no_product_changed_lately,
      a_fold_that_fails_at_any_call_leaves_the_old_file_and_the_view,
      what_was_told_before_a_kill_is_in_the_view_after_it,
      what_a_killed_process_left_half_written_is_swept_where_somebody_may_write,
      a_frozen_engine_reads_once_and_answers_waits_at_once,
      everyone_who_waits_is_told_once_even_by_an_engine_that_closes,
      arrivals_are_the_newest_in_order_however_they_lie_in_segments,
      an_operator_sees_where_the_engine_is)
