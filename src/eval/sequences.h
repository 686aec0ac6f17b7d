/* sequences.h - what shoppers had, in order, from a caller's files: how well the next item is foretold.
 *
 * Files:    a line is a user and the items in order of time, separated by blanks, tabs, commas or semicolons;
 *           attributes are one JSON object, of item to a list of strings or numbers. Items are numbered from 0 in
 *           the order of their first appearance; attributes of items in no line are left out.
 * Protocol: leave-last-out. Of each line the last item is to be foretold from those before it; with
 *           `validate` the last is not looked at and the one before it is foretold. All items are ranked but
 *           those in the history (a target in it counts as missed), equal scores by how often the item is in what was
 *           fitted on, then in the order of items.
 * Memory:   all-zero is a valid empty value; release with sequences_release.
 * Caps:     SEQUENCES_ID_MAX, and 2^32 - 1 items, lines and attributes. */
#ifndef EVAL_SEQUENCES_H
#define EVAL_SEQUENCES_H

#include <stdbool.h>

#include "base/map.h"
#include "base/pool.h"

enum { SEQUENCES_ID_MAX = 256 /* bytes */, SEQUENCES_K_MAX = 1000 };

struct sequences {
    struct map_str item_of; /* id -> number */
    uint64_t *offsets;      /* [len + 1], owned */
    uint32_t *item;         /* [offsets[len]], owned */
    uint32_t len;           /* lines */
    size_t lines_cap, cap;  /* room of offsets (less 1) and item */
    /* Sets of attributes, NULL: none were read. */
    uint64_t *attribute_offsets; /* [items + 1], owned */
    uint32_t
        *attribute; /* [attribute_offsets[items]] < attributes, ascending and distinct, owned */
    uint32_t attributes;
};

/** Read a file into s, which is all-zero.
 *  ERR_INVALID  a line has no items or an id is too long (the message has the line), or nothing is in it;
 *               else what the file reports */
ERR_MUST_USE enum err_code sequences_read(struct sequences *s, const char *path, struct err *err);

/** Read attributes of the items that there are.
 *  ERR_INVALID  it is no such JSON (the message has line:column) */
ERR_MUST_USE enum err_code sequences_read_attributes(struct sequences *s, const char *path,
                                                     struct err *err);
void sequences_release(struct sequences *s);

static inline uint32_t sequences_items(const struct sequences *s)
{
    return (uint32_t)s->item_of.len;
}

struct sequences_cut {
    uint64_t *offsets; /* [len + 1], owned */
    uint32_t *item;    /* [offsets[len]], owned */
};

/** Every line without its last n items: what is fitted on. cut is released by sequences_cut_release. ERR_MEMORY */
ERR_MUST_USE enum err_code sequences_cut(const struct sequences *s, size_t n,
                                         struct sequences_cut *cut, struct err *err);
void sequences_cut_release(struct sequences_cut *cut);

/** Put scores into scores [items], which are 0: the higher the better, never NaN. Called on every lane. */
typedef void sequences_score_fn(void *arg, const uint32_t *history, size_t n, float *scores);

struct sequences_options {
    size_t k; /* 1..SEQUENCES_K_MAX */
    bool validate;
    bool keep_seen;    /* rank what is in the history too */
    struct pool *pool; /* NULL: this thread alone */
};

/* Means over the users that have a target and something before it. */
struct sequences_result {
    size_t users;
    double hit, ndcg, mrr;
};

/** ERR_INVALID  no line is long enough; ERR_MEMORY, ERR_CANCELLED */
ERR_MUST_USE enum err_code sequences_measure(const struct sequences *s,
                                             const struct sequences_options *o,
                                             sequences_score_fn *score, void *arg,
                                             struct sequences_result *out, struct err *err);

#endif
