/* test_contract_feedback.c - feedback against a plain list of what was last said. */
#include "store/feedback.h"

#include "base/rng.h"
#include "store/changes.h"
#include "store/compact.h"
#include "store/events.h"
#include "store/fixture.h"
#include "store/users.h"

enum { TYPES = 3, USERS = 6, PRODUCTS = 7, ALL = TYPES * USERS * PRODUCTS, STEPS = 400, N = 40 };

static const int64_t base_us = 1600000000000000;

/* --- the slow, obvious one -------------------------------------------------------------------- */

/* What is said, by type, user and product; time 0: nothing. */
struct said {
    int64_t time;
    int context; /* 0: none */
};

struct naive {
    struct said said[TYPES][USERS][PRODUCTS];
    bool deleted[PRODUCTS];
};

static void name(char out[16], char kind, size_t i)
{
    snprintf(out, 16, "%c%zu", kind, i);
}

static size_t number_of(struct str name)
{
    return (size_t)strtoul(name.p + 1, NULL, 10);
}

static void naive_put(struct naive *n, size_t t, size_t u, size_t p, struct said said,
                      bool replaces)
{
    n->deleted[p] = false;
    if (replaces || n->said[t][u][p].time == 0)
        n->said[t][u][p] = said;
}

/* --- the same in the store -------------------------------------------------------------------- */

static void put(struct shop *s, size_t t, size_t u, size_t p, struct said said, unsigned flags)
{
    struct err err;
    char type[16], user[16], product[16], context[32];
    name(type, 't', t), name(user, 'u', u), name(product, 'p', p);
    snprintf(context, sizeof context, "{\"n\":%d}", said.context);
    struct feedback f = {.type = str_of(type),
                         .event = {.time = said.time,
                                   .type = EVENT_VIEW,
                                   .user_id = str_of(user),
                                   .product_id = str_of(product),
                                   .context = str_of(said.context ? context : ""),
                                   .quantity = 1,
                                   .value_minor = STORE_NO_AMOUNT,
                                   .position = -1}};
    ck_ok(feedback_put(s->tx, &f, 1, flags | FEEDBACK_CREATES_USERS | FEEDBACK_CREATES_PRODUCTS,
                       &err));
}

/* One that is told must be said, and is counted. */
static void check_one(const struct naive *n, const struct feedback *f, bool seen[ALL])
{
    size_t t = number_of(f->type), u = number_of(f->event.user_id),
           p = number_of(f->event.product_id);
    const struct said *said = &n->said[t][u][p];
    char context[32];
    snprintf(context, sizeof context, "{\"n\":%d}", said->context);
    ck_assert_msg(said->time == f->event.time && !n->deleted[p], "t%zu u%zu p%zu", t, u, p);
    ck_assert(str_is(f->event.context, said->context ? context : ""));
    bool *once = &seen[(t * USERS + u) * PRODUCTS + p];
    ck_assert(!*once);
    *once = true;
}

static size_t count(const struct naive *n, int t, int u, int p)
{
    size_t found = 0;
    for (int i = 0; i < ALL; i++) {
        int a = i / (USERS * PRODUCTS), b = i / PRODUCTS % USERS, c = i % PRODUCTS;
        found += (t < 0 || t == a) && (u < 0 || u == b) && (p < 0 || p == c) && !n->deleted[c] &&
                 n->said[a][b][c].time != 0;
    }
    return found;
}

/* All of a type (or of any: -1), in pages of any size. */
static void check_pages(struct shop *s, const struct naive *n, int t, int64_t limit)
{
    struct err err;
    struct feedback_place place = {0};
    bool seen[ALL] = {false};
    char type[16] = "";
    size_t found = 0;
    int64_t rows_seen;
    if (t >= 0)
        name(type, 't', (size_t)t);
    do {
        struct db_rows rows;
        struct feedback f;
        bool told, more;
        rows_seen = 0;
        ck_ok(feedback_after(s->db, place, str_of(type), limit, &rows, &err));
        while (feedback_next(&rows, &f, &told, &more, &err) == ERR_OK && more) {
            struct feedback_place at = {f.event.feedback, f.event.user_no, f.event.product_no};
            ck_assert(at.type > place.type ||
                      (at.type == place.type &&
                       (at.user_no > place.user_no ||
                        (at.user_no == place.user_no && at.product_no > place.product_no))));
            place = at;
            rows_seen++;
            if (told) {
                check_one(n, &f, seen);
                found++;
            }
        }
        db_rows_close(&rows);
    } while (rows_seen == limit);
    ck_assert_uint_eq(found, count(n, t, -1, -1));
}

