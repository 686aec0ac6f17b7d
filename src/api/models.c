/* models.c - /v1/models: which versions exist, which one serves. */
#include "store/models.h"

#include "api/api_int.h"
#include "recommend/features.h"

struct listing {
    struct str family; /* empty: all */
    struct json_writer *w;
    size_t n;
};

static enum err_code read_models(struct call *call, struct db *db, void *arg, struct err *err)
{
    struct listing *l = arg;
    struct db_rows rows = {0};
    struct model_version m;
    bool more;
    (void)call;
    enum err_code code = models_list(db, l->family, &rows, err);
    while (code == ERR_OK && (code = models_next(&rows, &m, &more, err)) == ERR_OK && more) {
        model_write(&m, l->w);
        l->n++;
    }
    db_rows_close(&rows);
    return code;
}

/* What this server serves just now, and whether its ranker orders lists. */
static void write_serving(const struct view *view, struct json_writer *w)
{
    const struct served_model *m = view->model;
    struct err err = {0};
    JW_OBJ(w, "serving");
    JW_Z(w, "version", m ? m->version : NULL);
    if (m && m->ranker && features_check(m->ranker, &err) == ERR_OK)
        JW_Z(w, "ranker", "used");
    else
        JW_Z(w, "ranker", m && (m->ranker || m->ranker_error[0]) ? "left_aside" : "none");
    if (m && m->ranker_error[0])
        JW_Z(w, "ranker_error", m->ranker_error);
    else if (err.msg[0])
        JW_Z(w, "ranker_error", err.msg);
    jw_obj_end(w);
}

static enum err_code write_models(struct call *call, struct db *db, struct str family,
                                  struct json_writer *w, struct err *err)
{
    struct listing l = {.family = family, .w = w};
    jw_obj(w);
    JW_ARR(w, "items");
    enum err_code code = call_read_from(call, db, read_models, &l, err);
    if (code != ERR_OK)
        return code;
    if (family.n && l.n == 0)
        return err_set(err, ERR_NOT_FOUND, "there is no model of this family");
    jw_arr_end(w);
    if (!db)
        write_serving(call->view, w);
    jw_obj_end(w);
    return ERR_OK;
}

static enum err_code answer_models(struct call *call, struct str family, struct err *err)
{
    struct json_writer w;
    begin_json(call, &w);
    enum err_code code = write_models(call, NULL, family, &w, err);
    return code == ERR_OK ? reply_json(call, 200, &w, err) : code;
}

static enum err_code list_models(struct call *call, struct err *err)
{
    return answer_models(call, (struct str){NULL, 0}, err);
}

static enum err_code list_family(struct call *call, struct err *err)
{
    return answer_models(call, http_request_param(call->req, "family"), err);
}

struct publication {
    struct str family, version;
    bool force;
};

static enum err_code publish_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct publication *p = arg;
    return model_publish(tx, p->family, p->version, p->force, err);
}

static enum err_code rollback_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct publication *p = arg;
    return model_rollback(tx, p->family, err);
}

static enum err_code render_family(struct call *call, struct db *db, struct json_writer *w,
                                   int *status, struct err *err)
{
    (void)status;
    return write_models(call, db, http_request_param(call->req, "family"), w, err);
}

static enum err_code publish_model(struct call *call, struct err *err)
{
    static const char *const names[] = {"version", "force"};
    struct jr_fields fields = {.names = names, .n = 2, .strict = true};
    struct publication *p = ARENA_NEW(call->arena, struct publication, 1);
    struct json_reader r;
    int field;
    p->family = http_request_param(call->req, "family");
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while ((field = jr_field(&r, &fields)) >= 0)
            field == 0 ? jr_str(&r, &p->version) : jr_bool(&r, &p->force);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && p->version.n == 0)
        code = err_set(err, ERR_INVALID, "version: missing");
    return code == ERR_OK ? call_write(call, publish_job, p, render_family, err) : code;
}

static enum err_code rollback_model(struct call *call, struct err *err)
{
    struct publication *p = ARENA_NEW(call->arena, struct publication, 1);
    p->family = http_request_param(call->req, "family");
    return call_write(call, rollback_job, p, render_family, err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/models", AUTH_ADMIN, list_models, 0, NO_PARAMS},
    {HTTP_GET, "/v1/models/{family}", AUTH_ADMIN, list_family, 0, NO_PARAMS},
    {HTTP_POST, "/v1/models/{family}/publish", AUTH_ADMIN, publish_model, ENDPOINT_WRITES,
     NO_PARAMS},
    {HTTP_POST, "/v1/models/{family}/rollback", AUTH_ADMIN, rollback_model, ENDPOINT_WRITES,
     NO_PARAMS},
};
ENDPOINT_GROUP(model_endpoints, endpoints);
