/* view.h - all that a request reads, at one moment: catalogue, model, shelves, and what lives on.
 *
 * Model:   an immutable bundle behind one pointer. A request takes a reference at its start and gives it
 *          back at its end; publishing the next view swaps the pointer, and the old one goes with its
 *          last reference, mapped files included. Live columns, shopper state and the id cache are
 *          shared by all views: they are always now.
 * Threads: any number of readers; one publisher. */
#ifndef ENGINE_VIEW_H
#define ENGINE_VIEW_H

#include "base/json_writer.h"
#include "engine/catalogue.h"
#include "engine/live.h"
#include "engine/newcomers.h"
#include "engine/ranker.h"
#include "engine/recommend_model.h"
#include "engine/users.h"
#include "store/rules.h"

enum {
    VIEW_LANGUAGES_MAX = 4,
    SHELF_MAX = 1000,
    VIEW_VERSIONS_MAX = 4, /* of the model, that experiments name, beside the published one */
};

/* A list that is the same for everybody, best first. */
struct shelf {
    uint32_t len;
    uint32_t product_no[SHELF_MAX];
    float score[SHELF_MAX]; /* in (0, 1], descending */
};

/* A model in service, shared by views. */
struct served_model {
    _Atomic uint32_t refs;
    char version[64]; /* NUL-terminated; "" only before the first one */
    uint64_t bytes;   /* of its file, which is mapped */
    struct recommend_model recommend;
    struct ranker *ranker; /* owned; NULL: it has none, or none that can be read */
    char ranker_error
        [240]; /* why it cannot be read: the weights of the sources order lists; "": nothing is wrong */
};

/* Business rules, compiled for a view's catalogue by who understands them (rank/rules.h): the engine only
 * carries them. */
struct compiled_rules {
    _Atomic uint32_t refs;
    void (*release)(struct compiled_rules *rules); /* with the last reference */
};

/* The rules of the shop as records, shared by what is compiled of them. */
struct rule_rows {
    _Atomic uint32_t refs;
    struct arena texts;
    struct rule_row *items; /* [len] in the order in which they count; owned */
    bool *only_named;       /* [len] in force only where an experiment says so; owned; NULL: none */
    size_t len, cap;
};

/* A rule that an experiment names. */
struct named_rule {
    struct str id;
    bool
        bound; /* whether it is switched on or not, it is in force only where the experiment says so */
};

/* What the experiments that serve want of the engine, read from the record by who understands them
 * (recommend/experiment_set.h). */
struct served_experiments {
    _Atomic uint32_t refs;
    void (*release)(struct served_experiments *s); /* with the last reference */
    const struct str *versions; /* [versions_len] of the model, each once, most urgent first */
    size_t versions_len;
    const struct named_rule *rules; /* [rules_len] each once */
    size_t rules_len;
};

struct view;

/* How to compile them for the catalogue of next. before, borrowed, is what the view before has: what is still
 * the same may be shared. NULL: none. Returns an owned reference. */
struct rules_compiler {
    struct compiled_rules *(*compile)(struct rule_rows *rows, const struct view *next,
                                      const struct compiled_rules *before);
};

/* How to read them. *out returns owned, one reference. */
struct experiments_reader {
    enum err_code (*read)(struct db *db, struct served_experiments **out, struct err *err);
};

void served_experiments_unref(struct served_experiments *s); /* NULL is fine */
struct rule_rows *rule_rows_ref(struct rule_rows *r);
void rule_rows_unref(struct rule_rows *r);           /* NULL is fine */
void compiled_rules_unref(struct compiled_rules *r); /* NULL is fine */

/* What belongs to the shop and not to a moment. */
struct shop_profile {
    struct str languages[VIEW_LANGUAGES_MAX]; /* "en", "zh"; the first is the default */
    size_t languages_len;
    currency_code currency; /* of sorts, filters and facets that name none */
    int32_t utc_offset_min; /* of hours and days in rules; east is positive */
};

struct view {
    _Atomic uint32_t refs;
    struct catalogue *catalogue;     /* owned reference; what the next view copies begins here */
    struct served_model *model;      /* owned reference; NULL: none is published */
    struct compiled_rules *rules;    /* owned reference; NULL: nobody compiles them */
    struct newcomers *newcomers;     /* owned reference, of this model; NULL: none */
    struct shelf trending;           /* by heat, falling back on the model's popularity */
    struct shelf arrivals;           /* newest first */
    int64_t position;                /* of the change log: everything up to it is in */
    uint64_t generation;             /* grows with each view */
    const struct shop_profile *shop; /* borrowed from the engine */
    struct live *live;   /* owned reference; the same for all views but after a full feed */
    struct users *users; /* borrowed from the engine */
    struct served_experiments *experiments; /* owned reference; NULL: nobody reads them */
    struct view
        *versions[VIEW_VERSIONS_MAX]; /* [versions_len] owned: the same moment with another version
                                                 of the model, and without versions of their own */
    size_t versions_len;
};

struct view *view_ref(struct view *v);
void view_unref(struct view *v); /* NULL is fine */

/** The model's reader side, or NULL where there is none or it has no products. */
static inline const struct recommend_model *view_model(const struct view *v)
{
    return v->model && v->model->recommend.rows ? &v->model->recommend : NULL;
}

/** The same moment with that version of the model; v itself where the version is empty or not kept.
 *  Borrowed while v is held. */
const struct view *view_of_version(const struct view *v, struct str version);

/** The shop's language for this name, or its default for an unknown or empty one. */
struct str view_language(const struct view *v, struct str name);

/* --- cards ----------------------------------------------------------------------------------- */

/** The members of a product's card (docs/http-api.md) into an open object: texts and rating from its
 *  segment, price and stock from the live columns. False, with nothing written, if the
 *  product is nowhere. language is one of the shop's. */
bool card_write(const struct view *v, uint32_t product_no, struct str language,
                struct json_writer *w);

/** The plain title; empty if the product is nowhere. Borrowed while the view is held. */
struct str card_title(const struct view *v, uint32_t product_no, struct str language);

/** The outside id; empty if the product is nowhere. Borrowed while the view is held. */
struct str card_id(const struct view *v, uint32_t product_no);

#endif
