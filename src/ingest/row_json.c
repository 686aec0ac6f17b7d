/* Fields that are JSON in the store: lists of texts, objects, attributes; and a whole row as JSON. */
#include <xxhash.h>

#include "base/json_reader.h"
#include "base/json_writer.h"
#include "ingest/mapping_int.h"

#include "base/check.h"

static const char *quoted(struct str s)
{
    static _Thread_local char out[64];
    return err_quote(out, sizeof out, s.p, s.n);
}

/* Read a value whole. False with *twice set where an object in it has a key a second time. */
static bool has_keys_once(struct json_reader *jr, struct str *twice)
{
    struct str key;
    bool fine = true;
    if (jr_peek(jr) == JR_ARRAY) {
        (void)jr_arr(jr);
        while (fine && jr_next(jr))
            fine = has_keys_once(jr, twice);
        return fine;
    }
    if (jr_peek(jr) != JR_OBJECT)
        return jr_skip(jr);
    struct map_u64 seen = {0};
    (void)jr_obj(jr);
    while (fine && jr_key(jr, &key)) {
        bool added;
        (void)map_u64_at(&seen, XXH3_64bits(key.p, key.n), &added);
        if (!added)
            *twice = key;
        fine = added && has_keys_once(jr, twice);
    }
    map_u64_release(&seen);
    return fine;
}

/* A JSON text as it came, if it is of the wanted type and within the cap. */
static bool checked(struct row *row, enum target t, struct str raw, enum jr_type want,
                    struct str *out)
{
    struct json_reader jr;
    struct err err;
    struct str twice = {NULL, 0};
    if (raw.n > STORE_JSON_MAX)
        return row_fail(row, t, REASON_TEXT_TOO_LONG, "%zu bytes, above %d", raw.n, STORE_JSON_MAX);
    jr_init(&jr, raw, row->arena);
    if (jr_peek(&jr) != want)
        return row_fail(row, t, REASON_BAD_JSON, "must be %s",
                        want == JR_ARRAY ? "an array" : "an object");
    if (want == JR_ARRAY) {
        struct str item;
        (void)jr_arr(&jr);
        while (jr_next(&jr))
            (void)jr_str(&jr, &item);
    } else if (!has_keys_once(&jr, &twice) && twice.p) {
        return row_fail(row, t, REASON_DUPLICATE_KEY, "the key '%s' comes twice", quoted(twice));
    }
    if (jr_end(&jr, &err) != ERR_OK)
        return row_fail(row, t, err.code == ERR_LIMIT ? REASON_TOO_DEEP : REASON_BAD_JSON, "%s",
                        err.msg);
    *out = raw;
    return true;
}

static bool finished(struct row *row, enum target t, struct buf *b, struct str *out)
{
    bool fits = !b->full && b->len <= STORE_JSON_MAX;
    if (fits)
        *out = arena_str(row->arena, buf_str(b));
    buf_release(b);
    return (fits && out->p) ||
           row_fail(row, t, REASON_TEXT_TOO_LONG, "more than %d bytes", STORE_JSON_MAX);
}

static bool is_address(struct str s)
{
    return str_search(s, STR_LIT("://")) != SIZE_MAX;
}

/* Addresses may hold the separator themselves ("w_300,h_200/a.jpg"): what is none belongs to the one
 * before it. */
static struct str next_url(struct str *rest, char by)
{
    struct str s = str_split(rest, by);
    while (is_address(s) && rest->p) {
        struct str ahead = *rest, piece = str_split(&ahead, by);
        if (is_address(piece) || str_trim(piece).n == 0 ||
            str_starts(str_trim(piece), STR_LIT("/")))
            break;
        s.n = (size_t)(piece.p + piece.n - s.p);
        *rest = ahead;
    }
    return s;
}

