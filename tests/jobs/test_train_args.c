#include "jobs/train_args.h"

#include <string.h>

#include "support/suite.h"

enum { ROOM = 1 << 20 };

START_TEST(parameters_become_what_the_command_line_takes_and_come_back_from_the_job)
{
    struct err err;
    struct arena arena;
    struct train_args args, again;
    struct buf text;
    struct str given = STR_LIT("{\"dim\": 32, \"alpha\": 1.5e0, \"seed\":7}");
    arena_init(&arena, 0, ROOM);
    ck_ok(train_args_parse(given, &arena, &args, &err));
    ck_assert_str_eq(args.params, "dim=32,alpha=1.5e0,seed=7");
    buf_init(&text, TRAIN_ARGS_MAX);
    train_args_write(&args, &text);
    ck_assert_str_eq(arena_str(&arena, buf_str(&text)).p,
                     "{\"parameters\":{\"dim\":32,\"alpha\":1.5e0,\"seed\":7}}");
    ck_ok(train_args_read(buf_str(&text), &arena, &again, &err));
    ck_assert_str_eq(again.params, args.params);
    buf_release(&text);
    arena_release(&arena);
}
END_TEST

START_TEST(a_refit_comes_back_from_the_job)
{
    struct err err;
    struct arena arena;
    struct train_args args = {.refit = true}, again;
    struct buf text;
    arena_init(&arena, 0, ROOM);
    buf_init(&text, TRAIN_ARGS_MAX);
    train_args_write(&args, &text);
    ck_assert_str_eq(arena_str(&arena, buf_str(&text)).p, "{\"refit\":true}");
    ck_ok(train_args_read(buf_str(&text), &arena, &again, &err));
    ck_assert(again.refit && !again.params);
    ck_err(train_args_read(STR_LIT("{\"refit\":1}"), &arena, &again, &err), ERR_INVALID);
    buf_release(&text);
    arena_release(&arena);
}
END_TEST

START_TEST(no_parameters_are_no_arguments)
{
    static const char *const none[] = {"", "{}", "{\"parameters\":{}}", "{\"refit\":false}"};
    struct err err;
    struct arena arena;
    struct train_args args;
    struct buf text;
    arena_init(&arena, 0, ROOM);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        ck_ok(train_args_read(str_of(none[i]), &arena, &args, &err));
        ck_assert_ptr_null(args.params);
        ck_assert(!args.refit);
    }
    buf_init(&text, TRAIN_ARGS_MAX);
    train_args_write(&args, &text);
    ck_assert_uint_eq(text.len, 0);
    buf_release(&text);
    arena_release(&arena);
}
END_TEST

START_TEST(what_is_no_parameter_is_named)
{
    static const struct {
        const char *given, *told;
    } wrong[] = {
        {"[]", "object"},
        {"7", "object"},
        {"{\"dim\": \"32\"}", "dim"},
        {"{\"dim\": [32]}", "dim"},
        {"{\"dim\": null}", "dim"},
        {"{\"dim\": true}", "dim"},
        {"{\"dim\": -1}", "dim"},
        {"{\"dim\": 1e400}", ""},
        {"{\"dim\": 8, \"dim\": 9}", "twice"},
        {"{\"dimm\": 8}", "dimm"},
        {"{\"dim,alpha=1\": 8}", ""},
        {"{\"--force\": 1}", "force"},
        {"{\"dim\": 8", ""},
    };
    struct arena arena;
    arena_init(&arena, 0, ROOM);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err;
        struct train_args args;
        enum err_code code = train_args_parse(str_of(wrong[i].given), &arena, &args, &err);
        ck_assert_msg(code == ERR_INVALID, "%s: %s", wrong[i].given, err_code_name(code));
        ck_assert_msg(strstr(err.msg, wrong[i].told), "%s: %s", wrong[i].given, err.msg);
    }
    arena_release(&arena);
}
END_TEST

START_TEST(arguments_that_nobody_wrote_are_refused)
{
    static const char *const wrong[] = {"[]", "{\"params\":{}}", "{\"parameters\":[]}", "x"};
    struct err err;
    struct arena arena;
    struct train_args args;
    arena_init(&arena, 0, ROOM);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_err(train_args_read(str_of(wrong[i]), &arena, &args, &err), ERR_INVALID);
    arena_release(&arena);
}
END_TEST

SUITE("train_args", parameters_become_what_the_command_line_takes_and_come_back_from_the_job,
      a_refit_comes_back_from_the_job, no_parameters_are_no_arguments,
      what_is_no_parameter_is_named, arguments_that_nobody_wrote_are_refused)
