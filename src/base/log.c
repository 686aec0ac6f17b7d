#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log_int.h"

enum { CONSTANT_MAX = 512, TAIL = 32 }; /* TAIL: room for "cut" and the line's end */

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

static atomic_int threshold = LOG_LEVEL_INFO;
static enum log_format format = LOG_TEXT;
static int descriptor = STDERR_FILENO;
static char constant[CONSTANT_MAX]; /* rendered fields, with what separates them from others */
static size_t constant_len;

static pthread_mutex_t limit_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_limit limit;

static _Thread_local char request_id[LOG_REQUEST_ID_MAX];
static _Thread_local size_t request_id_len;

/* --- fields ---------------------------------------------------------------------------------- */

/* A value in the text format: bare where it is one plain word, in quotes otherwise. */
static void text_value(struct buf *b, struct str s)
{
    bool plain = s.n > 0;
    for (size_t i = 0; i < s.n && plain; i++)
        plain = s.p[i] > ' ' && s.p[i] != '"' && s.p[i] != '=' && s.p[i] != '\\' && s.p[i] != 0x7f;
    if (!plain)
        buf_putc(b, '"');
    json_escape(b, s);
    if (!plain)
        buf_putc(b, '"');
}

static void put_str(struct buf *b, const char *key, struct str s)
{
    if (format == LOG_JSON) {
        buf_printf(b, ",\"%s\":\"", key);
        json_escape(b, s);
        buf_putc(b, '"');
    } else {
        buf_printf(b, " %s=", key);
        text_value(b, s);
    }
}

/* A number or boolean: reads the same in both formats. */
static void put_bare(struct buf *b, const char *key, const char *value)
{
    buf_printf(b, format == LOG_JSON ? ",\"%s\":%s" : " %s=%s", key, value);
}

static void put_double(struct buf *b, const char *key, double v)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", v);
    bool finite = v - v == 0;
    put_bare(b, key, finite ? text : "null");
}

static void put_err(struct buf *b, const struct err *e, bool with_text)
{
    char at[128];
    put_str(b, "error", str_of(err_code_name(e->code)));
    if (e->file) {
        snprintf(at, sizeof at, "%s:%d", e->file, e->line);
        put_str(b, "error_at", str_of(at));
    }
    if (with_text)
        put_str(b, "error_message", str_of(e->msg));
}

static void put_field(struct buf *b, const struct log_field *f)
{
    char number[24];
    switch (f->kind) {
    case LOG_KIND_STR:
        put_str(b, f->key, f->v.s);
        break;
    case LOG_KIND_I64:
        snprintf(number, sizeof number, "%lld", (long long)f->v.i);
        put_bare(b, f->key, number);
        break;
    case LOG_KIND_DOUBLE:
        put_double(b, f->key, f->v.d);
        break;
    case LOG_KIND_BOOL:
        put_bare(b, f->key, f->v.b ? "true" : "false");
        break;
    case LOG_KIND_ERR:
    case LOG_KIND_ERR_TEXT:
        put_err(b, f->v.e, f->kind == LOG_KIND_ERR_TEXT);
        break;
    case LOG_KIND_NONE:
        break;
    }
}

/* --- the line -------------------------------------------------------------------------------- */

static void put_head(struct buf *b, enum log_level level, const char *message)
{
    char time[CLOCK_ISO_SIZE];
    clock_format_iso(clock_now_us() / 1000 * 1000, time);
    if (format == LOG_JSON) {
        buf_printf(b, "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\"", time, level_names[level]);
        json_escape(b, str_of(message));
        buf_putc(b, '"');
    } else {
        buf_printf(b, "%s %-5s %s", time, level_names[level], message);
    }
}

/* Fields until one does not fit. Returns whether all did. */
static bool put_fields(struct buf *b, const struct log_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t before = b->len;
        put_field(b, &fields[i]);
        if (b->full) {
            buf_truncate(b, before);
            b->full = false;
            return false;
        }
    }
    return true;
}

static void write_line(const struct buf *b)
{
    ssize_t n;
    do
        n = write(descriptor, b->data, b->len);
    while (n < 0 && errno == EINTR);
    /* Nobody is left to be told that the log cannot be written. */
}

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n)
{
    unsigned repeated = 0;
    char room[LOG_LINE_MAX];
    if (level >= LOG_LEVEL_WARN) {
        uint64_t hash = XXH3_64bits_withSeed(message, strlen(message), (uint64_t)level);
        pthread_mutex_lock(&limit_lock);
        bool pass = log_limit_pass(&limit, hash, clock_mono_ns(), &repeated);
        pthread_mutex_unlock(&limit_lock);
        if (!pass)
            return;
    }
    /* On the stack, and never grown: cap is above max from the start. */
    struct buf b = {.data = room, .cap = sizeof room, .max = sizeof room - 1 - TAIL};
    struct log_field count = LOG_I64("repeated", repeated);
    put_head(&b, level, message);
    buf_put(&b, constant, constant_len);
    if (request_id_len > 0)
        put_str(&b, "request_id", (struct str){request_id, request_id_len});
    bool whole = put_fields(&b, &count, repeated > 0) && put_fields(&b, fields, n);
    b.max = sizeof room - 1;
    b.full = false;
    if (!whole)
        put_bare(&b, "cut", "true");
    buf_puts(&b, format == LOG_JSON ? "}\n" : "\n");
    write_line(&b);
}

bool log_limit_pass(struct log_limit *l, uint64_t hash, int64_t now_ns, unsigned *repeated)
{
    const int64_t window_ns = LOG_WINDOW_S * 1000000000LL;
    size_t i = (size_t)(hash % LOG_LIMIT_SLOTS);
    bool other = l->slots[i].hash != hash || l->slots[i].passed == 0;
    if (other) {
        l->slots[i].hash = hash;
        l->slots[i].withheld = 0;
    }
    if (other || now_ns - l->slots[i].since_ns >= window_ns) {
        l->slots[i].since_ns = now_ns;
        l->slots[i].passed = 0;
    }
    if (l->slots[i].passed == LOG_BURST) {
        l->slots[i].withheld++;
        return false;
    }
    l->slots[i].passed++;
    *repeated = l->slots[i].withheld;
    l->slots[i].withheld = 0;
    return true;
}

/* --- settings -------------------------------------------------------------------------------- */

void log_init(enum log_format fmt, enum log_level level, int fd, const struct log_field *fields,
              size_t n)
{
    struct buf b = {.data = constant, .cap = sizeof constant, .max = sizeof constant - 1};
    format = fmt;
    descriptor = fd;
    bool whole = put_fields(&b, fields, n);
    CHECK(whole && "constant fields of the log");
    constant_len = b.len;
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&threshold, memory_order_relaxed);
}

enum err_code log_level_parse(struct str s, enum log_level *out, struct err *err)
{
    char quoted[32];
    for (unsigned i = 0; i < sizeof level_names / sizeof *level_names; i++)
        if (str_is(s, level_names[i])) {
            *out = (enum log_level)i;
            return ERR_OK;
        }
    return err_set(err, ERR_INVALID, "'%s' is not a log level (debug, info, warn, error, off)",
                   err_quote(quoted, sizeof quoted, s.p, s.n));
}

void log_set_request_id(struct str id)
{
    request_id_len = id.n < LOG_REQUEST_ID_MAX ? id.n : LOG_REQUEST_ID_MAX;
    if (request_id_len > 0)
        memcpy(request_id, id.p, request_id_len);
}
