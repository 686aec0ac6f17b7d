/* trace.h - how a list came about: what recommend_run throws away. */
#ifndef RECOMMEND_TRACE_H
#define RECOMMEND_TRACE_H

#include "recommend/choice.h"
#include "recommend/profile.h"

struct recommend_trace {
    struct profile profile;
    struct candidates candidates;
    struct choice choice; /* its items are the answer */
};

/** As recommend_run. t is to stay where it is: the choice points into it. */
ERR_MUST_USE enum err_code recommend_trace_run(const struct view *view,
                                               const struct recommend_request *request,
                                               struct arena *arena, struct recommend_trace *t,
                                               struct err *err);

#endif
