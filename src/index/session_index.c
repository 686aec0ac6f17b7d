#include "index/session_index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

static enum err_code no_memory(uint32_t sessions, struct err *err)
{
    return err_set(err, ERR_MEMORY, "no memory for an index of %u sessions", sessions);
}

/* --- building -------------------------------------------------------------------------------- */

struct order {
    int64_t end_us;
    uint32_t from;
};

/* The most recent first; of two that end together, the later in the input. */
static int compare_orders(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    if (x->end_us != y->end_us)
        return x->end_us > y->end_us ? -1 : 1;
    return (x->from < y->from) - (x->from > y->from);
}

/* The arrays of an index while they are filled. */
struct building {
    uint32_t sessions, items;
    uint32_t *offsets, *item, *end_s, *of_offsets, *of_session;
    float *idf;
};

/* Was an item not met in this session yet? seen [items] is the last session + 1 that had it. */
static bool is_new(uint32_t *seen, uint32_t item, uint32_t session)
{
    bool new = seen[item] != session + 1;
    seen[item] = session + 1;
    return new;
}

static void begin_and_end(const struct session_input *in, uint32_t session, uint64_t *begin,
                          uint64_t *end)
{
    *begin = in->offsets[session];
    *end = in->offsets[session + 1];
    if (*end - *begin > SESSION_ITEMS_MAX)
        *begin = *end - SESSION_ITEMS_MAX;
}

static enum err_code copy_sessions(const struct session_input *in, const struct order *order,
                                   struct building *b, struct err *err)
{
    uint64_t total = 0, begin, end;
    for (uint32_t s = 0; s < b->sessions; s++) {
        begin_and_end(in, order[s].from, &begin, &end);
        total += end - begin;
    }
    if (total > UINT32_MAX)
        return err_set(err, ERR_LIMIT, "%u sessions have %llu items", b->sessions,
                       (unsigned long long)total);
    b->offsets = mem_try_new((size_t)b->sessions + 1, sizeof *b->offsets);
    b->item = mem_try_new(total, sizeof *b->item);
    b->end_s = mem_try_new(b->sessions, sizeof *b->end_s);
    if (!b->offsets || !b->item || !b->end_s)
        return no_memory(b->sessions, err);
    for (uint32_t s = 0; s < b->sessions; s++) {
        begin_and_end(in, order[s].from, &begin, &end);
        if (end > begin)
            memcpy(b->item + b->offsets[s], in->item + begin, (end - begin) * sizeof *b->item);
        b->offsets[s + 1] = b->offsets[s] + (uint32_t)(end - begin);
        int64_t end_s = order[s].end_us / CLOCK_US_PER_S;
        b->end_s[s] = (uint32_t)(end_s < 0 ? 0 : end_s > UINT32_MAX ? UINT32_MAX : end_s);
    }
    return ERR_OK;
}

static float idf_of(uint32_t sessions, uint32_t have)
{
    return have ? (float)(log1p((double)sessions / have) / log1p(sessions)) : 0;
}

static enum err_code invert(struct building *b, struct err *err)
{
    uint32_t *seen = mem_try_new(b->items, sizeof *seen), total = 0;
    b->of_offsets = mem_try_new((size_t)b->items + 2, sizeof *b->of_offsets);
    b->idf = mem_try_new(b->items, sizeof *b->idf);
    bool good = seen && b->of_offsets && b->idf;
    for (uint32_t s = 0; good && s < b->sessions; s++)
        for (uint32_t p = b->offsets[s]; p < b->offsets[s + 1]; p++)
            if (is_new(seen, b->item[p], s)) {
                b->of_offsets[b->item[p] + 2]++;
                total++;
            }
    b->of_session = good ? mem_try_new(total, sizeof *b->of_session) : NULL;
    if (b->of_session) {
        memset(seen, 0, b->items * sizeof *seen);
        for (uint32_t i = 0; i < b->items; i++) {
            b->idf[i] = idf_of(b->sessions, b->of_offsets[i + 2]);
            b->of_offsets[i + 2] += b->of_offsets[i + 1];
        }
        for (uint32_t s = 0; s < b->sessions; s++)
            for (uint32_t p = b->offsets[s]; p < b->offsets[s + 1]; p++)
                if (is_new(seen, b->item[p], s))
                    b->of_session[b->of_offsets[b->item[p] + 1]++] = s;
    }
    mem_free(seen);
    return b->of_session ? ERR_OK : no_memory(b->sessions, err);
}

enum err_code session_index_build(const struct session_input *in, struct session_index *out,
                                  struct err *err)
{
    struct order *order = mem_try_new(in->sessions, sizeof *order);
    struct building b = {.items = in->items};
    b.sessions = in->keep && in->keep < in->sessions ? in->keep : in->sessions;
    enum err_code code = order ? ERR_OK : no_memory(in->sessions, err);
    for (uint32_t s = 0; code == ERR_OK && s < in->sessions; s++)
        order[s] = (struct order){in->end_us[s], s};
    if (code == ERR_OK && in->sessions)
        qsort(order, in->sessions, sizeof *order, compare_orders);
    if (code == ERR_OK)
        code = copy_sessions(in, order, &b, err);
    if (code == ERR_OK)
        code = invert(&b, err);
    mem_free(order);
    struct session_index x = {.sessions = b.sessions,
                              .items = b.items,
                              .offsets = b.offsets,
                              .item = b.item,
                              .end_s = b.end_s,
                              .of_offsets = b.of_offsets,
                              .of_session = b.of_session,
                              .idf = b.idf};
    if (code == ERR_OK)
        *out = x;
    else
        session_index_release(&x);
    return code;
}

