/* json_writer.h - JSON straight into a buffer.
 *
 * Model:   calls in the order of the text: jw_obj, jw_key, value, ..., jw_obj_end. Commas are the
 *          writer's business. A value outside any container is a document of its own, so a run of
 *          documents needs only jw_init (or jw_newline) between them.
 * Bytes:   strings are escaped as RFC 8259 demands and no more; invalid UTF-8 becomes U+FFFD, so
 *          the output is valid whatever comes in. Money is an integer of minor units: jw_i64.
 * Memory:  the caller owns the buffer; when it is full the rest is dropped and buf_ok (or jw_end)
 *          says so.
 * Checks:  a wrong order of calls is a caller's bug: nesting is CHECKed, the rest DCHECKed.
 * Threads: one at a time.
 * Cost:    about a memcpy: 16 bytes of text a step where nothing needs escaping. */
#ifndef BASE_JSON_WRITER_H
#define BASE_JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { JW_DEPTH_MAX = 64 };

struct json_writer {
    struct buf *out;  /* borrowed */
    unsigned depth;   /* open containers, 0..JW_DEPTH_MAX */
    uint64_t objects; /* bit d: the container at depth d + 1 is an object */
    bool comma;       /* the next key or element is preceded by one */
    bool keyed;       /* a key awaits its value */
};

/** Append to what out holds. */
void jw_init(struct json_writer *w, struct buf *out);

/** End one document and begin the next: '\n'. No container may be open. */
void jw_newline(struct json_writer *w);

/** No container may be open. ERR_LIMIT as buf_ok. */
ERR_MUST_USE enum err_code jw_end(struct json_writer *w, const char *what, struct err *err);

void jw_obj(struct json_writer *w);
void jw_obj_end(struct json_writer *w);
void jw_arr(struct json_writer *w);
void jw_arr_end(struct json_writer *w);

void jw_key(struct json_writer *w, struct str key);

/** As jw_key for a literal that needs no escaping; "\"name\":" is one copy. */
#define JW_KEY(w, lit) jw_key_raw((w), "\"" lit "\":", sizeof(lit) + 2)

/** The quoted key with its colon, as it stands. */
void jw_key_raw(struct json_writer *w, const char *quoted, size_t n);

void jw_str(struct json_writer *w, struct str s);
void jw_z(struct json_writer *w, const char *z); /* NULL: null */

/** One string of pieces [n], none of which ends within a character. */
void jw_pieces(struct json_writer *w, const struct str *pieces, size_t n);

void jw_i64(struct json_writer *w, int64_t v);
void jw_u64(struct json_writer *w, uint64_t v);
void jw_bool(struct json_writer *w, bool v);
void jw_null(struct json_writer *w);

/** At most 17 significant digits, reads back as the same double; whole numbers below 2^53 have no
 *  point. NaN and infinities, which JSON does not have, become null. */
void jw_double(struct json_writer *w, double v);

/** Rounded to places (0..9) decimals, trailing zeros cut: for scores and rates. Much cheaper than
 *  jw_double. Not finite: null. */
void jw_decimal(struct json_writer *w, double v, unsigned places);

/** "YYYY-MM-DDThh:mm:ss[.ffffff]Z" of UTC microseconds. */
void jw_time(struct json_writer *w, int64_t us);

/** The same; null for 0, which stands for no time. */
void jw_time_or_null(struct json_writer *w, int64_t us);

/** A value that is JSON already: trusted, inserted as it stands. */
void jw_raw(struct json_writer *w, struct str json);

/** Room for n bytes of members ("a":1,"b":2) of the open object, for the loops that write most of an
 *  answer: the caller writes their JSON there, at least one, and tells jw_members_end where it ends.
 *  NULL: the buffer is full; jw_members_end must not be called. */
char *jw_members_room(struct json_writer *w, size_t n);
void jw_members_end(struct json_writer *w, char *end);

/* Key and value in one line: JW_STR(w, "title", p->title). */
#define JW_STR(w, lit, s)             (JW_KEY(w, lit), jw_str((w), (s)))
#define JW_Z(w, lit, z)               (JW_KEY(w, lit), jw_z((w), (z)))
#define JW_I64(w, lit, v)             (JW_KEY(w, lit), jw_i64((w), (v)))
#define JW_U64(w, lit, v)             (JW_KEY(w, lit), jw_u64((w), (v)))
#define JW_BOOL(w, lit, v)            (JW_KEY(w, lit), jw_bool((w), (v)))
#define JW_NULL(w, lit)               (JW_KEY(w, lit), jw_null(w))
#define JW_DOUBLE(w, lit, v)          (JW_KEY(w, lit), jw_double((w), (v)))
#define JW_DECIMAL(w, lit, v, places) (JW_KEY(w, lit), jw_decimal((w), (v), (places)))
#define JW_TIME(w, lit, us)           (JW_KEY(w, lit), jw_time((w), (us)))
#define JW_TIME_OR_NULL(w, lit, us)   (JW_KEY(w, lit), jw_time_or_null((w), (us)))
#define JW_RAW(w, lit, json)          (JW_KEY(w, lit), jw_raw((w), (json)))
#define JW_OBJ(w, lit)                (JW_KEY(w, lit), jw_obj(w))
#define JW_ARR(w, lit)                (JW_KEY(w, lit), jw_arr(w))

/** Append s, escaped, without quotes: the writer's own escaping for log lines and the like. */
void json_escape(struct buf *out, struct str s);

#endif
