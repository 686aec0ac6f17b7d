/* newcomers.h - products that the model does not know yet, put among its factors by what their records say.
 *
 * Model:   of the products that have no row in the model the NEWCOMERS_MAX newest, each where the model's tower puts it
 *          (engine/content.h). They are few, so a request scores them all, beside the index.
 * Freshness: built anew with the shelves (within half a second) after the catalogue or the model has changed. A price
 *          that changes alone moves a newcomer with the next change of the catalogue.
 * Threads: immutable once built, shared by views. One builder.
 * Cost:    some 50 us a newcomer to build, 4 dim bytes each. */
#ifndef ENGINE_NEWCOMERS_H
#define ENGINE_NEWCOMERS_H

#include "engine/catalogue.h"
#include "engine/live.h"
#include "engine/recommend_model.h"

enum { NEWCOMERS_MAX = 1000 };

struct newcomers {
    _Atomic uint32_t refs;
    uint32_t len, dim;
    uint32_t *product_no; /* [len] newest first, owned */
    float *vectors;       /* [len][dim] owned */
};

/** Those of a catalogue and a model.
 *  *out  returns owned, one reference; NULL where the model (may be NULL) has no tower
 *  ERR_MEMORY, ERR_LIMIT; ERR_CORRUPT  a product cannot be read */
ERR_MUST_USE enum err_code newcomers_build(const struct catalogue *catalogue,
                                           const struct recommend_model *model,
                                           const struct live *live, struct newcomers **out,
                                           struct err *err);
struct newcomers *newcomers_ref(struct newcomers *n); /* NULL is fine */
void newcomers_unref(struct newcomers *n);            /* NULL is fine */

#endif
