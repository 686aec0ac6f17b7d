/* products.c - /v1/products. */
#include "api/list.h"
#include "api/product_json.h"
#include "base/check.h"
#include "index/facets.h"
#include "index/postings.h"
#include "index/terms.h"
#include "store/products.h"
#include "text/fold.h"

enum { IDS_MAX = 200, VARIANTS_MAX = 50, FOLDED_ID_MAX = 16 * STORE_ID_MAX };

/* --- reading --------------------------------------------------------------------------------- */

/* The products of a group that one segment holds. Its id is a term of each, so that no other doc is
 * looked at but those that have the same word. */
static void write_group(struct call *call, uint32_t slot, struct str term, const struct product *p,
                        uint32_t *written, struct json_writer *w)
{
    const struct catalogue *c = call->view->catalogue;
    const struct segment *s = c->segments[slot];
    uint64_t group = segment_group_hash(p->group_id.n ? p->group_id : p->id);
    uint32_t number = s ? segment_find_term(s, term) : ORDINAL_NONE, doc;
    struct posting_cursor cursor;
    if (number == ORDINAL_NONE)
        return;
    posting_open(&cursor, s, number);
    while (*written < VARIANTS_MAX && (doc = posting_next(&cursor)) != POSTING_END)
        if (s->group[doc] == group && s->product_no[doc] != p->no &&
            catalogue_alive(c, slot, doc) && live_sellable(call->view->live, s->product_no[doc])) {
            jw_obj(w);
            card_write(call->view, s->product_no[doc], call->language, w);
            jw_obj_end(w);
            ++*written;
        }
}

static enum err_code write_variants(struct call *call, const struct product *p,
                                    struct json_writer *w, struct err *err)
{
    struct buf term;
    uint32_t written = 0;
    buf_init(&term, FOLDED_ID_MAX);
    enum err_code code = text_fold(p->group_id.n ? p->group_id : p->id, &term, err);
    JW_ARR(w, "variants");
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS && code == ERR_OK; slot++)
        write_group(call, slot, buf_str(&term), p, &written, w);
    jw_arr_end(w);
    buf_release(&term);
    return code;
}

/* The category in the reader's language, as the index knows it. */
static struct str category_label(struct call *call, uint32_t product_no)
{
    struct location at = catalogue_locate(call->view->catalogue, product_no);
    if (!location_found(at))
        return (struct str){NULL, 0};
    const struct segment *s = call->view->catalogue->segments[at.slot];
    uint32_t facet = segment_find_facet(s, STR_LIT("category"));
    uint32_t value = facet == ORDINAL_NONE ? ORDINAL_NONE : segment_doc_value(s, at.doc, facet);
    return value == ORDINAL_NONE
               ? (struct str){NULL, 0}
               : segment_value_label(s, value, segment_language(s, call->language));
}

static bool sees_cost(const struct call *call)
{
    return call->scope >= AUTH_ADMIN;
}

static void write_product(const struct call *call, const struct product *p, struct json_writer *w)
{
    jw_obj(w);
    product_members(p, sees_cost(call), w);
    jw_obj_end(w);
}

/* The product as a page shows it: in the reader's language, with its variants. */
static enum err_code write_page(struct call *call, struct product *p, struct json_writer *w,
                                struct err *err)
{
    struct str label = category_label(call, p->no);
    product_translate(p, call->language, call->arena);
    jw_obj(w);
    product_members(p, sees_cost(call), w);
    JW_STR(w, "category_label", label.n ? label : p->category);
    enum err_code code = write_variants(call, p, w, err);
    jw_obj_end(w);
    return code;
}

static enum err_code read_product(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct product *p = arg;
    char quoted[64];
    struct str id = http_request_param(call->req, "id");
    enum err_code code = product_get(db, id, call->arena, p, err);
    if (code == ERR_NOT_FOUND || (code == ERR_OK && p->status == PRODUCT_DELETED))
        return err_set(err, ERR_NOT_FOUND, "there is no product '%s'",
                       err_quote(quoted, sizeof quoted, id.p, id.n));
    return code;
}

