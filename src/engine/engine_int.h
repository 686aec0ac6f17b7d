/* engine_int.h - what the files of the engine share. */
#ifndef ENGINE_ENGINE_INT_H
#define ENGINE_ENGINE_INT_H

#include <pthread.h>

#include "base/map.h"
#include "base/thread.h"
#include "engine/engine.h"
#include "store/changes.h"

enum { PATH_BYTES = 4096 };

/* Somebody who waits for the log to be applied. */
struct waiter {
    engine_synced_fn fn;
    void *arg;
};

struct waiter_list {
    struct waiter *items; /* [len], owned */
    size_t len, cap;
};

/* A full feed, of which nobody sees anything until all of it is stored (engine_stage.c). */
struct stage {
    bool open;
    int64_t before;         /* position of the log before its first entry */
    struct live *live;      /* owned reference: the live columns with it */
    struct catalogue *top;  /* owned reference: its products, indexed */
    struct map_u64 numbers; /* product_no of its products */
    struct map_u64 changed; /* of these, to be indexed into top */
    struct map_u64 removed; /* of these, deleted by somebody meanwhile */
};

/* A version that an experiment names and that cannot be served. */
struct missing_version {
    char version[64];
    struct err why;
};

/* A snapshot in which more of the log was seen than is applied. */
struct sight {
    int64_t newest; /* position: what it says was seen in this snapshot first, or in one before */
    int64_t events; /* those up to here were read before it */
};

/* The heat that erased shoppers gave, on its way to be taken back (engine_heat.c). */
struct cooling {
    struct sight *sights; /* [sights_len] ascending, owned: of positions not applied yet */
    size_t sights_len, sights_cap;
    int64_t events;        /* heat was counted of events up to here */
    struct map_u64 erased; /* user_no to the last event of theirs whose heat was counted */
    struct map_u64 next;   /* the same, erased since the walk over events began */
    int64_t at, last;      /* the walk is behind this event; and ends there */
};

struct engine {
    struct store *store;         /* borrowed */
    struct live *live;           /* owned */
    struct users *users;         /* owned */
    struct ids *ids;             /* owned */
    struct shop_profile shop;    /* as given */
    struct shop_profile settled; /* the same with the currency that a product told */
    _Atomic(const struct shop_profile *) profile; /* of the two, the one in force */
    struct arena texts;                           /* of both */
    uint32_t fold_docs;
    int64_t shelf_interval_ns;
    const struct rules_compiler *rules_compiler;
    const struct experiments_reader *experiments_reader;
    bool frozen;

    pthread_mutex_t view_lock; /* guards view */
    struct view *view;         /* owned reference; replaced only under build_lock */

    pthread_mutex_t lock; /* guards what follows; never held while applying */
    pthread_cond_t wake;  /* the follower, and the folder */
    struct waiter_list waiters;
    bool stopping;
    bool fold_wanted;
    struct err failure;                                /* of following the log; ERR_OK: fine */
    struct err model_failure;                          /* of the published model; ERR_OK: fine */
    struct err experiments_failure;                    /* of reading them; ERR_OK: fine */
    struct missing_version missing[VIEW_VERSIONS_MAX]; /* [missing_len] */
    size_t missing_len;

    /* The next catalogue is made by the follower and by folding; this makes them take turns. It also
     * guards pinned: the segments that a fold is reading, which no tier may take. */
    pthread_mutex_t build_lock;
    bool pinned[CATALOGUE_SLOTS];
    pthread_mutex_t fold_lock; /* one fold at a time; taken before build_lock */

