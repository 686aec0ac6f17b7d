#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "auth/auth_int.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"

#define REREAD_NS 1000000000LL

enum { RANDOM_BYTES = 24, PREFIX_BYTES = 3 };

static const struct {
    const char *name, *prefix;
} scopes[] = {
    [AUTH_NONE] = {"none", ""},
    [AUTH_PUBLIC] = {"public", "pk_"},
    [AUTH_SERVER] = {"server", "sk_"},
    [AUTH_ADMIN] = {"admin", "ak_"},
};

bool auth_scope_of(struct str name, enum auth_scope *out)
{
    for (int s = AUTH_PUBLIC; s <= AUTH_ADMIN; s++)
        if (str_is(name, scopes[s].name)) {
            *out = (enum auth_scope)s;
            return true;
        }
    return false;
}

const char *auth_scope_name(enum auth_scope s)
{
    CHECK((unsigned)s <= AUTH_ADMIN);
    return scopes[s].name;
}

/* --- the cache ------------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
    return memcmp(((const struct known_key *)a)->hash, ((const struct known_key *)b)->hash,
                  API_KEY_HASH_SIZE);
}

struct key_list {
    struct known_key *keys; /* [len], owned */
    size_t len, cap;
};

static void append(struct key_list *list, const struct api_key *k)
{
    enum auth_scope scope;
    if (k->revoked_at || !auth_scope_of(k->scope, &scope))
        return;
    if (list->len == list->cap) {
        list->cap = list->cap ? 2 * list->cap : 16;
        list->keys = mem_resize(list->keys, list->cap, sizeof *list->keys);
    }
    struct known_key *out = &list->keys[list->len++];
    *out = (struct known_key){.no = k->no, .scope = scope};
    memcpy(out->hash, k->hash, sizeof out->hash);
}

static enum err_code read_keys(struct store *store, struct key_list *list, struct err *err)
{
    struct db *db;
    struct db_rows rows = {0};
    struct api_key key;
    bool more;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = api_keys_list(db, &rows, err);
    while (code == ERR_OK && (code = api_keys_next(&rows, &key, &more, err)) == ERR_OK && more)
        append(list, &key);
    db_rows_close(&rows);
    store_read_end(store, db);
    return code;
}

static void replace(struct auth *a, const struct key_list *list)
{
    if (list->len)
        qsort(list->keys, list->len, sizeof *list->keys, by_hash);
    pthread_mutex_lock(&a->lock);
    mem_free(a->keys);
    a->keys = list->keys;
    a->len = list->len;
    a->read_at_ns = clock_mono_ns();
    pthread_mutex_unlock(&a->lock);
}

enum err_code auth_renew(struct auth *a, struct err *err)
{
    struct key_list list = {0};
    pthread_mutex_lock(&a->reading);
    enum err_code code = read_keys(a->store, &list, err);
    if (code == ERR_OK)
        replace(a, &list);
    else
        mem_free(list.keys);
    pthread_mutex_unlock(&a->reading);
    return code;
}

/* Read the keys anew if the copy is old; only one thread does, the others use the copy. */
static enum err_code freshen(struct auth *a, struct err *err)
{
    int64_t now_ns = clock_mono_ns();
    pthread_mutex_lock(&a->lock);
    bool stale = now_ns - a->read_at_ns > REREAD_NS;
    if (stale)
        a->read_at_ns = now_ns;
    pthread_mutex_unlock(&a->lock);
    return stale ? auth_renew(a, err) : ERR_OK;
}

enum err_code auth_open(struct store *store, struct auth **out, struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "libsodium cannot be initialised");
    struct auth *a = MEM_NEW(struct auth);
    a->store = store;
    pthread_mutex_init(&a->reading, NULL);
    pthread_mutex_init(&a->lock, NULL);
    enum err_code code = auth_renew(a, err);
    if (code != ERR_OK) {
        auth_close(a);
        return code;
    }
    *out = a;
    return ERR_OK;
}

void auth_close(struct auth *a)
{
    if (!a)
        return;
    mem_free(a->keys);
    pthread_mutex_destroy(&a->reading);
    pthread_mutex_destroy(&a->lock);
    mem_free(a);
}

/* --- keys ------------------------------------------------------------------------------------ */

