/* mapping_int.h - a mapping's parts: read by mapping_yaml.c, used by mapping.c and row.c. */
#ifndef INGEST_MAPPING_INT_H
#define INGEST_MAPPING_INT_H

#include "base/buf.h"
#include "base/map.h"
#include "base/yaml.h"
#include "ingest/mapping.h"

enum {
    MAP_COLUMNS_MAX = 8, /* alternatives of a field */
    MAP_PARTS_MAX = 12,  /* pieces of a template */
    MAP_FORMATS_MAX = 6, /* time formats of a field */
    MAP_ATTRIBUTES_MAX = 64,
    MAP_RULES_MAX = 16, /* of a set */
    MAP_FILL_MAX = 32,
    MAP_TEXT_MAX = 64 << 10, /* bytes of a value made of others */
    MAP_PARENTS_BYTES = 1 << 30,
    MAP_OTHERS_MAX = 4, /* depth of `or` */
    SPLIT_DEEPEST = -2,
};

/** A column of the file. */
struct map_column {
    struct str name;
    int at; /* reader_want; -1 not there */
};

/** "{Handle}-{Option1 Value}": texts and columns in turn. */
struct map_part {
    struct str text; /* of a constant piece */
    struct map_column column;
    bool is_column;
};

struct map_pair {
    struct str from, to;
};

/** Where a field's value comes from and what is done to it, in this order: the first column that is
 *  not empty (or the template, or the constant), trim, strip, split, replace, lookup, html, default. */
struct map_field {
    bool set;
    unsigned line; /* in the mapping's file */
    struct map_column columns[MAP_COLUMNS_MAX];
    size_t columns_len;
    struct map_part parts[MAP_PARTS_MAX];
    size_t parts_len;
    struct str constant, absent; /* p NULL: none */
    struct str strip_prefix, strip_suffix;
    char split_by;           /* 0: no */
    int split_take;          /* SPLIT_DEEPEST: the one with most '>' */
    struct map_column *join; /* [join_len] in the arena: all that are not empty, join_by between */
    size_t join_len;
    struct str join_by;
    struct map_pair *replace; /* [replace_len] in the arena */
    size_t replace_len;
    struct map_pair *lookup; /* [lookup_len] sorted by from, compared without case */
    size_t lookup_len;
    bool html, lower, decimal_comma;
    bool major; /* money is in major units ("12.99"); else an integer of minor ones */
    char list_by;
    struct str formats[MAP_FORMATS_MAX];
    size_t formats_len;
    bool plain;              /* nothing but one column: the fast way */
    bool many;               /* an attribute: list_by separates values of a list */
    struct map_field *other; /* in the arena: where nothing came of this one; NULL: none */
};

struct map_attribute {
    struct map_field name; /* a constant or a template */
    struct map_field value;
};

/** All conditions that are set must hold. */
struct map_rule {
    struct map_column columns[MAP_COLUMNS_MAX]; /* each of them that the file has */
    size_t columns_len;
    struct str prefix, suffix, contains; /* p NULL: not set */
    struct str *patterns;                /* [patterns_len] any; '*' any text, '?' a character */
    size_t patterns_len;
    bool empty, filled, negative;
};

struct map_fill {
    struct map_column keys[MAP_COLUMNS_MAX]; /* the first that the file has */
    size_t keys_len;
    struct map_column columns[MAP_FILL_MAX];
    size_t columns_len;
    struct buf last_key;
    struct buf last[MAP_FILL_MAX]; /* what each column had in the key's first row */
};

/** What variations have from their parent: cells of an earlier row. */
struct map_inherit {
    struct map_column from;                  /* names the parent */
    struct map_field names[MAP_COLUMNS_MAX]; /* how a parent is called */
    size_t names_len;
    struct map_column columns[MAP_FILL_MAX];
    size_t columns_len;
    struct map_str parents; /* name -> index + 1 of the first cell */
    struct str *cells;      /* [cells_len] owned, columns_len a parent, in texts */
    size_t cells_len, cells_cap;
    struct arena texts;
};

/** Pictures that rows of a key share. */
struct map_pictures {
    struct map_field url, position;
};

struct mapping {
    char *name; /* owned */
    enum import_kind kind;
    struct yaml *yaml; /* owned, holds the texts; NULL: our own names */
    struct arena arena;
    struct str charset;
    enum reader_format format;
    char delimiter;
    currency_code currency;
    struct map_field fields[TARGETS];
    struct map_attribute *attributes; /* [attributes_len] in the arena */
    size_t attributes_len;
    struct map_rule *rules[RULE_SETS]; /* [rules_len] in the arena */
    size_t rules_len[RULE_SETS];
    struct map_fill fill;
    struct map_inherit inherit;
    struct map_pictures pictures; /* url not set: none */
    bool make_products, create_products;
    struct str *ignore_titles; /* [ignore_titles_len] patterns */
    size_t ignore_titles_len;
    struct field *filled; /* [filled_len] the row with its filled cells, owned */
    size_t filled_len;
    struct record filled_record;
    struct str
        last_time_text; /* the time of many rows in turn is the same; lies in last_time_buf */
    char last_time_buf[40];
    int64_t last_time;
};

/** The first of some columns that the file has; NULL if it has none. */
const struct map_column *map_first_column(const struct map_column *columns, size_t n);

/** What a field that is not in the mapping's table gives, as row_value. */
struct str map_value(struct row *row, const struct map_field *f, enum field_kind *kind);

/** The piece up to the next separator that no backslash stands before, trimmed and without such
 *  backslashes; rest->p is NULL behind the last. */
struct str map_next_piece(struct row *row, struct str *rest, char by);

/** Fill cells of the record, mapping_fill.c: returns rec, or a record of the mapping's own, borrowed
 *  until the next call. */
const struct record *map_fill_record(struct row *row);
void map_fill_begin(struct mapping *m); /* bound to another reader */
void map_fill_release(struct mapping *m);

/** Without case; '*' is any text, '?' any byte, '\\' takes what follows as it is. */
bool map_glob(struct str pattern, struct str text);

/** Fill m from the YAML tree (m->yaml). */
ERR_MUST_USE enum err_code mapping_read(struct mapping *m, struct err *err);

#endif
