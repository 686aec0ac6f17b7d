/* gorse.h - what the endpoints of Gorse's REST API share (docs/gorse-api.md).
 *
 * Model:   another tongue for the same records: an item is a product, a user a shopper, feedback an
 *          event (store/feedback.h). Names are in PascalCase, unknown parameters and members are passed
 *          over, errors are plain text, a list of scores is [{"Id", "Score"}]. Keys, scopes, the writer
 *          and its rules are those of /v1.
 * Source:  gorse-io/gorse, server/rest.go, releases 0.4 and 0.5. */
#ifndef API_GORSE_H
#define API_GORSE_H

#include "api/api_int.h"
#include "num/topk.h"
#include "recommend/recommend.h"
#include "store/feedback.h"

enum {
    GORSE_N = 10,               /* of a list that names no n */
    GORSE_PAGE_MAX = 1000,      /* entries of a page; more are not given at once */
    GORSE_ROWS_MAX = 20000,     /* records in one body: one transaction */
    GORSE_FEEDBACK_MAX = 10000, /* feedback of one user or item in one answer */
};

/* --- gorse.c: settings, parameters, answers ---------------------------------------------------- */

/** The settings. ERR_INVALID  gorse_feedback: which entry is wrong */
ERR_MUST_USE enum err_code gorse_new(const struct api_options *options, struct gorse **out,
                                     struct err *err);
void gorse_free(struct gorse *g);

/** What kind of event a type of feedback is. */
enum event_type gorse_event_type(const struct gorse *g, struct str type);

/** The flags of feedback_put. */
unsigned gorse_feedback_flags(const struct gorse *g);

/** Plain text. 403 is 401. */
void gorse_reply_error(struct http_request *req, int status, const char *message);

/** A whole number of the query: what is above hi is hi. ERR_INVALID  below lo, or no number */
enum err_code gorse_number(const struct call *call, const char *name, int64_t fallback, int64_t lo,
                           int64_t hi, int64_t *out, struct err *err);

/** {name} of the pattern; empty where it has none. */
struct str gorse_param(const struct call *call, const char *name);

/** {"RowAffected": n}: how a write answers. Its job_arg begins with this. */
struct gorse_write {
    struct call *call;
    int64_t rows;
};

/** render_fn of a write whose job_arg begins with a gorse_write. */
enum err_code gorse_render_rows(struct call *call, struct db *db, struct json_writer *w,
                                int *status, struct err *err);

/** A list that is [fn for each element], at most GORSE_ROWS_MAX, or with one the body alone. fn reads
 *  the value that comes next. Elements lie in the call's arena.
 *  ERR_INVALID  with line and column; ERR_LIMIT */
typedef void (*gorse_read_fn)(struct call *call, struct json_reader *r, void *element);
enum err_code gorse_read_body(struct call *call, bool list, size_t element_bytes, gorse_read_fn fn,
                              void **out, size_t *n, struct err *err);

/* What an item and a user begin with. */
struct gorse_record {
    struct str id;
    unsigned seen; /* bit per member that is to be written */
};

/* A kind of record that is put: all of it, or as a patch of what is there. */
struct gorse_kind {
    const char *name;  /* "item" */
    const char *param; /* its id's in patterns: "item-id" */
    size_t bytes;      /* of an element, which begins with a gorse_record */
    gorse_read_fn read;
    enum err_code (*put)(struct store_tx *tx, const void *element, bool patch, struct arena *arena,
                         struct err *err);
};

/** Put the records of the body in one transaction. patch: one, of the id in the path. */
enum err_code gorse_put(struct call *call, const struct gorse_kind *kind, bool list, bool patch,
                        struct err *err);

/** Members of one of Gorse's objects: an index of names, or -1. Of null members none is told. */
int gorse_member(struct json_reader *r, struct jr_fields *fields);

/** A time as Gorse takes it: ISO 8601, RFC 1123, dates with slashes, digits that count seconds,
 *  milliseconds, microseconds or nanoseconds from 1970. 0, no time, for an empty text and the zero
 *  times of computers: 1970-01-01 and 0001-01-01. ERR_INVALID too for more than a day ahead. */
bool gorse_time(struct json_reader *r, const char *name, int64_t *out);

/* A page under way: rows behind a number. */
struct gorse_page {
    int64_t after, n; /* ask for one row more than n, to know whether there is more */
    int64_t seen;     /* rows read */
    int64_t last;     /* number of the row read last, of n at most */
    bool more;
    struct json_writer w;
    struct arena arena; /* for one row */
};

/** The page takes the row of this number. False: it is full. */
bool gorse_page_takes(struct gorse_page *page, int64_t no);

/** {"Cursor": "...", name: [what fn writes]}: of what the parameters n and cursor say. fn's arg is the
 *  page. */
enum err_code gorse_reply_page(struct call *call, const char *name, read_fn fn, struct err *err);

/* --- gorse_feedback.c -------------------------------------------------------------------------- */

/** The feedback in the body; items lie in the call's arena. */
enum err_code gorse_read_feedback(struct call *call, struct feedback **out, size_t *n,
                                  struct err *err);

/* --- gorse_attributes.c: what Gorse's records have and ours has no place for -------------------- */

struct gorse_attribute {
    const char *name;
    struct str json; /* its value; empty: none */
};

/** The object of attributes with these set to their values, or removed. out lies in the arena.
 *  ERR_LIMIT  it does not fit */
enum err_code gorse_attributes_set(struct str attributes, const struct gorse_attribute *set,
                                   size_t n, struct arena *arena, struct str *out, struct err *err);

/** Fill in the values of those named; the others are empty. Borrows attributes. */
void gorse_attributes_get(struct str attributes, struct arena *arena, struct gorse_attribute *get,
                          size_t n);

/** Is it a JSON array of strings? What stands under our names may have come through another door. */
bool gorse_is_texts(struct str json, struct arena *arena);

/** A JSON text that is a string; p is NULL past the arena's cap. */
struct str gorse_json_string(struct str text, struct arena *arena);

/* --- gorse_neighbours.c ----------------------------------------------------------------------- */

/** Shoppers of the model's histories whose products are most like this one's: numbers with the cosine,
 *  best first, of equals the lower number.
 *  out  [cap]
 *  ERR_MEMORY */
enum err_code gorse_user_neighbours(const struct view *view, uint32_t user_no,
                                    struct topk_item *out, size_t cap, size_t *len,
                                    struct err *err);

#endif
