/* shopper.c - whose data a call may touch. */
#include "api/api_int.h"

#include "base/clock.h"

enum { ANONYMOUS_ID_BYTES = 32 };

enum err_code check_anonymous_id(struct str id, struct err *err)
{
    bool good = id.n == ANONYMOUS_ID_BYTES;
    for (size_t i = 0; good && i < id.n; i++)
        good = (id.p[i] >= '0' && id.p[i] <= '9') || (id.p[i] >= 'a' && id.p[i] <= 'f');
    if (good)
        return ERR_OK;
    return err_set(err, ERR_INVALID, "anonymous_id: expected 32 lower-case hexadecimal digits");
}

static struct str token_of(const struct call *call)
{
    struct str token = http_request_header(call->req, "x-shopper-token");
    if (token.n == 0)
        http_request_query(call->req, "token", &token);
    return token;
}

void name_shopper(struct call *call, enum user_kind kind, struct str id)
{
    if (call->named.n)
        return;
    call->named_kind = (int)kind;
    call->named = id;
}

enum err_code require_user(struct call *call, struct str user_id, struct err *err)
{
    struct str owner;
    name_shopper(call, USER_KNOWN, user_id);
    if (call->scope >= AUTH_SERVER)
        return ERR_OK;
    struct str token = token_of(call);
    if (token.n == 0)
        return err_set(err, ERR_UNAUTHENTICATED,
                       "a user_id needs that shopper's token: X-Shopper-Token");
    enum err_code code = auth_token_check(call->api->o.auth, token, clock_now_us() / CLOCK_US_PER_S,
                                          call->arena, &owner, err);
    if (code != ERR_OK)
        return code;
    if (!str_eq(owner, user_id))
        return err_set(err, ERR_DENIED, "the token is another shopper's");
    return ERR_OK;
}

enum err_code find_shopper(struct call *call, struct str user_id, struct str anonymous_id,
                           struct shopper *out, struct err *err)
{
    struct ids_shopper found;
    *out = (struct shopper){.kind = USER_KNOWN};
    if (user_id.n == 0 && anonymous_id.n == 0)
        return ERR_OK;
    enum err_code code = ERR_OK;
    if (user_id.n) {
        code = store_id_check("user_id", user_id, err);
        if (code == ERR_OK)
            code = require_user(call, user_id, err);
        out->id = user_id;
    } else {
        /* A shop's backend may use ids of its own; a browser's must be unguessable. */
        code = call->scope >= AUTH_SERVER ? store_id_check("anonymous_id", anonymous_id, err)
                                          : check_anonymous_id(anonymous_id, err);
        name_shopper(call, USER_ANONYMOUS, anonymous_id);
        out->kind = USER_ANONYMOUS;
        out->id = anonymous_id;
    }
    if (code == ERR_OK)
        code = ids_find(engine_ids(call->api->o.engine), out->kind, out->id, &found, err);
    if (code != ERR_OK)
        return code;
    out->user_no = found.user_no;
    out->personalise = found.personalise;
    return ERR_OK;
}

enum err_code need_shopper(struct call *call, struct str user_id, struct str anonymous_id,
                           struct shopper *out, struct err *err)
{
    enum err_code code = find_shopper(call, user_id, anonymous_id, out, err);
    if (code == ERR_OK && out->id.n == 0)
        code = err_set(err, ERR_INVALID, "user_id or anonymous_id: one is needed");
    return code;
}
