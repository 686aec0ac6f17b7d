/* ranker_text.h - ranker files for tests: a tree for each feature that counts. */
#ifndef TESTS_ENGINE_RANKER_TEXT_H
#define TESTS_ENGINE_RANKER_TEXT_H

#include "base/buf.h"
#include "engine/ranker.h"
#include "support/suite.h"

/** XGBoost's JSON of stumps: feature[i] < threshold[i] gives left[i], else right[i]. */
static inline void put_stumps(struct buf *b, uint32_t features, size_t n, const uint32_t *feature,
                              const float *threshold, const float *left, const float *right)
{
    buf_printf(b,
               "{\"learner\":{\"objective\":{\"name\":\"reg:squarederror\"},"
               "\"learner_model_param\":{\"base_score\":\"0\",\"num_feature\":\"%u\"},"
               "\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"gbtree_model_param\":{"
               "\"num_trees\":\"%zu\"},\"trees\":[",
               features, n);
    for (size_t i = 0; i < n; i++)
        buf_printf(b,
                   "%s{\"left_children\":[1,-1,-1],\"right_children\":[2,-1,-1],"
                   "\"split_indices\":[%u,0,0],\"default_left\":[0,0,0],"
                   "\"split_conditions\":[%.9g,%.9g,%.9g],\"tree_param\":{\"num_nodes\":\"3\"}}",
                   i ? "," : "", feature[i], (double)threshold[i], (double)left[i],
                   (double)right[i]);
    buf_puts(b, "]}}}}");
}

#endif
