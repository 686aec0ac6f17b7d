/* The columns: growing, sorting, sessions. What derive.c fills and tests fill by hand. */
#include <stdlib.h>

#include "base/mem.h"
#include "ingest/derive.h"

#include "base/check.h"

/* Every column with the size of its element. */
#define COLUMNS(it)                                                                                \
    {                                                                                              \
        {(void **)&(it)->user_no, sizeof *(it)->user_no},                                          \
            {(void **)&(it)->product_no, sizeof *(it)->product_no},                                \
            {(void **)&(it)->time, sizeof *(it)->time},                                            \
            {(void **)&(it)->weight, sizeof *(it)->weight},                                        \
            {(void **)&(it)->session, sizeof *(it)->session},                                      \
            {(void **)&(it)->quantity, sizeof *(it)->quantity},                                    \
            {(void **)&(it)->type, sizeof *(it)->type},                                            \
    }

struct column {
    void **data;
    size_t size;
};

enum { COLUMN_COUNT = 7 };

void interactions_release(struct interactions *it)
{
    struct column columns[COLUMN_COUNT] = COLUMNS(it);
    for (size_t i = 0; i < COLUMN_COUNT; i++)
        mem_free(*columns[i].data);
    *it = (struct interactions){0};
}

static enum err_code grow(struct interactions *it, struct err *err)
{
    struct column columns[COLUMN_COUNT] = COLUMNS(it);
    size_t cap = it->cap ? it->cap + it->cap / 2 : 1024;
    if (it->len == UINT32_MAX)
        return err_set(err, ERR_LIMIT, "more than %u interactions", UINT32_MAX);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        void *bigger = mem_try_resize(*columns[i].data, cap, columns[i].size);
        if (!bigger)
            return err_set(err, ERR_MEMORY, "no memory for %zu interactions", cap);
        *columns[i].data = bigger;
    }
    it->cap = cap;
    return ERR_OK;
}

enum err_code interactions_append(struct interactions *it, uint32_t user_no, uint32_t product_no,
                                  int64_t time, float weight, enum event_type type,
                                  uint32_t quantity, struct err *err)
{
    if (it->len == it->cap) {
        enum err_code rc = grow(it, err);
        if (rc != ERR_OK)
            return rc;
    }
    size_t i = it->len++;
    it->user_no[i] = user_no;
    it->product_no[i] = product_no;
    it->time[i] = time;
    it->weight[i] = weight;
    it->type[i] = (uint8_t)type;
    it->quantity[i] = quantity;
    it->session[i] = 0;
    return ERR_OK;
}

/* --- sorting --------------------------------------------------------------------------------- */

/* Within a shopper: time, then what belongs to one order, then product, then type. */
static int compare(const void *a, const void *b, void *arg)
{
    const struct interactions *it = arg;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (it->time[x] != it->time[y])
        return it->time[x] < it->time[y] ? -1 : 1;
    if (it->session[x] != it->session[y])
        return it->session[x] < it->session[y] ? -1 : 1;
    if (it->product_no[x] != it->product_no[y])
        return it->product_no[x] < it->product_no[y] ? -1 : 1;
    if (it->type[x] != it->type[y])
        return it->type[x] < it->type[y] ? -1 : 1;
    return x < y ? -1 : x > y;
}

/* Rearrange every column so that row i is what was row order[i]. */
static enum err_code gather(struct interactions *it, const uint32_t *order, struct err *err)
{
    struct column columns[COLUMN_COUNT] = COLUMNS(it);
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        size_t size = columns[c].size;
        char *to = mem_try_new(it->cap, size);
        const char *from = *columns[c].data;
        if (!to)
            return err_set(err, ERR_MEMORY, "no memory to sort %zu interactions", it->len);
        for (size_t i = 0; i < it->len; i++)
            memcpy(to + i * size, from + order[i] * size, size);
        mem_free(*columns[c].data);
        *columns[c].data = to;
    }
    return ERR_OK;
}

static void find_ends(struct interactions *it)
{
    it->users_end = it->products_end = 0;
    it->first_time = it->last_time = it->len ? it->time[0] : 0;
    for (size_t i = 0; i < it->len; i++) {
        if (it->user_no[i] >= it->users_end)
            it->users_end = it->user_no[i] + 1;
        if (it->product_no[i] >= it->products_end)
            it->products_end = it->product_no[i] + 1;
        if (it->time[i] < it->first_time)
            it->first_time = it->time[i];
        if (it->time[i] > it->last_time)
            it->last_time = it->time[i];
    }
}

