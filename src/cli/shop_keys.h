/* shop_keys.h - the two keys that a shop makes for itself, kept as settings.
 *
 * Model:   the storefront's public key is no secret: every visitor gets it. A demonstration shop also has
 *          a server key that nobody was ever shown; it signs the tokens of its invented shoppers.
 * Threads: one at a time per store. */
#ifndef CLI_SHOP_KEYS_H
#define CLI_SHOP_KEYS_H

#include "auth/auth.h"

struct shop_keys {
    char public_key[AUTH_KEY_SIZE]; /* NUL-terminated; empty: none yet */
    int64_t demo_no;                /* number of the demonstration's key; 0: none yet */
};

/** Read those that were made. texts holds them while they are read. Errors are the store's. */
ERR_MUST_USE enum err_code shop_keys_read(struct db *db, struct arena *texts,
                                          struct shop_keys *keys, struct err *err);

/** Make those that are missing from keys, for a demonstration shop or another. Errors are the store's. */
ERR_MUST_USE enum err_code shop_keys_make(struct store *store, bool demo, struct shop_keys *keys,
                                          struct err *err);

#endif
