/* filter_int.h - the tree that the parser makes and the evaluator walks. */
#ifndef RANK_FILTER_INT_H
#define RANK_FILTER_INT_H

#include "index/bitset.h"
#include "rank/acts.h"
#include "rank/filter.h"

enum filter_kind { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_TERM };

enum filter_op {
    FILTER_EQ,     /* one of values; != is NOT of it */
    FILTER_RANGE,  /* low..high, each end open or closed */
    FILTER_EXISTS, /* there is a value */
    FILTER_WITHIN, /* not longer ago than within_us */
};

enum filter_field {
    FIELD_ID,
    FIELD_GROUP,
    FIELD_FACET, /* brand, category, tags, supplier_id, attributes.NAME as text */
    FIELD_ATTRIBUTE_NUMBER,
    FIELD_PRICE,
    FIELD_LIST_PRICE,
    FIELD_DISCOUNT,
    FIELD_STOCK,
    FIELD_IN_STOCK,
    FIELD_RATING,
    FIELD_CREATED_AT,
    FIELD_ACT, /* what the shopper did: FILTER_EXISTS at any time, or FILTER_WITHIN */
};

struct filter_range {
    double low, high; /* may be infinite */
    bool low_open, high_open;
};

struct filter {
    enum filter_kind kind;
    /* AND, OR: both; NOT: left */
    const struct filter *left, *right;
    /* TERM */
    enum filter_field field;
    enum filter_op op;
    uint32_t index;           /* of the term in the whole filter */
    struct str text;          /* of the term as it was written; borrowed from the parsed text */
    struct str facet;         /* name as the segments have it */
    const struct str *values; /* [values_len] EQ of text fields */
    size_t values_len;
    const double *numbers; /* [numbers_len] EQ of number fields */
    size_t numbers_len;
    struct filter_range range;
    uint32_t amounts;       /* that were read */
    currency_code currency; /* of amounts that name one; 0: that of the request */
    uint32_t acts;          /* FIELD_ACT: bit per enum event_type */
    int64_t within_us;      /* FILTER_WITHIN */
};

/** How many terms it has: their indexes are below it. */
uint32_t filter_terms(const struct filter *filter);

/* --- evaluation, as rules.c needs it too ------------------------------------------------------- */

/* What one term is in one segment. */
struct bound_term {
    const uint32_t *ordinals; /* FACET: pairs [from, end), pairs_len of them */
    size_t pairs_len;
    uint32_t column;        /* ATTRIBUTE_NUMBER: of numbers, ORDINAL_NONE if the segment has none */
    const uint64_t *groups; /* GROUP: hashes, one per value */
};

/* What may be different at the next request. live NULL: terms that depend on any of it are unknown. */
struct filter_moment {
    const struct live *live;
    currency_code currency; /* of amounts that name none */
    int64_t now_us;
    const struct acts *acts; /* of the shopper; NULL: none */
};

/** Into bound [filter_terms].  ERR_LIMIT  the arena's cap */
ERR_MUST_USE enum err_code filter_bind_segment(const struct filter *f, const struct segment *s,
                                               struct arena *arena, struct bound_term *bound,
                                               struct err *err);

bool filter_match_bound(const struct filter *f, const struct segment *s,
                        const struct bound_term *bound, const struct filter_moment *m,
                        uint32_t doc);

/** Is there a term that depends on the moment? */
bool filter_is_live(const struct filter *f);

/* The docs of a segment by their values, so that a term costs as much as it has docs. */
struct filter_index {
    const struct segment *s;
    uint32_t *first; /* [values + 1] owned */
    uint32_t *docs;  /* [first[values]] owned; ascending within a value */
};

void filter_index_init(struct filter_index *index, const struct segment *s);
void filter_index_release(struct filter_index *index);

/** The docs that f matches, or, where it has terms that depend on the moment, all those that it may match
 *  at some moment. out [docs bits] is overwritten.
 *  bound  of this segment */
void filter_select(const struct filter *f, const struct filter_index *index,
                   const struct bound_term *bound, struct bitset *out);

#endif