/* Counting sort by shopper, then each shopper's acts by time. */
static enum err_code sort_rows(struct interactions *it, struct err *err)
{
    size_t users = it->users_end;
    uint32_t *order = mem_try_new(it->len + 1, sizeof *order);
    uint32_t *begin = mem_try_new(users + 2, sizeof *begin);
    enum err_code rc = ERR_OK;
    if (!order || !begin) {
        rc = err_set(err, ERR_MEMORY, "no memory to sort %zu interactions", it->len);
        goto out;
    }
    for (size_t i = 0; i < it->len; i++)
        begin[it->user_no[i] + 2]++;
    for (size_t u = 0; u + 1 < users; u++)
        begin[u + 2] += begin[u + 1];
    for (size_t i = 0; i < it->len; i++)
        order[begin[it->user_no[i] + 1]++] = (uint32_t)i;
    for (size_t u = 0; u < users; u++)
        if (begin[u + 1] - begin[u] > 1)
            qsort_r(order + begin[u], begin[u + 1] - begin[u], sizeof *order, compare, it);
    rc = gather(it, order, err);
out:
    mem_free(order);
    mem_free(begin);
    return rc;
}

/* --- sessions -------------------------------------------------------------------------------- */

/* Before this `session` holds the order that an act belongs to (0: none), afterwards the session. */
static void number_sessions(struct interactions *it, const struct derive_options *o)
{
    uint32_t session = 0, acts = 0, order_before = 0;
    int64_t begin = 0;
    for (size_t i = 0; i < it->len; i++) {
        uint32_t order = it->session[i];
        bool same_order = i > 0 && order && order == order_before;
        bool fresh = i > 0 && !same_order &&
                     (it->user_no[i] != it->user_no[i - 1] || it->user_no[i] == 0 ||
                      it->time[i] - it->time[i - 1] > o->session_gap_us ||
                      it->time[i] - begin > o->session_max_us || acts >= o->session_max_acts);
        if (fresh)
            session++;
        if (fresh || i == 0) {
            begin = it->time[i];
            acts = 0;
        }
        acts++;
        order_before = order;
        it->session[i] = session;
    }
    it->sessions = it->len ? session + 1 : 0;
}

enum err_code interactions_sort(struct interactions *it, const struct derive_options *o,
                                struct err *err)
{
    find_ends(it);
    enum err_code rc = sort_rows(it, err);
    if (rc == ERR_OK)
        number_sessions(it, o);
    return rc;
}

/* Keep the numbers dense and their order. */
static void renumber_sessions(struct interactions *it)
{
    uint32_t next = 0, last = 0;
    for (size_t i = 0; i < it->len; i++) {
        uint32_t was = it->session[i];
        if (i > 0 && was != last)
            next++;
        last = was;
        it->session[i] = next;
    }
    it->sessions = it->len ? next + 1 : 0;
}

void interactions_drop(struct interactions *it, const uint8_t *drop)
{
    size_t n = 0;
    for (size_t i = 0; i < it->len; i++) {
        if (drop[i])
            continue;
        it->user_no[n] = it->user_no[i];
        it->product_no[n] = it->product_no[i];
        it->time[n] = it->time[i];
        it->weight[n] = it->weight[i];
        it->session[n] = it->session[i];
        it->quantity[n] = it->quantity[i];
        it->type[n] = it->type[i];
        n++;
    }
    it->len = n;
    if (it->sessions)
        renumber_sessions(it);
    find_ends(it);
}

/* First row whose shopper is >= user_no. */
static size_t lower_bound(const struct interactions *it, uint32_t user_no)
{
    size_t lo = 0, hi = it->len;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (it->user_no[mid] < user_no)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

size_t interactions_user_begin(const struct interactions *it, uint32_t user_no)
{
    return lower_bound(it, user_no);
}

size_t interactions_user_end(const struct interactions *it, uint32_t user_no)
{
    return user_no == UINT32_MAX ? it->len : lower_bound(it, user_no + 1);
}
