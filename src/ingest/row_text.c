/* A row as text, for the quarantine. */
#include "base/json_writer.h"
#include "ingest/mapping_int.h"
#include "store/quarantine.h"

struct str row_raw(const struct row *row, const struct reader *r)
{
    const struct record *rec = row->rec;
    if (rec->raw.n || rec->fields_len == 0)
        return rec->raw;
    struct buf b;
    struct json_writer w;
    buf_init(&b, 4 * READER_ROW_MAX);
    jw_init(&w, &b);
    jw_obj(&w);
    for (size_t i = 0; i < rec->fields_len; i++)
        if (rec->fields[i].text.n) {
            jw_key(&w, reader_column_name(r, i));
            jw_str(&w, rec->fields[i].text);
        }
    jw_obj_end(&w);
    struct str raw = buf_str(&b);
    raw.n = str_utf8_floor(raw.p, raw.n, QUARANTINE_RECORD_MAX + 1);
    raw = arena_str(row->arena, raw);
    buf_release(&b);
    return raw;
}

static void put_quoted(struct buf *out, struct str s)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, s.p[i]);
    }
    buf_putc(out, '"');
}

/* The buffer as a line in the arena, and the buffer's end; {NULL, 0} if it did not fit. */
static struct str line_of(struct buf *b, struct arena *arena)
{
    buf_putc(b, '\n');
    struct str line = b->full ? (struct str){NULL, 0} : arena_str(arena, buf_str(b));
    buf_release(b);
    return line;
}

struct str row_header(const struct reader *r, struct arena *arena)
{
    size_t n;
    const struct str *names = reader_header(r, &n);
    struct buf b;
    if (!names)
        return (struct str){NULL, 0};
    buf_init(&b, 2 * READER_ROW_MAX);
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_putc(&b, reader_delimiter(r));
        put_quoted(&b, names[i]);
    }
    return line_of(&b, arena);
}

struct str row_record(const struct row *row, const struct reader *r, struct str header)
{
    struct buf b;
    struct str raw = row_raw(row, r);
    bool cut = row->rec->fault != REASON_NONE && raw.n > QUARANTINE_RAW_MAX;
    if (cut || (header.n == 0 && raw.n <= QUARANTINE_RAW_MAX))
        return (struct str){NULL, 0};
    if (header.n == 0)
        return raw;
    buf_init(&b, 4 * READER_ROW_MAX);
    buf_put_str(&b, header);
    if (!row->filled)
        buf_put_str(&b, raw);
    for (size_t i = 0; row->filled && i < row->rec->fields_len; i++) {
        if (i)
            buf_putc(&b, reader_delimiter(r));
        put_quoted(&b, row->rec->fields[i].text);
    }
    return line_of(&b, row->arena);
}
