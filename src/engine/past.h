/* past.h - the view that a request would have had at a moment of the past: what whole lists are measured on.
 *
 * Model:   catalogue, prices and stock are today's, for there are no others: what is not sold now is not shown
 *          and should not be asked for. The model, heat and both shelves are of that moment. There is no shopper
 *          state: what shoppers did before it is in the model's histories.
 * Use:     past_open, past_act for every act before the moment in any order, past_shelve, then requests.
 * Threads: past_act and past_shelve one thread; the view as any view. */
#ifndef ENGINE_PAST_H
#define ENGINE_PAST_H

#include "engine/view.h"

struct past {
    struct view view;          /* read it; its references are its own */
    struct served_model model; /* borrows what it was given */
    int64_t at_us;
};

/** now and m are borrowed until past_close; m was fitted on acts before at_us (UTC).
 *  out   released with past_close, on failure too
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code past_open(const struct view *now, const struct recommend_model *m,
                                     int64_t at_us, struct past *out, struct err *err);

/** Somebody did this at time_us, before the moment. */
void past_act(struct past *p, uint32_t product_no, enum event_type type, int64_t time_us);

/** What was hot and what was new at the moment. */
void past_shelve(struct past *p);

/** All-zero is fine. */
void past_close(struct past *p);

#endif
