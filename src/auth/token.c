#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>

#include "auth/auth_int.h"
#include "base/json_reader.h"
#include "base/json_writer.h"
#include "store/records.h"

enum { PART_MAX = 512, MAC_BYTES = crypto_auth_hmacsha256_BYTES };

_Static_assert(API_KEY_HASH_SIZE == crypto_auth_hmacsha256_KEYBYTES,
               "the hash of a key is the key of the HMAC");

static void put_base64(struct buf *out, const void *p, size_t n)
{
    size_t room = sodium_base64_encoded_len(n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *at = buf_reserve(out, room);
    if (at) {
        sodium_bin2base64(at, room, p, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
        out->len += room - 1;
    }
}

static void sign(const uint8_t key[API_KEY_HASH_SIZE], struct str text, uint8_t mac[MAC_BYTES])
{
    crypto_auth_hmacsha256(mac, (const uint8_t *)text.p, text.n, key);
}

enum err_code auth_token_sign(struct auth *a, int64_t no, struct str user_id, int64_t exp_s,
                              char out[AUTH_TOKEN_MAX], struct err *err)
{
    struct known_key key;
    struct json_writer w;
    struct buf payload, token;
    char header[64];
    uint8_t mac[MAC_BYTES];
    if (!find_signing_key(a, no, &key))
        return err_set(err, ERR_NOT_FOUND, "there is no server key %" PRId64, no);
    snprintf(header, sizeof header, "{\"alg\":\"HS256\",\"kid\":\"%" PRId64 "\"}", no);
    buf_init(&payload, PART_MAX);
    buf_init(&token, AUTH_TOKEN_MAX - 1);
    jw_init(&w, &payload);
    jw_obj(&w);
    JW_STR(&w, "sub", user_id);
    JW_I64(&w, "exp", exp_s);
    jw_obj_end(&w);
    enum err_code code = jw_end(&w, "the token's payload", err);
    if (code == ERR_OK) {
        put_base64(&token, header, strlen(header));
        buf_putc(&token, '.');
        put_base64(&token, payload.data, payload.len);
        sign(key.hash, buf_str(&token), mac);
        buf_putc(&token, '.');
        put_base64(&token, mac, sizeof mac);
        code = buf_ok(&token, "the token", err);
    }
    if (code == ERR_OK)
        memcpy(out, token.data, token.len + 1);
    buf_release(&payload);
    buf_release(&token);
    return code;
}

/* --- checking -------------------------------------------------------------------------------- */

static enum err_code refuse(struct err *err, const char *why)
{
    return err_set(err, ERR_UNAUTHENTICATED, "shopper token: %s", why);
}

static bool decode(struct str part, uint8_t *out, size_t cap, size_t *n)
{
    const char *end;
    return sodium_base642bin(out, cap, part.p, part.n, NULL, n, &end,
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
           end == part.p + part.n;
}

/* The number of the key that an HS256 header names; 0: none, or another algorithm. */
static int64_t key_of_header(struct str json, struct arena *arena)
{
    struct json_reader r;
    struct str name, alg = {0}, kid = {0};
    int64_t no = 0;
    bool once = true; /* RFC 7515: the names of a header are unique */
    jr_init(&r, json, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &name)) {
            if (str_is(name, "alg")) {
                once &= alg.n == 0;
                jr_str(&r, &alg);
            } else if (str_is(name, "kid")) {
                once &= kid.n == 0;
                jr_str(&r, &kid);
            } else if (str_is(name, "crit")) {
                return 0; /* RFC 7515: what is critical and not understood is refused */
            }
        }
    if (jr_end(&r, NULL) != ERR_OK || !once || !str_is(alg, "HS256") ||
        str_parse_i64(kid, 1, INT64_MAX, &no, NULL) != ERR_OK)
        return 0;
    return no;
}

struct claims {
    struct str sub;
    int64_t exp_s;
    int64_t nbf_s; /* -1: none */
};

/* Each claim at most once: two readers must not see two shoppers in one token. */
static bool read_claims(struct str json, struct arena *arena, struct claims *out)
{
    struct json_reader r;
    struct str name;
    bool once = true;
    *out = (struct claims){.nbf_s = -1};
    jr_init(&r, json, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &name)) {
            if (str_is(name, "sub")) {
                once &= out->sub.p == NULL;
                jr_str(&r, &out->sub);
            } else if (str_is(name, "exp")) {
                once &= out->exp_s == 0;
                jr_i64(&r, 1, INT64_MAX / 2, &out->exp_s);
            } else if (str_is(name, "nbf")) {
                once &= out->nbf_s < 0;
                jr_i64(&r, 0, INT64_MAX / 2, &out->nbf_s);
            }
        }
    return jr_end(&r, NULL) == ERR_OK && once && out->exp_s > 0 &&
           store_id_check("sub", out->sub, NULL) == ERR_OK;
}

enum err_code auth_token_check(struct auth *a, struct str token, int64_t now_s, struct arena *arena,
                               struct str *user_id, struct err *err)
{
    struct str rest = token;
    struct known_key key;
    struct claims claims;
    uint8_t mac[MAC_BYTES], given[MAC_BYTES];
    size_t n;
    if (token.n == 0 || token.n >= AUTH_TOKEN_MAX)
        return refuse(err, "malformed");
    uint8_t *bytes = arena_try_alloc(arena, 2 * AUTH_TOKEN_MAX);
    if (!bytes)
        return err_set(err, ERR_LIMIT, "the token does not fit");
    struct str header = str_split(&rest, '.');
    struct str payload = rest.p ? str_split(&rest, '.') : (struct str){NULL, 0};
    struct str signature = rest;
    if (!signature.p || !decode(header, bytes, AUTH_TOKEN_MAX, &n))
        return refuse(err, "malformed");
    int64_t no = key_of_header((struct str){(char *)bytes, n}, arena);
    if (no == 0)
        return refuse(err, "not HS256 with the number of a server key as kid");
    if (!find_signing_key(a, no, &key))
        return refuse(err, "its key is unknown or revoked");
    sign(key.hash, (struct str){token.p, (size_t)(signature.p - 1 - token.p)}, mac);
    if (!decode(signature, given, sizeof given, &n) || n != sizeof given ||
        sodium_memcmp(mac, given, sizeof mac) != 0)
        return refuse(err, "the signature is wrong");
    uint8_t *json = bytes + AUTH_TOKEN_MAX;
    if (!decode(payload, json, AUTH_TOKEN_MAX, &n) ||
        !read_claims((struct str){(char *)json, n}, arena, &claims))
        return refuse(err, "sub or exp is missing or malformed");
    if (claims.exp_s <= now_s)
        return refuse(err, "expired");
    if (claims.exp_s > now_s + AUTH_TOKEN_LIFE_MAX_S)
        return refuse(err, "it would live longer than 31 days");
    if (claims.nbf_s > now_s)
        return refuse(err, "not valid yet");
    *user_id = claims.sub;
    return ERR_OK;
}
