/* reason.h - why a row was refused: stable names that stand in reports and in the quarantine. */
#ifndef INGEST_REASON_H
#define INGEST_REASON_H

#include "base/json_writer.h"

enum import_reason {
    REASON_NONE = 0,
    REASON_BROKEN_ROW,    /* quotes, brackets or tags that do not close */
    REASON_TOO_LONG,      /* a row above READER_ROW_MAX */
    REASON_FIELD_COUNT,   /* fewer or more fields than the header */
    REASON_BAD_TEXT,      /* not valid in the file's character set, or control characters */
    REASON_DUPLICATE_KEY, /* the same name twice in one JSON object */
    REASON_TOO_DEEP,      /* JSON or XML nested beyond the cap */
    REASON_MISSING,       /* a required field is empty */
    REASON_BAD_ID,        /* longer than STORE_ID_MAX, or not printable */
    REASON_TEXT_TOO_LONG, /* above the field's cap */
    REASON_BAD_NUMBER,
    REASON_OUT_OF_RANGE,
    REASON_BAD_MONEY,
    REASON_UNKNOWN_CURRENCY,
    REASON_BAD_TIME,
    REASON_FUTURE_TIME,   /* more than a day ahead */
    REASON_ANCIENT_TIME,  /* before 1990: a clock that was never set */
    REASON_UNKNOWN_VALUE, /* a type, status or flag that we do not know */
    REASON_UNKNOWN_PRODUCT,
    REASON_BAD_JSON, /* a field that must be JSON is not */
    REASON_BAD_URL,  /* neither http(s) nor a path from the root of the site */
    REASON_CONFLICT, /* the same identity with other content, where that may not change */
    REASON_REFUSED,  /* the store's own rules; the message tells */
    IMPORT_REASONS
};

/** "broken_row", ...; "none" for REASON_NONE. */
const char *import_reason_name(enum import_reason r);

/** How often each reason came, as an object with those that did. */
void import_reasons_write(const uint64_t by_reason[IMPORT_REASONS], struct json_writer *w);

#endif
