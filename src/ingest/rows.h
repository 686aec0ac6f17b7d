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

#endif
