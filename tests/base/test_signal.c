#include "support/suite.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/signal.h"

START_TEST(the_first_signal_asks_politely)
{
    struct err err;
    signal_watch_stop();
    ck_ok(signal_check(&err));
    ck_assert(!signal_stopping());
    raise(SIGPIPE);
    ck_assert(!signal_stopping());
    raise(SIGTERM);
    ck_assert(signal_stopping());
    ck_err(signal_check(&err), ERR_CANCELLED);
}
END_TEST

START_TEST(the_second_ends_the_process)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        signal_watch_stop();
        raise(SIGTERM);
        raise(SIGINT);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}
END_TEST

SUITE("signal", the_first_signal_asks_politely, the_second_ends_the_process)
