/* test_engine_model.c - models come, go and are broken; what is served stays whole. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/model.h"
#include "engine/rig.h"
#include "store/events.h"
#include "store/experiments.h"
#include "store/models.h"

enum { ROWS = 40, DIM = 4, CELLS = 4, USERS = 20 };

static void path_of(struct rig *r, const char *version, char path[FS_PATH_MAX])
{
    struct err err;
    snprintf(path, FS_PATH_MAX, "%s/models/recommend/%s", r->shop.dir, version);
    ck_ok(fs_mkdirs(path, &err));
    snprintf(path, FS_PATH_MAX, "%s/models/recommend/%s/recommend.model", r->shop.dir, version);
}

static void write_model(struct rig *r, const char *version, int64_t position, int64_t trained_at)
{
    struct err err;
    struct arena a;
    char path[FS_PATH_MAX];
    arena_init(&a, 0, 16 << 20);
    struct recommend_model m = fake_model(7, ROWS, DIM, CELLS, USERS, &a);
    m.position = position;
    m.trained_at = trained_at;
    path_of(r, version, path);
    ck_ok(recommend_model_write(&m, path, &err));
    arena_release(&a);
}

static void publish(struct rig *r, const char *version)
{
    struct err err;
    struct model_version v = {.family = STR_LIT("recommend"),
                              .version = str_of(version),
                              .state = MODEL_PASSED,
                              .manifest = STR_LIT("{}")};
    ck_ok(model_put(tx_begin(&r->shop), &v, &err));
    ck_ok(model_publish(r->shop.tx, v.family, v.version, false, &err));
    rig_commit(r);
}

static void roll_back(struct rig *r)
{
    struct err err;
    ck_ok(model_rollback(tx_begin(&r->shop), STR_LIT("recommend"), &err));
    rig_commit(r);
}

START_TEST(a_published_model_serves_and_the_one_before_after_a_rollback)
{
    struct rig r;
    rig_init(&r);
    ck_assert_str_eq(rig_stats(&r).model, "");
    write_model(&r, "v1", 1, 1);
    write_model(&r, "v2", 1, 1);
    publish(&r, "v1");
    ck_assert_str_eq(rig_stats(&r).model, "v1");
    struct view *old = engine_view(r.engine);
    publish(&r, "v2");
    ck_assert_str_eq(rig_stats(&r).model, "v2");
    touch_model(view_model(old)); /* still whole for whoever holds it */
    ck_assert_uint_eq(mappings_of("recommend.model"), 2);
    view_unref(old);
    ck_assert_uint_eq(mappings_of("recommend.model"), 1);
    roll_back(&r);
    ck_assert_str_eq(rig_stats(&r).model, "v1");
    rig_restart(&r);
    ck_assert_str_eq(rig_stats(&r).model, "v1");
    rig_release(&r);
}
END_TEST

/* A model of products 1..ROWS that knows the words of a title, and puts them at (1, 1, ...). */
static void write_model_of_title(struct rig *r, const char *version, const char *title)
{
    struct err err;
    struct arena a;
    struct content_reader reader;
    char path[FS_PATH_MAX];
    uint32_t items[ROWS];
    uint64_t keys[CONTENT_FEATURES_MAX];
    float idf[CONTENT_FEATURES_MAX], weights[CONTENT_FEATURES_MAX * DIM];
    struct product p = {.title = str_of(title), .price_minor = STORE_NO_AMOUNT};
    arena_init(&a, 0, 16 << 20);
    content_reader_init(&reader);
    struct recommend_model m = fake_model(7, ROWS, DIM, CELLS, USERS, &a);
    ck_ok(content_read(&reader, &p, &err));
    for (size_t i = 0; i < reader.len; i++) {
        keys[i] = reader.features[i].key;
        idf[i] = 1;
        for (size_t k = 0; k < DIM; k++)
            weights[i * DIM + k] = 1;
    }
    for (uint32_t row = 0; row < ROWS; row++)
        items[row] = row + 1;
    m.items = items;
    m.content = (struct content_tower){.features = (uint32_t)reader.len,
                                       .dim = DIM,
                                       .products = ROWS,
                                       .keys = keys,
                                       .idf = idf,
                                       .weights = weights};
    path_of(r, version, path);
    ck_ok(recommend_model_write(&m, path, &err));
    content_reader_release(&reader);
    arena_release(&a);
}