static void check_of(struct shop *s, const struct naive *n, int t, int u, int p)
{
    struct err err;
    struct db_rows rows;
    struct feedback f;
    bool seen[ALL] = {false}, told, more;
    char type[16] = "", user[16] = "", product[16] = "";
    size_t found = 0;
    if (t >= 0)
        name(type, 't', (size_t)t);
    if (u >= 0)
        name(user, 'u', (size_t)u);
    if (p >= 0)
        name(product, 'p', (size_t)p);
    ck_ok(feedback_of(s->db, str_of(user), str_of(product), str_of(type), 1000, &rows, &err));
    while (feedback_next(&rows, &f, &told, &more, &err) == ERR_OK && more)
        if (told) {
            check_one(n, &f, seen);
            found++;
        }
    db_rows_close(&rows);
    ck_assert_uint_eq(found, count(n, t, u, p));
}

/* The log of events has what is said of products that are there or were, and nothing that was withdrawn. */
static void check_events(struct shop *s, const struct naive *n)
{
    struct err err;
    struct db_rows rows;
    struct event e;
    bool more;
    size_t found = 0, wanted = 0;
    for (int i = 0; i < ALL; i++)
        wanted += n->said[i / (USERS * PRODUCTS)][i / PRODUCTS % USERS][i % PRODUCTS].time != 0;
    ck_ok(events_after(s->db, 0, INT64_MAX, INT64_MAX, &rows, &err));
    while (events_next(&rows, &e, NULL, &more, &err) == ERR_OK && more)
        found++;
    db_rows_close(&rows);
    ck_assert_uint_eq(found, wanted);
}

/* Which products a user gave feedback on up to a time, deleted ones too. */
static void check_products(struct shop *s, const struct naive *n, size_t u, int64_t until)
{
    struct err err;
    uint32_t user_no, out[ALL];
    size_t len, wanted = 0;
    char user[16];
    name(user, 'u', u);
    ck_ok(user_no_of(s->db, USER_KNOWN, str_of(user), &user_no, &err));
    ck_ok(feedback_products(s->db, user_no, until, out, ALL, &len, &err));
    for (size_t t = 0; t < TYPES; t++)
        for (size_t p = 0; p < PRODUCTS; p++)
            wanted += n->said[t][u][p].time != 0 && n->said[t][u][p].time <= until;
    ck_assert_uint_eq(len, user_no ? wanted : 0);
    for (size_t i = 0; i < len; i++) {
        struct str id;
        bool said = false;
        ck_ok(product_id_of(s->db, out[i], &s->arena, &id, &err));
        for (size_t t = 0; t < TYPES; t++) {
            int64_t time = n->said[t][u][number_of(id)].time;
            said = said || (time != 0 && time <= until);
        }
        ck_assert(said);
    }
}

static void check(struct shop *s, const struct naive *n, struct rng *r)
{
    read_begin(s);
    check_products(s, n, rng_below(r, USERS), base_us + (int64_t)rng_below(r, 3) * 1000000);
    check_pages(s, n, -1, 1 + (int64_t)rng_below(r, 20));
    check_pages(s, n, (int)rng_below(r, TYPES), 1 + (int64_t)rng_below(r, 20));
    for (int k = 0; k < 5; k++) {
        int t = (int)rng_below(r, TYPES + 1) - 1, u = (int)rng_below(r, USERS + 1) - 1;
        int p = (int)rng_below(r, PRODUCTS + (u >= 0)) - (u >= 0);
        check_of(s, n, t, u, p);
    }
    check_events(s, n);
    read_end(s);
}

/* --- operations ------------------------------------------------------------------------------- */

static void withdraw(struct shop *s, struct naive *n, size_t t, size_t u, size_t p)
{
    struct err err;
    char type[16] = "", user[16], product[16];
    int64_t gone;
    size_t wanted = count(n, t < TYPES ? (int)t : -1, (int)u, (int)p);
    if (t < TYPES)
        name(type, 't', t);
    name(user, 'u', u), name(product, 'p', p);
    ck_ok(feedback_withdraw(s->tx, str_of(user), str_of(product), str_of(type), &gone, &err));
    ck_assert_uint_eq((size_t)gone, wanted);
    for (size_t i = 0; i < TYPES && !n->deleted[p]; i++)
        if (t == TYPES || t == i)
            n->said[i][u][p] = (struct said){0};
}

static void delete_user(struct shop *s, struct naive *n, size_t u)
{
    struct err err;
    char user[16];
    name(user, 'u', u);
    enum err_code code = user_delete(s->tx, str_of(user), &err);
    ck_assert(code == ERR_OK || code == ERR_NOT_FOUND);
    for (size_t t = 0; t < TYPES; t++)
        memset(n->said[t][u], 0, sizeof n->said[t][u]);
}

