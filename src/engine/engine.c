#include "engine/engine.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/engine_int.h"
#include "store/products.h"

enum {
    CHANGES_BATCH = 512,
    PIECE_NUMBERS = 2000, /* of one entry that are applied together */
    INDEX_DOCS = 4000,    /* then they are indexed */
    MODEL_RETRY_MS = 5000,
    FOLD_RETRY_MS = 30000,
    POLL_MS = 100,
    FOLD_POLL_MS = 1000,
    DEFAULT_FOLD_DOCS = 20000,
    DEFAULT_SHELF_MS = 500,
    /* Texts, products and events within one reading transaction: it must end well within a second. */
    READ_BUDGET_MS = 300,
};

/* --- following the log ----------------------------------------------------------------------- */

/* Apply an entry, or as much of it as one step may. */
static enum err_code apply_piece(struct engine *e, struct db *db, const struct change *entry,
                                 struct err *err)
{
    struct change piece = *entry;
    if (e->within)
        piece.no = e->within;
    if (piece.last_no - piece.no >= PIECE_NUMBERS)
        piece.last_no = piece.no + PIECE_NUMBERS - 1;
    enum err_code code = apply_change(e, db, &piece, err);
    if (code != ERR_OK)
        return code;
    e->within = piece.last_no + 1;
    if (piece.last_no == entry->last_no) {
        e->within = 0;
        e->position = entry->position;
    }
    return ERR_OK;
}

static bool has_room(const struct engine *e)
{
    size_t waiting = e->changed.len + e->removed.len + e->stage.changed.len;
    return waiting < INDEX_DOCS;
}

/* Apply entries within one snapshot; *more tells that it stopped before the end. */
static enum err_code apply_some(struct engine *e, struct db *db, bool *more, struct err *err)
{
    struct change changes[CHANGES_BATCH];
    int64_t until_ns = clock_mono_ns() + READ_BUDGET_MS * 1000000LL;
    size_t n = 0, i = 0;
    bool room = has_room(e);
    enum err_code code = note_sight(e, db, err);
    if (code == ERR_OK)
        code = changes_after(db, e->position, changes, CHANGES_BATCH, &n, err);
    while (code == ERR_OK && i < n && room) {
        code = apply_piece(e, db, &changes[i], err);
        i += code == ERR_OK && e->within == 0;
        room = has_room(e) && clock_mono_ns() < until_ns;
    }
    *more = i < n || n == CHANGES_BATCH;
    if (code == ERR_OK)
        code = index_changed(e, db, err);
    if (code == ERR_OK)
        code = show_rules(e, db, err);
    return code == ERR_OK ? stage_index(e, db, err) : code;
}

static bool stopping(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    bool stop = e->stopping;
    pthread_mutex_unlock(&e->lock);
    return stop;
}

static void beat(struct engine *e)
{
    atomic_store(&e->beat_ns, clock_mono_ns());
}

static void tell_position(struct engine *e)
{
    atomic_store(&e->shown, shown_position(e));
    atomic_store(&e->applied, e->position);
}

static enum err_code catch_up(struct engine *e, struct err *err)
{
    bool more = true;
    enum err_code code = ERR_OK;
    while (more && code == ERR_OK && !stopping(e)) {
        struct db *db;
        code = merge_tiers(e, err); /* what is crowded would refuse what comes */
        if (code == ERR_OK)
            code = store_read_begin(e->store, &db, err);
        if (code != ERR_OK)
            break;
        code = apply_some(e, db, &more, err);
        store_read_end(e->store, db);
        if (code == ERR_OK) /* else products may wait to be indexed */
            tell_position(e);
        beat(e);
    }
    if (code == ERR_OK && !more)
        atomic_store(&e->caught_up_ns, clock_mono_ns());
    return code;
}

void note_failure(struct engine *e, struct err *of, enum err_code code, const struct err *err,
                  const char *what)
{
    pthread_mutex_lock(&e->lock);
    bool news = code != ERR_OK && of->code == ERR_OK;
    *of = code == ERR_OK ? (struct err){0} : *err;
    pthread_mutex_unlock(&e->lock);
    if (news)
        log_error("the engine cannot follow", LOG_Z("what", what), LOG_ERR_TEXT(err));
}

/* A model that cannot be served leaves the one before in service, and holds nothing else up. */
static void refresh_model(struct engine *e)
{
    struct err err;
    bool failed = e->model_failure.code != ERR_OK; /* written by this thread alone */
    if (!e->model_changed && !(failed && clock_mono_ns() >= e->model_retry_ns))
        return;
    e->model_changed = false;
    enum err_code code = load_model(e, &err);
    e->model_retry_ns = clock_mono_ns() + MODEL_RETRY_MS * 1000000LL;
    note_failure(e, &e->model_failure, code, &err, "published model");
}