bool row_list(struct row *row, enum target t, struct str *out)
{
    enum field_kind kind;
    struct str s = row_value(row, t, &kind), rest = s;
    char by = row->m->fields[t].list_by;
    *out = (struct str){NULL, 0};
    if (s.n == 0)
        return true;
    if (kind == FIELD_JSON || s.p[0] == '[')
        return checked(row, t, s, JR_ARRAY, out);
    struct buf b;
    struct json_writer w;
    buf_init(&b, STORE_JSON_MAX + 1);
    jw_init(&w, &b);
    jw_arr(&w);
    while (rest.p) {
        struct str lines = t == TO_IMAGES ? next_url(&rest, by) : str_split(&rest, by);
        while (lines.p) {
            struct str item = str_trim(str_split(&lines, '\n'));
            if (item.n)
                jw_str(&w, item);
        }
    }
    jw_arr_end(&w);
    return finished(row, t, &b, out);
}

bool row_object(struct row *row, enum target t, struct str *out)
{
    struct str s = row_value(row, t, NULL);
    *out = (struct str){NULL, 0};
    return s.n == 0 || checked(row, t, s, JR_OBJECT, out);
}

/* What a piece of an attribute is: the columns do not know types, but numbers are worth knowing. */
static void write_scalar(struct json_writer *w, struct str v, enum field_kind kind)
{
    double number;
    struct err err;
    if (kind == FIELD_JSON || kind == FIELD_NUMBER || kind == FIELD_BOOL)
        jw_raw(w, v);
    else if (str_parse_double(v, &number, &err) == ERR_OK &&
             (v.p[0] != '0' || v.n == 1 || v.p[1] == '.'))
        jw_raw(w, v);
    else
        jw_str(w, v);
}

/* Where the mapping says what separates them, several values are an array. */
static void write_attribute(struct row *row, const struct map_field *f, struct json_writer *w,
                            struct str v, enum field_kind kind)
{
    struct str rest = v, first = map_next_piece(row, &rest, f->list_by);
    if (!f->many || !rest.p) {
        write_scalar(w, f->many ? first : v, kind);
        return;
    }
    jw_arr(w);
    for (rest = v; rest.p;) {
        struct str piece = map_next_piece(row, &rest, f->list_by);
        if (piece.n)
            write_scalar(w, piece, FIELD_TEXT);
    }
    jw_arr_end(w);
}

/* The members of an object text, without its braces. */
static struct str members(struct str object)
{
    struct str s = str_trim(object);
    return s.n >= 2 ? str_trim((struct str){s.p + 1, s.n - 2}) : (struct str){NULL, 0};
}

static bool seen_before(const struct str *names, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

bool row_attributes(struct row *row, struct str *out)
{
    struct mapping *m = row->m;
    struct str whole, names[MAP_ATTRIBUTES_MAX];
    size_t len = 0;
    if (!row_object(row, TO_ATTRIBUTES, &whole))
        return false;
    *out = whole;
    if (m->attributes_len == 0)
        return true;
    struct buf b;
    struct json_writer w;
    buf_init(&b, STORE_JSON_MAX + 1);
    jw_init(&w, &b);
    buf_putc(&b, '{');
    buf_put_str(&b, members(whole));
    bool comma = b.len > 1;
    for (size_t i = 0; i < m->attributes_len; i++) {
        enum field_kind kind;
        struct str name = map_value(row, &m->attributes[i].name, &kind);
        struct str v = map_value(row, &m->attributes[i].value, &kind);
        if (name.n == 0 || v.n == 0 || seen_before(names, len, name))
            continue;
        names[len++] = name;
        if (comma)
            buf_putc(&b, ',');
        comma = true;
        jw_init(&w, &b);
        jw_str(&w, name);
        buf_putc(&b, ':');
        jw_init(&w, &b);
        write_attribute(row, &m->attributes[i].value, &w, v, kind);
    }
    buf_putc(&b, '}');
    if (len == 0) {
        buf_release(&b);
        return true;
    }
    return finished(row, TO_ATTRIBUTES, &b, out) &&
           (whole.n == 0 || checked(row, TO_ATTRIBUTES, *out, JR_OBJECT, out));
}
