/* JSON Lines, and one JSON array whose elements are taken one by one.
 *
 * Both find the text of an element first and then read it whole with base/json_reader.h, strictly. A
 * broken line costs that line. In an array the end of an element is found by counting brackets
 * outside strings, so an element that is wrong inside costs itself alone; brackets that do not match
 * leave no place to go on, and end the reading. */
#include <stdio.h>

#include "base/json_reader.h"
#include "base/mem.h"
#include "ingest/reader_int.h"

#include "base/check.h"

enum { PATH_MAX_BYTES = 256, PATH_DEPTH_MAX = 4 };

/* --- an object's fields ---------------------------------------------------------------------- */

static bool put_value(struct reader *r, struct json_reader *jr, int at)
{
    struct field *f = &r->fields[at];
    bool flag;
    if (f->kind != FIELD_ABSENT) {
        reader_fault(r, REASON_DUPLICATE_KEY, r->rec.raw, "the key '%.*s' comes twice",
                     STR_ARG(r->wants.paths[at]));
        return jr_skip(jr);
    }
    switch (jr_peek(jr)) {
    case JR_STRING:
        f->kind = FIELD_TEXT;
        return jr_str(jr, &f->text);
    case JR_NUMBER:
        f->kind = FIELD_NUMBER;
        return jr_number(jr, &f->text);
    case JR_BOOL:
        f->kind = FIELD_BOOL;
        if (!jr_bool(jr, &flag))
            return false;
        f->text = flag ? STR_LIT("true") : STR_LIT("false");
        return true;
    case JR_ARRAY:
    case JR_OBJECT:
        f->kind = FIELD_JSON;
        return jr_raw(jr, &f->text);
    case JR_NULL:
    case JR_NONE:
        break;
    }
    return jr_skip(jr);
}

static void read_object(struct reader *r, struct json_reader *jr, const char *prefix,
                        unsigned depth);

/* An object that some path leads into is read as well, whether or not it is wanted whole. */
static void read_inside(struct reader *r, struct str raw, const char *prefix, unsigned depth)
{
    struct json_reader inner;
    jr_init(&inner, raw, &r->scratch);
    read_object(r, &inner, prefix, depth);
}

static void read_object(struct reader *r, struct json_reader *jr, const char *prefix,
                        unsigned depth)
{
    struct str key;
    if (!jr_obj(jr))
        return;
    while (jr_key(jr, &key)) {
        char path[PATH_MAX_BYTES];
        if (key.n + strlen(prefix) + 2 > sizeof path)
            continue;
        int n = snprintf(path, sizeof path, "%s%.*s", prefix, STR_ARG(key));
        int at = reader_find_path(r, (struct str){path, (size_t)n});
        if (r->wants.nested && depth < PATH_DEPTH_MAX && jr_peek(jr) == JR_OBJECT) {
            struct str raw;
            if (!jr_raw(jr, &raw))
                return;
            if (at >= 0)
                r->fields[at] = (struct field){raw, FIELD_JSON};
            path[n] = '.';
            path[n + 1] = '\0';
            read_inside(r, raw, path, depth + 1);
        } else if (at >= 0) {
            (void)put_value(r, jr, at); /* a failure sticks to jr */
        }
    }
}

/* The record whose text is raw. */
static void read_record(struct reader *r, struct str raw)
{
    struct json_reader jr;
    struct err err;
    for (size_t i = 0; i < r->fields_len; i++)
        r->fields[i] = (struct field){{NULL, 0}, FIELD_ABSENT};
    r->rec.raw = raw;
    r->rec.fields = r->fields;
    jr_init(&jr, raw, &r->scratch);
    if (jr_peek(&jr) != JR_OBJECT)
        (void)jr_fail(&jr, ERR_INVALID, "a record must be an object");
    read_object(r, &jr, "", 0);
    enum err_code rc = jr_end(&jr, &err);
    if (rc == ERR_OK)
        return;
    bool text = !str_utf8_valid(raw, NULL);
    reader_fault(r,
                 text              ? REASON_BAD_TEXT
                 : rc == ERR_LIMIT ? REASON_TOO_DEEP
                                   : REASON_BROKEN_ROW,
                 raw, "%s", text ? "not valid UTF-8 text" : err.msg);
}

/* --- a record per line ----------------------------------------------------------------------- */

static bool blank(struct str s)
{
    return str_trim(s).n == 0;
}

static enum err_code give_long(struct reader *r, struct err *err)
{
    struct str raw = window_text(&r->w);
    raw.n = raw.n > READER_RAW_MAX ? READER_RAW_MAX : raw.n;
    reader_fault(r, REASON_TOO_LONG, arena_str(&r->scratch, raw), "longer than %zu bytes",
                 r->row_max);
    return window_skip_line(&r->w, err);
}

