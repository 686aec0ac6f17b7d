#include "store/fixture.h"

#include "store/imports.h"
#include "store/quarantine.h"
#include "store/jobs.h"
#include "store/keys.h"
#include "store/users.h"
#include "store/models.h"

static void put_model(struct store_tx *tx, const char *family, const char *version,
                      enum model_state state)
{
    struct err err;
    struct model_version m = {.family = str_of(family),
                              .version = str_of(version),
                              .state = state,
                              .manifest = STR_LIT("{}")};
    ck_ok(model_put(tx, &m, &err));
}

static void ck_live(struct shop *s, struct db *db, const char *family, const char *version)
{
    struct err err;
    struct model_version m;
    ck_ok(model_live(db, str_of(family), &s->arena, &m, &err));
    ck_text(m.version, version);
}

START_TEST(publishing_and_rolling_back_leave_one_live_version_per_family)
{
    struct shop s;
    struct err err;
    struct model_version m;
    struct db_rows rows;
    bool more;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    put_model(tx, "rank", "1", MODEL_PASSED);
    put_model(tx, "rank", "2", MODEL_PASSED);
    put_model(tx, "rank", "3", MODEL_REJECTED);
    put_model(tx, "chat", "1", MODEL_PASSED);
    ck_err(model_live(tx->db, STR_LIT("rank"), &s.arena, &m, &err), ERR_NOT_FOUND);
    ck_err(model_rollback(tx, STR_LIT("rank"), &err), ERR_NOT_FOUND);
    ck_ok(model_publish(tx, STR_LIT("rank"), STR_LIT("1"), false, &err));
    ck_ok(model_publish(tx, STR_LIT("chat"), STR_LIT("1"), false, &err));
    ck_ok(model_publish(tx, STR_LIT("rank"), STR_LIT("2"), false, &err));
    ck_ok(model_publish(tx, STR_LIT("rank"), STR_LIT("2"), false, &err)); /* again: nothing */
    ck_live(&s, tx->db, "rank", "2");
    ck_err(model_publish(tx, STR_LIT("rank"), STR_LIT("3"), false, &err), ERR_CONFLICT);
    ck_ok(model_publish(tx, STR_LIT("rank"), STR_LIT("3"), true, &err));
    ck_live(&s, tx->db, "rank", "3");
    ck_ok(model_rollback(tx, STR_LIT("rank"), &err));
    ck_live(&s, tx->db, "rank", "2");
    ck_ok(model_rollback(tx, STR_LIT("rank"), &err));
    ck_live(&s, tx->db, "rank", "1");
    ck_err(model_rollback(tx, STR_LIT("rank"), &err), ERR_NOT_FOUND);
    ck_live(&s, tx->db, "chat", "1");
    ck_err(model_delete(tx, STR_LIT("rank"), STR_LIT("1"), &err), ERR_CONFLICT);
    ck_ok(model_delete(tx, STR_LIT("rank"), STR_LIT("3"), &err));
    ck_err(model_get(tx->db, STR_LIT("rank"), STR_LIT("3"), &s.arena, &m, &err), ERR_NOT_FOUND);
    ck_ok(models_list(tx->db, STR_LIT("rank"), &rows, &err));
    ck_ok(models_next(&rows, &m, &more, &err));
    ck_text(m.version, "2");
    ck_ok(models_next(&rows, &m, &more, &err));
    ck_assert(more && m.live);
    ck_ok(models_next(&rows, &m, &more, &err));
    ck_assert(!more);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_job_is_taken_once_reports_and_ends_once)
{
    struct shop s;
    struct err err;
    struct job job;
    int64_t first, second, n;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    ck_ok(job_add(tx, STR_LIT("train"), STR_LIT("{\"family\":\"rank\"}"), &first, &err));
    ck_ok(job_add(tx, STR_LIT("train"), STR_LIT(""), &second, &err));
    ck_err(job_take(tx, STR_LIT("import"), STR_LIT("me"), &s.arena, &job, &err), ERR_NOT_FOUND);
    ck_err(job_progress(tx, first, 0.5, STR_LIT("x"), &err), ERR_CONFLICT);
    ck_err(job_finish(tx, first, JOB_DONE, STR_LIT(""), STR_LIT(""), &err), ERR_CONFLICT);
    ck_ok(job_take(tx, STR_LIT("train"), STR_LIT("me"), &s.arena, &job, &err));
    ck_assert(job.no == first && job.state == JOB_RUNNING && job.started_at > 0);
    ck_text(job.arguments, "{\"family\":\"rank\"}");
    ck_ok(job_progress(tx, first, 0.5, STR_LIT("fitting"), &err));
    ck_ok(job_finish(tx, first, JOB_DONE, STR_LIT("good"), STR_LIT("{}"), &err));
    ck_err(job_finish(tx, first, JOB_FAILED, STR_LIT(""), STR_LIT(""), &err), ERR_CONFLICT);
    ck_ok(job_get(tx->db, first, &s.arena, &job, &err));
    ck_assert(job.state == JOB_DONE && job.progress == 1 && job.finished_at > 0);
    ck_ok(job_take(tx, (struct str){0}, STR_LIT("me"), &s.arena, &job, &err));
    ck_ok(jobs_abandon(tx, STR_LIT("me"), &n, &err));
    ck_assert(n == 1 && job.no == second);
    ck_ok(job_get(tx->db, second, &s.arena, &job, &err));
    ck_assert_int_eq(job.state, JOB_FAILED);
    ck_ok(job_add(tx, STR_LIT("train"), STR_LIT(""), &first, &err));
    ck_ok(job_finish(tx, first, JOB_CANCELLED, STR_LIT(""), STR_LIT(""), &err));
    ck_err(job_finish(tx, 99, JOB_CANCELLED, STR_LIT(""), STR_LIT(""), &err), ERR_NOT_FOUND);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_job_is_taken_by_its_kind_or_by_all_others_and_put_back)
{
    struct shop s;
    struct err err;
    struct job job;
    int64_t train, import, nap;
    const struct str me = STR_LIT("me"), imports = STR_LIT("import");
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    ck_ok(job_add(tx, imports, STR_LIT("{}"), &import, &err));
    ck_ok(job_add(tx, STR_LIT("train"), STR_LIT(""), &train, &err));
    ck_ok(job_add(tx, STR_LIT("nap"), STR_LIT(""), &nap, &err));
    ck_err(job_requeue(tx, import, &err), ERR_CONFLICT);
    ck_ok(job_take_other(tx, imports, me, &s.arena, &job, &err));
    ck_assert(job.no == train);
    ck_ok(job_take_other(tx, imports, me, &s.arena, &job, &err));
    ck_assert(job.no == nap);
    ck_err(job_take_other(tx, imports, me, &s.arena, &job, &err), ERR_NOT_FOUND);
    ck_ok(job_take(tx, imports, me, &s.arena, &job, &err));
    ck_assert(job.no == import);
    ck_ok(job_progress(tx, import, 0.5, STR_LIT(""), &err));
    ck_ok(job_requeue(tx, import, &err));
    ck_ok(job_get(tx->db, import, &s.arena, &job, &err));
    ck_assert(job.state == JOB_QUEUED && job.started_at == 0 && job.runner.n == 0);
    ck_assert(job.progress == 0.5);
    ck_ok(job_take(tx, imports, me, &s.arena, &job, &err));
    ck_assert(job.no == import);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_lease_has_one_holder_until_it_expires)
{
    struct shop s;
    struct err err;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    ck_ok(lease_take(tx, STR_LIT("train"), STR_LIT("a"), 1000, &err));
    ck_ok(lease_take(tx, STR_LIT("train"), STR_LIT("a"), 2000, &err));
    ck_err(lease_take(tx, STR_LIT("train"), STR_LIT("b"), 1000, &err), ERR_CONFLICT);
    tx->now_us += 2000;
    ck_ok(lease_take(tx, STR_LIT("train"), STR_LIT("b"), 1000, &err));
    ck_ok(lease_release(tx, STR_LIT("train"), STR_LIT("a"), &err)); /* not a's any more */
    ck_err(lease_take(tx, STR_LIT("train"), STR_LIT("a"), 1000, &err), ERR_CONFLICT);
    ck_ok(lease_release(tx, STR_LIT("train"), STR_LIT("b"), &err));
    ck_ok(lease_take(tx, STR_LIT("train"), STR_LIT("a"), 1000, &err));
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_checkpoint_goes_with_the_rows_that_it_covers)
{
    struct shop s;
    struct err err;
    struct import_checkpoint c = {
        .kind = STR_LIT("orders"),
        .file = {.size = 10, .head_hash = UINT64_MAX, .tail_hash = 2},
        .mtime_us = 5,
        .offset = 100,
        .line = 7,
        .counters = {"a\0b", 3},
    };
    struct import_checkpoint got;
    shop_init(&s);
    put_product(tx_begin(&s), "p");
    ck_ok(import_checkpoint_put(s.tx, &c, &err));
    tx_undo(&s);
    ck_err(import_checkpoint_get(read_begin(&s), c.kind, &c.file, &s.arena, &got, &err),
           ERR_NOT_FOUND);
    read_end(&s);
    ck_ok(import_checkpoint_put(tx_begin(&s), &c, &err));
    c.offset = 200;
    c.done = true;
    c.whole_hash = 0xfedcba9876543210;
    ck_ok(import_checkpoint_put(s.tx, &c, &err));
    tx_commit(&s);
    ck_ok(import_checkpoint_get(read_begin(&s), c.kind, &c.file, &s.arena, &got, &err));
    ck_assert(got.offset == 200 && got.done && got.whole_hash == c.whole_hash && got.line == 7);
    ck_assert(str_eq(got.counters, c.counters) && got.mtime_us == 5);
    c.file.tail_hash = 3;
    ck_err(import_checkpoint_get(s.db, c.kind, &c.file, &s.arena, &got, &err), ERR_NOT_FOUND);
    read_end(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_row_is_quarantined_once_and_counted_by_reason)
{
    struct shop s;
    struct err err;
    static char raw[QUARANTINE_RECORD_MAX + 1];
    char key[FILE_KEY_SIZE];
    struct quarantine q = {
        .kind = STR_LIT("orders"),
        .source = STR_LIT("shop.csv"),
        .line = 12,
        .column = 3,
        .reason = STR_LIT("bad_number"),
        .message = STR_LIT("x is not a number"),
        .raw = {raw, sizeof raw},
    };
    struct quarantine got;
    struct quarantine_count count;
    struct db_rows rows;
    bool added, more;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    q.file_key = str_of(file_key(&(struct file_identity){1, 2, 3}, key));
    ck_ok(quarantine_add(tx, &q, &added, &err));
    ck_assert(added);
    ck_ok(quarantine_add(tx, &q, &added, &err));
    ck_assert(!added);
    q.line = 13;
    q.raw.n = 2;
    q.record = STR_LIT("id\n7");
    q.order_id = STR_LIT("o");
    ck_ok(quarantine_add(tx, &q, &added, &err));
    q.file_key = (struct str){0}; /* from the API: every one is its own */
    q.record = (struct str){raw, sizeof raw};
    q.reason = STR_LIT("unknown_product");
    ck_ok(quarantine_add(tx, &q, &added, &err));
    ck_ok(quarantine_add(tx, &q, &added, &err));
    ck_assert(added);
    ck_ok(quarantine_counts(tx->db, &rows, &err));
    ck_ok(quarantine_counts_next(&rows, &count, &more, &err));
    ck_text(count.reason, "bad_number");
    ck_assert_int_eq(count.rows, 2);
    ck_ok(quarantine_counts_next(&rows, &count, &more, &err));
    ck_assert_int_eq(count.rows, 2);
    db_rows_close(&rows);

    ck_ok(quarantine_list(tx->db, STR_LIT("orders"), STR_LIT("bad_number"), 0, 10, &rows, &err));
    ck_ok(quarantine_next(&rows, &got, &more, &err));
    ck_assert(more && got.line == 12 && got.column == 3 && got.raw_cut);
    ck_assert(got.raw.n == QUARANTINE_RAW_MAX && got.at > 0);
    ck_assert(got.record.n == 0 && got.order_id.n == 0);
    int64_t no = got.no;
    ck_ok(quarantine_next(&rows, &got, &more, &err));
    ck_assert(more && !got.raw_cut && got.raw.n == 2 && got.ordinal == 0);
    ck_text(got.record, "id\n7");
    ck_text(got.order_id, "o");
    db_rows_close(&rows);
    ck_ok(quarantine_set_reason(tx, got.no, 4, STR_LIT("bad_time"), STR_LIT("when?"), &err));
    ck_ok(quarantine_list(tx->db, STR_LIT("orders"), STR_LIT("bad_time"), 0, 10, &rows, &err));
    ck_ok(quarantine_next(&rows, &got, &more, &err));
    ck_assert(more && got.line == 13 && got.column == 4);
    ck_text(got.message, "when?");
    db_rows_close(&rows);
    ck_err(quarantine_set_reason(tx, 999, 0, STR_LIT("x"), STR_LIT("x"), &err), ERR_NOT_FOUND);
    ck_ok(quarantine_set_state(tx, no, QUARANTINE_RETRIED, &err));
    ck_ok(quarantine_list(tx->db, (struct str){0}, (struct str){0}, 0, 10, &rows, &err));
    ck_ok(quarantine_next(&rows, &got, &more, &err));
    ck_assert(more && got.line == 13);
    ck_ok(quarantine_next(&rows, &got, &more, &err));
    ck_assert(more && got.order_id.n && got.record.n == 0); /* too long to be kept */
    db_rows_close(&rows);
    ck_ok(quarantine_trim(tx, 0, 10, &no, &err));
    ck_assert_int_eq(no, 1);
    ck_err(quarantine_set_state(tx, 999, QUARANTINE_RETRIED, &err), ERR_NOT_FOUND);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

static void kind_of(struct db *db, const char *kind, int64_t *kept, int64_t *dropped)
{
    struct err err;
    struct db_rows rows;
    struct quarantine_kind k;
    bool more;
    *kept = *dropped = -1;
    ck_ok(quarantine_kinds(db, &rows, &err));
    while (quarantine_kinds_next(&rows, &k, &more, &err) == ERR_OK && more)
        if (str_is(k.kind, kind)) {
            *kept = k.kept;
            *dropped = k.dropped;
        }
}

START_TEST(a_kind_that_is_full_drops_what_comes_and_counts_it)
{
    struct shop s;
    struct err err;
    struct quarantine q = {.kind = STR_LIT("events"),
                           .source = STR_LIT("api"),
                           .reason = STR_LIT("missing"),
                           .message = STR_LIT("missing")};
    int64_t kept, dropped, removed;
    bool added;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    q.file_key = STR_LIT("f");
    for (int i = 0; i < QUARANTINE_ROWS_MAX; i++) {
        q.line = (uint64_t)i + 1;
        ck_ok(quarantine_add(tx, &q, &added, &err));
        ck_assert(added);
    }
    ck_ok(quarantine_add(tx, &q, &added, &err)); /* is there already: not dropped */
    ck_assert(!added);
    for (int i = 0; i < 3; i++) {
        q.line++;
        ck_ok(quarantine_add(tx, &q, &added, &err));
        ck_assert(!added);
    }
    kind_of(tx->db, "events", &kept, &dropped);
    ck_assert(kept == QUARANTINE_ROWS_MAX && dropped == 3);
    q.kind = STR_LIT("orders"); /* has room of its own */
    ck_ok(quarantine_add(tx, &q, &added, &err));
    ck_assert(added);
    ck_ok(quarantine_set_state(tx, 1, QUARANTINE_DISMISSED, &err));
    ck_ok(quarantine_trim(tx, 0, 10, &removed, &err));
    ck_assert_int_eq(removed, 1);
    q.kind = STR_LIT("events");
    ck_ok(quarantine_add(tx, &q, &added, &err));
    ck_assert(added);
    kind_of(tx->db, "events", &kept, &dropped);
    ck_assert(kept == QUARANTINE_ROWS_MAX && dropped == 3);
    kind_of(tx->db, "orders", &kept, &dropped);
    ck_assert(kept == 1 && dropped == 0);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

/* Rows of quarantine that are left. */
static int64_t rows_left(struct db *db)
{
    struct err err;
    int64_t n;
    ck_ok(db_query_i64(db, "SELECT COUNT(*) FROM quarantine", DB_NO_ARGS, &n, NULL, &err));
    return n;
}

START_TEST(erasing_a_shopper_takes_the_rows_that_speak_of_it_and_no_others)
{
    static const struct {
        const char *kind, *user, *guest, *raw;
        bool goes;
    } cases[] = {
        {"events", "5", NULL, "{}", true},
        {"events", "55", NULL, "{\"user_id\":\"5\"}", false}, /* is somebody's */
        {"events", NULL, "5", "{}", false},                   /* a guest of that name */
        {"events", NULL, NULL, "{\"user_id\":\"5\"", true},
        {"orders", NULL, NULL, "1,5,2", true},
        {"orders", NULL, NULL, "1,15,51,a5,5b,155", false},
        {"products", NULL, NULL, "5", false},
        {"users", NULL, NULL, "5", true},
        {"events", NULL, NULL, "", false},
    };
    enum { CASES = sizeof cases / sizeof *cases };
    struct shop s;
    struct err err;
    int64_t left = 0;
    uint32_t no;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    ck_ok(user_number(tx, USER_KNOWN, STR_LIT("5"), &no, &err));
    for (int i = 0; i < CASES; i++) {
        struct quarantine q = {.kind = str_of(cases[i].kind),
                               .source = STR_LIT("api"),
                               .reason = STR_LIT("missing"),
                               .message = STR_LIT("missing"),
                               .raw = str_of(cases[i].raw),
                               .user_id = str_of(cases[i].user),
                               .anonymous_id = str_of(cases[i].guest)};
        ck_ok(quarantine_add(tx, &q, NULL, &err));
        left += !cases[i].goes;
    }
    ck_ok(user_delete(tx, STR_LIT("5"), &err));
    ck_assert_int_eq(rows_left(tx->db), left);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(erasing_a_shopper_forgets_the_replies_that_were_kept_for_it)
{
    struct shop s;
    struct err err;
    struct idempotency got;
    uint32_t no;
    static const char *const ids[] = {"u", "v"};
    char scopes[2][80];
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    for (int i = 0; i < 2; i++) {
        idempotency_shopper(USER_KNOWN, str_of(ids[i]), scopes[i]);
        strcat(scopes[i], "orders/1");
        struct idempotency reply = {.scope = str_of(scopes[i]),
                                    .key = STR_LIT("k"),
                                    .reply = STR_LIT("address"),
                                    .expires_at = INT64_MAX};
        ck_ok(user_number(tx, USER_KNOWN, str_of(ids[i]), &no, &err));
        ck_ok(idempotency_put(tx, &reply, &err));
    }
    ck_ok(user_delete(tx, STR_LIT("u"), &err));
    ck_err(idempotency_get(tx->db, str_of(scopes[0]), STR_LIT("k"), 1, &s.arena, &got, &err),
           ERR_NOT_FOUND);
    ck_ok(idempotency_get(tx->db, str_of(scopes[1]), STR_LIT("k"), 1, &s.arena, &got, &err));
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(keys_are_added_once_listed_and_revoked_once)
{
    struct shop s;
    struct err err;
    struct api_key key = {.name = STR_LIT("till"), .scope = STR_LIT("server"), .hash = {1, 2, 0}};
    struct api_key got;
    struct db_rows rows;
    int64_t no;
    bool more;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    ck_ok(api_key_add(tx, &key, &no, &err));
    ck_err(api_key_add(tx, &key, NULL, &err), ERR_CONFLICT);
    ck_ok(api_key_revoke(tx, no, &err));
    ck_err(api_key_revoke(tx, no, &err), ERR_NOT_FOUND);
    ck_ok(api_keys_list(tx->db, &rows, &err));
    ck_ok(api_keys_next(&rows, &got, &more, &err));
    ck_assert(more && got.no == no && got.revoked_at > 0);
    ck_assert_mem_eq(got.hash, key.hash, sizeof key.hash);
    ck_ok(api_keys_next(&rows, &got, &more, &err));
    ck_assert(!more);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(settings_are_put_kept_and_removed)
{
    struct shop s;
    struct err err;
    struct str value;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    ck_ok(setting_get(tx->db, STR_LIT("secret"), &s.arena, &value, &err));
    ck_assert_ptr_null(value.p);
    ck_ok(setting_put(tx, STR_LIT("secret"), STR_LIT("one"), &err));
    ck_ok(setting_put(tx, STR_LIT("secret"), STR_LIT("three"), &err));
    ck_ok(setting_get(tx->db, STR_LIT("secret"), &s.arena, &value, &err));
    ck_text(value, "three");
    ck_ok(setting_put(tx, STR_LIT("secret"), (struct str){0}, &err));
    ck_ok(setting_get(tx->db, STR_LIT("secret"), &s.arena, &value, &err));
    ck_assert_ptr_null(value.p);
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

START_TEST(a_reply_is_remembered_until_it_expires)
{
    struct shop s;
    struct err err;
    struct idempotency i = {.scope = STR_LIT("1 /v1/orders"), .key = STR_LIT("k"), .status = 201};
    struct idempotency got;
    shop_init(&s);
    struct store_tx *tx = tx_begin(&s);
    int64_t now = tx->now_us;
    i.request_hash = UINT64_MAX;
    i.reply = STR_LIT("{\"id\":1}");
    i.expires_at = now + 10;
    ck_ok(idempotency_put(tx, &i, &err));
    ck_err(idempotency_put(tx, &i, &err), ERR_CONFLICT);
    ck_ok(idempotency_get(tx->db, i.scope, i.key, now, &s.arena, &got, &err));
    ck_assert(got.request_hash == UINT64_MAX && got.status == 201);
    ck_text(got.reply, "{\"id\":1}");
    ck_err(idempotency_get(tx->db, i.scope, i.key, now + 10, &s.arena, &got, &err), ERR_NOT_FOUND);
    ck_err(idempotency_get(tx->db, STR_LIT("2"), i.key, now, &s.arena, &got, &err), ERR_NOT_FOUND);
    tx->now_us = now + 10;
    i.status = 200;
    i.expires_at = now + 20;
    ck_ok(idempotency_put(tx, &i, &err)); /* the old one has expired */
    int64_t removed;
    ck_ok(idempotency_trim(tx, 16, &removed, &err));
    ck_assert_int_eq(removed, 0);
    ck_ok(idempotency_get(tx->db, i.scope, i.key, now + 10, &s.arena, &got, &err));
    ck_assert_int_eq(got.status, 200);
    static const char *const keys[] = {"a", "b", "c", "d", "e"};
    for (int n = 0; n < 5; n++) {
        i.key = str_of(keys[n]);
        i.expires_at = now + 30 + n;
        ck_ok(idempotency_put(tx, &i, &err));
    }
    tx->now_us = now + 33; /* a, b, c and d have expired; two go at a time, the oldest first */
    for (int gone = 2; gone <= 6; gone += 2) {
        ck_ok(idempotency_trim(tx, gone == 2 ? 3 : 2, &removed, &err)); /* with the one of before */
        for (int n = 0; n < 5; n++)
            ck_assert_int_eq(
                idempotency_get(tx->db, i.scope, str_of(keys[n]), 0, &s.arena, &got, &err),
                n < gone && n < 4 ? ERR_NOT_FOUND : ERR_OK);
    }
    tx_commit(&s);
    shop_release(&s);
}
END_TEST

SUITE("contract: ledger", publishing_and_rolling_back_leave_one_live_version_per_family,
      a_job_is_taken_once_reports_and_ends_once,
      a_job_is_taken_by_its_kind_or_by_all_others_and_put_back,
      a_lease_has_one_holder_until_it_expires, a_checkpoint_goes_with_the_rows_that_it_covers,
      a_row_is_quarantined_once_and_counted_by_reason,
      a_kind_that_is_full_drops_what_comes_and_counts_it,
      erasing_a_shopper_takes_the_rows_that_speak_of_it_and_no_others,
      erasing_a_shopper_forgets_the_replies_that_were_kept_for_it,
      keys_are_added_once_listed_and_revoked_once, settings_are_put_kept_and_removed,
      a_reply_is_remembered_until_it_expires)