/* Experiments that cannot be read leave those before in service, likewise; versions that are missing are
 * looked for again. */
static void refresh_experiments(struct engine *e)
{
    struct err err;
    bool failed = e->experiments_failure.code != ERR_OK; /* written by this thread alone */
    bool again = (failed || e->missing_len > 0) && clock_mono_ns() >= e->experiments_retry_ns;
    bool changed = e->experiments_changed;
    if (!e->experiments_reader || (!changed && !again))
        return;
    e->experiments_changed = false;
    enum err_code code = load_experiments(e, changed || failed, &err);
    e->experiments_retry_ns = clock_mono_ns() + MODEL_RETRY_MS * 1000000LL;
    note_failure(e, &e->experiments_failure, code, &err, "experiments");
}

static void run_waiters(struct waiter_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        list->items[i].fn(list->items[i].arg);
    mem_free(list->items);
    *list = (struct waiter_list){0};
}

static struct timespec later(struct timespec t, int64_t ms)
{
    t.tv_nsec += ms % 1000 * 1000000;
    t.tv_sec += ms / 1000 + t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

static void wait_ms(struct engine *e, int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until = later(until, ms);
    pthread_cond_timedwait(&e->wake, &e->lock, &until);
}

/* Wait for work; take who waits. False: stop. */
static bool await(struct engine *e, struct waiter_list *taken)
{
    pthread_mutex_lock(&e->lock);
    if (!e->stopping && e->waiters.len == 0)
        wait_ms(e, POLL_MS);
    *taken = e->waiters;
    e->waiters = (struct waiter_list){0};
    bool go_on = !e->stopping;
    pthread_mutex_unlock(&e->lock);
    return go_on;
}

static void want_fold(struct engine *e)
{
    struct view *v = engine_view(e);
    bool worth = overlay_docs(v->catalogue) >= e->fold_docs;
    view_unref(v);
    if (!worth)
        return;
    pthread_mutex_lock(&e->lock);
    e->fold_wanted = true;
    pthread_mutex_unlock(&e->lock);
}

static void follow(void *arg)
{
    struct engine *e = arg;
    for (bool go_on = true; go_on;) {
        struct waiter_list taken;
        struct err err;
        go_on = await(e, &taken);
        enum err_code code = catch_up(e, &err);
        if (code == ERR_OK)
            code = cool_erased(e, &err);
        note_failure(e, &e->failure, code, &err, "change log");
        refresh_model(e);
        refresh_experiments(e);
        run_waiters(&taken);
        if (e->shelves_stale && clock_mono_ns() - e->shelves_at_ns > e->shelf_interval_ns) {
            pthread_mutex_lock(&e->build_lock);
            rebuild_shelves(e);
            pthread_mutex_unlock(&e->build_lock);
        }
        want_fold(e);
        beat(e);
    }
}

/* Folds in the background when the follower asks for it. */
static void fold_loop(void *arg)
{
    struct engine *e = arg;
    int64_t not_before_ns = 0;
    for (;;) {
        pthread_mutex_lock(&e->lock);
        if (!e->stopping && !e->fold_wanted)
            wait_ms(e, FOLD_POLL_MS);
        bool stop = e->stopping, wanted = e->fold_wanted;
        e->fold_wanted = false;
        pthread_mutex_unlock(&e->lock);
        if (stop)
            return;
        struct err err;
        if (!wanted || clock_mono_ns() < not_before_ns || engine_fold(e, &err) == ERR_OK)
            continue;
        log_error("the catalogue cannot be folded", LOG_ERR_TEXT(&err));
        not_before_ns = clock_mono_ns() + FOLD_RETRY_MS * 1000000LL;
    }
}

/* --- waiting for it -------------------------------------------------------------------------- */

void engine_sync(struct engine *e, engine_synced_fn fn, void *arg)
{
    if (e->frozen) {
        fn(arg);
        return;
    }
    pthread_mutex_lock(&e->lock);
    struct waiter_list *w = &e->waiters;
    if (w->len == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 16;
        w->items = mem_resize(w->items, w->cap, sizeof *w->items);
    }
    w->items[w->len++] = (struct waiter){fn, arg};
    pthread_cond_broadcast(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

/* Shared by the one who waits and the one who tells; the last one frees it. */
struct rendezvous {
    pthread_mutex_t lock;
    pthread_cond_t met;
    bool told, gone;
};

static void free_rendezvous(struct rendezvous *r)
{
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->met);
    mem_free(r);
}

static void tell(void *arg)
{
    struct rendezvous *r = arg;
    pthread_mutex_lock(&r->lock);
    bool gone = r->gone;
    r->told = true;
    pthread_cond_signal(&r->met);
    pthread_mutex_unlock(&r->lock);
    if (gone)
        free_rendezvous(r);
}

static void init_monotonic(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
}

enum err_code engine_wait(struct engine *e, int64_t timeout_ms, struct err *err)
{
    struct rendezvous *r = MEM_NEW(struct rendezvous);
    struct timespec until;
    pthread_mutex_init(&r->lock, NULL);
    init_monotonic(&r->met);
    engine_sync(e, tell, r);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until = later(until, timeout_ms);
    pthread_mutex_lock(&r->lock);
    while (!r->told && pthread_cond_timedwait(&r->met, &r->lock, &until) == 0)
        continue;
    bool told = r->told;
    r->gone = true;
    pthread_mutex_unlock(&r->lock);
    if (!told)
        return err_set(err, ERR_TIMEOUT, "the change log was not applied within %lld ms",
                       (long long)timeout_ms);
    free_rendezvous(r);
    return ERR_OK;
}

/* --- start and stop -------------------------------------------------------------------------- */

static void copy_shop(struct engine *e, const struct shop_profile *from)
{
    static const struct shop_profile usual = {.languages = {{"en", 2}, {"zh", 2}},
                                              .languages_len = 2};
    const struct shop_profile *languages = from->languages_len ? from : &usual;
    e->shop = *languages;
    e->shop.currency = from->currency;
    atomic_init(&e->profile, &e->shop);
    for (size_t i = 0; i < e->shop.languages_len; i++)
        e->shop.languages[i] = arena_str(&e->texts, languages->languages[i]);
}

/* The newest folded file, or the store; e->catalogue_position says up to where it goes. */
static enum err_code start_catalogue(struct engine *e, struct db *db, int64_t oldest,
                                     int64_t newest, struct err *err)
{
    enum err_code code = open_catalogue(e, oldest, newest, &e->catalogue_position, err);
    if (code != ERR_OK || e->catalogue_position > 0)
        return code;
    e->position = e->catalogue_position = newest;
    return build_catalogue(e, db, err);
}

static enum err_code start(struct engine *e, struct db *db, struct err *err)
{
    int64_t oldest, newest;
    publish_view(e, next_view(e));
    e->model_changed = e->experiments_changed = true;
    refresh_model(e);
    refresh_experiments(e);
    enum err_code code = load_rules(e, db, err);
    if (code == ERR_OK)
        code = changes_range(db, &oldest, &newest, err);
    if (code == ERR_OK)
        code = load_live_columns(e, db, 1, UINT32_MAX, err);
    if (code == ERR_OK)
        code = start_catalogue(e, db, oldest, newest, err);
    if (code == ERR_OK)
        code = load_links(e, db, err);
    if (code == ERR_OK)
        code = load_heat(e, db, err);
    e->log_begins = oldest;
    e->log_ends = newest;
    return code;
}

/* The acts that are to be replayed: from the log, or where it no longer has all of them, from the
 * records, of which each piece is a transaction of its own. */
static enum err_code replay(struct engine *e, struct err *err)
{
    enum err_code code = ERR_OK;
    if (e->model_position + 1 < e->log_begins) {
        code = read_acts(e, err);
        e->model_position = e->log_ends; /* all up to here are in */
        forget_known_acts(e);
    } else {
        e->acts_since = e->model_position;
    }
    /* The log is read from the older of the two; each skips what it knows. */
    e->position =
        e->catalogue_position < e->model_position ? e->catalogue_position : e->model_position;
    return code == ERR_OK ? catch_up(e, err) : code;
}

/* Temporaries of a process that was killed while it wrote segments or models: they only take room. */
static void sweep_folders(struct engine *e)
{
    static const char *const folders[] = {"catalogue", "models", "models/recommend"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char path[FS_PATH_MAX];
        struct fs_info info = {0};
        struct err err;
        enum err_code code = fs_join(path, store_dir(e->store), folders[i], &err);
        if (code == ERR_OK)
            code = fs_stat(path, &info, &err);
        if (code == ERR_OK && info.is_dir)
            code = fs_sweep(path, &err);
        if (code != ERR_OK)
            log_warn("half-written files stay", LOG_Z("folder", folders[i]), LOG_ERR_TEXT(&err));
    }
}

/* Whoever imported the feed has ended. */
static enum err_code show_unfinished(struct engine *e, struct err *err)
{
    struct db *db;
    if (!e->stage.open)
        return ERR_OK;
    enum err_code code = store_read_begin(e->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = stage_show(e, db, err);
    store_read_end(e->store, db);
    return code;
}

static enum err_code open_fresh(struct engine *e, struct err *err)
{
    struct db *db;
    enum err_code code = store_read_begin(e->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = start(e, db, err);
    store_read_end(e->store, db);
    if (code == ERR_OK)
        code = replay(e, err);
    if (code != ERR_OK)
        return code;
    code = show_unfinished(e, err);
    if (code != ERR_OK)
        return code;
    e->replayed = true;
    refresh_model(e);
    refresh_experiments(e);
    struct view *next = next_view(e);
    next->position = e->position;
    publish_view(e, next);
    rebuild_shelves(e);
    return ERR_OK;
}

enum err_code engine_open(struct store *store, const struct engine_options *options,
                          struct engine **out, struct err *err)
{
    struct engine *e = MEM_NEW(struct engine);
    e->store = store;
    e->live = live_new();
    e->users = users_new();
    e->ids = ids_new(store);
    e->fold_docs = options->fold_docs ? options->fold_docs : DEFAULT_FOLD_DOCS;
    e->shelf_interval_ns =
        (options->shelf_interval_ms ? options->shelf_interval_ms : DEFAULT_SHELF_MS) * 1000000;
    e->rules_compiler = options->rules;
    e->experiments_reader = options->experiments;
    e->frozen = options->frozen;
    atomic_init(&e->cool, true);
    arena_init(&e->texts, 0, 1 << 16);
    copy_shop(e, &options->shop);
    pthread_mutex_init(&e->view_lock, NULL);
    pthread_mutex_init(&e->lock, NULL);
    pthread_mutex_init(&e->build_lock, NULL);
    pthread_mutex_init(&e->fold_lock, NULL);
    init_monotonic(&e->wake);

    if (!e->frozen)
        sweep_folders(e);
    enum err_code code = open_fresh(e, err);
    if (code == ERR_OK && !e->frozen)
        code = thread_start(&e->follower, "follower", follow, e, err);
    if (code == ERR_OK && !e->frozen)
        code = thread_start(&e->folder, "folder", fold_loop, e, err);
    if (code != ERR_OK) {
        engine_close(e);
        return code;
    }
    register_metrics(e);
    *out = e;
    return ERR_OK;
}

void engine_close(struct engine *e)
{
    if (!e)
        return;
    unregister_metrics(e);
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    pthread_cond_broadcast(&e->wake);
    pthread_mutex_unlock(&e->lock);
    thread_join(&e->follower);
    thread_join(&e->folder);
    run_waiters(&e->waiters);
    view_unref(e->view);
    rule_rows_unref(e->rule_rows);
    served_experiments_unref(e->experiments);
    map_u64_release(&e->changed);
    map_u64_release(&e->removed);
    stage_release(e);
    release_cooling(e);
    ids_free(e->ids);
    users_free(e->users);
    live_unref(e->live);
    arena_release(&e->texts);
    pthread_mutex_destroy(&e->view_lock);
    pthread_mutex_destroy(&e->lock);
    pthread_mutex_destroy(&e->build_lock);
    pthread_mutex_destroy(&e->fold_lock);
    pthread_cond_destroy(&e->wake);
    mem_free(e);
}

/* --- telling --------------------------------------------------------------------------------- */

struct ids *engine_ids(struct engine *e)
{
    return e->ids;
}

struct store *engine_store(struct engine *e)
{
    return e->store;
}

const struct shop_profile *engine_shop(const struct engine *e)
{
    return atomic_load(&e->profile);
}

bool engine_is_cool(struct engine *e)
{
    return e->frozen || atomic_load(&e->cool);
}

void engine_stats(struct engine *e, struct engine_stats *out)
{
    struct view *v = engine_view(e);
    *out = (struct engine_stats){
        .stalled_ms = e->frozen ? 0 : (clock_mono_ns() - atomic_load(&e->beat_ns)) / 1000000,
        .position = atomic_load(&e->applied),
        .views = atomic_load(&e->views),
        .products = v->catalogue->products,
        .shoppers = users_len(e->users),
        .lag_ms = e->frozen ? 0 : (clock_mono_ns() - atomic_load(&e->caught_up_ns)) / 1000000,
    };
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        out->segments += v->catalogue->segments[slot] != NULL;
    if (v->model) {
        memcpy(out->model, v->model->version, sizeof out->model);
        out->model_bytes = v->model->bytes;
    }
    out->versions = (uint32_t)v->versions_len;
    for (size_t i = 0; i < v->versions_len; i++)
        out->model_bytes += v->versions[i]->model->bytes;
    view_unref(v);
    pthread_mutex_lock(&e->lock);
    out->versions_failing = (uint32_t)e->missing_len;
    const struct err *failure = e->failure.code != ERR_OK               ? &e->failure
                                : e->model_failure.code != ERR_OK       ? &e->model_failure
                                : e->experiments_failure.code != ERR_OK ? &e->experiments_failure
                                                                        : &e->newcomers_failure;
    if (failure->code != ERR_OK)
        memcpy(out->failure, failure->msg, sizeof out->failure);
    pthread_mutex_unlock(&e->lock);
}
