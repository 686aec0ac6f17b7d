/* Product feeds in XML: RSS 2.0 items, Atom entries, and the plain <product>, <offer> and <row> of
 * home-made ones.
 *
 * expat reads; it is stopped at the end of each record and resumed for the next. Names lose their
 * namespace prefix; the text of an element goes to its path below the record ("shipping.price"), an
 * attribute to path.attribute ("link.href"). Entity declarations are refused, so no text can grow out
 * of a small one; character references and the five predefined entities are read. */
#include <expat.h>

#include "base/mem.h"
#include "ingest/reader_int.h"

#include "base/check.h"

enum { XML_DEPTH_MAX = 32, XML_PATH_MAX = 256, XML_CHUNK = 64 << 10 };

/* A field of the record that is being read: a part of `text`. */
struct part {
    size_t begin, n;
    bool set, list;
};

struct xml {
    XML_Parser parser;
    struct buf text;    /* of the record's fields */
    struct buf element; /* of the innermost element */
    struct part *parts; /* [wanted], owned */
    size_t parts_len;
    char path[XML_PATH_MAX];            /* below the record */
    size_t path_len[XML_DEPTH_MAX + 1]; /* of each ancestor in the record */
    unsigned depth;                     /* of open elements */
    unsigned record_at;                 /* depth of the record's element, 0: outside */
    bool ready;                         /* a record is complete */
    bool ended;                         /* no bytes are left */
    bool suspended;
    uint64_t fed;        /* bytes given to expat */
    const char *refused; /* why reading was stopped */
};

