/* attribution_int.h - rows of lists, shared by the walk and by grouping. */
#ifndef EVAL_ATTRIBUTION_INT_H
#define EVAL_ATTRIBUTION_INT_H

#include "base/map.h"
#include "eval/attribution.h"

/** The row of that kind, added with zeros where there is none: its index into *at.
 *  index  finds rows of a; ERR_LIMIT, ERR_MEMORY */
ERR_MUST_USE enum err_code attribution_row_at(struct attribution *a, struct map_str *index,
                                              const struct list_facts *kind, size_t *at,
                                              struct err *err);

/** ERR_LIMIT  too many currencies, or the sum is out of range */
ERR_MUST_USE enum err_code attribution_earn(struct attribution_row *row, currency_code currency,
                                            int64_t minor, struct err *err);

/** A grouped result as members of an open object: "items" and "unattributed". */
void attribution_write(const struct attribution *a, unsigned by, struct json_writer *w);

void attribution_sort(struct attribution *a);

#endif