    /* The follower's own. */
    struct thread follower, folder;
    int64_t position;           /* applied up to here */
    int64_t within;             /* first number not applied of the entry behind it; 0: the first */
    int64_t catalogue_position; /* the catalogue was opened with all products up to here */
    int64_t model_position;     /* the models in service know all acts up to here */
    int64_t acts_since;         /* shopper state has all acts behind this position that count */
    bool replayed;              /* the start is over: acts_since holds */
    int64_t heat_first;         /* load_heat saw the events behind this one */
    int64_t heat_seq;           /* up to here */
    int64_t heat_order;         /* and the orders */
    int64_t replay_seq;         /* events up to here are not replayed into shopper state */
    int64_t log_begins;         /* first and last entry of the log as this engine started */
    int64_t log_ends;
    struct map_u64 changed; /* product_no: texts to be indexed anew */
    struct map_u64 removed; /* product_no */
    struct stage stage;
    struct cooling cooling;
    struct rule_rows *rule_rows;            /* owned reference; replaced only under build_lock */
    struct served_experiments *experiments; /* owned reference; replaced only under build_lock */
    bool rules_changed;
    bool model_changed;
    bool experiments_changed;
    int64_t model_retry_ns; /* after a failure, not before this */
    int64_t experiments_retry_ns;
    bool shelves_stale;
    bool newcomers_stale;         /* guarded by build_lock */
    struct err newcomers_failure; /* of building them; ERR_OK: fine */
    int64_t shelves_at_ns;
    _Atomic int64_t beat_ns;      /* monotonic: when the follower last got on */
    _Atomic int64_t applied;      /* = position, for others */
    _Atomic int64_t shown;        /* = shown_position, for others */
    _Atomic int64_t caught_up_ns; /* monotonic: when nothing was left to apply */
    _Atomic bool cool;            /* nothing is left of the heat that erased shoppers gave */
    _Atomic uint64_t views;
};

/* engine.c: remember a failure for readiness and stats, and tell it once. */
void note_failure(struct engine *e, struct err *of, enum err_code code, const struct err *err,
                  const char *what);

/* view.c */
void served_model_unref(struct served_model *m); /* NULL is fine */

/* engine_view.c: make and publish the next view, under build_lock (or before threads start). */
struct served_model *served_model_ref(struct served_model *m); /* NULL is fine */
struct view *copy_view(const struct view *from); /* without rules, experiments and versions */
struct view *next_view(struct engine *e);        /* a copy of the present one, to be changed */
void publish_view(struct engine *e, struct view *next); /* takes it */
/* engine_catalogue.c: the same with another catalogue, which it takes, as of a position of the log. */
void show_catalogue(struct engine *e, struct catalogue *c, int64_t position);

/* engine_apply.c: one entry of the log. */
enum err_code apply_change(struct engine *e, struct db *db, const struct change *change,
                           struct err *err);
enum err_code load_live_columns(struct engine *e, struct db *db, uint32_t first, uint32_t last,
                                struct err *err);
enum err_code load_links(struct engine *e, struct db *db, struct err *err);
enum err_code load_heat(struct engine *e, struct db *db, struct err *err);
/* What an act of a type adds to a product's heat. */
float act_heat(enum event_type type);
/* Feedback that is meant for later, whose heat the follower does not count. */
bool is_ahead(const struct engine *e, bool feedback, int64_t seq, int64_t time_us);
/* Heat of an act comes, or goes again. */
void warm(struct engine *e, uint32_t product_no, enum event_type type, int64_t time_us);
void cool(struct engine *e, uint32_t product_no, enum event_type type, int64_t time_us);
/* Every act that load_heat saw, into shopper state. */
enum err_code read_acts(struct engine *e, struct err *err);
/* The acts of the entries behind `after` up to `last`, into shopper state alone: it has those that came later. */
enum err_code reread_acts(struct engine *e, int64_t after, int64_t last, struct err *err);

/* The log up to here is in the view whole: where a replay of what follows begins. */
static inline int64_t shown_position(const struct engine *e)
{
    return e->stage.open ? e->stage.before : e->position;
}

/* engine_stage.c: what a full feed does is applied aside, and shown at once. */
enum err_code stage_numbers(struct engine *e, int64_t first, int64_t last, struct err *err);
/* Somebody else has put or deleted these. */
void stage_touched(struct engine *e, int64_t first, int64_t last, bool deleted);
/* Live columns of a change of this op, to where they belong. */
enum err_code stage_live(struct engine *e, uint32_t product_no, const struct live_row *row,
                         enum change_op op, struct err *err);
