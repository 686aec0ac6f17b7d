/* Comma-separated values: RFC 4180, and what the world writes in its name: any of four delimiters,
 * line ends LF, CRLF or CR, blank lines skipped, quotes in the middle of a plain field taken as they
 * are.
 *
 * A record is found by looking at the text from its beginning; if the text in memory ends first, more
 * is read and the record is looked at again. */
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/mem.h"
#include "ingest/reader_int.h"

#include "base/check.h"

enum outcome { COMPLETE, NEED_MORE, BROKEN };

/* What one look at the text found. */
struct look {
    size_t used;     /* bytes of the record with its line end */
    uint64_t lines;  /* line ends among them */
    size_t fields;   /* how many, stored or not */
    const char *why; /* BROKEN */
};

/* The first delimiter, CR or LF in [p, end), or end. */
static const char *plain_end(const char *p, const char *end, char delimiter)
{
#ifdef __SSE2__
    const __m128i d = _mm_set1_epi8(delimiter), lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(x, d),
                                   _mm_or_si128(_mm_cmpeq_epi8(x, lf), _mm_cmpeq_epi8(x, cr)));
        int mask = _mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && *p != delimiter && *p != '\n' && *p != '\r')
        p++;
    return p;
}

static uint64_t count_lines(const char *p, const char *end)
{
    uint64_t n = 0;
    while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
        n++;
        p++;
    }
    return n;
}

static void put_field(struct reader *r, size_t i, struct str text)
{
    if (i < r->fields_len)
        r->fields[i] = (struct field){text, FIELD_TEXT};
}

/* "a ""b"" c" without its doubled quotes, in the record's scratch. */
static struct str undouble(struct reader *r, struct str s)
{
    char *to = arena_alloc(&r->scratch, s.n + 1, 1); /* less than the window, whose cap it has */
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        to[n++] = s.p[i];
        if (s.p[i] == '"')
            i++;
    }
    return (struct str){to, n};
}

/* A quoted field from its opening quote; *pp moves behind the closing one. */
static enum outcome quoted_field(struct reader *r, const char **pp, const char *end, size_t i,
                                 struct look *look)
{
    const char *begin = *pp + 1, *p = begin;
    bool doubled = false;
    for (;;) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (!quote || (quote + 1 == end && !r->w.eof)) {
            look->why = "a quote is opened and never closed";
            return r->w.eof ? BROKEN : NEED_MORE;
        }
        if (quote + 1 < end && quote[1] == '"') {
            doubled = true;
            p = quote + 2;
            continue;
        }
        struct str text = {begin, (size_t)(quote - begin)};
        look->lines += count_lines(begin, quote);
        put_field(r, i, doubled ? undouble(r, text) : text);
        *pp = quote + 1;
        return COMPLETE;
    }
}

/* Behind a field: a delimiter (*last false), or the record's end. */
static enum outcome field_end(struct reader *r, const char **pp, const char *end, bool *last,
                              struct look *look)
{
    const char *p = *pp;
    *last = true;
    if (p == end)
        return r->w.eof ? COMPLETE : NEED_MORE;
    if (*p == r->delimiter) {
        *last = false;
        *pp = p + 1;
        return COMPLETE;
    }
    if (*p == '\r') {
        if (p + 1 == end && !r->w.eof)
            return NEED_MORE;
        p++;
        if (p < end && *p == '\n')
            p++;
    } else if (*p == '\n') {
        p++;
    } else {
        look->why = "text follows a closing quote";
        return BROKEN;
    }
    look->lines++;
    *pp = p;
    return COMPLETE;
}