/* The view in which newcomers are as many as asked for; within a minute. */
static struct view *view_with_newcomers(struct rig *r, uint32_t want)
{
    for (int i = 0; i < RIG_WAIT_MS; i++) {
        struct view *v = engine_view(r->engine);
        if ((v->newcomers ? v->newcomers->len : 0) == want)
            return v;
        view_unref(v);
        usleep(1000);
    }
    ck_abort_msg("never %u newcomers", want);
    return NULL;
}

START_TEST(a_product_that_the_model_does_not_know_is_met_by_its_record)
{
    struct rig r;
    struct view *v;
    rig_init(&r);
    tx_begin(&r.shop);
    for (uint32_t no = 1; no <= ROWS; no++) {
        char id[8];
        snprintf(id, sizeof id, "K%u", no);
        ck_assert_uint_eq(put_product(r.shop.tx, id), no);
    }
    rig_commit(&r);
    write_model_of_title(&r, "v1", "kettle");
    publish(&r, "v1");
    view_unref(view_with_newcomers(&r, 0));
    uint32_t kettle = rig_put(&r, "kettle"), other = rig_put(&r, "zither");
    v = view_with_newcomers(&r, 2);
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t no = v->newcomers->product_no[i];
        const float *x = v->newcomers->vectors + i * DIM;
        ck_assert(no == kettle || no == other);
        ck_assert(no == kettle ? x[0] > 0 && x[0] == x[DIM - 1] : x[0] == 0);
    }
    view_unref(v);
    struct err err; /* gone from the catalogue: gone from among them */
    ck_ok(product_delete(tx_begin(&r.shop), STR_LIT("zither"), NULL, &err));
    rig_commit(&r);
    view_unref(view_with_newcomers(&r, 1));
    rig_restart(&r);
    view_unref(view_with_newcomers(&r, 1));
    /* a model without a tower puts nobody anywhere */
    struct arena a;
    char path[FS_PATH_MAX];
    arena_init(&a, 0, 16 << 20);
    struct recommend_model m = fake_model(7, ROWS, 0, 0, USERS, &a);
    path_of(&r, "v2", path);
    ck_ok(recommend_model_write(&m, path, &err));
    arena_release(&a);
    publish(&r, "v2");
    v = view_with_newcomers(&r, 0);
    ck_assert_ptr_null(v->newcomers);
    view_unref(v);
    rig_release(&r);
}
END_TEST

START_TEST(a_deleted_product_stays_gone_whichever_model_serves)
{
    struct rig r;
    struct err err;
    rig_init(&r);
    write_model(&r, "v1", 1, 1);
    publish(&r, "v1");
    uint32_t no = rig_put(&r, "p");
    write_model(&r, "v2", 1, 1);
    publish(&r, "v2");
    ck_ok(product_delete(tx_begin(&r.shop), STR_LIT("p"), NULL, &err));
    rig_commit(&r);
    roll_back(&r);
    ck_assert(!rig_shows(&r, no));
    rig_restart(&r);
    ck_assert(!rig_shows(&r, no));
    rig_release(&r);
}
END_TEST

START_TEST(a_damaged_model_leaves_the_old_one_serving_and_holds_nothing_up)
{
    struct rig r;
    struct err err;
    char path[FS_PATH_MAX];
    rig_init(&r);
    write_model(&r, "v1", 1, 1);
    publish(&r, "v1");
    path_of(&r, "v2", path);
    ck_ok(fs_write_file_atomic(path, "not a model", 11, &err));
    publish(&r, "v2");
    ck_assert_str_eq(rig_stats(&r).model, "v1");
    ck_assert_ptr_nonnull(strstr(rig_stats(&r).failure, "recommend.model"));
    uint32_t no = rig_put(&r, "p");
    ck_assert(rig_shows(&r, no));
    ck_assert_ptr_nonnull(strstr(rig_stats(&r).failure, "recommend.model"));

    rig_restart(&r); /* it starts without a model, and says why */
    ck_assert_str_eq(rig_stats(&r).model, "");
    ck_assert_ptr_nonnull(strstr(rig_stats(&r).failure, "recommend.model"));
    ck_assert(rig_shows(&r, no));

    write_model(&r, "v3", 1, 1);
    publish(&r, "v3");
    ck_assert_str_eq(rig_stats(&r).model, "v3");
    ck_assert_str_eq(rig_stats(&r).failure, "");
    rig_release(&r);
}
END_TEST