static void free_owned(const void *p)
{
    mem_free((void *)(uintptr_t)p);
}

void session_index_release(struct session_index *x)
{
    free_owned(x->offsets);
    free_owned(x->item);
    free_owned(x->end_s);
    free_owned(x->of_offsets);
    free_owned(x->of_session);
    free_owned(x->idf);
    *x = (struct session_index){0};
}

/* --- files ----------------------------------------------------------------------------------- */

void session_index_write(const struct session_index *x, struct container_writer *w)
{
    container_writer_add(w, "session.offsets", sizeof *x->offsets, x->offsets,
                         (size_t)x->sessions + 1);
    container_writer_add(w, "session.items", sizeof *x->item, x->item, x->offsets[x->sessions]);
    container_writer_add(w, "session.end", sizeof *x->end_s, x->end_s, x->sessions);
    container_writer_add(w, "session.of.offsets", sizeof *x->of_offsets, x->of_offsets,
                         (size_t)x->items + 1);
    container_writer_add(w, "session.of", sizeof *x->of_session, x->of_session,
                         x->of_offsets[x->items]);
    container_writer_add(w, "session.idf", sizeof *x->idf, x->idf, x->items);
}

#define CORRUPT(err, ...) err_set((err), ERR_CORRUPT, "sessions: " __VA_ARGS__)

static enum err_code check_offsets(const uint32_t *v, uint32_t n, size_t total, const char *what,
                                   struct err *err)
{
    if (v[0] != 0 || v[n] != total)
        return CORRUPT(err, "%s does not span its %zu entries", what, total);
    for (uint32_t i = 0; i < n; i++)
        if (v[i] > v[i + 1])
            return CORRUPT(err, "%s descends at %u", what, i);
    return ERR_OK;
}

static enum err_code check_sessions(const struct session_index *x, struct err *err)
{
    for (uint32_t s = 0; s < x->sessions; s++) {
        if (x->offsets[s + 1] - x->offsets[s] > SESSION_ITEMS_MAX)
            return CORRUPT(err, "session.offsets has %u items at %u",
                           x->offsets[s + 1] - x->offsets[s], s);
        if (s && x->end_s[s] > x->end_s[s - 1])
            return CORRUPT(err, "session.end ascends at %u", s);
        for (uint32_t p = x->offsets[s]; p < x->offsets[s + 1]; p++)
            if (x->item[p] >= x->items)
                return CORRUPT(err, "session.items refers to item %u of %u at %u", x->item[p],
                               x->items, p);
    }
    for (uint32_t i = 0; i < x->items; i++)
        if (!(x->idf[i] >= 0 && x->idf[i] <= 1))
            return CORRUPT(err, "session.idf is not in 0..1 at %u", i);
    return ERR_OK;
}

/* Does the list of every item have the very sessions that have it? next [items] is 0. */
static enum err_code check_inversion(const struct session_index *x, uint32_t *seen, uint32_t *next,
                                     struct err *err)
{
    uint64_t listed = 0;
    for (uint32_t s = 0; s < x->sessions; s++)
        for (uint32_t p = x->offsets[s]; p < x->offsets[s + 1]; p++) {
            uint32_t i = x->item[p];
            if (!is_new(seen, i, s))
                continue;
            uint32_t at = x->of_offsets[i] + next[i]++;
            if (at >= x->of_offsets[i + 1] || x->of_session[at] != s)
                return CORRUPT(err, "session.of does not have session %u for item %u", s, i);
            listed++;
        }
    return listed == x->of_offsets[x->items]
               ? ERR_OK
               : CORRUPT(err, "session.of has %u entries, the sessions %llu",
                         x->of_offsets[x->items], (unsigned long long)listed);
}

enum err_code session_index_read(const struct container *c, uint32_t sessions, uint32_t items,
                                 struct session_index *out, struct err *err)
{
    struct session_index x = {.sessions = sessions, .items = items};
    size_t total, listed;
    TRY_SECTION(c, "session.offsets", &x.offsets, (size_t)sessions + 1, err);
    TRY(container_section(c, "session.items", sizeof *x.item, (const void **)&x.item, &total, err));
    TRY_SECTION(c, "session.end", &x.end_s, sessions, err);
    TRY_SECTION(c, "session.of.offsets", &x.of_offsets, (size_t)items + 1, err);
    TRY(container_section(c, "session.of", sizeof *x.of_session, (const void **)&x.of_session,
                          &listed, err));
    TRY_SECTION(c, "session.idf", &x.idf, items, err);
    TRY(check_offsets(x.offsets, sessions, total, "session.offsets", err));
    TRY(check_offsets(x.of_offsets, items, listed, "session.of.offsets", err));
    TRY(check_sessions(&x, err));
    uint32_t *seen = mem_try_new(items, sizeof *seen), *next = mem_try_new(items, sizeof *next);
    enum err_code code =
        seen && next ? check_inversion(&x, seen, next, err) : no_memory(sessions, err);
    mem_free(seen);
    mem_free(next);
    if (code == ERR_OK)
        *out = x;
    return code;
}
