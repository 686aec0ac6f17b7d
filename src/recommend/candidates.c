#include "recommend/candidates.h"

_Static_assert(1 << CANDIDATES_SLOT_BITS > CANDIDATES_MAX, "some slot is always empty");

/* Index 0 is for products without room. All are zeroed at once: a branch for what is new
 * costs more. */
#define ARRAY(field)                                                                               \
    (((field) = arena_try_alloc(arena, (CANDIDATES_MAX + 1) * sizeof *(field))) &&                 \
     memset((field), 0, (CANDIDATES_MAX + 1) * sizeof *(field)))

enum err_code candidates_init(struct candidates *c, struct arena *arena, struct err *err)
{
    *c = (struct candidates){0};
    c->slots = arena_try_alloc(arena, sizeof *c->slots << CANDIDATES_SLOT_BITS);
    c->voices = arena_try_alloc(arena, CANDIDATES_VOICES_MAX * sizeof *c->voices);
    if (!c->slots || !c->voices || !ARRAY(c->items) || !ARRAY(c->total) ||
        !ARRAY(c->reason_share) || !ARRAY(c->reason_voice))
        return err_set(err, ERR_LIMIT, "the candidates do not fit");
    memset(c->slots, 0, sizeof *c->slots << CANDIDATES_SLOT_BITS);
    return ERR_OK;
}

void candidates_bar(struct candidates *c, uint32_t product_no)
{
    uint32_t index = candidates_index(c, product_no);
    if (index)
        c->items[index].loudest = CANDIDATE_BARRED;
}

uint32_t candidates_voice(struct candidates *c, enum reason_code reason, uint32_t because)
{
    uint32_t voice = c->voices_len < CANDIDATES_VOICES_MAX ? c->voices_len++ : c->voices_len - 1;
    c->voices[voice] = (struct candidate_voice){reason, because};
    return voice;
}

void candidates_add_many(struct candidates *c, const uint32_t *numbers, const uint32_t *ids,
                         const float *parts, float weight, size_t n, uint32_t voice)
{
    struct candidates t =
        *c; /* what is written cannot be the table itself: it stays in registers */
    for (size_t i = 0; i < n; i++)
        candidates_add(&t, numbers[ids ? ids[i] : i], weight * parts[i], voice);
    c->len = t.len;
}

/* What the open source says of it. */
static float part_of(const struct candidate *item)
{
    return item->loudest == CANDIDATE_BARRED ? 0 : item->part;
}

void candidates_close(struct candidates *c, float weight)
{
    const struct candidates t = *c;
    float most = 0;
    for (uint32_t i = 1; i <= t.len; i++) {
        float part = part_of(&t.items[i]);
        most = part > most ? part : most;
    }
    float scale = most > 0 ? weight / most : 0;
    for (uint32_t i = 1; i <= t.len; i++) {
        struct candidate *item = &t.items[i];
        float share = scale * part_of(item);
        uint16_t voice = (uint16_t)(UINT32_MAX - (uint32_t)item->loudest);
        bool greatest = share > t.reason_share[i];
        t.total[i] += share;
        t.reason_share[i] = greatest ? share : t.reason_share[i];
        t.reason_voice[i] = greatest ? voice : t.reason_voice[i];
        item->part = 0;
        item->loudest = item->loudest == CANDIDATE_BARRED ? CANDIDATE_BARRED : 0;
    }
}