static void view_now(struct rig *r, const char *id)
{
    struct err err;
    struct event e = {.id = str_of(id),
                      .time = clock_now_us(),
                      .type = EVENT_VIEW,
                      .user_id = STR_LIT("ann"),
                      .product_id = STR_LIT("p"),
                      .quantity = 1,
                      .value_minor = STORE_NO_AMOUNT,
                      .position = -1};
    ck_ok(events_add(tx_begin(&r->shop), &e, 1, 0, NULL, NULL, &err));
    rig_commit(r);
}

START_TEST(acts_that_the_model_knows_are_not_replayed_and_later_ones_are)
{
    struct rig r;
    rig_init(&r);
    rig_put(&r, "p");
    view_now(&r, "e1");
    int64_t position = rig_stats(&r).position;
    write_model(&r, "v1", position, clock_now_us());
    publish(&r, "v1");
    rig_restart(&r);
    ck_assert_uint_eq(rig_stats(&r).shoppers, 0);
    view_now(&r, "e2");
    ck_assert_uint_eq(rig_stats(&r).shoppers, 1);
    rig_restart(&r);
    ck_assert_uint_eq(rig_stats(&r).shoppers, 1);
    rig_release(&r);
}
END_TEST

START_TEST(a_log_trimmed_beyond_the_model_loses_no_act_that_it_does_not_know)
{
    struct rig r;
    struct err err;
    rig_init(&r);
    rig_put(&r, "p");
    view_now(&r, "e1");
    write_model(&r, "v1", rig_stats(&r).position, clock_now_us());
    publish(&r, "v1");
    view_now(&r, "e2");
    ck_ok(changes_trim(tx_begin(&r.shop), rig_stats(&r).position, NULL, &err));
    rig_commit(&r);
    rig_restart(&r);
    ck_assert_uint_eq(rig_stats(&r).shoppers, 1);
    rig_release(&r);
}
END_TEST

START_TEST(a_model_that_claims_to_know_the_future_does_not_hide_acts)
{
    struct rig r;
    rig_init(&r);
    rig_put(&r, "p");
    write_model(&r, "v1", INT64_MAX, INT64_MAX);
    publish(&r, "v1");
    view_now(&r, "e1");
    ck_assert_uint_eq(rig_stats(&r).shoppers, 1);
    write_model(&r, "v2", INT64_MIN, INT64_MIN);
    publish(&r, "v2");
    view_now(&r, "e2");
    ck_assert_uint_eq(rig_stats(&r).shoppers, 1);
    rig_release(&r);
}
END_TEST

struct reading {
    struct engine *engine;
    atomic_bool stop;
};

static void *read_on(void *arg)
{
    struct reading *c = arg;
    uint64_t last = 0;
    while (!atomic_load(&c->stop)) {
        struct view *v = engine_view(c->engine);
        ck_assert_uint_ge(v->generation, last);
        last = v->generation;
        if (view_model(v))
            touch_model(view_model(v));
        view_unref(v);
    }
    return NULL;
}

