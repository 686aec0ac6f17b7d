/* demo.c - what only a demonstration shop has: shoppers to try, their tokens, and drawn pictures. */
#include "demo/demo.h"

#include "api/api_int.h"
#include "base/clock.h"
#include "demo/picture.h"

enum { TOKEN_LIFE_S = 86400 };

static void write_both(struct json_writer *w, const char *name, const char *en, const char *zh)
{
    jw_key(w, str_of(name));
    jw_obj(w);
    JW_Z(w, "en", en);
    JW_Z(w, "zh", zh);
    jw_obj_end(w);
}

enum { LIMIT };

static const struct param users_params[] = {
    [LIMIT] = {.name = STR_LIT("limit"),
               .kind = PARAM_NUMBER,
               .fallback = DEMO_SHOWCASE_USERS,
               .lo = 1,
               .hi = 100},
};

static enum err_code list_users(struct call *call, struct err *err)
{
    const struct demo_showcase *users = demo_showcase_users();
    struct json_writer w;
    int64_t limit = call->values[LIMIT].number;
    begin_json(call, &w);
    jw_obj(&w);
    JW_ARR(&w, "items");
    for (int i = 0; i < DEMO_SHOWCASE_USERS && i < limit; i++) {
        jw_obj(&w);
        JW_Z(&w, "id", users[i].id);
        write_both(&w, "name", users[i].name_en, users[i].name_zh);
        write_both(&w, "taste", users[i].taste_en, users[i].taste_zh);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static bool is_showcase(struct str id)
{
    const struct demo_showcase *users = demo_showcase_users();
    for (int i = 0; i < DEMO_SHOWCASE_USERS; i++)
        if (str_is(id, users[i].id))
            return true;
    return false;
}

static enum err_code post_token(struct call *call, struct err *err)
{
    static const char *const names[] = {"user_id"};
    struct jr_fields fields = {.names = names, .n = 1, .strict = true};
    struct json_reader r;
    struct json_writer w;
    struct str user_id = {NULL, 0};
    char token[AUTH_TOKEN_MAX];
    int64_t now = clock_now_us();
    int64_t expires_s = now / CLOCK_US_PER_S + TOKEN_LIFE_S;
    jr_init(&r, call->req->body, call->arena);
    if (jr_obj(&r))
        while (jr_field(&r, &fields) >= 0)
            jr_str(&r, &user_id);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && !is_showcase(user_id))
        code = err_set(err, ERR_NOT_FOUND, "user_id: not one of /v1/demo/users");
    if (code == ERR_OK)
        code = auth_token_sign(call->api->o.auth, call->api->o.demo_key_no, user_id, expires_s,
                               token, err);
    if (code != ERR_OK)
        return code;
    begin_json(call, &w);
    jw_obj(&w);
    JW_Z(&w, "token", token);
    JW_TIME(&w, "expires_at", expires_s * CLOCK_US_PER_S);
    jw_obj_end(&w);
    return reply_json(call, 200, &w, err);
}

static enum err_code get_picture(struct call *call, struct err *err)
{
    struct str name = http_request_param(call->req, "picture"), suffix = STR_LIT(".svg");
    struct buf *svg = http_request_scratch(call->req);
    if (!str_ends(name, suffix))
        return err_set(err, ERR_NOT_FOUND, "there is no such picture");
    name.n -= suffix.n;
    enum err_code code = demo_picture_svg(name, svg, err);
    if (code != ERR_OK)
        return code;
    http_reply(call->req,
               &(struct http_reply){.content_type = "image/svg+xml",
                                    .body = buf_str(svg),
                                    .cache_control = "public, max-age=31536000, immutable"});
    return ERR_OK;
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/v1/demo/users", AUTH_NONE, list_users, ENDPOINT_DEMO, PARAMS(users_params)},
    {HTTP_POST, "/v1/demo/token", AUTH_NONE, post_token, ENDPOINT_DEMO, NO_PARAMS},
    {HTTP_GET, "/media/demo/{picture}", AUTH_NONE, get_picture, ENDPOINT_DEMO, NO_PARAMS},
};
ENDPOINT_GROUP(demo_endpoints, endpoints);
