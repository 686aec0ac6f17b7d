/* judgements.h - titles that somebody graded for queries, and how the search engine orders them.
 *
 * Steps:   judgements_init, judgements_read (once or more), judgements_score, judgements_measure;
 *          judgements_release at any time.
 * Model:   the titles become a catalogue of one segment, with no other data, and every query scores its own
 *          titles through search/search.h. A title is known by its id where one is given, else by itself, so a
 *          product that is judged for many queries is indexed once.
 * Threads: one at a time. */
#ifndef EVAL_JUDGEMENTS_H
#define EVAL_JUDGEMENTS_H

#include "base/arena.h"
#include "base/map.h"
#include "engine/view.h"
#include "index/segment_build.h"

enum { JUDGEMENTS_K = 10, JUDGEMENTS_MAX = 20000000 };

struct judgement {
    uint32_t query;      /* number from 1 */
    uint32_t product_no; /* from 1 */
    double grade;
    double score; /* judgements_score's */
};

struct judgements {
    struct judgement *lines; /* [len], by query and product once read, owned */
    size_t len, cap;
    struct map_str query_of, product_of; /* text or id to number from 1 */
    struct str *queries;                 /* [queries_cap] by number - 1, owned */
    size_t queries_cap;
    struct arena texts;
    struct segment_builder *builder; /* owned */
    double *took_us;                 /* [queries] to score one, in the order of lines, owned */
};

/* Means over the queries (eval/grading.h). */
struct judgements_quality {
    size_t queries;
    size_t correlated;   /* queries with different grades */
    double spearman;     /* over those */
    double spearman_all; /* over all lines at once */
    double ndcg, mrr;    /* at JUDGEMENTS_K */
    double relevant;     /* grades from this one up counted for mrr */
    double p50_us, p99_us;
};

/** ERR_UNSUPPORTED  what the index reports */
ERR_MUST_USE enum err_code judgements_init(struct judgements *j, struct err *err);
void judgements_release(struct judgements *j);

/** Read columns query, title, grade and perhaps product_id (eval/table.h).
 *  ERR_INVALID  a column is missing, a line is broken (the message has its number) or there is none */
ERR_MUST_USE enum err_code judgements_read(struct judgements *j, const char *path,
                                           const char *overrides, struct err *err);

/** Fill the scores. ERR_CANCELLED, ERR_MEMORY, ERR_LIMIT */
ERR_MUST_USE enum err_code judgements_score(struct judgements *j, struct err *err);

/** relevant  the least grade that counts for mrr; NAN: the highest there is */
ERR_MUST_USE enum err_code judgements_measure(struct judgements *j, double relevant,
                                              struct judgements_quality *out, struct err *err);

#endif
