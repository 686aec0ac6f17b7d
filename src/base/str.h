/* str.h - a borrowed piece of text: pointer and length, no terminator implied.
 *
 * Ownership: a struct str borrows; whoever made the bytes says how long they live. {NULL, 0} is the
 * empty string and also "absent" where a record says so. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct str {
    const char *p; /* [n] bytes, borrowed; may be NULL only if n is 0 */
    size_t n;      /* bytes */
};

/** printf("%.*s", STR_ARG(s)) */
#define STR_ARG(s)   (int)(s).n, (s).p ? (s).p : ""
#define STR_LIT(lit) ((struct str){"" lit, sizeof(lit) - 1})

static inline struct str str_of(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

/** Byte order; shorter first on a tie of the common prefix. Returns <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/** Equal when ASCII letters are compared without case. */
bool str_eq_nocase(struct str a, struct str b);

bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);

/** Without ASCII white space at both ends. */
struct str str_trim(struct str s);

/** Index of the first c at or after from, or SIZE_MAX. */
size_t str_find(struct str s, char c, size_t from);

/** Index of the first occurrence of needle, or SIZE_MAX. */
size_t str_search(struct str s, struct str needle);

/** Cut *rest at the first c: returns what stands before it, *rest becomes what follows. With no c
 *  left the whole is returned and *rest becomes {NULL, 0}. Call while rest->p. */
struct str str_split(struct str *rest, char c);

/** Decode one character of (p, n). Returns its length 1..4, or 0 where the bytes are not valid
 *  UTF-8 (overlong forms, surrogates and values above 10FFFF included) or n is 0. cp may be
 *  NULL. */
size_t str_utf8_next(const char *p, size_t n, uint32_t *cp);

/** Encode cp (a scalar value) into out[4]; returns the length. */
size_t str_utf8_put(uint32_t cp, char out[4]);

/** Is all of s valid UTF-8? *bad (may be NULL) receives the offset of the first bad byte. */
bool str_utf8_valid(struct str s, size_t *bad);

/** The greatest offset <= at that does not split a character of (p, n). */
size_t str_utf8_floor(const char *p, size_t n, size_t at);

/** Parse all of s as a decimal integer in [lo, hi]; no spaces, an optional '-' (and no '+').
 *  ERR_INVALID  not a number, or out of range; the message quotes s. */
ERR_MUST_USE enum err_code str_parse_i64(struct str s, int64_t lo, int64_t hi, int64_t *out,
                                         struct err *err);

/** true, yes, on, false, no, off, without case. Returns false, *out untouched, for anything
 *  else. */
bool str_parse_bool(struct str s, bool *out);

/** Parse all of s as a finite decimal number (JSON's grammar, a leading '+' or '.' is refused).
 *  Independent of the locale.
 *  ERR_INVALID  not a number, or not finite. */
ERR_MUST_USE enum err_code str_parse_double(struct str s, double *out, struct err *err);

/** Edit distance (Damerau, optimal string alignment) of two short texts, for "did you mean".
 *  Returns cap when it is cap or more, or when either is over 64 bytes. */
unsigned str_distance(struct str a, struct str b, unsigned cap);

/** For "did you mean": the one of names[n] that is nearest to s, at most two edits away; NULL if
 *  none is. */
const char *str_nearest(struct str s, const char *const *names, size_t n);

/** "; did you mean 'NEAREST'?" for the end of a message, or "" where none is near. Returns out. */
enum { STR_MEANT_SIZE = 96 };
char *str_meant(struct str s, const char *const *names, size_t n, char out[STR_MEANT_SIZE]);

#endif
