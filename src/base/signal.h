/* signal.h - a polite stop for long commands.
 *
 * The first SIGINT or SIGTERM sets a flag that loops look at; the second ends the process at once.
 * The server does not use this: its loops take signals as events. */
#ifndef BASE_SIGNAL_H
#define BASE_SIGNAL_H

#include <stdbool.h>

#include "base/err.h"

/** Install the handlers; SIGPIPE is ignored (write(2) reports EPIPE). */
void signal_watch_stop(void);

bool signal_stopping(void);

/** ERR_CANCELLED once a stop was asked for: one line at the head of a loop. */
ERR_MUST_USE enum err_code signal_check(struct err *err);

#endif