static enum outcome look_at(struct reader *r, struct look *look)
{
    struct str text = window_text(&r->w);
    const char *p = text.p, *end = text.p + text.n;
    bool last = false;
    *look = (struct look){0};
    arena_reset(&r->scratch);
    for (size_t i = 0; !last; i++) {
        enum outcome o = COMPLETE;
        if (p < end && *p == '"') {
            o = quoted_field(r, &p, end, i, look);
        } else {
            const char *stop = plain_end(p, end, r->delimiter);
            put_field(r, i, (struct str){p, (size_t)(stop - p)});
            p = stop;
        }
        if (o == COMPLETE)
            o = field_end(r, &p, end, &last, look);
        if (o != COMPLETE)
            return o;
        look->fields = i + 1;
    }
    look->used = (size_t)(p - text.p);
    return COMPLETE;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* Move over blank lines; *more is false at the end of the text. */
static enum err_code skip_blank(struct reader *r, bool *more, struct err *err)
{
    struct window *w = &r->w;
    for (;;) {
        while (w->at < w->end && is_line_end(w->data[w->at])) {
            bool pair = w->data[w->at] == '\r' && w->at + 1 < w->end && w->data[w->at + 1] == '\n';
            window_take(w, pair ? 2 : 1, 1);
        }
        *more = w->at < w->end;
        if (*more || w->eof)
            return ERR_OK;
        enum err_code rc = window_more(w, err);
        if (rc != ERR_OK)
            return rc;
    }
}

/* The physical line at the window's place, as far as it is in memory. */
static struct str first_line(const struct reader *r)
{
    struct str text = window_text(&r->w);
    const char *stop = plain_end(text.p, text.p + text.n, '\n');
    return (struct str){text.p, (size_t)(stop - text.p)};
}

/* Fields whose text lies in the window, moved over to a copy of its beginning. */
static size_t move_fields(struct reader *r, size_t n, struct str kept)
{
    const char *begin = r->w.data + r->w.at, *end = r->w.data + r->w.end;
    for (size_t i = 0; i < n; i++) {
        struct str *text = &r->fields[i].text;
        if (text->p < begin || text->p >= end)
            continue; /* undoubled: in scratch */
        size_t at = (size_t)(text->p - begin);
        if (at + text->n > kept.n)
            return i;
        text->p = kept.p + at;
    }
    return n;
}

/* The broken record is given as its first physical line; reading goes on with the second. */
static enum err_code give_broken(struct reader *r, enum import_reason why, const struct look *look,
                                 struct err *err)
{
    struct str raw = first_line(r);
    raw.n = raw.n > READER_RAW_MAX ? READER_RAW_MAX : raw.n;
    struct str kept = arena_str(&r->scratch, raw);
    r->sound = move_fields(r, look->fields < r->fields_len ? look->fields : r->fields_len, kept);
    reader_fault(r, why, kept, "%s", look->why);
    return window_skip_line(&r->w, err);
}

static bool text_ok(struct str s)
{
    return str_utf8_valid(s, NULL) && (s.n == 0 || !memchr(s.p, '\0', s.n));
}

/* Look until the record is whole; *o is BROKEN also for one that is too long. */
static enum err_code find_record(struct reader *r, struct look *look, enum outcome *o,
                                 enum import_reason *why, struct err *err)
{
    *why = REASON_BROKEN_ROW;
    while ((*o = look_at(r, look)) == NEED_MORE) {
        if (r->w.end - r->w.at > r->row_max) {
            *o = BROKEN;
            *why = REASON_TOO_LONG;
            look->why = look->why ? look->why : "the row is too long";
            return ERR_OK;
        }
        enum err_code rc = window_more(&r->w, err);
        if (rc != ERR_OK)
            return rc;
    }
    if (*o == COMPLETE && look->used > r->row_max) {
        *o = BROKEN;
        *why = REASON_TOO_LONG;
        look->why = "the row is too long";
    }
    return ERR_OK;
}

static enum err_code csv_next(struct reader *r, bool *more, struct err *err)
{
    struct look look;
    enum outcome o;
    enum import_reason why;
    enum err_code rc = skip_blank(r, more, err);
    if (rc != ERR_OK || !*more)
        return rc;
    reader_begin(r);
    rc = find_record(r, &look, &o, &why, err);
    if (rc != ERR_OK)
        return rc;
    if (o == BROKEN)
        return give_broken(r, why, &look, err);
    struct str raw = {r->w.data + r->w.at, look.used};
    while (raw.n && is_line_end(raw.p[raw.n - 1]))
        raw.n--;
    if (look.fields != r->header_len && look.lines > 1) {
        look.why = "a quote is opened and closed in another row";
        return give_broken(r, REASON_BROKEN_ROW, &look, err);
    }
    r->sound = look.fields < r->fields_len ? look.fields : r->fields_len;
    if (look.fields != r->header_len)
        reader_fault(r, REASON_FIELD_COUNT, raw, "%zu fields, but the header has %zu", look.fields,
                     r->header_len);
    else if (!text_ok(raw))
        reader_fault(r, REASON_BAD_TEXT, raw, "not valid UTF-8 text");
    else
        r->rec.raw = raw;
    window_take(&r->w, look.used, look.lines);
    return ERR_OK;
}

static enum err_code csv_open(struct reader *r, struct err *err)
{
    struct look look;
    enum outcome o;
    enum import_reason why;
    bool more;
    r->fields_len = READER_COLUMNS_MAX;
    r->fields = mem_new(r->fields_len, sizeof *r->fields);
    enum err_code rc = skip_blank(r, &more, err);
    if (rc != ERR_OK)
        return rc;
    if (!more)
        return ERR_OK; /* an empty file: no header, no records */
    rc = find_record(r, &look, &o, &why, err);
    if (rc != ERR_OK)
        return rc;
    if (o == BROKEN)
        return err_set(err, ERR_INVALID, "line %llu: the header cannot be read: %s",
                       (unsigned long long)r->w.line, look.why);
    if (look.fields > READER_COLUMNS_MAX)
        return err_set(err, ERR_LIMIT, "the header has %zu columns, more than %d", look.fields,
                       READER_COLUMNS_MAX);
    if (!text_ok((struct str){r->w.data + r->w.at, look.used}))
        return err_set(err, ERR_INVALID,
                       "line %llu: the header is not UTF-8 text; name the character set",
                       (unsigned long long)r->w.line);
    r->header = arena_alloc(&r->names, look.fields, sizeof *r->header);
    for (size_t i = 0; i < look.fields; i++)
        r->header[i] = arena_str(&r->names, str_trim(r->fields[i].text));
    r->header_len = r->fields_len = look.fields;
    window_take(&r->w, look.used, look.lines);
    arena_reset(&r->scratch);
    return ERR_OK;
}

static int csv_want(struct reader *r, struct str name)
{
    for (size_t i = 0; i < r->header_len; i++)
        if (str_eq(r->header[i], name))
            return (int)i;
    for (size_t i = 0; i < r->header_len; i++)
        if (reader_name_eq(r->header[i], name))
            return (int)i;
    return -1;
}

const struct reader_ops reader_csv = {csv_open, NULL, csv_next, csv_want};
