/* main.c - runs the one suite that a test file defines (`Suite *suite(void)`), printing TAP.
 *
 * The runner (tools/run_tests.sh) reads the TAP and the exit status. */
#include <stdlib.h>

#include "support/suite.h"

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
