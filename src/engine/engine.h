/* engine.h - keeps the view fresh: one reader of the change log feeds everything that is live.
 *
 * Model:   one thread follows `changes` and applies each entry in order: products to live columns and
 *          to a small new segment, events and orders to shopper state and heat, models to the view. Then
 *          it publishes the next view. Nothing else ever feeds these, so a restart replays to the same
 *          state. Another thread folds overlays into a segment file (DIR/catalogue/) and merges tiers.
 * Feeds:   what belongs to a full feed is applied aside until all of it is there (engine_stage.c).
 * Start:   the newest folded segments, then the live columns from the store, then the log from the
 *          position that the segments and the model record. Without a usable file the catalogue is
 *          built from the store. Acts that the log no longer has are read from events and orders.
 * Fresh:   engine_sync tells when everything committed so far is in; the API answers writes after it,
 *          so what was acknowledged is seen by the next request.
 * Threads: any. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "engine/ids.h"
#include "engine/view.h"
#include "store/store.h"

struct engine;

struct engine_options {
    struct shop_profile shop;  /* texts are copied; no language: "en" and "zh"; no currency: that
                                 of the first product that has one */
    uint32_t fold_docs;        /* overlay docs that make a fold worth while; 0: 20,000 */
    int64_t shelf_interval_ms; /* between rebuilds of trending and arrivals; 0: 500 */
    const struct rules_compiler *rules;           /* NULL: business rules are not followed */
    const struct experiments_reader *experiments; /* NULL: experiments are not followed */
    bool frozen; /* a read-only shop: read once, follow nothing, write nothing */
};

/** store is borrowed until engine_close.
 *  out  returns owned, with a view published and every change so far applied. */
ERR_MUST_USE enum err_code engine_open(struct store *store, const struct engine_options *options,
                                       struct engine **out, struct err *err);

/** Stops its threads. Views that are still held stay valid but for live columns, users and shop: give
 *  them back first. NULL is fine. */
void engine_close(struct engine *e);

/** returns owned reference: view_unref. Never NULL. */
struct view *engine_view(struct engine *e);

struct ids *engine_ids(struct engine *e);
struct store *engine_store(struct engine *e);
const struct shop_profile *engine_shop(const struct engine *e);

/** Why a version of the model that an experiment names is not served: *why.code is ERR_OK if it is, or if nobody
 *  names it. */
void engine_version_failure(struct engine *e, struct str version, struct err *why);

typedef void (*engine_synced_fn)(void *arg);

/** Call fn(arg) once everything that was committed before this call is applied and visible, or could
 *  not be (engine_stats tells). From the engine's thread, or right here in a frozen engine. fn must
 *  not block. */
void engine_sync(struct engine *e, engine_synced_fn fn, void *arg);

/** As engine_sync, waiting. ERR_TIMEOUT  not within timeout_ms. */
ERR_MUST_USE enum err_code engine_wait(struct engine *e, int64_t timeout_ms, struct err *err);

/** Has all heat been taken back that shoppers gave who were erased by what engine_wait waited for? It takes a walk over
 *  the newest events, a part at a time: their rows are to stay until then. */
bool engine_is_cool(struct engine *e);

/** Write all living products into one segment file now, so that the next start is fast.
 *  Also what the fold thread does by itself. */
ERR_MUST_USE enum err_code engine_fold(struct engine *e, struct err *err);

/** The position of the oldest segment file in the store's folder; 0: there is none. */
ERR_MUST_USE enum err_code engine_oldest_file(struct store *store, int64_t *position,
                                              struct err *err);

struct engine_stats {
    int64_t stalled_ms; /* since the follower of the log last got on; 0 in a frozen engine */
    int64_t position;   /* of the log, applied */
    uint64_t views;     /* published so far */
    uint64_t products;  /* in the catalogue */
    uint32_t segments;
    uint64_t shoppers;    /* with live state */
    int64_t lag_ms;       /* since nothing of the log was left to apply; 0 in a frozen engine */
    char model[64];       /* version in service, "" none */
    uint32_t versions;    /* of the model, kept for experiments beside it */
    uint64_t model_bytes; /* of the files of all of them, which are mapped */
    uint32_t versions_failing; /* that experiments name and that are not served */
    char failure[240]; /* why the log or the published model cannot be followed now, "" fine */
};

void engine_stats(struct engine *e, struct engine_stats *out);

#endif
