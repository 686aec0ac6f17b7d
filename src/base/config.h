/* config.h - settings: a table of what there is, values from four places, and where each came from.
 *
 * Model:   the caller's table names every setting as section and name. A value comes from, weakest
 *          first: the table's default, the YAML file (two levels: section, name), the environment
 *          (AISLE_SECTION_NAME in capitals), a flag. The order of the loading calls does not
 *          matter. After loading a config is only read.
 * Types:   see enum config_type. Every value is checked when it is set, so getters cannot fail.
 * Errors:  name their place: "aisle.yaml:7: ...", "AISLE_SERVER_PORT: ...", "--port: ..."; an
 *          unknown name gets a suggestion. A secret's value is never quoted.
 * Threads: many readers after loading. */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum config_type {
    CONFIG_STRING,   /* in the file also a list of texts: joined by commas */
    CONFIG_INT,      /* lo..hi */
    CONFIG_BOOL,     /* true, false, yes, no, on, off */
    CONFIG_DURATION, /* 250ms, 10s, 5m, 2h, 1d; kept in microseconds, lo..hi in those */
    CONFIG_BYTES,    /* 512, 64k, 10M, 2G (powers of 1024; KiB, MiB, GiB too); lo..hi in bytes */
    CONFIG_ENUM,     /* one of choices; kept as its index */
};

struct config_setting {
    const char *section; /* [a-z_] */
    const char *name;    /* [a-z_] */
    enum config_type type;
    const char *fallback;       /* as it would stand in the file; must be valid (CHECKed) */
    int64_t lo, hi;             /* both 0: any (numbers: from 0 up) */
    const char *const *choices; /* CONFIG_ENUM: NULL-terminated */
    const char *help;           /* one line */
    bool secret;                /* masked wherever it is shown */
};

enum config_origin { CONFIG_DEFAULT, CONFIG_FILE, CONFIG_ENV, CONFIG_FLAG };

struct config;

/** table [n] is borrowed for the config's life. returns owned. */
struct config *config_new(const struct config_setting *table, size_t n);
void config_free(struct config *c);

/** ERR_NOT_FOUND if there is no such file; ERR_INVALID, ERR_LIMIT with file and line. */
ERR_MUST_USE enum err_code config_load_file(struct config *c, const char *path, struct err *err);

/** As config_load_file, for a text from elsewhere; name stands for the file in messages. */
ERR_MUST_USE enum err_code config_load_text(struct config *c, struct str text, const char *name,
                                            struct err *err);

/** vars: environ's shape. Names AISLE_... that are neither settings nor among others
 *  (NULL-terminated, variables with a meaning elsewhere) are errors. An empty value counts as
 *  unset. */
ERR_MUST_USE enum err_code config_load_env(struct config *c, char *const *vars,
                                           const char *const *others, struct err *err);

/** Set "section.name" from the command line; flag ("--port") is its name in messages. */
ERR_MUST_USE enum err_code config_set(struct config *c, const char *path, const char *value,
                                      const char *flag, struct err *err);

/* Getters by "section.name"; an unknown name or another type is a caller's bug. */
const char *config_str(const struct config *c, const char *path); /* borrowed from c */
int64_t config_int(const struct config *c, const char *path);     /* also an enum's index */
bool config_bool(const struct config *c, const char *path);
int64_t config_duration_us(const struct config *c, const char *path);
uint64_t config_bytes(const struct config *c, const char *path);

/** One setting as it is in force, for printing. */
struct config_view {
    const struct config_setting *setting;
    const char *value; /* as it was written; secrets: "********", or "" if empty */
    enum config_origin origin;
    const char *where; /* "default", "aisle.yaml:7", "AISLE_SERVER_PORT", "--port" */
};

/** Walk in the table's order: false when i is past the end. Borrowed from c. */
bool config_at(const struct config *c, size_t i, struct config_view *out);

/** Append all settings in force as a YAML text, each with its origin as a comment. */
void config_print(const struct config *c, struct buf *out);

/** "250ms" to microseconds; "10M" to bytes: also for flags outside the table. */
ERR_MUST_USE enum err_code config_parse_duration(struct str s, int64_t *us, struct err *err);
ERR_MUST_USE enum err_code config_parse_bytes(struct str s, int64_t *bytes, struct err *err);

#endif
