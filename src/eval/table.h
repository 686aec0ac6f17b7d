/* table.h - a caller's table whose columns are found by header.
 *
 * A column has a name of ours and those that headers call it by; the caller may override it
 * ("query=term,grade=score"). Any format that ingest/reader.h reads. */
#ifndef EVAL_TABLE_H
#define EVAL_TABLE_H

#include "ingest/reader.h"

struct table_column {
    const char
        *names; /* "query|search_term": ours, then what headers say; the first is one of them */
    bool optional;
    int at; /* out: the reader's index, -1 where an optional one is missing */
};

/** Open a table and find its columns.
 *  overrides  "ours=theirs,...", or NULL
 *  *out       returned owned: reader_close
 *  ERR_INVALID  a column is missing (the message lists the header), or an override names no column of
 *               ours; else what the file reports */
ERR_MUST_USE enum err_code table_open(const char *path, const char *overrides,
                                      struct table_column *columns, size_t n, struct reader **out,
                                      struct err *err);

#endif
