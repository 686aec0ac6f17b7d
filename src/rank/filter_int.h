/* filter_int.h - the tree that the parser makes and the evaluator walks. */
#ifndef RANK_FILTER_INT_H
#define RANK_FILTER_INT_H

#include "rank/filter.h"

enum filter_kind { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_TERM };

enum filter_op {
    FILTER_EQ,   /* one of values; != is NOT of it */
    FILTER_RANGE /* low..high, each end open or closed */
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
    struct str facet;         /* name as the segments have it */
    const struct str *values; /* [values_len] EQ of text fields */
    size_t values_len;
    const double *numbers; /* [numbers_len] EQ of number fields */
    size_t numbers_len;
    struct filter_range range;
};

/** How many terms it has: their indexes are below it. */
uint32_t filter_terms(const struct filter *filter);

#endif
