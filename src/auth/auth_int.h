/* auth_int.h - what keys and tokens share. */
#ifndef AUTH_AUTH_INT_H
#define AUTH_AUTH_INT_H

#include <pthread.h>

#include "auth/auth.h"
#include "store/keys.h"

struct known_key {
    int64_t no;
    enum auth_scope scope;
    uint8_t hash[API_KEY_HASH_SIZE]; /* SHA-256 of the key's text */
};

struct auth {
    struct store *store;     /* borrowed */
    pthread_mutex_t reading; /* one reader of the store at a time, so that the newest comes last */
    pthread_mutex_t lock;    /* of what follows; taken within reading */
    struct known_key *keys;  /* [len] not revoked, owned; sorted by hash */
    size_t len;
    int64_t read_at_ns;
};

/** A copy of the key with this number and at least server scope; false if there is none. */
bool find_signing_key(struct auth *a, int64_t no, struct known_key *out);

#endif