/* What was said of a deleted product is told again when the product is there again. */
static void delete_product(struct shop *s, struct naive *n, size_t p)
{
    struct err err;
    char product[16];
    name(product, 'p', p);
    if (product_delete(s->tx, str_of(product), NULL, &err) == ERR_OK)
        n->deleted[p] = true;
}

static void step(struct shop *s, struct naive *n, struct rng *r)
{
    size_t t = rng_below(r, TYPES), u = rng_below(r, USERS), p = rng_below(r, PRODUCTS);
    struct said said = {base_us + (int64_t)rng_below(r, 3) * 1000000, (int)rng_below(r, 3)};
    uint64_t what = rng_below(r, 20);
    if (what < 12) {
        put(s, t, u, p, said, what < 6 ? FEEDBACK_REPLACES : 0);
        naive_put(n, t, u, p, said, what < 6);
    } else if (what < 18) {
        withdraw(s, n, rng_below(r, TYPES + 1), u, p);
    } else if (rng_below(r, 4) == 0) {
        if (what == 18)
            delete_user(s, n, u);
        else
            delete_product(s, n, p);
    }
}

static void compact(struct shop *s, int64_t until)
{
    struct err err;
    struct compact_report report;
    ck_ok(
        store_compact(s->store, &(struct compact_options){.changes_until = until}, &report, &err));
}

START_TEST(random_operations_give_what_a_plain_list_gives)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct shop s;
        struct naive n = {0};
        struct rng r;
        shop_init(&s);
        rng_init(&r, seed);
        for (int i = 0; i < STEPS; i++) {
            tx_begin(&s);
            for (uint64_t k = 1 + rng_below(&r, 8); k > 0; k--)
                step(&s, &n, &r);
            tx_commit(&s);
            if (i % 10 == 0)
                check(&s, &n, &r);
            if (i % 100 == 99)
                compact(&s, INT64_MAX);
        }
        check(&s, &n, &r);
        shop_release(&s);
    }
}
END_TEST

/* --- what else is promised -------------------------------------------------------------------- */

static int64_t rows_of(struct shop *s, const char *sql)
{
    struct err err;
    int64_t n;
    ck_ok(db_query_i64(read_begin(s), sql, DB_NO_ARGS, &n, NULL, &err));
    read_end(s);
    return n;
}

START_TEST(what_was_withdrawn_is_told_to_readers_of_the_log_until_they_have_all_read_it)
{
    struct shop s;
    struct err err;
    struct change c[N];
    struct db_rows rows;
    struct event e;
    size_t len;
    bool more;
    int64_t gone;
    shop_init(&s);
    tx_begin(&s);
    put(&s, 0, 0, 0, (struct said){base_us, 0}, 0);
    put(&s, 0, 0, 1, (struct said){base_us, 0}, 0);
    tx_commit(&s);
    tx_begin(&s);
    ck_ok(feedback_withdraw(s.tx, STR_LIT("u0"), STR_LIT("p0"), STR_LIT("t0"), &gone, &err));
    tx_commit(&s);
    ck_ok(changes_after(read_begin(&s), 0, c, N, &len, &err));
    ck_assert(c[len - 1].aggregate == CHANGE_EVENT && c[len - 1].op == CHANGE_DELETE);
    ck_ok(events_withdrawn(s.db, c[len - 1].no, c[len - 1].last_no, &rows, &err));
    ck_ok(events_next(&rows, &e, NULL, &more, &err));
    ck_assert(more && e.time == base_us && e.type == EVENT_VIEW && e.user_no && e.product_no);
    db_rows_close(&rows);
    read_end(&s);
    compact(&s, c[len - 1].position - 1);
    ck_assert_int_eq(rows_of(&s, "SELECT COUNT(*) FROM events"), 2);
    tx_begin(&s); /* the log keeps its newest entry */
    put(&s, 0, 1, 1, (struct said){base_us, 0}, 0);
    tx_commit(&s);
    compact(&s, c[len - 1].position);
    ck_assert_int_eq(rows_of(&s, "SELECT COUNT(*) FROM events"), 2);
    ck_assert_int_eq(rows_of(&s, "SELECT COUNT(*) FROM events WHERE feedback < 0"), 0);
    shop_release(&s);
}
END_TEST

