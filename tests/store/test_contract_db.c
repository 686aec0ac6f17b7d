#include "store/fixture.h"

START_TEST(every_type_comes_back_as_it_went_in)
{
    static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN};
    static const double doubles[] = {0.0, -2.5, 1e300, 0.1};
    static const struct str texts[] = {{"", 0}, {"abc", 3}, {"\xe4\xbd\xa0", 3}};
    static const struct str bytes[] = {{"\0\1\xff", 3}, {"", 0}};
    struct shop s;
    struct err err;
    struct db_rows rows;
    bool more;
    shop_init(&s);
    struct db *db = read_begin(&s);
    for (size_t i = 0; i < 5; i++) {
        ck_ok(db_query(db, "SELECT CAST(? AS BIGINT), CAST(? AS TEXT), ?, ?, ?",
                       DB_ARGS(db_i64(numbers[i]), db_text(texts[i % 3]), db_bytes(bytes[i % 2]),
                               db_double(doubles[i % 4]), db_null()),
                       &rows, &err));
        ck_ok(db_next(&rows, &more, &err));
        ck_assert(more && db_col_i64(&rows, 0) == numbers[i]);
        ck_assert(str_eq(db_col_text(&rows, 1), texts[i % 3]));
        ck_assert(!db_col_is_null(&rows, 1));
        ck_assert(str_eq(db_col_bytes(&rows, 2), bytes[i % 2]));
        ck_assert(db_col_double(&rows, 3) == doubles[i % 4]);
        ck_assert(db_col_is_null(&rows, 4) && db_col_i64(&rows, 4) == 0);
        ck_assert(db_col_text(&rows, 4).n == 0);
        ck_ok(db_next(&rows, &more, &err));
        ck_assert(!more);
        ck_ok(db_next(&rows, &more, &err)); /* a closed cursor has no more */
        ck_assert(!more);
    }
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(an_insert_tells_its_number_or_that_there_was_none)
{
    static const char sql[] = "INSERT INTO user_ids (kind, id, created_at) VALUES (0, ?, 0)"
                              " ON CONFLICT (kind, id) DO NOTHING";
    struct shop s;
    struct err err;
    int64_t first, again, second;
    shop_init(&s);
    struct db *db = tx_begin(&s)->db;
    ck_ok(db_insert(db, sql, DB_ARGS(db_text(STR_LIT("a"))), &first, &err));
    ck_ok(db_insert(db, sql, DB_ARGS(db_text(STR_LIT("a"))), &again, &err));
    ck_ok(db_insert(db, sql, DB_ARGS(db_text(STR_LIT("b"))), &second, &err));
    ck_assert(first > 0 && again == 0 && second > first);
    ck_err(db_run(db, "INSERT INTO user_ids (kind, id, created_at) VALUES (0, 'a', 0)", DB_NO_ARGS,
                  NULL, &err),
           ERR_CONFLICT);
    tx_undo(&s);
    shop_release(&s);
}
END_TEST

START_TEST(misuse_is_an_error_and_leaves_the_connection_usable)
{
    struct shop s;
    struct err err;
    struct db *none;
    struct db_rows rows, second;
    int64_t one;
    static const char sql[] = "SELECT CAST(? AS BIGINT)";
    shop_init(&s);
    ck_err(db_open("oracle:somewhere", DB_READ, &none, &err), ERR_UNSUPPORTED);
    ck_err(db_open("nonsense", DB_READ, &none, &err), ERR_UNSUPPORTED);
    struct db *db = read_begin(&s);
    ck_err(db_query(db, sql, DB_NO_ARGS, &rows, &err), ERR_INTERNAL);
    ck_err(db_query(db, "SELECT nonsense FROM nowhere", DB_NO_ARGS, &rows, &err), ERR_INTERNAL);
    ck_ok(db_query(db, sql, DB_ARGS(db_i64(1)), &rows, &err));
    bool more;
    ck_ok(db_next(&rows, &more, &err));
    ck_err(db_query(db, sql, DB_ARGS(db_i64(2)), &second, &err), ERR_INTERNAL);
    ck_assert_int_eq(db_col_i64(&rows, 0), 1); /* the open cursor is unharmed */
    db_rows_close(&rows);
    ck_ok(db_query_i64(db, sql, DB_ARGS(db_i64(1)), &one, NULL, &err));
    ck_assert_int_eq(one, 1);
    ck_assert(db_run(db, "DELETE FROM products", DB_NO_ARGS, NULL, &err) != ERR_OK);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_part_of_a_transaction_is_undone_alone)
{
    struct shop s;
    struct err err;
    struct db *db;
    uint32_t a, b, c;
    shop_init(&s);
    store_close(s.store);
    s.store = NULL;
    char url[128];
    snprintf(url, sizeof url, "sqlite:%s/aisle.db", s.dir);
    ck_ok(db_open(getenv("AISLE_TEST_DATABASE") ? getenv("AISLE_TEST_DATABASE") : url, DB_WRITE,
                  &db, &err));
    static const char sql[] = "INSERT INTO products (id) VALUES (?)";
    ck_ok(db_begin(db, &err));
    ck_ok(db_run(db, sql, DB_ARGS(db_text(STR_LIT("a"))), NULL, &err));
    ck_ok(db_savepoint(db, &err));
    ck_ok(db_run(db, sql, DB_ARGS(db_text(STR_LIT("b"))), NULL, &err));
    ck_ok(db_savepoint_undo(db, &err));
    ck_ok(db_savepoint(db, &err));
    ck_ok(db_run(db, sql, DB_ARGS(db_text(STR_LIT("c"))), NULL, &err));
    ck_ok(db_savepoint_keep(db, &err));
    ck_ok(db_commit(db, &err));
    db_close(db);
    shop_reopen(&s);
    ck_ok(product_no_of(read_begin(&s), STR_LIT("a"), &a, &err));
    ck_ok(product_no_of(s.db, STR_LIT("b"), &b, &err));
    ck_ok(product_no_of(s.db, STR_LIT("c"), &c, &err));
    ck_assert(a && !b && c);
    read_end(&s);
    shop_release(&s);
}
END_TEST

SUITE("contract: db", every_type_comes_back_as_it_went_in,
      an_insert_tells_its_number_or_that_there_was_none,
      misuse_is_an_error_and_leaves_the_connection_usable, a_part_of_a_transaction_is_undone_alone)