static enum err_code get_product(struct call *call, struct err *err)
{
    struct product p;
    struct json_writer w;
    enum err_code code = call_read(call, read_product, &p, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    code = write_page(call, &p, &w, err);
    if (code == ERR_OK)
        code = jw_end(&w, "the product", err);
    if (code == ERR_OK)
        http_reply(call->req, &(struct http_reply){.content_type = HTTP_TYPE_JSON,
                                                   .body = buf_str(w.out),
                                                   .cache_control = "no-cache",
                                                   .hash_etag = true});
    return code;
}

static enum err_code list_all(struct call *call, struct db *db, struct page *page, void *arg,
                              struct err *err)
{
    struct db_rows rows = {0};
    struct product p;
    bool more;
    (void)arg;
    enum err_code code = products_after(db, (uint32_t)page->cursor, page->limit, &rows, err);
    while (code == ERR_OK && (code = products_next(&rows, &p, &more, err)) == ERR_OK && more) {
        page_took(page, p.no);
        if (p.status != PRODUCT_DELETED)
            write_product(call, &p, page->w);
    }
    db_rows_close(&rows);
    return code;
}

/* All of them, however many a page has. */
static enum err_code list_named(struct call *call, struct db *db, struct page *page, void *arg,
                                struct err *err)
{
    struct str ids = *(struct str *)arg;
    enum err_code code = ERR_OK;
    size_t n = 0;
    while (code == ERR_OK && ids.p && ids.n) {
        struct product p;
        struct str id = str_trim(str_split(&ids, ','));
        if (++n > IDS_MAX)
            return err_set(err, ERR_LIMIT, "ids: more than %d", IDS_MAX);
        code = product_get(db, id, call->arena, &p, err);
        if (code == ERR_OK && p.status != PRODUCT_DELETED)
            write_product(call, &p, page->w);
        else if (code == ERR_NOT_FOUND)
            code = ERR_OK;
    }
    return code;
}

enum { IDS, CURSOR, LIMIT };

static const struct param list_params[] = {
    [IDS] = {.name = STR_LIT("ids"), .kind = PARAM_LIST, .hi = IDS_MAX},
    [CURSOR] =
        {.name = STR_LIT("cursor"), .kind = PARAM_NUMBER, .fallback = 0, .lo = 0, .hi = UINT32_MAX},
    [LIMIT] = {.name = STR_LIT("limit"), .kind = PARAM_NUMBER, .fallback = 50, .lo = 1, .hi = 200},
};

static const struct param page_params[] = {{.name = STR_LIT("lang"), .kind = PARAM_LANGUAGE}};

static enum err_code list_products(struct call *call, struct err *err)
{
    struct str ids = call->values[IDS].text;
    return reply_page(call, CURSOR, LIMIT, ids.n ? list_named : list_all, &ids, err);
}

/* --- writing --------------------------------------------------------------------------------- */

struct put {
    struct product product;
    uint32_t no;
    enum product_put_result result;
};

static enum err_code put_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct put *put = arg;
    return product_put(tx, &put->product, &put->no, &put->result, err);
}

static enum err_code read_stored(struct call *call, struct db *db, void *arg, struct err *err)
{
    const struct put *put = call->job_arg;
    return product_get_no(db, put->no, call->arena, arg, err);
}

static enum err_code render_stored(struct call *call, struct db *db, struct json_writer *w,
                                   int *status, struct err *err)
{
    const struct put *put = call->job_arg;
    struct product p;
    enum err_code code = call_read_from(call, db, read_stored, &p, err);
    if (code != ERR_OK)
        return code;
    write_product(call, &p, w);
    *status = put->result == PRODUCT_CREATED ? 201 : 200;
    return ERR_OK;
}

static enum err_code put_product(struct call *call, struct err *err)
{
    struct put *put = ARENA_NEW(call->arena, struct put, 1);
    struct json_reader r;
    jr_init(&r, call->req->body, call->arena);
    enum err_code code =
        product_from_json(&r, http_request_param(call->req, "id"), &put->product, err);
    if (code == ERR_OK)
        code = jr_end(&r, err);
    return code == ERR_OK ? call_write(call, put_job, put, render_stored, err) : code;
}

struct patch {
    struct put put; /* first: render_stored reads it */
    struct product_merge merge;
    struct call *call;
};

/* The patch, which was read before, is merged on the writer thread, into what is stored then. */
static enum err_code patch_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct patch *patch = arg;
    struct call *call = patch->call;
    struct product *p = &patch->put.product;
    enum err_code code =
        product_get(tx->db, http_request_param(call->req, "id"), call->arena, p, err);
    if (code == ERR_OK && p->status == PRODUCT_DELETED)
        code = err_set(err, ERR_NOT_FOUND, "there is no such product");
    if (code == ERR_OK)
        code = product_merge_apply(&patch->merge, call->arena, p, err);
    return code == ERR_OK ? put_job(tx, &patch->put, err) : code;
}

static enum err_code patch_product(struct call *call, struct err *err)
{
    struct patch *patch = ARENA_NEW(call->arena, struct patch, 1);
    struct json_reader r;
    patch->call = call;
    jr_init(&r, call->req->body, call->arena);
    enum err_code code =
        product_merge_from_json(&r, http_request_param(call->req, "id"), &patch->merge, err);
    return code == ERR_OK ? call_write(call, patch_job, patch, render_stored, err) : code;
}

static enum err_code delete_job(struct store_tx *tx, void *arg, struct err *err)
{
    return product_delete(tx, *(struct str *)arg, NULL, err);
}

static enum err_code delete_product(struct call *call, struct err *err)
{
    struct str *id = ARENA_NEW(call->arena, struct str, 1);
    *id = http_request_param(call->req, "id");
    return call_write(call, delete_job, id, render_nothing, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/products", AUTH_PUBLIC, list_products, 0, PARAMS(list_params)},
    {HTTP_GET, "/v1/products/{id}", AUTH_PUBLIC, get_product, 0, PARAMS(page_params)},
    {HTTP_PUT, "/v1/products/{id}", AUTH_SERVER, put_product, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_PATCH, "/v1/products/{id}", AUTH_SERVER, patch_product, ENDPOINT_WRITES, NO_PARAMS},
    {HTTP_DELETE, "/v1/products/{id}", AUTH_SERVER, delete_product, ENDPOINT_WRITES, NO_PARAMS},
};
ENDPOINT_GROUP(product_endpoints, endpoints);
