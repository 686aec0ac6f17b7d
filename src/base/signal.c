#include "base/signal.h"

#include <signal.h>
#include <stddef.h>

#include "base/check.h"

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    if (stopping) {
        signal(number, SIG_DFL);
        raise(number);
    }
    stopping = 1;
}

void signal_watch_stop(void)
{
    struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&stop.sa_mask);
    CHECK(sigaction(SIGINT, &stop, NULL) == 0);
    CHECK(sigaction(SIGTERM, &stop, NULL) == 0);
    CHECK(sigaction(SIGPIPE, &ignore, NULL) == 0);
}

bool signal_stopping(void)
{
    return stopping != 0;
}

enum err_code signal_check(struct err *err)
{
    return stopping ? err_set(err, ERR_CANCELLED, "stopped on request") : ERR_OK;
}
