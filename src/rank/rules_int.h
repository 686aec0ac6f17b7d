/* rules_int.h - compiled rules: what the compiler makes and requests read. */
#ifndef RANK_RULES_INT_H
#define RANK_RULES_INT_H

#include "rank/filter_int.h"
#include "rank/rules.h"

/* The docs of one segment that a rule selects, or may select where its filter is live. */
struct rule_docs {
    uint32_t *list;     /* [len] ascending; part of the segment's lists */
    uint32_t len;       /* how many docs, in each form */
    struct bitset bits; /* where they are many: owned; len 0: not in this form */
    bool all;
    const struct bound_term *bound; /* of a live filter; else NULL */
};

/* All rules on one segment; shared by the views that have both. */
struct ruled_segment {
    _Atomic uint32_t refs;
    size_t rules;
    struct rule_docs *of; /* [rules] owned */
    uint32_t *lists;      /* owned: of all rules in list form */
    uint32_t *first;      /* [docs + 1] owned; NULL: no rule is in list form */
    uint16_t *of_doc;     /* [first[docs]] owned: rules in list form by doc, ascending */
    uint16_t *wide;       /* [wide_len] owned: rules in the other forms, ascending */
    size_t wide_len;
    struct arena terms; /* of live filters */
};

/* Rules as they were read, shared by every view until one changes. */
struct rule_book {
    _Atomic uint32_t refs;
    struct rule_rows *rows; /* owned reference: the texts */
    struct arena arena;     /* filters */
    struct rule *rules;     /* [len] owned, in order */
    size_t len;
    bool asks_for_attributes;
};

struct shop_rules {
    struct compiled_rules base;                      /* must come first */
    struct rule_book *book;                          /* owned reference */
    struct catalogue *catalogue;                     /* owned reference: keeps the segments */
    struct ruled_segment *segments[CATALOGUE_SLOTS]; /* owned references; NULL: no such segment */
};

static inline const struct shop_rules *rules_of(const struct view *view)
{
    return (const struct shop_rules *)view->rules;
}

/* Are the shopper's attributes (a JSON object, or empty) what the filter asks for? */
bool rules_attributes_match(const struct filter *f, struct str attributes, struct arena *arena);

/* Is the rule in force at this time? */
bool rule_in_season(const struct rule *rule, int64_t now_us, int32_t utc_offset_min);

#endif
