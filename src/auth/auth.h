/* auth.h - who is asking: API keys with scopes, and shopper tokens.
 *
 * Keys:    "pk_", "sk_" or "ak_" and 32 random characters. The store keeps SHA-256 of a key and never the
 *          key; it is shown once, when it is made. A key has 192 random bits, so a plain hash is
 *          enough: there is nothing to guess.
 * Tokens:  JSON Web Tokens (RFC 7519) with exactly HS256: {"alg":"HS256","kid":"<number of a server
 *          key>"} . {"sub":"<user id>","exp":<seconds>}. The HMAC key is SHA-256 of that server key
 *          (32 bytes), which the shop's backend computes and which is all that Aisle keeps. Any
 *          other algorithm, a missing or far exp, an unknown or revoked kid is refused.
 * Cache:   keys are read from the store once a second, and by auth_renew. A key that another process
 *          revokes works for that second; whoever revokes in this one calls auth_renew.
 * Threads: any. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/arena.h"
#include "store/store.h"

enum auth_scope { AUTH_NONE, AUTH_PUBLIC, AUTH_SERVER, AUTH_ADMIN };

enum {
    AUTH_KEY_SIZE = 36,    /* "pk_" + 32 + NUL */
    AUTH_HINT_BYTES = 7,   /* of a key, kept to tell keys apart in a list */
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

/** Draft and add a key. key [AUTH_KEY_SIZE] receives the only copy of its text; no its number.
 *  Errors are the store's. */
ERR_MUST_USE enum err_code auth_key_create(struct store *store, struct str name,
                                           enum auth_scope scope, char key[AUTH_KEY_SIZE],
                                           int64_t *no, struct err *err);

/* A key that is not in the store yet. */
struct auth_draft {
    char key[AUTH_KEY_SIZE]; /* the only copy of its text, NUL-terminated */
    struct str name;         /* borrowed */
    enum auth_scope scope;
    int64_t no;         /* once it is added */
    int64_t created_at; /* the same */
};

/** Draw a key. */
ERR_MUST_USE enum err_code auth_key_draft(struct str name, enum auth_scope scope,
                                          struct auth_draft *out, struct err *err);

/** Put the key's hash into the store. Errors are the store's; ERR_INVALID  the name. */
ERR_MUST_USE enum err_code auth_key_add(struct store_tx *tx, struct auth_draft *draft,
                                        struct err *err);

/** Revoke a key. The last admin key only by force: without one nobody can make another through the
 *  API.
 *  ERR_NOT_FOUND  no valid key of that number
 *  ERR_CONFLICT   it is the last admin key */
ERR_MUST_USE enum err_code auth_key_revoke(struct store_tx *tx, int64_t no, bool force,
                                           struct err *err);

/** Read the keys now: what was added or revoked before this call counts from its return on. */
ERR_MUST_USE enum err_code auth_renew(struct auth *a, struct err *err);

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
