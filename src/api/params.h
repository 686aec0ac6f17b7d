/* params.h - what an endpoint may be asked: one table, for its query or for a JSON body.
 *
 * Model:   an endpoint has a table of parameters: name, kind, bounds. Before it is called the guard reads
 *          the query, or the body of an endpoint with ENDPOINT_PARAMS_IN_BODY, against it. A name that is
 *          not there, one that comes twice, and a value that breaks its kind or bounds are ERR_INVALID, and
 *          named. An empty value is none. The endpoint takes values by their place in the table.
 *          "key" and "token" may stand in every query: they say who asks (docs/http-api.md).
 * Memory:  values lie in the call's arena; their texts are borrowed from the request.
 * Cost:    a comparison of lengths for each given and each known name. */
#ifndef API_PARAMS_H
#define API_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct call;

enum { PARAMS_MAX = 32 };

enum param_kind {
    PARAM_TEXT,
    PARAM_LIST,     /* ids separated by commas; in a body also an array */
    PARAM_NUMBER,   /* whole, in [lo, hi] */
    PARAM_BOOL,     /* true or false */
    PARAM_LANGUAGE, /* one of the shop's: becomes call->language */
};

struct param {
    struct str name; /* a literal */
    enum param_kind kind;
    int64_t fallback; /* of PARAM_NUMBER and PARAM_BOOL, where none is given */
    int64_t lo, hi;   /* of PARAM_NUMBER; hi of PARAM_LIST: how many ids at most */
};

/* What was given, or the fallback. */
struct param_value {
    struct str text; /* as it was given in a query; of a number or bool in a body: empty */
    int64_t number;
};

/** The parameters of an endpoint, in its initialiser. */
#define PARAMS(table) (table), sizeof(table) / sizeof *(table)
#define NO_PARAMS     NULL, 0

/** Into call->values. ERR_INVALID names what is wrong; ERR_LIMIT  too many ids. */
ERR_MUST_USE enum err_code params_from_query(struct call *call, const struct param *params,
                                             size_t n, struct err *err);
ERR_MUST_USE enum err_code params_from_body(struct call *call, const struct param *params, size_t n,
                                            struct err *err);

#endif
