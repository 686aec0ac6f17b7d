#include "recommend/candidates.h"

#include <string.h>

#include "base/check.h"
#include "num/vec.h"

enum { SLOTS = 1 << CANDIDATES_SLOT_BITS };

_Static_assert(1 << CANDIDATES_SLOT_BITS > CANDIDATES_MAX, "some slot is always empty");

enum err_code candidates_init(struct candidates *c, struct arena *arena, struct err *err)
{
    *c = (struct candidates){.arena = arena};
    c->slots = arena_try_alloc(arena, SLOTS * sizeof *c->slots);
    c->product_no = arena_try_alloc(arena, (CANDIDATES_MAX + 1) * sizeof *c->product_no);
    c->lists = arena_try_alloc(arena, CANDIDATES_LISTS_MAX * sizeof *c->lists);
    if (!c->slots || !c->product_no || !c->lists)
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    memset(c->slots, 0, SLOTS * sizeof *c->slots);
    return ERR_OK;
}

static uint32_t slot_of(uint32_t product_no)
{
    return product_no * 0x9e3779b1u >> (32 - CANDIDATES_SLOT_BITS);
}

/* The index (1..) of a product, made if there is room; 0, where everything may be written and nothing is
 * read, if not. */
static uint32_t index_made(struct candidates *c, uint32_t product_no)
{
    uint32_t at = slot_of(product_no), index = c->slots[at];
    /* So that an empty slot holds it too, and the branch that is left, for somebody else's slot, is
     * rarely taken. */
    c->product_no[0] = product_no;
    while (__builtin_expect(c->product_no[index] != product_no, 0)) {
        at = (at + 1) % SLOTS;
        index = c->slots[at];
    }
    bool made = (index == 0) & (c->len < CANDIDATES_MAX);
    c->len += made;
    index = made ? c->len : index;
    c->slots[at] = (uint16_t)index;
    c->product_no[index] = product_no;
    return index;
}

uint32_t candidates_find(const struct candidates *c, uint32_t product_no)
{
    uint32_t at = slot_of(product_no), index = c->slots[at];
    while (index && c->product_no[index] != product_no) {
        at = (at + 1) % SLOTS;
        index = c->slots[at];
    }
    return index;
}

void candidates_bar(struct candidates *c, uint32_t product_no)
{
    CHECK(c->lists_len == 0);
    index_made(c, product_no);
    c->barred = c->len;
}

bool candidates_barred(const struct candidates *c, uint32_t product_no)
{
    uint32_t index = candidates_find(c, product_no);
    return index && index <= c->barred;
}

/* --- what is said ---------------------------------------------------------------------------- */

static bool open_source(struct candidates *c)
{
    CHECK(c->sources_len < CANDIDATES_SOURCES_MAX);
    struct candidate_source *s = &c->sources[c->sources_len];
    if (s->part)
        return true;
    *s = (struct candidate_source){.first = c->lists_len};
    s->part = arena_try_alloc(c->arena, (CANDIDATES_MAX + 1) * sizeof *s->part);
    if (s->part)
        memset(s->part, 0, (c->len + 1) * sizeof *s->part);
    return s->part != NULL;
}

static float part_at(const struct candidate_list *l, size_t i)
{
    return l->parts ? l->weight * l->parts[i] : l->weight;
}

enum err_code candidates_add(struct candidates *c, const struct candidate_list *list,
                             struct err *err)
{
    if (list->n == 0 || c->lists_len == CANDIDATES_LISTS_MAX)
        return ERR_OK;
    if (!open_source(c))
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    c->lists[c->lists_len++] = *list;
    struct candidate_source *s = &c->sources[c->sources_len];
    size_t room = CANDIDATES_MAX - c->len;
    memset(s->part + c->len + 1, 0, (list->n < room ? list->n : room) * sizeof *s->part);
    /* What is written cannot be the table itself: it stays in registers. */
    struct candidates t = *c;
    float *part = s->part, most = s->most;
    for (size_t i = 0; i < list->n; i++) {
        uint32_t index = index_made(&t, list->numbers[list->ids ? list->ids[i] : i]);
        float more = part_at(list, i);
        more = (more > 0) & (index > t.barred) ? more : 0;
        float sum = part[index] + more;
        part[index] = sum;
        most = sum > most ? sum : most;
    }
    c->len = t.len;
    s->most = most;
    return ERR_OK;
}

void candidates_close(struct candidates *c, uint32_t kind, float weight)
{
    if (c->sources_len == CANDIDATES_SOURCES_MAX || !c->sources[c->sources_len].part)
        return; /* it said nothing */
    struct candidate_source *s = &c->sources[c->sources_len++];
    s->kind = kind;
    s->len = c->len;
    s->last = c->lists_len;
    s->scale = s->most > 0 ? weight / s->most : 0;
}

void candidates_shares(const struct candidates *c, uint32_t source, const uint32_t *index, size_t n,
                       float *out)
{
    const struct candidate_source *s = &c->sources[source];
    for (size_t i = 0; i < n; i++)
        out[i] = index[i] && index[i] <= s->len && s->most > 0 ? s->part[index[i]] / s->most : 0;
}

/* --- what comes of it ------------------------------------------------------------------------ */

void candidates_totals(const struct candidates *c, float *totals)
{
    memset(totals, 0, (c->len + 1) * sizeof *totals);
    for (uint32_t i = 0; i < c->sources_len; i++)
        vec->axpy(c->sources[i].scale, c->sources[i].part, totals, c->sources[i].len + 1);
    totals[0] = 0;
}

float candidates_said(const struct candidate_list *l, uint32_t product_no, uint32_t id)
{
    size_t i =
        l->ids ? vec->find_u32(l->ids, l->n, id) : vec->find_u32(l->numbers, l->n, product_no);
    return i < l->n ? part_at(l, i) : 0;
}

struct candidate_reason candidates_reason(const struct candidates *c, uint32_t product_no,
                                          uint32_t id)
{
    const struct candidate_source *source = NULL;
    uint32_t index = candidates_find(c, product_no);
    float most = 0;
    struct candidate_reason reason = {REASON_TASTE, 0};
    for (uint32_t i = 0; i < c->sources_len; i++) {
        const struct candidate_source *s = &c->sources[i];
        float share = index <= s->len ? s->scale * s->part[index] : 0;
        if (share > most) {
            most = share;
            source = s;
        }
    }
    most = 0;
    for (uint32_t i = source ? source->first : 0; source && i < source->last; i++) {
        if (part_at(&c->lists[i], 0) <= most)
            continue; /* its first is its most */
        float part = candidates_said(&c->lists[i], product_no, id);
        if (part > most) {
            most = part;
            reason = (struct candidate_reason){c->lists[i].reason, c->lists[i].because};
        }
    }
    return reason;
}
