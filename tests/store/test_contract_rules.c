#include "store/fixture.h"

#include "store/rules.h"

static struct rule_row a_rule(const char *id, int32_t priority)
{
    return (struct rule_row){.id = str_of(id),
                             .name = STR_LIT("a rule"),
                             .enabled = true,
                             .priority = priority,
                             .definition = STR_LIT("{\"action\":{\"type\":\"hide\"}}")};
}

static int64_t put(struct shop *s, struct rule_row r, bool *created)
{
    struct err err;
    int64_t no;
    ck_ok(rule_put(s->tx, &r, &no, created, &err));
    return no;
}

START_TEST(a_rule_is_put_replaced_got_and_deleted)
{
    struct shop s;
    struct err err;
    struct rule_row got, r = a_rule("r", 5);
    bool created;
    shop_init(&s);
    tx_begin(&s);
    int64_t no = put(&s, r, &created);
    ck_assert(created);
    r.enabled = false;
    r.priority = 7;
    r.name = (struct str){NULL, 0};
    r.definition = STR_LIT("{}");
    ck_assert_int_eq(put(&s, r, &created), no);
    ck_assert(!created);
    tx_commit(&s);
    ck_ok(rule_get(read_begin(&s), STR_LIT("r"), &s.arena, &got, &err));
    ck_assert_int_eq(got.no, no);
    ck_assert(!got.enabled && got.created_at > 0 && got.updated_at >= got.created_at);
    ck_assert_int_eq(got.priority, 7);
    ck_assert_uint_eq(got.name.n, 0);
    ck_text(got.definition, "{}");
    ck_err(rule_get(s.db, STR_LIT("R"), &s.arena, &got, &err), ERR_NOT_FOUND);
    read_end(&s);
    tx_begin(&s);
    ck_ok(rule_delete(s.tx, STR_LIT("r"), &err));
    ck_err(rule_delete(s.tx, STR_LIT("r"), &err), ERR_NOT_FOUND);
    ck_assert_int_gt(put(&s, a_rule("r", 5), &created), no); /* a number is never used again */
    ck_assert(created);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(rules_are_read_in_the_order_in_which_they_count_page_by_page)
{
    static const struct {
        const char *id;
        int32_t priority;
    } rules[] = {{"c", 2}, {"a", 1}, {"d", 2}, {"b", 1}, {"e", 0}};
    struct shop s;
    struct err err;
    struct rule_row last, r;
    bool created, more = true;
    char order[8] = "";
    size_t n = 0;
    shop_init(&s);
    tx_begin(&s);
    for (size_t i = 0; i < 5; i++)
        put(&s, a_rule(rules[i].id, rules[i].priority), &created);
    tx_commit(&s);
    read_begin(&s);
    for (size_t page = 0; page < 3; page++) {
        struct db_rows rows;
        ck_ok(rules_after(s.db, page ? &last : NULL, 2, &rows, &err));
        while (true) {
            ck_ok(rules_next(&rows, &r, &more, &err));
            if (!more)
                break;
            order[n++] = r.id.p[0];
            last = r;
        }
    }
    ck_assert_str_eq(order, "eabcd");
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(what_breaks_a_rule_of_records_is_refused)
{
    struct shop s;
    struct err err;
    static char big[STORE_RULE_DEFINITION_MAX + 2];
    shop_init(&s);
    tx_begin(&s);
    memset(big, 'x', sizeof big - 1);
    struct rule_row r = a_rule("", 0);
    ck_err(rule_put(s.tx, &r, NULL, NULL, &err), ERR_INVALID);
    r = a_rule("r", -1);
    ck_err(rule_put(s.tx, &r, NULL, NULL, &err), ERR_INVALID);
    r = a_rule("r", STORE_RULE_PRIORITY_MAX + 1);
    ck_err(rule_put(s.tx, &r, NULL, NULL, &err), ERR_INVALID);
    r = a_rule("r", 0);
    r.definition = str_of(big);
    ck_assert_int_ne(rule_put(s.tx, &r, NULL, NULL, &err), ERR_OK);
    r = a_rule("r", 0);
    r.name = STR_LIT("\xff");
    ck_err(rule_put(s.tx, &r, NULL, NULL, &err), ERR_INVALID);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(ten_thousand_rules_are_the_most)
{
    struct shop s;
    struct err err;
    char id[16];
    bool created;
    shop_init(&s);
    tx_begin(&s);
    for (int i = 0; i < STORE_RULES_MAX; i++) {
        snprintf(id, sizeof id, "r%d", i);
        put(&s, a_rule(id, 0), &created);
    }
    struct rule_row more = a_rule("one more", 0);
    ck_err(rule_put(s.tx, &more, NULL, NULL, &err), ERR_LIMIT);
    put(&s, a_rule("r5", 1), &created); /* there is room for one that is there */
    ck_assert(!created);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(every_change_is_in_the_log_of_changes)
{
    struct shop s;
    struct err err;
    struct change log[16];
    bool created;
    size_t n;
    int64_t oldest, newest;
    shop_init(&s);
    ck_ok(changes_range(read_begin(&s), &oldest, &newest, &err));
    read_end(&s);
    tx_begin(&s);
    int64_t no = put(&s, a_rule("r", 0), &created);
    ck_ok(rule_delete(s.tx, STR_LIT("r"), &err));
    tx_commit(&s);
    ck_ok(changes_after(read_begin(&s), newest, log, 16, &n, &err));
    ck_assert_uint_eq(n, 2);
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(log[i].aggregate, CHANGE_RULE);
        ck_assert_int_eq(log[i].op, i ? CHANGE_DELETE : CHANGE_PUT);
        ck_assert_int_eq(log[i].no, no);
    }
    read_end(&s);
    shop_release(&s);
}
END_TEST

SUITE("contract_rules", a_rule_is_put_replaced_got_and_deleted,
      rules_are_read_in_the_order_in_which_they_count_page_by_page,
      what_breaks_a_rule_of_records_is_refused, ten_thousand_rules_are_the_most,
      every_change_is_in_the_log_of_changes)
