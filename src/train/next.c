#include "train/next.h"

#include "base/mem.h"
#include "train/transitions.h"

/* Owned arrays behind a transition_input. */
struct steps {
    uint64_t *offsets; /* [acts + 1] */
    uint32_t *item;    /* [acts] */
    int64_t *time_us;  /* [acts] */
    uint32_t sequences;
    uint64_t len;
};

static void steps_release(struct steps *s)
{
    mem_free(s->offsets);
    mem_free(s->item);
    mem_free(s->time_us);
}

/* Acts are sorted by shopper and time, and numbered by session. */
static bool same_sequence(const struct interactions *it, size_t a, size_t b)
{
    return it->user_no[a] == it->user_no[b] &&
           (it->user_no[a] != 0 || it->session[a] == it->session[b]);
}

static enum err_code steps_read(const struct interactions *it, const uint32_t *row_of,
                                int64_t until, struct steps *s, struct err *err)
{
    size_t before = 0;
    s->offsets = mem_try_new(it->len + 1, sizeof *s->offsets);
    s->item = mem_try_new(it->len + 1, sizeof *s->item);
    s->time_us = mem_try_new(it->len + 1, sizeof *s->time_us);
    if (!s->offsets || !s->item || !s->time_us)
        return err_set(err, ERR_MEMORY, "no memory for the steps of %zu acts", it->len);
    for (size_t i = 0; i < it->len; i++) {
        if (it->time[i] >= until)
            continue;
        uint32_t row = row_of[it->product_no[i]] - 1;
        bool begins = s->len == 0 || !same_sequence(it, before, i);
        before = i;
        if (!begins && s->item[s->len - 1] == row)
            continue;
        if (begins)
            s->offsets[s->sequences++] = s->len;
        s->item[s->len] = row;
        s->time_us[s->len++] = it->time[i];
    }
    s->offsets[s->sequences] = s->len;
    return ERR_OK;
}

enum err_code next_fit(const struct interactions *it, const uint32_t *row_of, uint32_t rows,
                       const struct next_options *o, struct pool *pool,
                       struct neighbour_result *out, struct err *err)
{
    struct transition_options how = transition_defaults();
    struct steps steps = {0};
    enum err_code code = steps_read(it, row_of, o->until, &steps, err);
    struct transition_input in = {.sequences = steps.sequences,
                                  .items = rows,
                                  .offsets = steps.offsets,
                                  .item = steps.item,
                                  .time_us = steps.time_us};
    how.keep = o->keep;
    how.half_life_days = o->half_life_days;
    if (code == ERR_OK)
        code = transitions_fit(&in, &how, pool, out, err);
    if (code == ERR_OK)
        (void)neighbours_scale(out, rows);
    steps_release(&steps);
    return code;
}