enum err_code stage_index(struct engine *e, struct db *db, struct err *err);
enum err_code stage_show(struct engine *e, struct db *db, struct err *err);
void stage_release(struct engine *e);

/* engine_catalogue.c: products to segments. */
/* The numbers in a set, ascending; returns owned. */
uint32_t *sorted_numbers(const struct map_u64 *set);
/* Products as they are stored now; *out has no docs where all are deleted. */
enum err_code build_overlay(struct engine *e, struct db *db, const uint32_t *numbers, size_t n,
                            struct segment **out, struct err *err);
enum err_code index_changed(struct engine *e, struct db *db, struct err *err);
enum err_code build_catalogue(struct engine *e, struct db *db, struct err *err);
/* Of the files that end between the positions oldest and newest of the log; *position 0: none. */
enum err_code open_catalogue(struct engine *e, int64_t oldest, int64_t newest, int64_t *position,
                             struct err *err);
enum err_code merge_tiers(struct engine *e, struct err *err);
uint32_t overlay_docs(const struct catalogue *c);

/* engine_model.c: put the published version in service. On failure the one before stays. */
enum err_code load_model(struct engine *e, struct err *err);
/* A version's files, mapped. checksums: of all bytes, which reads them. */
enum err_code open_version(struct engine *e, struct str version, bool checksums,
                           struct served_model **out, struct err *err);
/* Shopper state is to have the acts that a model does not know, before it serves. */
enum err_code know_acts_since(struct engine *e, const struct served_model *m, struct err *err);
/* What the models in service know, after they have changed; under build_lock. newest: of the log, as they were loaded. */
void note_known_acts(struct engine *e, int64_t newest);
/* Drop the acts that all models in service have in their histories. */
void forget_known_acts(struct engine *e);

/* engine_versions.c: the experiments that serve and the versions that they name, into a view of their own. */
/* A version that is kept beside the published one; returns an owned reference, or NULL. */
struct served_model *kept_version(struct engine *e, struct str version);
/* changed: they, or which versions there are. Else versions that were missing are looked for. */
enum err_code load_experiments(struct engine *e, bool changed, struct err *err);

/* engine_heat.c: heat that is taken back. */
/* A snapshot of the store begins. */
enum err_code note_sight(struct engine *e, struct db *db, struct err *err);
/* The last event whose heat was counted, of those that an entry at this position takes back. 0: the start knew that
 * they were to be taken back. */
int64_t counted_before(const struct engine *e, int64_t position);
void note_erased(struct engine *e, uint32_t user_no, int64_t position);
/* Go on with what erased shoppers gave, for a moment. */
enum err_code cool_erased(struct engine *e, struct err *err);
void release_cooling(struct engine *e);

/* engine_rules.c */
/* The rules as they are stored now, as experiments want them. *rows returns owned; NULL: nobody compiles them. */
enum err_code read_rules(struct engine *e, struct db *db,
                         const struct served_experiments *experiments, struct rule_rows **rows,
                         struct err *err);
/* The same, to be compiled into the next view. */
enum err_code load_rules(struct engine *e, struct db *db, struct err *err);
/* The same, into a view of their own, where the log said that they changed. */
enum err_code show_rules(struct engine *e, struct db *db, struct err *err);
/* Into next, before it is published. */
void compile_rules(struct engine *e, struct view *next);

/* engine_metrics.c */
void register_metrics(struct engine *e);
void unregister_metrics(struct engine *e);

/* shelves.c */
void rebuild_shelves(struct engine *e);
/* The newcomers among the factors of a view's model, anew. */
void renew_newcomers(struct engine *e, struct view *v);
/* Both shelves as of now_us, without products made at before_us or later. */
void shelve(struct view *v, int64_t now_us, int64_t before_us);

#endif
