#include "train/sessions.h"

#include "base/mem.h"

/* Owned arrays behind a session_input. */
struct cut {
    uint64_t *offsets; /* [sessions + 1] */
    uint32_t *item;    /* [acts] */
    int64_t *end_us;   /* [sessions] */
    uint32_t len;
};

static void cut_release(struct cut *c)
{
    mem_free(c->offsets);
    mem_free(c->item);
    mem_free(c->end_us);
}

/* Take the session under way, which has the items from offsets[len] to n, if it says anything; where the next
 * one begins. */
static uint64_t end_session(struct cut *c, uint64_t n, int64_t end_us)
{
    uint64_t begin = c->offsets[c->len];
    if (n - begin < 2)
        return begin;
    c->end_us[c->len++] = end_us;
    c->offsets[c->len] = n;
    return n;
}

static enum err_code cut_sessions(const struct interactions *it, const uint32_t *row_of,
                                  int64_t until, struct cut *c, struct err *err)
{
    uint64_t n = 0;
    size_t before = SIZE_MAX;
    c->offsets = mem_try_new((size_t)it->sessions + 1, sizeof *c->offsets);
    c->item = mem_try_new(it->len, sizeof *c->item);
    c->end_us = mem_try_new(it->sessions, sizeof *c->end_us);
    if (!c->offsets || !c->item || !c->end_us)
        return err_set(err, ERR_MEMORY, "no memory for %u sessions", it->sessions);
    for (size_t i = 0; i < it->len; i++) {
        if (it->time[i] >= until)
            continue;
        uint32_t row = row_of[it->product_no[i]] - 1;
        if (before != SIZE_MAX && it->session[before] != it->session[i])
            n = end_session(c, n, it->time[before]);
        before = i;
        if (n == c->offsets[c->len] || c->item[n - 1] != row)
            c->item[n++] = row;
    }
    if (before != SIZE_MAX)
        end_session(c, n, it->time[before]);
    return ERR_OK;
}

enum err_code sessions_fit(const struct interactions *it, const uint32_t *row_of, uint32_t rows,
                           const struct sessions_options *o, struct session_index *out,
                           struct err *err)
{
    struct cut c = {0};
    enum err_code code = ERR_OK;
    *out = (struct session_index){0};
    if (o->keep == 0)
        return ERR_OK;
    code = cut_sessions(it, row_of, o->until, &c, err);
    struct session_input in = {.sessions = c.len,
                               .items = rows,
                               .keep = o->keep,
                               .offsets = c.offsets,
                               .item = c.item,
                               .end_us = c.end_us};
    if (code == ERR_OK && c.len)
        code = session_index_build(&in, out, err);
    cut_release(&c);
    return code;
}
