#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/fs.h"
#include "cli/doctor.h"
#include "cli/shop.h"
#include "recommend/features.h"
#include "store/events.h"
#include "store/keys.h"
#include "store/models.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/users.h"

#define SPACE_WRONG (64ull << 20)
#define SPACE_NOTE  (1ull << 30)

enum { NAMES_MAX = 10000 };

void checkup_add(struct checkup *c, enum finding_state state, const char *name, const char *fmt,
                 ...)
{
    CHECK(c->len < CHECKUP_MAX);
    struct finding *f = &c->findings[c->len++];
    va_list ap;
    f->name = name;
    f->state = state;
    va_start(ap, fmt);
    vsnprintf(f->message, sizeof f->message, fmt, ap);
    va_end(ap);
}

/* --- the folder ------------------------------------------------------------------------------ */

static bool look_at_folder(const char *dir, struct checkup *c)
{
    struct fs_info info;
    struct err err;
    uint64_t bytes;
    if (fs_stat(dir, &info, &err) != ERR_OK) {
        checkup_add(c, FINDING_WRONG, "folder", "%s", err.msg);
        return false;
    }
    if (!info.is_dir) {
        checkup_add(c, FINDING_WRONG, "folder",
                    "%s is %s: `aisle demo` or `aisle import` makes one", dir,
                    info.exists ? "no folder" : "not there");
        return false;
    }
    checkup_add(c, FINDING_FINE, "folder", "%s", dir);
    if (fs_free_bytes(dir, &bytes, &err) != ERR_OK)
        checkup_add(c, FINDING_WRONG, "free_space", "%s", err.msg);
    else
        checkup_add(c,
                    bytes < SPACE_WRONG  ? FINDING_WRONG
                    : bytes < SPACE_NOTE ? FINDING_NOTE
                                         : FINDING_FINE,
                    "free_space", "%" PRIu64 " MiB", bytes >> 20);
    return true;
}

/* The lock is taken for a moment where it is free: there is no other way to know. */
static void look_at_lock(const char *dir, struct checkup *c)
{
    char path[FS_PATH_MAX];
    struct fs_info info;
    struct fs_lock lock;
    struct err err;
    if (fs_join(path, dir, "lock", &err) != ERR_OK || fs_stat(path, &info, &err) != ERR_OK ||
        !info.exists) {
        checkup_add(c, FINDING_FINE, "lock", "nobody has opened this folder for writing yet");
        return;
    }
    enum err_code code = fs_lock_file(&lock, path, &err);
    if (code == ERR_OK) {
        fs_unlock(&lock);
        checkup_add(c, FINDING_FINE, "lock", "free: no server runs on this folder");
    } else {
        checkup_add(c, FINDING_NOTE, "lock", "%s", err.msg);
    }
}

/* --- the store ------------------------------------------------------------------------------- */

static enum err_code count(struct db *db, struct checkup *c, struct err *err)
{
    struct product_counts products;
    struct user_counts users;
    struct event_counts events;
    struct order_counts orders;
    enum err_code code = products_count(db, &products, err);
    if (code == ERR_OK)
        code = users_count(db, &users, err);
    if (code == ERR_OK)
        code = events_count(db, &events, err);
    if (code == ERR_OK)
        code = orders_count(db, &orders, err);
    if (code == ERR_OK)
        checkup_add(c, products.active ? FINDING_FINE : FINDING_NOTE, "contents",
                    "%" PRId64 " products (%" PRId64 " more not sold), %" PRId64
                    " shoppers, %" PRId64 " guests, %" PRId64 " events, %" PRId64 " orders",
                    products.active, products.inactive, users.known, users.anonymous, events.events,
                    orders.orders);
    return code;
}

static enum err_code look_for_admin(struct db *db, struct checkup *c, struct err *err)
{
    struct db_rows rows = {0};
    struct api_key key;
    bool more, found = false;
    enum err_code code = api_keys_list(db, &rows, err);
    while (code == ERR_OK && (code = api_keys_next(&rows, &key, &more, err)) == ERR_OK && more)
        found |= str_is(key.scope, "admin") && key.revoked_at == 0;
    db_rows_close(&rows);
    if (code == ERR_OK)
        checkup_add(c, found ? FINDING_FINE : FINDING_NOTE, "admin_key", "%s",
                    found ? "there is one" : "none yet: aisle key create --scope admin");
    return code;
}

/* A ranker that does not fit this program, or cannot be read, is left aside by the server. */
static void look_at_ranker(const char *dir, struct str version, struct checkup *c)
{
    char path[FS_PATH_MAX];
    struct fs_info info;
    struct ranker ranker = {0};
    struct err err;
    snprintf(path, sizeof path, "%s/models/recommend/%.*s/" RANKER_FILE, dir, STR_ARG(version));
    enum err_code code = fs_stat(path, &info, &err);
    if (code == ERR_OK && !info.exists)
        return;
    if (code == ERR_OK)
        code = ranker_open(path, &ranker, &err);
    if (code == ERR_OK)
        code = features_check(&ranker, &err);
    if (code == ERR_OK)
        checkup_add(c, FINDING_FINE, "ranker", "%u trees order %u candidates in %u placements",
                    ranker.trees.len, ranker.candidates, ranker.placements);
    else if (code == ERR_UNSUPPORTED)
        checkup_add(c, FINDING_NOTE, "ranker", "not used: %s; `aisle train` makes one that fits",
                    err.msg);
    else
        checkup_add(c, FINDING_WRONG, "ranker", "%s; lists have the order of the sources' weights",
                    err.msg);
    ranker_release(&ranker);
}

