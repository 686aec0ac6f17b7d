/* suite.h - what every tests/<domain>/test_<module>.c includes.
 *
 * A test file defines `Suite *suite(void)`; SUITE_BEGIN and friends keep that short:
 *
 *     START_TEST(a_losing_push_changes_nothing) { ... } END_TEST
 *     SUITE("topk", a_losing_push_changes_nothing, ties_go_to_the_lower_id)
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

#include "base/err.h"

Suite *suite(void);

/** The call succeeds, or the test fails with its message. Needs a `struct err err` in scope. */
#define ck_ok(call)                                                                                \
    do {                                                                                           \
        enum err_code ck_code_ = (call);                                                           \
        ck_assert_msg(ck_code_ == ERR_OK, "%s: %s (%s:%d)", #call,                                 \
                      ck_code_ == ERR_OK ? "" : err.msg, err.file ? err.file : "?", err.line);     \
    } while (0)

/** The call fails with this code. Needs a `struct err err` in scope. */
#define ck_err(call, want)                                                                         \
    do {                                                                                           \
        enum err_code ck_code_ = (call);                                                           \
        ck_assert_msg(ck_code_ == (want), "%s: got %s, want %s", #call, err_code_name(ck_code_),   \
                      err_code_name(want));                                                        \
    } while (0)

#define SUITE(name, ...)                                                                           \
    Suite *suite(void)                                                                             \
    {                                                                                              \
        const TTest *const tests_[] = {__VA_ARGS__};                                               \
        Suite *s_ = suite_create(name);                                                            \
        TCase *tc_ = tcase_create(name);                                                           \
        tcase_set_timeout(tc_, 60);                                                                \
        for (size_t i_ = 0; i_ < sizeof tests_ / sizeof *tests_; i_++)                             \
            tcase_add_test(tc_, tests_[i_]);                                                       \
        suite_add_tcase(s_, tc_);                                                                  \
        return s_;                                                                                 \
    }

#endif
