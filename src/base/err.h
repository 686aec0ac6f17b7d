/* err.h - how a function says that it could not.
 *
 * A fallible function returns a must-use enum err_code and fills the caller's struct err, which
 * never allocates and stays untouched on success. The one who detects the failure writes it, the
 * middle passes it on (err_prefix adds the place: a file, a line, a row), the edge logs or prints
 * it once. Every code maps to one HTTP status (api/) and one exit status (cli/). Messages are one
 * line, quote the user's data (err_quote makes that safe), hold no secret. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stddef.h>

enum err_code {
    ERR_OK = 0,
    ERR_INVALID,   /* the input breaks a rule: 400, exit 65 */
    ERR_NOT_FOUND, /* no such thing: 404, exit 66 */
    ERR_CONFLICT,  /* the state forbids it (exists already, version differs, folder in use): 409 */
    ERR_LIMIT,     /* a named cap is exceeded: 413 */
    ERR_BUSY,      /* a bounded queue is full, or a lock is held; try again: 503 */
    ERR_DENIED,    /* known, but not allowed: 403 */
    ERR_UNAUTHENTICATED, /* who are you: 401 */
    ERR_TIMEOUT,         /* a deadline passed: 504 */
    ERR_CANCELLED,       /* the caller or a signal asked to stop: 499 */
    ERR_UNAVAILABLE,     /* something this depends on is not there now: 503 */
    ERR_NO_SPACE,        /* disk full or quota: 507 */
    ERR_IO,              /* the operating system refused: 500 */
    ERR_CORRUPT,         /* stored bytes fail their checksum or their grammar: 500 */
    ERR_UNSUPPORTED,     /* well-formed, but not something we do: 415 or 501 */
    ERR_MEMORY,          /* a large allocation failed: 503 */
    ERR_INTERNAL,        /* a bug that need not stop the process: 500 */
    ERR_CODES            /* how many */
};

struct err {
    enum err_code code;
    const char *file; /* static string, or NULL */
    int line;
    char msg[240]; /* one line, NUL-terminated, valid UTF-8 if its parts were */
};

#define ERR_MUST_USE __attribute__((warn_unused_result))

/** Fill err (which may be NULL) and return code, so that `return err_set(...)` reads well.
 *  Never call with ERR_OK. Control characters in the result become '?'; cut at 239 bytes, never
 *  inside a UTF-8 sequence. */
#define err_set(err, code, ...) err_set_at((err), (code), __FILE__, __LINE__, __VA_ARGS__)
enum err_code err_set_at(struct err *err, enum err_code code, const char *file, int line,
                         const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/** As err_set, with ": " and the text of errnum (an errno value) appended. ENOSPC and EDQUOT turn
 *  the code into ERR_NO_SPACE, ENOENT of ERR_IO into ERR_NOT_FOUND, EACCES/EPERM/EROFS of ERR_IO
 *  into ERR_DENIED. */
#define err_set_errno(err, code, errnum, ...)                                                      \
    err_set_errno_at((err), (code), __FILE__, __LINE__, (errnum), __VA_ARGS__)
enum err_code err_set_errno_at(struct err *err, enum err_code code, const char *file, int line,
                               int errnum, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/** Put "prefix: " before the message of a filled err and return its code. err may be NULL (then
 *  code is returned as given). */
enum err_code err_prefix(struct err *err, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** The stable lower-case name of a code ("not_found"), as it stands in replies and logs. */
const char *err_code_name(enum err_code code);

/** out[cap] receives at most cap-1 bytes of (p, n): printable, control bytes and invalid UTF-8 as
 *  '?', "..." at the end if cut. Returns out. */
char *err_quote(char *out, size_t cap, const char *p, size_t n);

#endif