START_TEST(two_hundred_swaps_under_readers_leave_one_model_mapped)
{
    enum { SWAPS = 200 };
    struct rig r;
    pthread_t readers[2];
    char path[FS_PATH_MAX];
    rig_init(&r);
    struct reading c = {.engine = r.engine};
    for (size_t i = 0; i < 2; i++)
        pthread_create(&readers[i], NULL, read_on, &c);
    for (int i = 0; i < SWAPS; i++) {
        char version[16];
        struct err err;
        snprintf(version, sizeof version, "v%03d", i);
        write_model(&r, version, 1, 1);
        publish(&r, version);
        ck_assert_str_eq(rig_stats(&r).model, version);
        path_of(&r, version, path); /* a mapped file may be removed */
        ck_ok(fs_remove_file(path, &err));
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    ck_assert_uint_eq(mappings_of("recommend.model"), 1);
    rig_release(&r);
    ck_assert_uint_eq(mappings_of("recommend.model"), 0);
}
END_TEST

/* --- versions that experiments name ---------------------------------------------------------- */

/* Experiments whose definition is the version that they name. */
struct plain_set {
    struct served_experiments base;
    struct arena arena;
    struct str versions[8];
};

static void release_set(struct served_experiments *base)
{
    struct plain_set *s = (struct plain_set *)base;
    arena_release(&s->arena);
    mem_free(s);
}

static enum err_code read_set(struct db *db, struct served_experiments **out, struct err *err)
{
    struct plain_set *s = MEM_NEW(struct plain_set);
    struct db_rows rows = {0};
    struct experiment_record r;
    bool more;
    arena_init(&s->arena, 0, 1 << 20);
    s->base =
        (struct served_experiments){.refs = 1, .release = release_set, .versions = s->versions};
    enum err_code code = experiments_list(db, &rows, err);
    while (code == ERR_OK && (code = experiments_next(&rows, &r, &more, err)) == ERR_OK && more)
        if (r.state == EXPERIMENT_RUNNING)
            s->versions[s->base.versions_len++] = arena_str(&s->arena, r.definition);
    db_rows_close(&rows);
    if (code == ERR_OK)
        *out = &s->base;
    else
        release_set(&s->base);
    return code;
}

static const struct experiments_reader plain_reader = {read_set};

static void rig_init_with_experiments(struct rig *r)
{
    *r = (struct rig){.options = {.experiments = &plain_reader}};
    shop_init(&r->shop);
    rig_start(r);
}

static void begin_naming(struct rig *r, const char *version)
{
    struct err err;
    struct arena arena;
    struct experiment_record e = {
        .id = str_of(version), .definition = str_of(version), .salt = STR_LIT("s")};
    arena_init(&arena, 0, 1 << 20);
    ck_ok(experiment_add(tx_begin(&r->shop), &e, &err));
    ck_ok(experiment_get(r->shop.tx->db, str_of(version), &arena, &e, &err));
    e.state = EXPERIMENT_RUNNING;
    ck_ok(experiment_put(r->shop.tx, &e, &err));
    arena_release(&arena);
    rig_commit(r);
}

static void end_naming(struct rig *r, const char *version)
{
    struct err err;
    struct arena arena;
    struct experiment_record e;
    arena_init(&arena, 0, 1 << 20);
    ck_ok(experiment_get(tx_begin(&r->shop)->db, str_of(version), &arena, &e, &err));
    e.state = EXPERIMENT_STOPPED;
    ck_ok(experiment_put(r->shop.tx, &e, &err));
    ck_ok(experiment_delete(r->shop.tx, str_of(version), &err));
    arena_release(&arena);
    rig_commit(r);
}

static void check_version(struct rig *r, const char *asked, const char *got)
{
    struct view *v = engine_view(r->engine);
    const struct view *found = view_of_version(v, str_of(asked));
    ck_assert_str_eq(found->model->version, got);
    ck_assert_uint_eq(found->generation, v->generation);
    ck_assert_ptr_eq(found->catalogue, v->catalogue);
    view_unref(v);
}

START_TEST(a_version_that_is_named_stands_beside_the_published_one_as_long_as_it_is)
{
    struct rig r;
    struct err why;
    rig_init_with_experiments(&r);
    write_model(&r, "v1", 1, 1);
    write_model(&r, "v2", 1, 1);
    publish(&r, "v1");
    publish(&r, "v2");
    ck_assert_uint_eq(mappings_of("recommend.model"), 1);
    begin_naming(&r, "v1");
    for (int restarted = 0; restarted < 2; restarted++) {
        check_version(&r, "v1", "v1");
        check_version(&r, "v2", "v2");
        check_version(&r, "v3", "v2");
        ck_assert_uint_eq(mappings_of("recommend.model"), 2);
        ck_assert_uint_eq(rig_stats(&r).versions, 1);
        rig_restart(&r);
    }
    roll_back(&r); /* v1 is the published one now, and v2 is nobody's */
    check_version(&r, "v1", "v1");
    check_version(&r, "v2", "v1");
    ck_assert_uint_eq(mappings_of("recommend.model"), 1);
    publish(&r, "v2"); /* v1 stays without being opened again */
    check_version(&r, "v1", "v1");
    check_version(&r, "v2", "v2");
    begin_naming(&r, "v9");
    engine_version_failure(r.engine, STR_LIT("v9"), &why);
    ck_assert_int_eq(why.code, ERR_NOT_FOUND);
    ck_assert_uint_eq(rig_stats(&r).versions_failing, 1);
    check_version(&r, "v9", "v2");
    end_naming(&r, "v9");
    end_naming(&r, "v1");
    ck_assert_uint_eq(rig_stats(&r).versions_failing, 0);
    check_version(&r, "v1", "v2");
    ck_assert_uint_eq(mappings_of("recommend.model"), 1);
    rig_release(&r);
}
END_TEST

static float heat_of(struct rig *r, uint32_t no)
{
    struct view *v = engine_view(r->engine);
    float heat = live_heat(v->live, no, clock_now_us());
    view_unref(v);
    return heat;
}

START_TEST(an_older_version_finds_the_acts_that_it_does_not_know)
{
    struct rig r;
    struct err err;
    for (int trimmed = 0; trimmed < 2; trimmed++) {
        rig_init_with_experiments(&r);
        uint32_t no = rig_put(&r, "p");
        write_model(&r, "v1", rig_stats(&r).position, 1);
        publish(&r, "v1");
        view_now(&r, "e1");
        view_now(&r, "e2");
        write_model(&r, "v2", rig_stats(&r).position, clock_now_us());
        publish(&r, "v2");
        if (trimmed) {
            ck_ok(changes_trim(tx_begin(&r.shop), rig_stats(&r).position, NULL, &err));
            rig_commit(&r);
        }
        rig_restart(&r);
        ck_assert_uint_eq(rig_stats(&r).shoppers, 0);
        float heat = heat_of(&r, no);
        begin_naming(&r, "v1");
        ck_assert_uint_eq(rig_stats(&r).shoppers, 1);
        ck_assert_msg(heat_of(&r, no) <= heat && heat > 1.9F, "acts are read, not heated again");
        rig_restart(&r);
        ck_assert_uint_eq(rig_stats(&r).shoppers, 1);
        end_naming(&r, "v1");
        rig_restart(&r);
        ck_assert_uint_eq(rig_stats(&r).shoppers, 0);
        roll_back(&r); /* as rolling back does, which a start had made forget them */
        ck_assert_uint_eq(rig_stats(&r).shoppers, 1);
        rig_release(&r);
    }
}
END_TEST

static void *ask_versions(void *arg)
{
    static const struct str names[] = {STR_LIT("v1"), STR_LIT("v2"), STR_LIT("v3")};
    struct reading *c = arg;
    while (!atomic_load(&c->stop)) {
        struct view *v = engine_view(c->engine);
        ck_assert_str_eq(view_of_version(v, names[0])->model->version,
                         "v1"); /* named all the time */
        for (size_t i = 0; i < 3; i++) {
            const struct view *found = view_of_version(v, names[i]);
            struct err why;
            if (view_model(found))
                touch_model(view_model(found));
            ck_assert(found->trending.len <= SHELF_MAX && found->live == v->live);
            engine_version_failure(c->engine, names[i], &why);
        }
        view_unref(v);
    }
    return NULL;
}

START_TEST(swaps_and_experiments_at_the_same_time_lose_no_reader)
{
    enum { ROUNDS = 25 };
    static const char *const names[] = {"v1", "v2", "v3"};
    struct rig r;
    pthread_t readers[2];
    rig_init_with_experiments(&r);
    for (size_t i = 0; i < 3; i++) {
        write_model(&r, names[i], 1, 1);
        publish(&r, names[i]);
    }
    begin_naming(&r, names[0]);
    struct reading c = {.engine = r.engine};
    for (size_t i = 0; i < 2; i++)
        pthread_create(&readers[i], NULL, ask_versions, &c);
    for (int i = 0; i < ROUNDS; i++) {
        const char *other = names[1 + i % 2];
        char id[16];
        publish(&r, names[i % 3]);
        begin_naming(&r, other);
        check_version(&r, other, other);
        snprintf(id, sizeof id, "p%d", i);
        rig_put(&r, id);
        publish(&r, names[(i + 1) % 3]);
        check_version(&r, other, other);
        end_naming(&r, other);
    }
    atomic_store(&c.stop, true);
    for (size_t i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    end_naming(&r, names[0]);
    ck_assert_uint_eq(mappings_of("recommend.model"), 1);
    rig_release(&r);
}
END_TEST

SUITE("engine_model", a_product_that_the_model_does_not_know_is_met_by_its_record,
      a_published_model_serves_and_the_one_before_after_a_rollback,
      a_deleted_product_stays_gone_whichever_model_serves,
      a_damaged_model_leaves_the_old_one_serving_and_holds_nothing_up,
      acts_that_the_model_knows_are_not_replayed_and_later_ones_are,
      a_log_trimmed_beyond_the_model_loses_no_act_that_it_does_not_know,
      a_model_that_claims_to_know_the_future_does_not_hide_acts,
      two_hundred_swaps_under_readers_leave_one_model_mapped,
      a_version_that_is_named_stands_beside_the_published_one_as_long_as_it_is,
      an_older_version_finds_the_acts_that_it_does_not_know,
      swaps_and_experiments_at_the_same_time_lose_no_reader)
