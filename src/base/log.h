/* log.h - structured logs on standard error: one line, one write(2), per message.
 *
 *     log_warn("segment skipped", LOG_STR("path", path), LOG_I64("bytes", n), LOG_ERR(&err));
 *
 * Rule:    no personal data. What names or describes a shopper (ids from outside, addresses, query
 *          texts, chat messages, tokens, keys) is never a field; user_no, product_no, request ids,
 *          counts, durations, routes and error codes are. Messages are literals, so this can be
 *          read off the source. An error's message may quote input: LOG_ERR gives only its code and
 *          place; LOG_ERR_TEXT adds the message and is for errors of files and configuration.
 * Model:   level, format and constant fields are process-wide; the request id belongs to the
 *          thread.
 * Limits:  a line is cut at LOG_LINE_MAX bytes, at a field's end. Of equal messages at warn and
 *          error at most LOG_BURST pass in LOG_WINDOW_S; the next that passes carries "repeated":
 *          how many did not. debug and info are not limited.
 * Threads: any. A line is never torn. Logging never fails and never waits for a lock during I/O. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_OFF };
enum log_format { LOG_TEXT, LOG_JSON };

enum { LOG_LINE_MAX = 4096, LOG_BURST = 10, LOG_WINDOW_S = 10, LOG_REQUEST_ID_MAX = 64 };

enum log_kind {
    LOG_KIND_NONE,
    LOG_KIND_STR,
    LOG_KIND_I64,
    LOG_KIND_DOUBLE,
    LOG_KIND_BOOL,
    LOG_KIND_ERR,
    LOG_KIND_ERR_TEXT
};

struct log_field {
    const char *key; /* static, [a-z_] */
    enum log_kind kind;
    union {
        struct str s;
        int64_t i;
        double d;
        bool b;
        const struct err *e;
    } v;
};

#define LOG_STR(k, value)    ((struct log_field){(k), LOG_KIND_STR, {.s = (value)}})
#define LOG_Z(k, value)      ((struct log_field){(k), LOG_KIND_STR, {.s = str_of(value)}})
#define LOG_I64(k, value)    ((struct log_field){(k), LOG_KIND_I64, {.i = (int64_t)(value)}})
#define LOG_DOUBLE(k, value) ((struct log_field){(k), LOG_KIND_DOUBLE, {.d = (value)}})
#define LOG_BOOL(k, value)   ((struct log_field){(k), LOG_KIND_BOOL, {.b = (value)}})
#define LOG_ERR(err)         ((struct log_field){"error", LOG_KIND_ERR, {.e = (err)}})
#define LOG_ERR_TEXT(err)    ((struct log_field){"error", LOG_KIND_ERR_TEXT, {.e = (err)}})

/** Before other threads start. The default is text at info on descriptor 2. fields [n] (strings
 *  included) are copied and stand on every line; at most 512 bytes rendered. */
void log_init(enum log_format format, enum log_level level, int fd, const struct log_field *fields,
              size_t n);

/** At any time, from any thread. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

/** "debug", "info", "warn", "error", "off". ERR_INVALID otherwise. */
ERR_MUST_USE enum err_code log_level_parse(struct str s, enum log_level *out, struct err *err);

/** The id that lines of this thread carry; cut at LOG_REQUEST_ID_MAX, copied; {NULL, 0}: none. */
void log_set_request_id(struct str id);

#define log_debug(...) LOG_AT_(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...)  LOG_AT_(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...)  LOG_AT_(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) LOG_AT_(LOG_LEVEL_ERROR, __VA_ARGS__)

/** What the macros call: message is a literal, fields [n] borrowed for the call. */
void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n);

#define LOG_AT_(level, message, ...)                                                               \
    do {                                                                                           \
        if (log_enabled(level)) {                                                                  \
            const struct log_field log_fields_[] = {{0}, ##__VA_ARGS__};                           \
            log_write((level), "" message, log_fields_ + 1,                                        \
                      sizeof log_fields_ / sizeof *log_fields_ - 1);                               \
        }                                                                                          \
    } while (0)

#endif
