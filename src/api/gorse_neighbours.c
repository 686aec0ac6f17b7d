/* gorse_neighbours.c - shoppers who are alike.
 *
 * Model:   two shoppers are as alike as the cosine of their sets of products, taken from the packed
 *          histories of the model. One walk over them finds who shares how many.
 * Cost:    some nanoseconds for each act. Where the histories have more than NEIGHBOUR_ACTS only every
 *          k-th shopper is looked at, so that a loop is held up for a few milliseconds at most; k
 *          follows from their size, so the answer is the same each time.
 * Source:  Sarwar et al., "Analysis of Recommendation Algorithms for E-Commerce", EC 2000. */
#include <math.h>

#include "api/gorse.h"
#include "index/bitset.h"
#include "num/topk.h"

enum { NEIGHBOUR_ACTS = 1 << 20 };

/* Another's acts against the products marked in mine; seen is empty before and after. */
static float cosine(const struct recommend_model *m, uint32_t user, const struct bitset *mine,
                    size_t mine_len, struct bitset *seen)
{
    const uint32_t *acts = m->history_acts + m->history_offsets[user];
    size_t n = m->history_offsets[user + 1] - m->history_offsets[user];
    size_t shared = 0, products = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = HISTORY_ROW(acts[i]);
        if (bitset_test(seen, row))
            continue;
        bitset_set(seen, row);
        products++;
        shared += bitset_test(mine, row);
    }
    for (size_t i = 0; i < n; i++)
        bitset_clear(seen, HISTORY_ROW(acts[i]));
    return shared ? (float)((double)shared / sqrt((double)products * (double)mine_len)) : 0;
}

static size_t rank_all(const struct recommend_model *m, uint32_t user_no, const struct bitset *mine,
                       struct bitset *seen, struct topk *best)
{
    size_t mine_len = bitset_count(mine);
    uint32_t step = (uint32_t)(m->history_offsets[m->users] / NEIGHBOUR_ACTS) + 1;
    for (uint32_t user = 0; user < m->users; user += step) {
        float score = m->user_no[user] == user_no ? 0 : cosine(m, user, mine, mine_len, seen);
        if (score > 0)
            topk_push(best, score, m->user_no[user]);
    }
    return topk_finish(best);
}

enum err_code gorse_user_neighbours(const struct view *view, uint32_t user_no,
                                    struct topk_item *out, size_t cap, size_t *len, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    struct bitset mine = {0}, seen = {0};
    struct topk best;
    const uint32_t *acts;
    const uint16_t *days;
    size_t n = m && user_no ? recommend_model_history(m, user_no, &acts, &days) : 0;
    *len = 0;
    if (n == 0)
        return ERR_OK;
    enum err_code code = bitset_init(&mine, m->rows, err);
    if (code == ERR_OK)
        code = bitset_init(&seen, m->rows, err);
    for (size_t i = 0; i < n && code == ERR_OK; i++)
        bitset_set(&mine, HISTORY_ROW(acts[i]));
    topk_init(&best, out, cap);
    if (code == ERR_OK)
        *len = rank_all(m, user_no, &mine, &seen, &best);
    bitset_release(&mine);
    bitset_release(&seen);
    return code;
}
