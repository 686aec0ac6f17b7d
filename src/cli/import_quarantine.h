/* import_quarantine.h - `aisle import [KIND] --quarantine list|retry|export`. */
#ifndef CLI_IMPORT_QUARANTINE_H
#define CLI_IMPORT_QUARANTINE_H

#include "cli/cli.h"

/** what: the flag's value. words[0], if there is one, names the kind; retry needs it. */
enum cli_exit import_quarantine(const struct args *args, const char *what);

#endif
