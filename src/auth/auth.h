/* auth.h - who is asking: API keys with scopes, and shopper tokens.
 *
 * Keys:    "pk_", "sk_" or "ak_" and 32 random characters. The store keeps SHA-256 of a key and never the
 *          key; it is shown once, when it is made. A key has 192 random bits, so a plain hash is
 *          enough: there is nothing to guess.
 * Tokens:  JSON Web Tokens (RFC 7519) with exactly HS256: {"alg":"HS256","kid":"<number of a server
 *          key>"} . {"sub":"<user id>","exp":<seconds>}. The HMAC key is SHA-256 of that server key
 *          (32 bytes), which the shop's backend computes and which is all that Aisle keeps. Any
 *          other algorithm, a missing or far exp, an unknown or revoked kid is refused.
 * Cache:   keys are read from the store at most once a second, so a revoked key works that much longer.
 * Threads: any. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/arena.h"
#include "store/store.h"

enum auth_scope { AUTH_NONE, AUTH_PUBLIC, AUTH_SERVER, AUTH_ADMIN };

enum {
    AUTH_KEY_SIZE = 36,    /* "pk_" + 32 + NUL */
    AUTH_TOKEN_MAX = 1024, /* bytes of a shopper token */
};

/** A token must expire within this. */
#define AUTH_TOKEN_LIFE_MAX_S (31 * 86400)

struct auth;

/** store is borrowed until auth_close. returns owned. */
ERR_MUST_USE enum err_code auth_open(struct store *store, struct auth **out, struct err *err);
void auth_close(struct auth *a); /* NULL is fine */

/** "public", "server", "admin"; false otherwise. */
bool auth_scope_of(struct str name, enum auth_scope *out);
const char *auth_scope_name(enum auth_scope s);

/** Make a key. key [AUTH_KEY_SIZE] receives the only copy of its text; no its number.
 *  Errors are the store's. */
ERR_MUST_USE enum err_code auth_key_create(struct store *store, struct str name,
                                           enum auth_scope scope, char key[AUTH_KEY_SIZE],
                                           int64_t *no, struct err *err);

/** Find a key. *scope is AUTH_NONE for an unknown, malformed or revoked one. */
ERR_MUST_USE enum err_code auth_check_key(struct auth *a, struct str key, enum auth_scope *scope,
                                          int64_t *no, struct err *err);

/** Sign a token for a user with server key `no`, valid until exp_s (UTC seconds).
 *  out   [AUTH_TOKEN_MAX] NUL-terminated
 *  ERR_NOT_FOUND  no such server key */
ERR_MUST_USE enum err_code auth_token_sign(struct auth *a, int64_t no, struct str user_id,
                                           int64_t exp_s, char out[AUTH_TOKEN_MAX],
                                           struct err *err);

/** Whose token is it? user_id lies in the arena.
 *  ERR_UNAUTHENTICATED  malformed, wrong signature, expired */
ERR_MUST_USE enum err_code auth_token_check(struct auth *a, struct str token, int64_t now_s,
                                            struct arena *arena, struct str *user_id,
                                            struct err *err);

#endif
