#include "recommend/profile.h"

#include <math.h>
#include <stdlib.h>

enum { HISTORY_MAX = 256, TABLE = 1024 /* slots, over twice the entries */ };

/* An act loses half of its say in this time. */
#define HALF_LIFE_DAYS 30.0f

float profile_type_weight(enum event_type type)
{
    static const float weight[EVENT_TYPES] = {
        [EVENT_VIEW] = 1,        [EVENT_CLICK] = 1,    [EVENT_FAVOURITE] = 3,
        [EVENT_ADD_TO_CART] = 4, [EVENT_PURCHASE] = 8, [EVENT_RATING] = 2,
    };
    return weight[type];
}

struct builder {
    struct profile_item *items; /* [HISTORY_MAX + USERS_ACTIONS_MAX] */
    size_t len;
    uint16_t slots[TABLE]; /* 0: empty, else index + 1 */
    uint32_t
        newest_s; /* of all acts: ages are counted from here, so taste fades by what came after */
};

static struct profile_item *item_of(struct builder *b, uint32_t product_no)
{
    uint32_t at = product_no * 0x9e3779b1u >> 22;
    for (; b->slots[at]; at = (at + 1) % TABLE)
        if (b->items[b->slots[at] - 1].product_no == product_no)
            return &b->items[b->slots[at] - 1];
    b->items[b->len] = (struct profile_item){.product_no = product_no, .row = UINT32_MAX};
    b->slots[at] = (uint16_t)++b->len;
    return &b->items[b->len - 1];
}
_Static_assert(TABLE == 1 << (32 - 22), "the hash's upper bits number the slots");
_Static_assert(TABLE >= 2 * (HISTORY_MAX + USERS_ACTIONS_MAX), "the table stays half empty");

/* row: UINT32_MAX where it is not known yet */
static void add(struct builder *b, uint32_t product_no, uint32_t row, enum event_type type,
                uint32_t time_s)
{
    float weight = profile_type_weight(type);
    if (weight == 0)
        return;
    float age_days = b->newest_s > time_s ? (float)(b->newest_s - time_s) / 86400 : 0;
    struct profile_item *item = item_of(b, product_no);
    item->weight += weight * exp2f(-age_days / HALF_LIFE_DAYS);
    item->types |= 1u << type;
    if (row != UINT32_MAX)
        item->row = row;
    if (time_s > item->time_s)
        item->time_s = time_s;
}

static bool known_fresh(const struct user_action *fresh, size_t n, uint32_t product_no,
                        enum event_type type, uint16_t day)
{
    for (size_t i = 0; i < n; i++)
        if (fresh[i].product_no == product_no && fresh[i].type == (uint32_t)type &&
            fresh[i].time_s / 86400 == day)
            return true;
    return false;
}

/* Acts of the packed history that the fresh state does not hold as well. */
static void add_history(struct builder *b, const struct recommend_model *m, uint32_t user_no,
                        const struct user_action *fresh, size_t fresh_len)
{
    const uint32_t *acts;
    const uint16_t *days;
    size_t n = recommend_model_history(m, user_no, &acts, &days);
    uint32_t oldest_fresh_day = fresh_len ? fresh[fresh_len - 1].time_s / 86400 : UINT32_MAX;
    for (size_t i = 0; i < n && i < HISTORY_MAX; i++) {
        enum event_type type = (enum event_type)HISTORY_TYPE(acts[i]);
        uint32_t product_no = m->items[HISTORY_ROW(acts[i])];
        if (type >= EVENT_TYPES)
            continue;
        if (days[i] >= oldest_fresh_day && known_fresh(fresh, fresh_len, product_no, type, days[i]))
            continue;
        add(b, product_no, HISTORY_ROW(acts[i]), type, (uint32_t)days[i] * 86400);
    }
}

static uint32_t newest_act(const struct recommend_model *m, uint32_t user_no,
                           const struct user_action *fresh, size_t fresh_len)
{
    const uint32_t *acts;
    const uint16_t *days;
    uint32_t newest = fresh_len ? fresh[0].time_s : 0;
    if (m && recommend_model_history(m, user_no, &acts, &days) && days[0] * 86400u > newest)
        newest = days[0] * 86400u;
    return newest;
}

float profile_confidence(float weight)
{
    return log1pf(weight);
}

static int heaviest_first(const void *a, const void *b)
{
    const struct profile_item *x = a, *y = b;
    if (x->weight != y->weight)
        return x->weight > y->weight ? -1 : 1;
    if (x->time_s != y->time_s)
        return x->time_s > y->time_s ? -1 : 1;
    return x->product_no < y->product_no ? -1 : x->product_no > y->product_no;
}

enum err_code profile_load(const struct view *view, uint32_t user_no, struct arena *arena,
                           struct profile *out, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    struct user_action fresh[USERS_ACTIONS_MAX];
    *out = (struct profile){0};
    if (user_no == 0)
        return ERR_OK;
    struct builder *b = arena_try_alloc(arena, sizeof *b);
    struct profile_item *items =
        arena_try_alloc(arena, (HISTORY_MAX + USERS_ACTIONS_MAX) * sizeof *items);
    if (!b || !items)
        return err_set(err, ERR_LIMIT, "the shopper's profile does not fit");
    uint32_t known = users_resolve(view->users, user_no);
    size_t n = users_recent(view->users, known, fresh, USERS_ACTIONS_MAX);
    *b = (struct builder){.items = items, .newest_s = newest_act(m, known, fresh, n)};
    for (size_t i = 0; i < n; i++)
        add(b, fresh[i].product_no, UINT32_MAX, (enum event_type)fresh[i].type, fresh[i].time_s);
    if (m)
        add_history(b, m, known, fresh, n);
    qsort(items, b->len, sizeof *items, heaviest_first);
    out->items = items;
    out->len = b->len < PROFILE_MAX ? b->len : PROFILE_MAX;
    for (size_t i = 0; m && i < out->len; i++)
        if (items[i].row == UINT32_MAX)
            items[i].row = recommend_model_row(m, items[i].product_no);
    return ERR_OK;
}

/* Newest first, of one moment the heavier. */
static bool is_newer(const struct profile_item *a, const struct profile_item *b)
{
    return a->time_s != b->time_s ? a->time_s > b->time_s : a->weight > b->weight;
}

size_t profile_newest(const struct profile *profile, const struct profile_item **out, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < profile->len; i++) {
        const struct profile_item *item = &profile->items[i];
        size_t at = n;
        if (item->row == UINT32_MAX || (n == max && !is_newer(item, out[n - 1])))
            continue;
        n += n < max;
        for (at = n - 1; at > 0 && is_newer(item, out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = item;
    }
    return n;
}
