/* yaml.h - a small YAML text as an immutable tree that knows its lines.
 *
 * Model:   one document of mappings, sequences and scalars (libyaml reads it). Scalars are text:
 *          what a scalar means is decided by whoever asks. Anchors, aliases and tags are refused
 *          (aliases are how a small file becomes a huge tree), and so is a key that comes twice. An
 *          empty document is an empty mapping.
 * Caps:    YAML_BYTES_MAX, YAML_NODES_MAX, YAML_DEPTH_MAX: ERR_LIMIT.
 * Memory:  yaml_parse returns owned; everything else is borrowed from it. The text may go.
 * Errors:  "name:line: what is wrong". */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { YAML_BYTES_MAX = 4 << 20, YAML_NODES_MAX = 100000, YAML_DEPTH_MAX = 32 };

enum yaml_kind { YAML_SCALAR, YAML_MAP, YAML_LIST };

struct yaml_node {
    enum yaml_kind kind;
    unsigned line;                 /* from 1 */
    struct str key;                /* in a mapping: its key, NUL-terminated */
    struct str text;               /* of a scalar, NUL-terminated */
    bool quoted;                   /* a scalar in quotes or a block: "null" and "" are texts then */
    size_t len;                    /* children */
    const struct yaml_node *child; /* first, NULL if none; in the order of the text */
    const struct yaml_node *next;  /* sibling */
};

struct yaml;

/** name stands in messages and is copied. */
ERR_MUST_USE enum err_code yaml_parse(struct yaml **out, struct str text, const char *name,
                                      struct err *err);
ERR_MUST_USE enum err_code yaml_load(struct yaml **out, const char *path, struct err *err);

/** NULL is fine. (libyaml has a yaml_free already.) */
void yaml_close(struct yaml *y);

const struct yaml_node *yaml_root(const struct yaml *y);
const char *yaml_name(const struct yaml *y);

/** The value of key in a mapping; NULL if absent, or if n is not a mapping or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);

/** An empty or null scalar written without quotes: the value was left out. */
bool yaml_is_null(const struct yaml_node *n);

/* Read a scalar as a type; n is not NULL. ERR_INVALID with "name:line: key: why". */
ERR_MUST_USE enum err_code yaml_str(const struct yaml *y, const struct yaml_node *n,
                                    struct str *out, struct err *err);
ERR_MUST_USE enum err_code yaml_i64(const struct yaml *y, const struct yaml_node *n, int64_t lo,
                                    int64_t hi, int64_t *out, struct err *err);
ERR_MUST_USE enum err_code yaml_bool(const struct yaml *y, const struct yaml_node *n, bool *out,
                                     struct err *err);

/** Fail at a node: "name:line: ...". Returns code. */
enum err_code yaml_fail(const struct yaml *y, const struct yaml_node *n, struct err *err,
                        enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/** Refuse keys of the mapping n that are not among names[count], suggesting the nearest. */
ERR_MUST_USE enum err_code yaml_check_keys(const struct yaml *y, const struct yaml_node *n,
                                           const char *const *names, size_t count, struct err *err);

#endif
