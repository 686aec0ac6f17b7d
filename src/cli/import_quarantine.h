/* import_quarantine.h - `aisle import [KIND] --quarantine list|retry|export`. */
#ifndef CLI_IMPORT_QUARANTINE_H
#define CLI_IMPORT_QUARANTINE_H

#include "cli/cli.h"

/** What the flag says; words[0], if there is one, names the kind, and retry needs it. */
enum cli_exit import_quarantine(const struct args *args);

/** The same on an open store. */
enum cli_exit import_quarantine_within(const struct args *args, struct store *store);

#endif