static enum err_code jsonl_next(struct reader *r, bool *more, struct err *err)
{
    struct window *w = &r->w;
    for (;;) {
        struct str text = window_text(w);
        size_t end = str_find(text, '\n', 0);
        if (end == SIZE_MAX && w->eof)
            end = text.n;
        *more = text.n > 0;
        if (end == SIZE_MAX ? text.n > r->row_max : end > r->row_max) {
            reader_begin(r);
            return give_long(r, err);
        }
        if (end == SIZE_MAX) {
            enum err_code rc = window_more(w, err);
            if (rc != ERR_OK)
                return rc;
            continue;
        }
        if (!*more)
            return ERR_OK;
        reader_begin(r);
        window_take(w, end < text.n ? end + 1 : end, end < text.n);
        struct str line = {text.p, end};
        if (blank(line))
            continue;
        read_record(r, line);
        return ERR_OK;
    }
}

static enum err_code jsonl_open(struct reader *r, struct err *err)
{
    (void)r;
    (void)err;
    return ERR_OK;
}

const struct reader_ops reader_jsonl = {jsonl_open, NULL, jsonl_next, reader_want_path};

/* --- the elements of an array ---------------------------------------------------------------- */

enum place { BEFORE_ARRAY, BEFORE_FIRST, BEHIND_ELEMENT, BEHIND_ARRAY };

struct array {
    enum place place;
};

static enum err_code structure_broken(const struct reader *r, struct err *err, const char *why)
{
    return err_set(err, ERR_INVALID, "line %llu: the JSON array cannot be read on: %s",
                   (unsigned long long)r->w.line, why);
}

/* The next byte that is not white space, or -1 at the end. */
static enum err_code next_byte(struct reader *r, int *c, struct err *err)
{
    struct window *w = &r->w;
    for (;;) {
        while (w->at < w->end && strchr(" \t\r\n", w->data[w->at]) && w->data[w->at])
            window_take(w, 1, w->data[w->at] == '\n');
        *c = w->at < w->end ? (unsigned char)w->data[w->at] : -1;
        if (*c >= 0 || w->eof)
            return ERR_OK;
        enum err_code rc = window_more(w, err);
        if (rc != ERR_OK)
            return rc;
    }
}

/* Bytes of the value that text begins with, 0 if its end is not there. */
static size_t value_length(struct str text, uint64_t *lines)
{
    size_t depth = 0;
    bool quoted = false;
    *lines = 0;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '\n')
            ++*lines;
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']' || c == ',') && depth == 0) {
            return i; /* behind a number or a word */
        } else if (c == '}' || c == ']') {
            if (--depth == 0)
                return i + 1;
        }
    }
    return 0;
}

static enum err_code take_element(struct reader *r, struct err *err)
{
    struct window *w = &r->w;
    uint64_t lines;
    size_t n;
    reader_begin(r);
    while ((n = value_length(window_text(w), &lines)) == 0) {
        if (w->eof)
            return structure_broken(r, err, "the file ends inside an element");
        if (w->end - w->at > r->row_max)
            return structure_broken(r, err, "an element is too long or does not end");
        enum err_code rc = window_more(w, err);
        if (rc != ERR_OK)
            return rc;
    }
    struct str raw = {w->data + w->at, n};
    window_take(w, n, lines);
    if (n > r->row_max)
        reader_fault(r, REASON_TOO_LONG, raw, "longer than %zu bytes", r->row_max);
    else
        read_record(r, raw);
    return ERR_OK;
}

static enum err_code json_next(struct reader *r, bool *more, struct err *err)
{
    struct array *a = r->state;
    for (;;) {
        int c;
        enum err_code rc = next_byte(r, &c, err);
        if (rc != ERR_OK)
            return rc;
        *more = false;
        if (a->place == BEHIND_ARRAY)
            return c < 0 ? ERR_OK : structure_broken(r, err, "text follows the array");
        if (c < 0)
            return structure_broken(r, err, "the file ends before the array does");
        if (a->place == BEFORE_ARRAY && c != '[')
            return structure_broken(r, err, "it does not begin with [");
        if (a->place == BEHIND_ELEMENT && c != ',' && c != ']')
            return structure_broken(r, err, "a comma is missing between elements");
        bool ends = c == ']' && (a->place == BEFORE_FIRST || a->place == BEHIND_ELEMENT);
        if (a->place != BEFORE_FIRST || ends) {
            window_take(&r->w, 1, 0);
            a->place = ends ? BEHIND_ARRAY : BEFORE_FIRST;
            if (ends || c == '[')
                continue;
            rc = next_byte(r, &c, err);
            if (rc != ERR_OK)
                return rc;
        }
        if (c == ']' || c == ',' || c == '}' || c < 0)
            return structure_broken(r, err, "an element is missing");
        *more = true;
        a->place = BEHIND_ELEMENT;
        return take_element(r, err);
    }
}

static enum err_code json_open(struct reader *r, struct err *err)
{
    (void)err;
    r->state = MEM_NEW(struct array);
    return ERR_OK;
}

static void json_close(struct reader *r)
{
    mem_free(r->state);
}

const struct reader_ops reader_json = {json_open, json_close, json_next, reader_want_path};
