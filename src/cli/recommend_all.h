/* recommend_all.h - lists for all shoppers, for letters and for other systems: JSON Lines.
 *
 * Known shoppers by number, without those who opted out, from one view of the shop; each line is what /v1/recommendations
 * answers for them, with "user_id". All cores; the file is the same whatever their number. It is written aside and
 * swapped in whole. */
#ifndef CLI_RECOMMEND_ALL_H
#define CLI_RECOMMEND_ALL_H

#include "cli/shop.h"
#include "recommend/recommend.h"

struct recommend_all {
    const char *path;                 /* of the file */
    struct recommend_request request; /* of each, but for the shopper */
    struct str language;
    unsigned threads; /* 0: every processor */
};

struct recommend_all_result {
    uint64_t shoppers, opted_out, products; /* written, left out, in all lists */
    double seconds;
};

/** Errors of the store, of recommend_run, of fs_writer_commit; ERR_CANCELLED. The file stays as it was. */
ERR_MUST_USE enum err_code recommend_all(const struct args *args, struct shop *s,
                                         const struct recommend_all *o,
                                         struct recommend_all_result *out, struct err *err);

#endif
