/* export_records.h - records as JSON objects that `aisle import` reads as they stand.
 *
 * What is absent is left out. Amounts are integers in minor units; a unit price that is no whole
 * number of them stands as unit_price_micro, in millionths of the major unit. */
#ifndef CLI_EXPORT_RECORDS_H
#define CLI_EXPORT_RECORDS_H

#include "base/json_writer.h"
#include "store/records.h"

void export_product(const struct product *p, struct json_writer *w);
void export_user(const struct user *u, struct json_writer *w);

/** user_id, anonymous_id and product_id must be filled in. */
void export_event(const struct event *e, struct json_writer *w);
void export_order(const struct order *o, struct json_writer *w);

#endif
