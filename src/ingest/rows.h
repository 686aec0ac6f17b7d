/* rows.h - a row to a record of its kind.
 *
 * Each reads all fields of its kind through the row's mapping. False with row->fault set where one of
 * them is wrong; what is given is borrowed from the row's record or arena. */
#ifndef INGEST_ROWS_H
#define INGEST_ROWS_H

#include "ingest/mapping.h"

bool row_product(struct row *row, struct product *out);
bool row_user(struct row *row, struct user *out);
bool row_event(struct row *row, struct event *out);
bool row_interaction(struct row *row, struct event *out);

/* --- orders ---------------------------------------------------------------------------------- */

/** A line of an order, and what it tells about its product. */
struct row_line {
    struct order_line line; /* ordinal: in an array the place there, else 0 */
    struct str title;       /* of the product; may be empty */
    bool charge;            /* its product is none: postage, a fee */
    bool charged;           /* and the line is one, not a return or an adjustment of it */
};

/** Does the record hold a whole order, with its lines in an array? Else it is one line. */
bool row_is_order(struct row *row);

/** What the record says about the order as a whole. */
bool row_order(struct row *row, struct order *out, bool *status_given);

/** The line that the record is, of the order that it told about. */
bool row_order_line(struct row *row, const struct order *o, struct row_line *out);

/** The lines of a whole order. out [len] in the row's arena */
bool row_order_lines(struct row *row, const struct order *o, struct row_line **out, size_t *len);

#endif