static void look_at_model(const char *dir, struct db *db, bool deep, struct checkup *c)
{
    char path[FS_PATH_MAX];
    struct arena arena;
    struct model_version live;
    struct recommend_model model = {0};
    struct err err;
    arena_init(&arena, 0, 16 << 20);
    enum err_code code = model_live(db, STR_LIT("recommend"), &arena, &live, &err);
    if (code == ERR_NOT_FOUND) {
        checkup_add(c, FINDING_NOTE, "model", "none is published: `aisle train` makes one");
        arena_release(&arena);
        return;
    }
    if (code == ERR_OK) {
        snprintf(path, sizeof path, "%s/models/recommend/%.*s/recommend.model", dir,
                 STR_ARG(live.version));
        code = recommend_model_open(path, deep, &model, &err);
    }
    if (code == ERR_OK)
        checkup_add(c, FINDING_FINE, "model", "%.*s: %u products, %u factors, %u shoppers%s",
                    STR_ARG(live.version), model.rows, model.dim, model.users,
                    deep ? ", checksums right" : "");
    else
        checkup_add(c, FINDING_WRONG, "model", "%s", err.msg);
    if (code == ERR_OK)
        look_at_ranker(dir, live.version, c);
    recommend_model_close(&model);
    arena_release(&arena);
}

static void look_at_store(const struct args *args, bool deep, struct checkup *c)
{
    struct store *store;
    struct db *db = NULL;
    struct err err;
    enum err_code code = open_store(args, true, true, &store, &err);
    if (code != ERR_OK) {
        checkup_add(c, FINDING_WRONG, "store", "%s", err.msg);
        return;
    }
    code = store_read_begin(store, &db, &err);
    if (code == ERR_OK && deep)
        code = db_verify(db, &err);
    if (code == ERR_OK)
        checkup_add(c, FINDING_FINE, "store", "opens, schema %d%s", store_schema_version(),
                    deep ? ", structure whole" : "");
    if (code == ERR_OK)
        code = count(db, c, &err);
    if (code == ERR_OK)
        code = look_for_admin(db, c, &err);
    if (code == ERR_OK)
        look_at_model(data_dir(args), db, deep, c);
    else
        checkup_add(c, FINDING_WRONG, "store", "%s", err.msg);
    store_read_end(store, db);
    store_close(store);
}

/* --- what is made from it -------------------------------------------------------------------- */

static void look_at_segment(const char *dir, struct str name, struct checkup *c)
{
    char path[FS_PATH_MAX];
    struct segment *segment;
    struct err err;
    enum err_code code = fs_join(path, dir, name.p, &err);
    if (code == ERR_OK)
        code = segment_open_file(path, 0, &segment, &err);
    if (code != ERR_OK) {
        checkup_add(c, FINDING_NOTE, "catalogue", "%s: the next start builds it from the store",
                    err.msg);
        return;
    }
    checkup_add(c, FINDING_FINE, "catalogue", "%s: %u products, whole", name.p, segment->docs);
    segment_close(segment);
}

/* The newest file is the one that a start uses. */
static void look_at_catalogue(const char *dir, struct checkup *c)
{
    char path[FS_PATH_MAX];
    struct arena arena;
    struct str *names, newest = {0};
    size_t n = 0;
    struct err err;
    arena_init(&arena, 0, 8 << 20);
    if (fs_join(path, dir, "catalogue", &err) == ERR_OK)
        if (fs_list_dir(path, NAMES_MAX, &arena, &names, &n, &err) != ERR_OK)
            n = 0;
    for (size_t i = 0; i < n; i++)
        if (str_ends(names[i], STR_LIT(".segment")))
            newest = names[i];
    if (newest.n)
        look_at_segment(path, newest, c);
    else
        checkup_add(c, FINDING_NOTE, "catalogue", "no file yet: the next start makes one");
    arena_release(&arena);
}

static void look_at_readiness(const struct args *args, struct checkup *c)
{
    struct shop shop;
    struct engine_stats e;
    struct err err;
    if (shop_open(args, &shop, &err) != ERR_OK) {
        checkup_add(c, FINDING_WRONG, "ready", "%s", err.msg);
        return;
    }
    engine_stats(shop.engine, &e);
    checkup_add(c, FINDING_FINE, "ready", "%" PRIu64 " products can be found, model %s", e.products,
                e.model[0] ? e.model : "none");
    shop_close(&shop);
}

void checkup_folder(const struct args *args, bool deep, struct checkup *out)
{
    const char *dir = data_dir(args);
    if (!look_at_folder(dir, out))
        return;
    look_at_lock(dir, out);
    look_at_store(args, deep, out);
    look_at_catalogue(dir, out);
    look_at_readiness(args, out);
}
