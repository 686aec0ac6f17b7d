/* answer.h - the parts that all answers of this folder are made of. */
#ifndef RECOMMEND_ANSWER_H
#define RECOMMEND_ANSWER_H

#include "recommend/recommend.h"

/** "models": which versions answered, as a member of an open object. */
void answer_models(const struct view *view, struct json_writer *w);

/** "items": cards with score and reason, as a member of an open object. language is one of the shop's. */
void answer_items(const struct view *view, const struct recommend_result *found,
                  struct str language, struct json_writer *w);

#endif