enum err_code auth_key_draft(struct str name, enum auth_scope scope, struct auth_draft *out,
                             struct err *err)
{
    uint8_t random[RANDOM_BYTES];
    CHECK(scope != AUTH_NONE);
    if (sodium_init() < 0)
        return err_set(err, ERR_INTERNAL, "libsodium cannot be initialised");
    *out = (struct auth_draft){.name = name, .scope = scope};
    randombytes_buf(random, sizeof random);
    memcpy(out->key, scopes[scope].prefix, PREFIX_BYTES);
    sodium_bin2base64(out->key + PREFIX_BYTES, AUTH_KEY_SIZE - PREFIX_BYTES, random, sizeof random,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    sodium_memzero(random, sizeof random);
    return ERR_OK;
}

enum err_code auth_key_add(struct store_tx *tx, struct auth_draft *draft, struct err *err)
{
    struct api_key key = {.name = draft->name,
                          .scope = str_of(scopes[draft->scope].name),
                          .hint = {draft->key, AUTH_HINT_BYTES},
                          .created_at = tx->now_us};
    crypto_hash_sha256(key.hash, (const uint8_t *)draft->key, strlen(draft->key));
    draft->created_at = tx->now_us;
    return api_key_add(tx, &key, &draft->no, err);
}

static enum err_code add_key(struct store_tx *tx, void *arg, struct err *err)
{
    return auth_key_add(tx, arg, err);
}

enum err_code auth_key_create(struct store *store, struct str name, enum auth_scope scope,
                              char key[AUTH_KEY_SIZE], int64_t *no, struct err *err)
{
    struct auth_draft draft;
    enum err_code code = auth_key_draft(name, scope, &draft, err);
    if (code == ERR_OK)
        code = store_write(store, add_key, &draft, err);
    if (code == ERR_OK) {
        memcpy(key, draft.key, AUTH_KEY_SIZE);
        *no = draft.no;
    }
    sodium_memzero(&draft, sizeof draft);
    return code;
}

/* Is key no a valid admin key, and the only one? */
static enum err_code is_last_admin(struct db *db, int64_t no, bool *last, struct err *err)
{
    struct db_rows rows = {0};
    struct api_key key;
    bool more, found = false, others = false;
    enum err_code code = api_keys_list(db, &rows, err);
    while (code == ERR_OK && (code = api_keys_next(&rows, &key, &more, err)) == ERR_OK && more)
        if (!key.revoked_at && str_is(key.scope, scopes[AUTH_ADMIN].name))
            *(key.no == no ? &found : &others) = true;
    db_rows_close(&rows);
    *last = found && !others;
    return code;
}

enum err_code auth_key_revoke(struct store_tx *tx, int64_t no, bool force, struct err *err)
{
    bool last = false;
    enum err_code code = force ? ERR_OK : is_last_admin(tx->db, no, &last, err);
    if (code == ERR_OK && last)
        code = err_set(err, ERR_CONFLICT,
                       "key %lld is the last admin key: make another one first, or force it",
                       (long long)no);
    return code == ERR_OK ? api_key_revoke(tx, no, err) : code;
}

enum err_code auth_check_key(struct auth *a, struct str key, enum auth_scope *scope, int64_t *no,
                             struct err *err)
{
    struct known_key wanted;
    *scope = AUTH_NONE;
    *no = 0;
    if (key.n != AUTH_KEY_SIZE - 1)
        return ERR_OK;
    enum err_code code = freshen(a, err);
    if (code != ERR_OK)
        return code;
    crypto_hash_sha256(wanted.hash, (const uint8_t *)key.p, key.n);
    pthread_mutex_lock(&a->lock);
    const struct known_key *found =
        a->len ? bsearch(&wanted, a->keys, a->len, sizeof *a->keys, by_hash) : NULL;
    if (found) {
        *scope = found->scope;
        *no = found->no;
    }
    pthread_mutex_unlock(&a->lock);
    return ERR_OK;
}

bool find_signing_key(struct auth *a, int64_t no, struct known_key *out)
{
    bool found = false;
    struct err ignored;
    /* A store that cannot be read leaves the copy in force. */
    (void)!freshen(a, &ignored);
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < a->len && !found; i++)
        if (a->keys[i].no == no && a->keys[i].scope >= AUTH_SERVER) {
            *out = a->keys[i];
            found = true;
        }
    pthread_mutex_unlock(&a->lock);
    return found;
}
