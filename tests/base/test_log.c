#include "support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/log_int.h"
#include "base/thread.h"

static char path[64];
static struct buf text;
static int fd;

static void setup(enum log_format format)
{
    struct log_field node = LOG_Z("node", "n 1");
    setenv("AISLE_NOW", "2026-01-02T03:04:05.678Z", 1);
    snprintf(path, sizeof path, "/tmp/test_log.XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    buf_init(&text, 16 << 20);
    log_init(format, LOG_LEVEL_INFO, fd, &node, 1);
}

static const char *logged(void)
{
    buf_reset(&text);
    ck_assert_int_eq(fs_read_file(path, text.max, &text, NULL), ERR_OK);
    return text.len ? text.data : "";
}

static void teardown(void)
{
    close(fd);
    unlink(path);
    buf_release(&text);
}

START_TEST(a_json_line_holds_every_field_typed)
{
    struct err e;
    setup(LOG_JSON);
    err_set_at(&e, ERR_IO, "a.c", 7, "quoted \"input\"");
    log_set_request_id(STR_LIT("r-1"));
    log_info("hello", LOG_Z("s", "a\"b\n\xff"), LOG_I64("i", -5), LOG_DOUBLE("d", 0.5),
             LOG_DOUBLE("nan", 0.0 / 0.0), LOG_BOOL("b", true), LOG_ERR(&e));
    log_set_request_id(STR_LIT(""));
    log_info("bare");
    ck_assert_str_eq(
        logged(),
        "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"message\":\"hello\","
        "\"node\":\"n 1\",\"request_id\":\"r-1\",\"s\":\"a\\\"b\\n\xef\xbf\xbd\",\"i\":-5,"
        "\"d\":0.5,\"nan\":null,\"b\":true,\"error\":\"io\",\"error_at\":\"a.c:7\"}\n"
        "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"info\",\"message\":\"bare\","
        "\"node\":\"n 1\"}\n");
    teardown();
}
END_TEST

START_TEST(a_text_line_quotes_what_is_not_one_word)
{
    struct err e;
    setup(LOG_TEXT);
    err_set_at(&e, ERR_IO, "a.c", 7, "cannot open");
    log_warn("hello", LOG_Z("a", "word"), LOG_Z("b", "two words"), LOG_Z("c", ""),
             LOG_ERR_TEXT(&e));
    ck_assert_str_eq(logged(),
                     "2026-01-02T03:04:05.678Z warn  hello node=\"n 1\" a=word b=\"two words\" "
                     "c=\"\" error=io error_at=a.c:7 error_message=\"cannot open\"\n");
    teardown();
}
END_TEST

START_TEST(the_level_can_be_changed_at_run_time)
{
    struct err err;
    enum log_level level;
    setup(LOG_TEXT);
    log_debug("hidden");
    ck_assert_str_eq(logged(), "");
    ck_ok(log_level_parse(STR_LIT("debug"), &level, &err));
    log_set_level(level);
    log_debug("shown");
    ck_assert_ptr_nonnull(strstr(logged(), "debug shown"));
    log_set_level(LOG_LEVEL_OFF);
    size_t before = text.len;
    log_error("hidden");
    logged();
    ck_assert_uint_eq(text.len, before);
    ck_err(log_level_parse(STR_LIT("loud"), &level, &err), ERR_INVALID);
    teardown();
}
END_TEST

START_TEST(a_long_line_is_cut_at_a_field_and_stays_json)
{
    static char big[LOG_LINE_MAX];
    setup(LOG_JSON);
    for (size_t n = LOG_LINE_MAX - 300; n < LOG_LINE_MAX; n++) {
        memset(big, 'x', n);
        log_info("m", LOG_I64("first", 1), LOG_STR("big", ((struct str){big, n})),
                 LOG_I64("last", 2));
    }
    unsigned whole = 0, cut = 0;
    logged();
    for (struct str rest = buf_str(&text), line; rest.n;) {
        line = str_split(&rest, '\n');
        ck_assert_uint_lt(line.n, LOG_LINE_MAX);
        json_t *v = json_loadb(line.p, line.n, 0, NULL);
        ck_assert_ptr_nonnull(v);
        ck_assert_ptr_nonnull(json_object_get(v, "first"));
        bool is_cut = json_is_true(json_object_get(v, "cut"));
        ck_assert(is_cut != !!json_object_get(v, "last"));
        whole += !is_cut;
        cut += is_cut;
        json_decref(v);
    }
    ck_assert(whole > 0 && cut > 0);
    teardown();
}
END_TEST

START_TEST(equal_warnings_are_withheld_and_counted)
{
    struct log_limit l = {0};
    unsigned repeated;
    const int64_t second = 1000000000;
    for (int i = 0; i < LOG_BURST; i++)
        ck_assert(log_limit_pass(&l, 42, second, &repeated) && repeated == 0);
    for (int i = 0; i < 7; i++)
        ck_assert(!log_limit_pass(&l, 42, second + i, &repeated));
    ck_assert(log_limit_pass(&l, 43, second, &repeated) && repeated == 0);
    ck_assert(log_limit_pass(&l, 42, (1 + LOG_WINDOW_S) * second, &repeated));
    ck_assert_uint_eq(repeated, 7);
    ck_assert(log_limit_pass(&l, 42, (1 + LOG_WINDOW_S) * second, &repeated) && repeated == 0);

    setup(LOG_TEXT);
    for (int i = 0; i < 3 * LOG_BURST; i++) {
        log_warn("the same", LOG_I64("i", i));
        log_info("never limited");
    }
    unsigned warned = 0, told = 0;
    logged();
    for (struct str rest = buf_str(&text), line; rest.n;) {
        line = str_split(&rest, '\n');
        warned += str_search(line, STR_LIT("the same")) != SIZE_MAX;
        told += str_search(line, STR_LIT("never limited")) != SIZE_MAX;
    }
    ck_assert_uint_eq(warned, LOG_BURST);
    ck_assert_uint_eq(told, 3 * LOG_BURST);
    teardown();
}
END_TEST

static void chatter(void *arg)
{
    char id[16];
    snprintf(id, sizeof id, "t%d", *(int *)arg);
    log_set_request_id(str_of(id));
    for (int i = 0; i < 500; i++) {
        log_info("line", LOG_Z("id", id), LOG_I64("i", i));
        log_warn("warning", LOG_Z("id", id));
        log_set_level(LOG_LEVEL_INFO);
    }
}

START_TEST(lines_of_many_threads_are_never_torn)
{
    struct err err;
    struct thread t[4];
    int ids[4];
    setup(LOG_JSON);
    for (int i = 0; i < 4; i++) {
        ids[i] = i;
        ck_ok(thread_start(&t[i], "chatter", chatter, &ids[i], &err));
    }
    for (int i = 0; i < 4; i++)
        thread_join(&t[i]);
    unsigned lines = 0;
    logged();
    for (struct str rest = buf_str(&text), line; rest.n;) {
        line = str_split(&rest, '\n');
        json_t *v = json_loadb(line.p, line.n, 0, NULL);
        ck_assert_ptr_nonnull(v);
        ck_assert_str_eq(json_string_value(json_object_get(v, "request_id")),
                         json_string_value(json_object_get(v, "id")));
        lines += strcmp(json_string_value(json_object_get(v, "message")), "line") == 0;
        json_decref(v);
    }
    ck_assert_uint_eq(lines, 2000);
    teardown();
}
END_TEST

SUITE("log", a_json_line_holds_every_field_typed, a_text_line_quotes_what_is_not_one_word,
      the_level_can_be_changed_at_run_time, a_long_line_is_cut_at_a_field_and_stays_json,
      equal_warnings_are_withheld_and_counted, lines_of_many_threads_are_never_torn)
