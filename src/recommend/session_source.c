/* session_source.c - session kNN as a source of candidates. */
#include "base/clock.h"
#include "num/topk.h"
#include "recommend/sessions.h"
#include "recommend/sources.h"

/* What one request may cost; chosen on validation parts: docs/recommender-design.md. What the session has already is
 * not proposed again. */
static const struct session_options options = {.neighbours = 100,
                                               .budget = 600,
                                               .sample = 64,
                                               .recent = SESSION_STEPS_MAX,
                                               .decay = 0.5f,
                                               .match_power = 1,
                                               .half_life_days = 30,
                                               .idf_power = 1,
                                               .spread = 1,
                                               .back = 1};

/* The session under way, as rows of the model in order of time. A product that it does not know passes. Returns how
 * many. */
static size_t under_way(const struct recommend_model *m, const struct profile *profile,
                        const uint32_t *context, size_t n, int64_t now_us,
                        uint32_t rows[SESSION_STEPS_MAX])
{
    const struct profile_item *steps[SESSION_STEPS_MAX];
    uint32_t newest_first[SESSION_STEPS_MAX];
    size_t len = 0, known = profile_newest(profile, steps, SESSION_STEPS_MAX);
    int64_t before_s = now_us / CLOCK_US_PER_S;
    for (size_t i = n; i-- > 0 && len < SESSION_STEPS_MAX;) {
        uint32_t row = recommend_model_row(m, context[i]);
        if (row != UINT32_MAX)
            newest_first[len++] = row;
    }
    if (n == 0 && known)
        before_s = steps[0]->time_s;
    for (size_t i = 0; i < known && len < SESSION_STEPS_MAX; i++) {
        if (before_s - (int64_t)steps[i]->time_s > SESSION_PAUSE_S)
            break;
        newest_first[len++] = steps[i]->row;
        before_s = steps[i]->time_s;
    }
    for (size_t i = 0; i < len; i++)
        rows[i] = newest_first[len - 1 - i];
    return len;
}

/* What is due to one of the recent items, the greatest first. */
static enum err_code add_part(const struct recommend_model *m, const struct session_list *found,
                              uint32_t a, enum reason_code reason, struct arena *arena,
                              struct candidates *out, struct err *err)
{
    size_t n = 0;
    struct topk_item *order = arena_try_alloc(arena, found->len * sizeof *order);
    uint32_t *ids = arena_try_alloc(arena, found->len * sizeof *ids);
    float *parts = arena_try_alloc(arena, found->len * sizeof *parts);
    if (!order || !ids || !parts)
        return err_set(err, ERR_LIMIT, "what sessions propose does not fit");
    for (size_t i = 0; i < found->len; i++) {
        float part = found->part[i * found->recent_len + a];
        if (part > 0)
            order[n++] = (struct topk_item){part, found->item[i]};
    }
    topk_order(order, n, n);
    for (size_t i = 0; i < n; i++) {
        ids[i] = order[i].id;
        parts[i] = order[i].score;
    }
    return candidates_add(out,
                          &(struct candidate_list){.numbers = m->items,
                                                   .ids = ids,
                                                   .parts = parts,
                                                   .n = n,
                                                   .weight = 1,
                                                   .reason = reason,
                                                   .because = m->items[found->recent[a]]},
                          err);
}

enum err_code source_sessions(const struct view *view, const struct profile *profile,
                              const uint32_t *context, size_t n, bool unordered,
                              enum reason_code reason, int64_t now_us, uint32_t most,
                              struct arena *arena, struct candidates *out, struct err *err)
{
    const struct recommend_model *m = view_model(view);
    struct session_options o = options;
    struct session_list found;
    uint32_t rows[SESSION_STEPS_MAX];
    if (!m || m->sessions.sessions == 0)
        return ERR_OK;
    if (unordered)
        o.decay = 1;
    struct session_question q = {.items = rows, .now_us = now_us, .k = most, .parts = true};
    q.n = under_way(m, profile, context, n, now_us, rows);
    if (q.n == 0)
        return ERR_OK;
    enum err_code code = session_foretell(&m->sessions, &o, &q, arena, &found, err);
    for (uint32_t a = 0; a < found.recent_len && code == ERR_OK; a++)
        code = add_part(m, &found, a, reason, arena, out, err);
    return code;
}
