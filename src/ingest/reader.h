/* reader.h - text to records, whatever the format: CSV, TSV, JSON Lines, JSON array, XML feed.
 *
 * Model:   a record is a list of fields, by the columns that the caller asked for (reader_want), with
 *          the place where it stands. Columns are found by name without regard to case, spaces,
 *          hyphens, underscores and a "g:" in front. In JSON and XML a name may be a path: "price.amount",
 *          "shipping.country", "link.href" (an XML attribute).
 * Faults:  a record that breaks the grammar is given too, with `fault` set, its text in `raw` and what
 *          is wrong in `message`; the reader goes on at the next record. In CSV that is the physical
 *          line after the one where the broken record began, so that one forgotten quote costs one
 *          line and not the file. A JSON array and an XML document cannot be resumed: there a broken
 *          outer structure ends the reading with ERR_INVALID, after everything before it was given.
 * Memory:  a record is borrowed until the next reader_next. The buffer never exceeds a few
 *          READER_ROW_MAX, however long a row is.
 * Caps:    READER_ROW_MAX, READER_COLUMNS_MAX; depth of JSON 64 (base/json_reader.h), of XML 32.
 * Threads: one at a time. */
#ifndef INGEST_READER_H
#define INGEST_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "ingest/reason.h"
#include "ingest/source.h"

enum {
    READER_ROW_MAX = 1 << 20, /* bytes of a record */
    READER_RAW_MAX =
        4097, /* bytes of a faulty record that are kept: one above what the store keeps,
                              so that it sees a cut */
    READER_COLUMNS_MAX = 1024,
};

enum reader_format { FORMAT_AUTO, FORMAT_CSV, FORMAT_TSV, FORMAT_JSONL, FORMAT_JSON, FORMAT_XML };

/** "csv", "tsv", "jsonl" (also "ndjson"), "json", "xml"; false for another name. */
bool reader_format_of(struct str name, enum reader_format *f);

enum field_kind {
    FIELD_ABSENT = 0, /* not in this record, or JSON's null */
    FIELD_TEXT,
    FIELD_NUMBER, /* JSON: the number's text */
    FIELD_BOOL,   /* JSON: "true" or "false" */
    FIELD_JSON,   /* JSON: the text of an array or object */
    FIELD_LIST,   /* XML: repeated elements, separated by '\n' */
};

struct field {
    struct str text;
    enum field_kind kind;
};

struct record {
    uint64_t number; /* of the record, from 0 */
    uint64_t line;   /* physical line of the decoded text at which it begins, from 1 */
    uint64_t offset; /* byte of the decoded text at which it begins */
    struct str raw;  /* its text; capped at READER_RAW_MAX where fault is set; XML: empty */
    enum import_reason fault; /* REASON_NONE: fine */
    const char *message;      /* of a fault */
    const struct field
        *fields; /* [fields_len] by the index that reader_want gave; of a faulty record
                                   those that stand before the fault, as far as that can be told */
    size_t fields_len;
};

struct reader;

struct reader_options {
    enum reader_format format; /* FORMAT_AUTO: by content, then by name */
    char delimiter;            /* CSV: 0: the one of , ; tab | that the header has most of */
    const char *name;          /* of the file, for FORMAT_AUTO; may be NULL */
    size_t row_max;            /* 0: READER_ROW_MAX */
};

/** Takes src, on failure too. Reads the header of CSV and TSV.
 *  ERR_INVALID  no format can be recognised, or the header is broken
 *  and what reading src reports */
ERR_MUST_USE enum err_code reader_open(struct reader **out, struct source *src,
                                       const struct reader_options *o, struct err *err);

/** NULL is fine. */
void reader_close(struct reader *r);

enum reader_format reader_format(const struct reader *r);

/** CSV and TSV: what stands between fields. */
char reader_delimiter(const struct reader *r);

/** The index under which records will hold the field of that name, or -1 where the format has a
 *  header and the header has no such column. Ask before the first reader_next. The same name gives
 *  the same index.
 *  At most READER_COLUMNS_MAX names (more: -1). */
int reader_want(struct reader *r, struct str name);

/** The header's columns as they are written, borrowed until close; none for JSON and XML. */
const struct str *reader_header(const struct reader *r, size_t *n);

/** The name that reader_want was asked for, or the header's; borrowed until close. */
struct str reader_column_name(const struct reader *r, size_t at);

/** The next record; *rec is NULL at the end. */
ERR_MUST_USE enum err_code reader_next(struct reader *r, const struct record **rec,
                                       struct err *err);

/** Bytes of decoded text that were read so far. */
uint64_t reader_offset(const struct reader *r);

#endif
