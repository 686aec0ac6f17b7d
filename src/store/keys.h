/* keys.h - API keys (their hashes), settings, and replies kept for repeated requests. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "base/arena.h"
#include "store/records.h"
#include "store/store.h"
#include "store/users.h"

enum { API_KEY_HASH_SIZE = 32 };

struct api_key {
    int64_t no;
    struct str name;  /* for people */
    struct str scope; /* "admin", "server", "public" */
    struct str hint;  /* the first characters, to tell keys apart in a list */
    uint8_t hash[API_KEY_HASH_SIZE];
    int64_t created_at;
    int64_t revoked_at; /* 0: valid */
};

/** ERR_CONFLICT  the same hash is there. no may be NULL. */
ERR_MUST_USE enum err_code api_key_add(struct store_tx *tx, const struct api_key *key, int64_t *no,
                                       struct err *err);

/** ERR_NOT_FOUND  unknown, or revoked already. */
ERR_MUST_USE enum err_code api_key_revoke(struct store_tx *tx, int64_t no, struct err *err);

/** Every key, revoked ones included, by number. Texts are borrowed until the next call on rows. */
ERR_MUST_USE enum err_code api_keys_list(struct db *db, struct db_rows *rows, struct err *err);
ERR_MUST_USE enum err_code api_keys_next(struct db_rows *rows, struct api_key *out, bool *more,
                                         struct err *err);

/* --- settings --------------------------------------------------------------------------------- */

/** A small value by name: the secret that signs shopper tokens, "this is a demonstration shop". An
 *  empty value removes it. */
ERR_MUST_USE enum err_code setting_put(struct store_tx *tx, struct str name, struct str value,
                                       struct err *err);

/** value.p is NULL where there is none; copied into the arena. */
ERR_MUST_USE enum err_code setting_get(struct db *db, struct str name, struct arena *arena,
                                       struct str *value, struct err *err);

/* --- idempotency ------------------------------------------------------------------------------ */

enum { IDEMPOTENCY_SHOPPER_SIZE = 34 };

/** What the scope of a reply that speaks of a shopper begins with, into out, so that erasing the
 *  shopper finds it. Returns out. */
char *idempotency_shopper(enum user_kind kind, struct str id, char out[IDEMPOTENCY_SHOPPER_SIZE]);

struct idempotency {
    struct str scope; /* whose key it is: shopper, route and the API key's number */
    struct str key;   /* as the client sent it; 1..STORE_ID_MAX bytes */
    uint64_t
        request_hash; /* of the body: the same key with another body is refused by the caller */
    int32_t status;   /* the reply's HTTP status */
    struct str reply; /* its body */
    int64_t expires_at;
};

/** Remember a reply, in the transaction of what it answers. ERR_CONFLICT  the key is there and has
 *  not expired: read it instead. */
ERR_MUST_USE enum err_code idempotency_put(struct store_tx *tx, const struct idempotency *i,
                                           struct err *err);

/** reply is copied into the arena. ERR_NOT_FOUND  unknown or expired at now_us. */
ERR_MUST_USE enum err_code idempotency_get(struct db *db, struct str scope, struct str key,
                                           int64_t now_us, struct arena *arena,
                                           struct idempotency *out, struct err *err);

/** Forget up to limit replies that have expired. *removed counts them. */
ERR_MUST_USE enum err_code idempotency_trim(struct store_tx *tx, int64_t limit, int64_t *removed,
                                            struct err *err);

#endif