START_TEST(the_last_number_is_not_given_again_and_keeps_nothing_of_what_was_withdrawn)
{
    struct shop s;
    struct err err;
    int64_t gone, last;
    shop_init(&s);
    tx_begin(&s);
    put(&s, 0, 0, 0, (struct said){base_us, 1}, 0);
    tx_commit(&s);
    last = rows_of(&s, "SELECT MAX(seq) FROM events");
    tx_begin(&s);
    ck_ok(feedback_withdraw(s.tx, STR_LIT("u0"), STR_LIT("p0"), STR_LIT("t0"), &gone, &err));
    tx_commit(&s);
    tx_begin(&s);
    put_product(s.tx, "another change");
    tx_commit(&s);
    compact(&s, INT64_MAX);
    ck_assert_int_eq(rows_of(&s, "SELECT COUNT(*) FROM events WHERE user_no = 0 AND product_no IS "
                                 "NULL AND context IS NULL AND feedback IS NULL"),
                     1);
    tx_begin(&s);
    put(&s, 0, 0, 0, (struct said){base_us, 0}, 0);
    tx_commit(&s);
    ck_assert_int_eq(rows_of(&s, "SELECT MAX(seq) FROM events"), last + 1);
    shop_release(&s);
}
END_TEST

START_TEST(unknown_shoppers_and_products_are_left_out_unless_they_may_be_created)
{
    struct shop s;
    struct err err;
    struct feedback f = {.type = STR_LIT("t"),
                         .event = {.time = base_us,
                                   .type = EVENT_VIEW,
                                   .user_id = STR_LIT("u"),
                                   .product_id = STR_LIT("p"),
                                   .quantity = 1,
                                   .value_minor = STORE_NO_AMOUNT,
                                   .position = -1}};
    uint32_t no;
    shop_init(&s);
    tx_begin(&s);
    ck_ok(feedback_put(s.tx, &f, 1, FEEDBACK_CREATES_USERS, &err));
    ck_ok(user_no_of(s.tx->db, USER_KNOWN, STR_LIT("u"), &no, &err));
    ck_assert(f.event.seq == 0 && no == 0);
    ck_ok(feedback_put(s.tx, &f, 1, FEEDBACK_CREATES_PRODUCTS, &err));
    ck_ok(product_no_of(s.tx->db, STR_LIT("p"), &no, &err));
    ck_assert(f.event.seq == 0 && no == 0);
    ck_ok(feedback_put(s.tx, &f, 1, FEEDBACK_CREATES_PRODUCTS | FEEDBACK_CREATES_USERS, &err));
    ck_assert(f.event.seq != 0);
    struct product p;
    ck_ok(product_get(s.tx->db, STR_LIT("p"), &s.arena, &p, &err));
    ck_assert(p.status == PRODUCT_ACTIVE && str_is(p.title, "p"));
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(what_is_wrong_is_named_with_its_place_and_types_have_an_end)
{
    struct shop s;
    struct err err;
    struct feedback two[2];
    char type[16];
    shop_init(&s);
    tx_begin(&s);
    for (int i = 0; i < 2; i++)
        two[i] = (struct feedback){.type = STR_LIT("t"),
                                   .event = {.time = base_us,
                                             .type = EVENT_VIEW,
                                             .user_id = STR_LIT("u"),
                                             .product_id = STR_LIT("p"),
                                             .quantity = 1,
                                             .value_minor = STORE_NO_AMOUNT,
                                             .position = -1}};
    two[1].type = STR_LIT("a\x01");
    ck_err(feedback_put(s.tx, two, 2, 0, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "feedback 1: type"));
    two[1].type = STR_LIT("t");
    two[1].event.user_id = (struct str){NULL, 0};
    ck_err(feedback_put(s.tx, two, 2, 0, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "feedback 1: user_id"));
    for (int i = 0; i <= FEEDBACK_TYPES_MAX; i++) {
        snprintf(type, sizeof type, "type %d", i);
        two[0].type = str_of(type);
        enum err_code code =
            feedback_put(s.tx, two, 1, FEEDBACK_CREATES_PRODUCTS | FEEDBACK_CREATES_USERS, &err);
        ck_assert_int_eq(code, i < FEEDBACK_TYPES_MAX ? ERR_OK : ERR_LIMIT);
    }
    tx_undo(&s);
    shop_release(&s);
}
END_TEST

SUITE("contract: feedback", random_operations_give_what_a_plain_list_gives,
      what_was_withdrawn_is_told_to_readers_of_the_log_until_they_have_all_read_it,
      the_last_number_is_not_given_again_and_keeps_nothing_of_what_was_withdrawn,
      unknown_shoppers_and_products_are_left_out_unless_they_may_be_created,
      what_is_wrong_is_named_with_its_place_and_types_have_an_end)