static const char *local_name(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static bool is_record(const char *name)
{
    static const char *const names[] = {"item", "entry", "product", "offer", "row"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void stop(struct xml *x, const char *why)
{
    x->refused = why;
    XML_StopParser(x->parser, XML_FALSE);
}

/* --- fields ---------------------------------------------------------------------------------- */

static void put_text(struct reader *r, const char *path, struct str text)
{
    struct xml *x = r->state;
    int at = reader_find_path(r, str_of(path));
    text = str_trim(text);
    if (at < 0 || text.n == 0)
        return;
    struct part *p = &x->parts[at];
    size_t begin = x->text.len;
    if (p->set) {
        /* Repeated elements: what was there, a line feed, and this one. */
        char *room = buf_reserve(&x->text, p->n + 1);
        if (!room)
            return;
        memcpy(room, x->text.data + p->begin, p->n);
        room[p->n] = '\n';
        x->text.len += p->n + 1;
    }
    buf_put_str(&x->text, text);
    *p = (struct part){begin, x->text.len - begin, true, p->set};
}

/* Append ".name" to the path of the element at depth - 1; false if it is too long. */
static bool extend_path(struct xml *x, size_t from, const char *name)
{
    size_t n = strlen(name), dot = from > 0;
    if (from + dot + n >= sizeof x->path)
        return false;
    if (dot)
        x->path[from] = '.';
    memcpy(x->path + from + dot, name, n + 1);
    return true;
}

static void begin_record(struct reader *r)
{
    struct xml *x = r->state;
    r->w.line = XML_GetCurrentLineNumber(x->parser);
    r->w.offset = (uint64_t)XML_GetCurrentByteIndex(x->parser);
    reader_begin(r);
    x->record_at = x->depth;
    x->path_len[x->depth] = 0;
    x->path[0] = '\0';
    buf_reset(&x->text);
    if (x->parts_len)
        memset(x->parts, 0, x->parts_len * sizeof *x->parts);
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *r = arg;
    struct xml *x = r->state;
    name = local_name(name);
    if (++x->depth > XML_DEPTH_MAX) {
        stop(x, "elements are nested too deep");
        return;
    }
    buf_reset(&x->element);
    if (!x->record_at) {
        if (is_record(name))
            begin_record(r);
        return;
    }
    size_t parent = x->path_len[x->depth - 1];
    x->path[parent] = '\0';
    if (!extend_path(x, parent, name)) {
        stop(x, "element names are too long");
        return;
    }
    size_t own = x->path_len[x->depth] = strlen(x->path);
    for (; *attributes; attributes += 2)
        if (extend_path(x, own, local_name(attributes[0])))
            put_text(r, x->path, str_of(attributes[1]));
    x->path[own] = '\0';
}

static void on_text(void *arg, const XML_Char *p, int n)
{
    struct reader *r = arg;
    struct xml *x = r->state;
    if (x->record_at)
        buf_put(&x->element, p, (size_t)n);
}

static void on_end(void *arg, const XML_Char *name)
{
    struct reader *r = arg;
    struct xml *x = r->state;
    (void)name;
    if (x->record_at && x->depth > x->record_at) {
        x->path[x->path_len[x->depth]] = '\0';
        put_text(r, x->path, buf_str(&x->element));
        if (x->element.full)
            x->text.full = true;
        buf_reset(&x->element);
    } else if (x->depth == x->record_at) {
        x->record_at = 0;
        x->ready = true;
        XML_StopParser(x->parser, XML_TRUE);
    }
    x->depth--;
}

static void on_entity(void *arg, const XML_Char *name, int is_parameter, const XML_Char *value,
                      int value_length, const XML_Char *base, const XML_Char *system_id,
                      const XML_Char *public_id, const XML_Char *notation)
{
    struct reader *r = arg;
    (void)name, (void)is_parameter, (void)value, (void)value_length, (void)base, (void)system_id,
        (void)public_id, (void)notation;
    stop(r->state, "it declares entities, which a feed does not need and an attack does");
}

/* --- reading --------------------------------------------------------------------------------- */

static void give_record(struct reader *r)
{
    struct xml *x = r->state;
    r->rec.fields = r->fields;
    for (size_t i = 0; i < x->parts_len; i++) {
        const struct part *p = &x->parts[i];
        r->fields[i] = p->set ? (struct field){{x->text.data + p->begin, p->n},
                                               p->list ? FIELD_LIST : FIELD_TEXT}
                              : (struct field){{NULL, 0}, FIELD_ABSENT};
    }
    if (x->text.full) {
        buf_reset(&x->text);
        reader_fault(r, REASON_TOO_LONG, (struct str){NULL, 0}, "longer than %zu bytes",
                     r->row_max);
    }
}

/* Hand expat the next bytes; what the window holds first. */
static enum err_code feed(struct reader *r, enum XML_Status *status, struct err *err)
{
    struct xml *x = r->state;
    struct window *w = &r->w;
    /* expat keeps a token that is not complete: more than a record's worth of it is an attack. */
    if (x->fed > r->row_max + XML_CHUNK &&
        x->fed - r->row_max - XML_CHUNK > (uint64_t)XML_GetCurrentByteIndex(x->parser))
        return err_set(err, ERR_LIMIT, "line %lu: a tag or comment is longer than %zu bytes",
                       (unsigned long)XML_GetCurrentLineNumber(x->parser), r->row_max);
    char *to = XML_GetBuffer(x->parser, XML_CHUNK);
    if (!to)
        return err_set(err, ERR_MEMORY, "no memory to read XML");
    size_t n = w->end - w->at < XML_CHUNK ? w->end - w->at : XML_CHUNK;
    if (n) {
        memcpy(to, w->data + w->at, n);
        w->at += n;
    } else {
        enum err_code rc = source_read(w->src, to, XML_CHUNK, &n, err);
        if (rc != ERR_OK)
            return rc;
    }
    x->fed += n;
    x->ended = n == 0;
    *status = XML_ParseBuffer(x->parser, (int)n, x->ended);
    return ERR_OK;
}

static enum err_code xml_broken(struct reader *r, struct err *err)
{
    struct xml *x = r->state;
    return err_set(err, ERR_INVALID, "line %lu, column %lu: the XML cannot be read on: %s",
                   (unsigned long)XML_GetCurrentLineNumber(x->parser),
                   (unsigned long)XML_GetCurrentColumnNumber(x->parser) + 1,
                   x->refused ? x->refused : XML_ErrorString(XML_GetErrorCode(x->parser)));
}

static enum err_code xml_next(struct reader *r, bool *more, struct err *err)
{
    struct xml *x = r->state;
    if (x->parts_len != r->fields_len) {
        x->parts = mem_resize(x->parts, r->fields_len, sizeof *x->parts);
        memset(x->parts, 0, r->fields_len * sizeof *x->parts);
        x->parts_len = r->fields_len;
    }
    x->ready = false;
    while (!x->ready) {
        enum XML_Status status = XML_STATUS_OK;
        if (x->suspended) {
            status = XML_ResumeParser(x->parser);
        } else if (x->ended) {
            *more = false;
            return ERR_OK;
        } else {
            enum err_code rc = feed(r, &status, err);
            if (rc != ERR_OK)
                return rc;
        }
        x->suspended = status == XML_STATUS_SUSPENDED;
        if (status == XML_STATUS_ERROR)
            return xml_broken(r, err);
    }
    *more = true;
    give_record(r);
    return ERR_OK;
}

static enum err_code xml_open(struct reader *r, struct err *err)
{
    struct xml *x = MEM_NEW(struct xml);
    r->state = x;
    buf_init(&x->text, r->row_max);
    buf_init(&x->element, r->row_max);
    x->parser = XML_ParserCreate("UTF-8");
    if (!x->parser)
        return err_set(err, ERR_MEMORY, "no memory to read XML");
    XML_SetUserData(x->parser, r);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetEntityDeclHandler(x->parser, on_entity);
    return ERR_OK;
}

static void xml_close(struct reader *r)
{
    struct xml *x = r->state;
    if (!x)
        return;
    if (x->parser)
        XML_ParserFree(x->parser);
    buf_release(&x->text);
    buf_release(&x->element);
    mem_free(x->parts);
    mem_free(x);
}

const struct reader_ops reader_xml = {xml_open, xml_close, xml_next, reader_want_path};
