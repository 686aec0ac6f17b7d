#include "engine/ids.h"

#include <pthread.h>

#include "base/map.h"
#include "base/mem.h"

enum { FORGET_ALL_ABOVE = 4096, ENTRY_ARENA = 4 << 10 };

struct generation {
    struct map_str by_id; /* kind byte + id to user_no << 1 | personalise */
    struct map_u64 stale; /* user_no that may not be served from here */
};

struct ids {
    struct store *store; /* borrowed */
    pthread_mutex_t lock;
    uint64_t forgotten; /* grows with ids_forget: a look-up that overlapped one is not kept */
    struct generation young, old;
};

struct ids *ids_new(struct store *store)
{
    struct ids *ids = MEM_NEW(struct ids);
    ids->store = store;
    pthread_mutex_init(&ids->lock, NULL);
    return ids;
}

static void clear(struct generation *g)
{
    map_str_release(&g->by_id);
    map_u64_release(&g->stale);
}

void ids_free(struct ids *ids)
{
    if (!ids)
        return;
    clear(&ids->young);
    clear(&ids->old);
    pthread_mutex_destroy(&ids->lock);
    mem_free(ids);
}

static bool look_up(const struct generation *g, struct str key, struct ids_shopper *out)
{
    const uint64_t *value = map_str_find(&g->by_id, key);
    if (!value || map_u64_find(&g->stale, *value >> 1))
        return false;
    *out = (struct ids_shopper){(uint32_t)(*value >> 1), *value & 1};
    return true;
}

static void keep(struct ids *ids, struct str key, struct ids_shopper shopper)
{
    if (ids->young.by_id.len >= IDS_GENERATION) {
        clear(&ids->old);
        ids->old = ids->young;
        ids->young = (struct generation){0};
    }
    *map_str_at(&ids->young.by_id, key, NULL) =
        (uint64_t)shopper.user_no << 1 | shopper.personalise;
    map_u64_remove(&ids->young.stale, shopper.user_no);
}

static enum err_code ask_store(struct ids *ids, enum user_kind kind, struct str id,
                               struct ids_shopper *out, struct err *err)
{
    struct db *db;
    struct arena arena;
    struct user user = {.personalise = true};
    enum err_code code = store_read_begin(ids->store, &db, err);
    if (code != ERR_OK)
        return code;
    arena_init(&arena, ENTRY_ARENA, STORE_JSON_MAX * 4);
    *out = (struct ids_shopper){0, true};
    code = user_no_of(db, kind, id, &out->user_no, err);
    if (code == ERR_OK && out->user_no && kind == USER_KNOWN) {
        code = user_get_no(db, out->user_no, &arena, &user, err);
        if (code == ERR_NOT_FOUND) { /* erased in between */
            out->user_no = 0;
            code = ERR_OK;
        }
        out->personalise = user.personalise;
    }
    arena_release(&arena);
    store_read_end(ids->store, db);
    return code;
}

enum err_code ids_find(struct ids *ids, enum user_kind kind, struct str id, struct ids_shopper *out,
                       struct err *err)
{
    char bytes[1 + STORE_ID_MAX];
    *out = (struct ids_shopper){0, true};
    if (id.n == 0 || id.n > STORE_ID_MAX)
        return ERR_OK;
    bytes[0] = (char)kind;
    memcpy(bytes + 1, id.p, id.n);
    struct str key = {bytes, id.n + 1};

    pthread_mutex_lock(&ids->lock);
    uint64_t before = ids->forgotten;
    bool found = look_up(&ids->young, key, out) || look_up(&ids->old, key, out);
    pthread_mutex_unlock(&ids->lock);
    if (found)
        return ERR_OK;

    enum err_code code = ask_store(ids, kind, id, out, err);
    if (code != ERR_OK || out->user_no == 0)
        return code;
    pthread_mutex_lock(&ids->lock);
    if (ids->forgotten == before)
        keep(ids, key, *out);
    pthread_mutex_unlock(&ids->lock);
    return ERR_OK;
}

static void mark_stale(struct generation *g, int64_t first_no, int64_t last_no)
{
    if (last_no - first_no >= FORGET_ALL_ABOVE || g->stale.len >= FORGET_ALL_ABOVE) {
        clear(g);
        return;
    }
    if (g->by_id.len)
        for (int64_t no = first_no; no <= last_no; no++)
            *map_u64_at(&g->stale, (uint64_t)no, NULL) = 1;
}

void ids_forget(struct ids *ids, int64_t first_no, int64_t last_no)
{
    pthread_mutex_lock(&ids->lock);
    ids->forgotten++;
    mark_stale(&ids->young, first_no, last_no);
    mark_stale(&ids->old, first_no, last_no);
    pthread_mutex_unlock(&ids->lock);
}
