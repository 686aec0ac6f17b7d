#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/str.h"

static const char *const code_names[ERR_CODES] = {
    [ERR_OK] = "ok",
    [ERR_INVALID] = "invalid",
    [ERR_NOT_FOUND] = "not_found",
    [ERR_CONFLICT] = "conflict",
    [ERR_LIMIT] = "limit",
    [ERR_BUSY] = "busy",
    [ERR_DENIED] = "denied",
    [ERR_UNAUTHENTICATED] = "unauthenticated",
    [ERR_TIMEOUT] = "timeout",
    [ERR_CANCELLED] = "cancelled",
    [ERR_UNAVAILABLE] = "unavailable",
    [ERR_NO_SPACE] = "no_space",
    [ERR_IO] = "io",
    [ERR_CORRUPT] = "corrupt",
    [ERR_UNSUPPORTED] = "unsupported",
    [ERR_MEMORY] = "memory",
    [ERR_INTERNAL] = "internal",
};

const char *err_code_name(enum err_code code)
{
    CHECK((unsigned)code < ERR_CODES);
    return code_names[code];
}

/* Cut msg at a character boundary and make it one printable line. */
static void tidy(char *msg, size_t cap)
{
    size_t n = strlen(msg);
    if (n == cap - 1)
        msg[str_utf8_floor(msg, n, cap - 1)] = '\0';
    for (char *p = msg; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
}

static void fill(struct err *err, enum err_code code, const char *file, int line, const char *fmt,
                 va_list ap)
{
    char msg[sizeof err->msg];
    /* Arguments may point into err->msg, so the text is built aside. */
    vsnprintf(msg, sizeof msg, fmt, ap);
    tidy(msg, sizeof msg);
    err->code = code;
    err->file = file;
    err->line = line;
    memcpy(err->msg, msg, sizeof msg);
}

enum err_code err_set_at(struct err *err, enum err_code code, const char *file, int line,
                         const char *fmt, ...)
{
    CHECK(code != ERR_OK && (unsigned)code < ERR_CODES);
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        fill(err, code, file, line, fmt, ap);
        va_end(ap);
    }
    return code;
}

static enum err_code code_of_errno(enum err_code code, int errnum)
{
    if (errnum == ENOSPC || errnum == EDQUOT)
        return ERR_NO_SPACE;
    if (code != ERR_IO)
        return code;
    if (errnum == ENOENT)
        return ERR_NOT_FOUND;
    if (errnum == EACCES || errnum == EPERM || errnum == EROFS)
        return ERR_DENIED;
    return code;
}

enum err_code err_set_errno_at(struct err *err, enum err_code code, const char *file, int line,
                               int errnum, const char *fmt, ...)
{
    CHECK(code != ERR_OK && (unsigned)code < ERR_CODES);
    code = code_of_errno(code, errnum);
    if (err) {
        char reason[80];
        va_list ap;
        va_start(ap, fmt);
        fill(err, code, file, line, fmt, ap);
        va_end(ap);
        size_t n = strlen(err->msg);
        snprintf(err->msg + n, sizeof err->msg - n, ": %s",
                 strerror_r(errnum, reason, sizeof reason));
        tidy(err->msg, sizeof err->msg);
    }
    return code;
}

enum err_code err_prefix(struct err *err, enum err_code code, const char *fmt, ...)
{
    CHECK(code != ERR_OK);
    if (err) {
        char msg[sizeof err->msg];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(msg, sizeof msg, fmt, ap);
        va_end(ap);
        size_t n = strlen(msg);
        snprintf(msg + n, sizeof msg - n, ": %s", err->msg);
        tidy(msg, sizeof msg);
        memcpy(err->msg, msg, sizeof msg);
    }
    return code;
}

char *err_quote(char *out, size_t cap, const char *p, size_t n)
{
    CHECK(cap >= 8);
    size_t len = n, room = cap - 1;
    if (n > room)
        len = str_utf8_floor(p, n, room - 3);
    size_t i = 0;
    while (i < len) {
        size_t step = str_utf8_next(p + i, len - i, NULL);
        unsigned char c = (unsigned char)p[i];
        if (step == 0 || c < 0x20 || c == 0x7f) {
            out[i++] = '?';
            continue;
        }
        memcpy(out + i, p + i, step);
        i += step;
    }
    if (n > room) {
        memcpy(out + i, "...", 3);
        i += 3;
    }
    out[i] = '\0';
    return out;
}
