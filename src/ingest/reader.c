#include "ingest/reader.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "ingest/reader_int.h"

#include "base/check.h"

static const struct {
    const char *name;
    enum reader_format format;
} formats[] = {{"csv", FORMAT_CSV},      {"tsv", FORMAT_TSV},   {"jsonl", FORMAT_JSONL},
               {"ndjson", FORMAT_JSONL}, {"json", FORMAT_JSON}, {"xml", FORMAT_XML}};

bool reader_format_of(struct str name, enum reader_format *f)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (str_is(name, formats[i].name)) {
            *f = formats[i].format;
            return true;
        }
    return false;
}

/* --- what a text is -------------------------------------------------------------------------- */

/* The delimiter that the first line has most of, outside quotes; a comma if it has none. */
static char guess_delimiter(struct str text)
{
    static const char candidates[] = ",;\t|";
    size_t counts[4] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        if (text.p[i] == '\n' || text.p[i] == '\r')
            break;
        const char *hit = text.p[i] ? strchr(candidates, text.p[i]) : NULL;
        if (hit)
            counts[hit - candidates]++;
    }
    for (size_t i = 1; i < 4; i++)
        if (counts[i] > counts[best])
            best = i;
    return candidates[best];
}

static bool name_says(const char *name, const char *ending)
{
    struct str s = str_of(name);
    static const char *const packed[] = {".gz", ".zst"};
    for (size_t i = 0; i < 2; i++)
        if (str_ends(s, str_of(packed[i])))
            s.n -= strlen(packed[i]);
    return s.p && str_ends(s, str_of(ending));
}

static enum reader_format guess_format(struct str text, const char *name)
{
    struct str t = str_trim(text);
    if (t.n && t.p[0] == '<')
        return FORMAT_XML;
    if (t.n && t.p[0] == '[')
        return FORMAT_JSON;
    if (t.n && t.p[0] == '{')
        return FORMAT_JSONL;
    if (name_says(name, ".json"))
        return FORMAT_JSON;
    if (name_says(name, ".jsonl") || name_says(name, ".ndjson"))
        return FORMAT_JSONL;
    return name_says(name, ".tsv") ? FORMAT_TSV : FORMAT_CSV;
}

/* --- the reader ------------------------------------------------------------------------------ */

static const struct reader_ops *ops_of(enum reader_format f)
{
    switch (f) {
    case FORMAT_CSV:
    case FORMAT_TSV:
        return &reader_csv;
    case FORMAT_JSONL:
        return &reader_jsonl;
    case FORMAT_JSON:
        return &reader_json;
    case FORMAT_XML:
        return &reader_xml;
    case FORMAT_AUTO:
        break;
    }
    UNREACHABLE();
}

enum err_code reader_open(struct reader **out, struct source *src, const struct reader_options *o,
                          struct err *err)
{
    struct reader *r = MEM_NEW(struct reader);
    window_init(&r->w, src);
    r->row_max = o->row_max ? o->row_max : READER_ROW_MAX;
    arena_init(&r->scratch, 64 << 10, 4 * r->row_max);
    arena_init(&r->names, 4 << 10, 4 * r->row_max);
    arena_init(&r->wants.arena, 4 << 10, 4 << 20);
    enum err_code rc = window_more(&r->w, err);
    if (rc != ERR_OK) {
        reader_close(r);
        return rc;
    }
    struct str text = window_text(&r->w);
    r->format = o->format == FORMAT_AUTO ? guess_format(text, o->name) : o->format;
    r->delimiter = o->delimiter              ? o->delimiter
                   : r->format == FORMAT_TSV ? '\t'
                                             : guess_delimiter(text);
    r->ops = ops_of(r->format);
    rc = r->ops->open(r, err);
    if (rc != ERR_OK) {
        reader_close(r);
        return rc;
    }
    *out = r;
    return ERR_OK;
}

void reader_close(struct reader *r)
{
    if (!r)
        return;
    if (r->ops && r->ops->close)
        r->ops->close(r);
    window_release(&r->w);
    arena_release(&r->scratch);
    arena_release(&r->names);
    arena_release(&r->wants.arena);
    mem_free(r->wants.paths);
    mem_free(r->fields);
    mem_free(r);
}

enum reader_format reader_format(const struct reader *r)
{
    return r->format;
}

char reader_delimiter(const struct reader *r)
{
    return r->delimiter;
}

const struct str *reader_header(const struct reader *r, size_t *n)
{
    *n = r->header_len;
    return r->header;
}

struct str reader_column_name(const struct reader *r, size_t at)
{
    return r->header ? r->header[at] : r->wants.paths[at];
}

uint64_t reader_offset(const struct reader *r)
{
    return r->w.offset;
}

int reader_want(struct reader *r, struct str name)
{
    return r->ops->want(r, name);
}

void reader_begin(struct reader *r)
{
    r->rec = (struct record){.number = r->given,
                             .line = r->w.line,
                             .offset = r->w.offset,
                             .fields = r->fields,
                             .fields_len = r->fields_len};
    r->sound = 0;
    arena_reset(&r->scratch);
}

void reader_fault(struct reader *r, enum import_reason why, struct str raw, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->message, sizeof r->message, fmt, ap);
    va_end(ap);
    if (raw.n > READER_RAW_MAX)
        raw.n = READER_RAW_MAX;
    for (size_t i = r->sound; i < r->fields_len; i++)
        r->fields[i] = (struct field){{NULL, 0}, FIELD_ABSENT};
    r->rec.fault = why;
    r->rec.raw = raw;
    r->rec.message = r->message;
}

enum err_code reader_next(struct reader *r, const struct record **rec, struct err *err)
{
    bool more = false;
    *rec = NULL;
    enum err_code rc = r->ops->next(r, &more, err);
    if (rc == ERR_OK && more) {
        *rec = &r->rec;
        r->given++;
    }
    return rc;
}

/* --- names ----------------------------------------------------------------------------------- */

static char fold(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    return c == ' ' || c == '-' ? '_' : c;
}

static struct str without_namespace(struct str s)
{
    if (s.n > 2 && fold(s.p[0]) == 'g' && s.p[1] == ':')
        return (struct str){s.p + 2, s.n - 2};
    return s;
}

bool reader_name_eq(struct str a, struct str b)
{
    a = without_namespace(a);
    b = without_namespace(b);
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    return true;
}

int reader_want_path(struct reader *r, struct str name)
{
    struct wants *w = &r->wants;
    for (size_t i = 0; i < w->len; i++)
        if (reader_name_eq(w->paths[i], name))
            return (int)i;
    if (w->len == READER_COLUMNS_MAX)
        return -1;
    w->paths = mem_resize(w->paths, w->len + 1, sizeof *w->paths);
    r->fields = mem_resize(r->fields, w->len + 1, sizeof *r->fields);
    w->paths[w->len] = arena_str(&w->arena, name);
    if (!w->paths[w->len].p)
        return -1;
    w->nested |= str_find(name, '.', 0) != SIZE_MAX;
    r->fields_len = w->len + 1;
    return (int)w->len++;
}

int reader_find_path(struct reader *r, struct str path)
{
    struct wants *w = &r->wants;
    for (size_t i = 0; i < w->len; i++) {
        size_t at = w->next + i < w->len ? w->next + i : w->next + i - w->len;
        if (reader_name_eq(w->paths[at], path)) {
            w->next = at + 1 < w->len ? at + 1 : 0;
            return (int)at;
        }
    }
    return -1;
}
