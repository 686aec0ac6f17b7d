/* json_reader.h - pull reader over a complete JSON text (RFC 8259, strict).
 *
 * Model:   the caller asks for what it expects, in the order of the text:
 *
 *              struct json_reader r;
 *              jr_init(&r, body, arena);
 *              if (jr_obj(&r))
 *                  while (jr_key(&r, &key)) {
 *                      if (str_is(key, "id"))
 *                          jr_str(&r, &id);
 *                      else if (str_is(key, "quantity"))
 *                          jr_i64(&r, 1, 1000000, &quantity);
 *                  }                      // a value that nobody read is skipped (and checked)
 *              return jr_end(&r, err);
 *
 *          The first failure sticks: every later call returns false and changes nothing, so a run
 *          of reads is checked once, by jr_end.
 * Memory:  nothing is allocated, and strings are borrowed from the text, except strings with
 *          escapes, which are decoded into the caller's arena (once per request, reset keeps its
 *          block).
 * Strict:  one value and white space; no comments, trailing commas, NaN, leading zeros; UTF-8 must
 *          be valid; lone surrogates and U+0000 are refused; nesting up to 64. Every part of the
 *          text is checked, skipped parts too. A byte order mark is refused.
 * Errors:  ERR_INVALID (grammar, type or range), ERR_LIMIT (depth, arena); the message tells
 *          line:column (in bytes, from 1), for example "3:14: expected a string, found a number".
 * Threads: one at a time.
 * Tests:   fuzzed with jansson as oracle (fuzz/fuzz_json.c). */
#ifndef BASE_JSON_READER_H
#define BASE_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

enum { JR_DEPTH_MAX = 64, JR_NUMBER_MAX = 512 };

enum jr_type { JR_NONE, JR_NULL, JR_BOOL, JR_NUMBER, JR_STRING, JR_ARRAY, JR_OBJECT };

struct json_reader {
    const char *start; /* the text, borrowed */
    const char *at;    /* next byte */
    const char *end;
    const char *value;   /* where the value or key read last begins */
    struct arena *arena; /* borrowed, for decoded strings; NULL: escapes are ERR_LIMIT */
    uint64_t objects;    /* bit d: the container at depth d + 1 is an object */
    unsigned depth;      /* open containers, 0..JR_DEPTH_MAX */
    unsigned first_line; /* number of the text's first line, for messages */
    bool due;            /* a value comes next and was not read yet */
    bool first;          /* nothing of the innermost container was read yet */
    bool failed;
    struct err err; /* the first failure; set only if failed */
};

void jr_init(struct json_reader *r, struct str text, struct arena *arena);

/** For texts with a value per line: cut the next line that is not blank off *rest (without its line
 *  end) and count lines into *line_no (start with 0). False at the end. Give *line_no to the
 *  reader's first_line for messages. */
bool jr_next_line(struct str *rest, struct str *line, unsigned *line_no);

/** Was everything read, and right? Skips a value nobody read; refuses what follows it. */
ERR_MUST_USE enum err_code jr_end(struct json_reader *r, struct err *err);

/** The type of the value that comes next, by its first byte; JR_NONE where none does. */
enum jr_type jr_peek(struct json_reader *r);

/* --- containers ------------------------------------------------------------------------------ */

/** Enter an object; then jr_key until it is false (that leaves it). */
bool jr_obj(struct json_reader *r);

/** The next key of the innermost object. False at its end, or on failure.
 *  key  borrowed from the text, or from the arena if it has escapes */
bool jr_key(struct json_reader *r, struct str *key);

/** Enter an array; then jr_next until it is false (that leaves it). */
bool jr_arr(struct json_reader *r);

/** Is there another element? It is read next. */
bool jr_next(struct json_reader *r);

/** Leave the innermost container, skipping the rest of it. */
bool jr_leave(struct json_reader *r);

/** Known keys of an object: their order in names is that in the caller's switch. */
struct jr_fields {
    const char *const *names; /* [n], borrowed */
    unsigned n;               /* at most 64 */
    bool strict;              /* unknown keys are ERR_INVALID with a suggestion */
    unsigned next;            /* where the search begins: keys mostly come in the same order */
    uint64_t seen;            /* bit i: names[i] came */
    bool twice;               /* the failure is a key that came twice */
};

/** The index of the next known key of the innermost object (its value is read next), or -1 at its
 *  end or on failure. Unknown keys are skipped. A known key that comes twice is ERR_INVALID.
 *  Start with a fresh struct for each object. */
int jr_field(struct json_reader *r, struct jr_fields *f);

/* --- values ---------------------------------------------------------------------------------- */

bool jr_str(struct json_reader *r, struct str *out);

/** As jr_str, with at most max_bytes bytes of text. ERR_LIMIT otherwise. */
bool jr_str_max(struct json_reader *r, size_t max_bytes, struct str *out);

/** A whole number in [lo, hi]; 3.0 is one, 3e0 is not. */
bool jr_i64(struct json_reader *r, int64_t lo, int64_t hi, int64_t *out);

/** The nearest double; ERR_INVALID where that is infinite. */
bool jr_double(struct json_reader *r, double *out);

bool jr_bool(struct json_reader *r, bool *out);

/** The number's text, for exact decimals (money). At most JR_NUMBER_MAX bytes. */
bool jr_number(struct json_reader *r, struct str *out);

/** If null comes next, read it and return true; otherwise read nothing and return false. */
bool jr_null(struct json_reader *r);

/** The whole next value as text, checked. Borrowed from the text. */
bool jr_raw(struct json_reader *r, struct str *out);

bool jr_skip(struct json_reader *r);

/* --- failures -------------------------------------------------------------------------------- */

/** Fail at the current place with the caller's reason (a rule of its own was broken). Returns
 *  false. */
bool jr_fail(struct json_reader *r, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** Where a value begins, to come back to it. */
struct jr_mark {
    const char *at;
    unsigned depth;
    uint64_t objects;
};

/** Call where a value comes next (after jr_next or jr_key, or at the start). */
struct jr_mark jr_mark(struct json_reader *r);

/** After a failure inside the marked value: hand out the reason, go back, and skip the value whole,
 *  so that one bad element does not spoil the batch. False if the text itself is broken: then the
 *  failure stays. */
bool jr_recover(struct json_reader *r, struct jr_mark mark, struct err *why);

#endif
