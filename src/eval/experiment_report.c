#include "eval/experiment_report.h"

#include <math.h>
#include <stdio.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/mem.h"
#include "eval/record_walk.h"

enum { USUAL_HELD = 4000000, PARTS_MAX = 1 << 12, FIRST_ROOM = 1024 };

/* --- reading --------------------------------------------------------------------------------- */

struct participant {
    int64_t first_at;
    double revenue_minor; /* whole numbers, exact up to 2^53 */
    uint32_t impressions, clicks;
    uint8_t variant;
    bool mixed, bought;
};

struct reading {
    const struct experiment_entry *entry;
    const struct experiment_report_options *o;
    struct experiment_report *out;
    int64_t horizon_us;
    size_t held_max;
    struct map_u64 index;       /* user_no to participant */
    struct map_u64 acts;        /* hashes of a list, a product and what was done */
    struct participant *people; /* [len], owned */
    size_t len, cap;
    size_t parts, part; /* shoppers are counted in so many walks; which one this is */
    bool overflow;
};

/* The variant of this experiment that a list was made by; variants_len: another list. bytes are the facts'. */
static size_t variant_of(const struct reading *r, const struct event *e,
                         uint8_t bytes[LIST_ID_BYTES], struct list_facts *facts)
{
    size_t none = r->entry->e.variants_len;
    if (e->request_id.n == 0 || !list_id_read(r->o->key, e->request_id, bytes, facts))
        return none;
    for (size_t i = 0; i < facts->variants_len; i++)
        if (facts->variants[i].experiment == r->entry->record.no &&
            facts->variants[i].variant < none)
            return facts->variants[i].variant;
    return none;
}

/* Once for each list. */
static void count_list(struct reading *r, const struct event *e, size_t variant,
                       const struct list_facts *facts)
{
    struct str named = r->entry->e.variants[variant].model;
    struct {
        uint64_t list, what;
    } key = {XXH3_64bits(e->request_id.p, e->request_id.n), 0};
    bool added;
    if (named.n == 0)
        return;
    map_u64_at(&r->acts, XXH3_64bits(&key, sizeof key), &added);
    if (!added)
        return;
    if (named.n > LIST_MODEL_MAX) /* as ids say it */
        named.n = LIST_MODEL_MAX;
    r->out->arms[variant].lists++;
    r->out->arms[variant].other_lists += !str_eq(named, facts->model);
}

static enum err_code participant_at(struct reading *r, const struct event *e, size_t variant,
                                    struct participant **out, struct err *err)
{
    bool added;
    uint64_t *at = map_u64_at(&r->index, e->user_no, &added);
    if (!added) {
        *out = &r->people[*at];
        return ERR_OK;
    }
    if (r->len == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : FIRST_ROOM;
        struct participant *grown = mem_try_resize(r->people, cap, sizeof *grown);
        if (!grown)
            return err_set(err, ERR_MEMORY, "no memory for %zu shoppers", cap);
        r->people = grown;
        r->cap = cap;
    }
    *at = r->len;
    *out = &r->people[r->len++];
    **out = (struct participant){.first_at = e->time, .variant = (uint8_t)variant};
    return ERR_OK;
}

static void count(struct reading *r, const struct event *e, struct participant *p)
{
    bool opened = e->type == EVENT_CLICK || e->type == EVENT_VIEW, added;
    struct {
        uint64_t list;
        uint32_t product_no, opened;
    } key = {XXH3_64bits(e->request_id.p, e->request_id.n), e->product_no, opened};
    if ((!opened && e->type != EVENT_IMPRESSION) || e->time - p->first_at >= r->horizon_us)
        return;
    map_u64_at(&r->acts, XXH3_64bits(&key, sizeof key), &added);
    if (added && opened)
        p->clicks++;
    else if (added)
        p->impressions++;
}

static enum err_code take_event(void *arg, const struct event *e, bool *enough, struct err *err)
{
    struct reading *r = arg;
    struct participant *p = NULL;
    uint8_t bytes[LIST_ID_BYTES];
    struct list_facts facts;
    *enough = false;
    if (e->user_no == 0 || e->user_no % r->parts != r->part)
        return ERR_OK;
    size_t variant = variant_of(r, e, bytes, &facts);
    bool is_late = e->time >= r->out->to && !map_u64_find(&r->index, e->user_no);
    if (variant == r->entry->e.variants_len || is_late)
        return ERR_OK;
    enum err_code code = participant_at(r, e, variant, &p, err);
    if (code != ERR_OK)
        return code;
    p->mixed |= p->variant != variant;
    count(r, e, p);
    count_list(r, e, variant, &facts);
    *enough = r->overflow = r->acts.len + r->len > r->held_max && r->parts < PARTS_MAX;
    return ERR_OK;
}

static void take_purchase(struct reading *r, const struct walk_purchase *p)
{
    const uint64_t *at = p->user_no ? map_u64_find(&r->index, p->user_no) : NULL;
    struct participant *who = at ? &r->people[*at] : NULL;
    if (!who || p->time < who->first_at || p->time - who->first_at >= r->horizon_us)
        return;
    who->bought = true;
    if (p->currency == r->out->currency)
        who->revenue_minor += (double)p->minor;
}

static void sum_up(struct reading *r)
{
    for (size_t i = 0; i < r->len; i++) {
        const struct participant *p = &r->people[i];
        struct experiment_arm *arm = &r->out->arms[p->variant];
        r->out->mixed += p->mixed;
        if (p->mixed)
            continue;
        arm->shoppers++;
        if (p->first_at + r->horizon_us > r->o->now_us)
            continue;
        arm->final++;
        sequential_add(&arm->metric[METRIC_CTR], p->clicks, p->impressions);
        sequential_add(&arm->metric[METRIC_CONVERSION], p->bought, 1);
        sequential_add(&arm->metric[METRIC_REVENUE], p->revenue_minor, 1);
    }
}

static void forget(struct reading *r)
{
    map_u64_release(&r->index);
    map_u64_release(&r->acts);
    r->index = r->acts = (struct map_u64){0};
    r->len = 0;
}

static enum err_code walk(struct reading *r, const struct walk_reading *past,
                          const struct walk_purchases *purchases, struct err *err)
{
    enum err_code code = ERR_OK;
    r->parts = 1;
    for (r->part = 0; r->part < r->parts && code == ERR_OK; r->part++) {
        r->overflow = false;
        code = walk_events(past, take_event, r, err);
        if (code == ERR_OK && r->overflow) { /* from the beginning, a smaller part at a time */
            memset(r->out->arms, 0, sizeof r->out->arms);
            r->out->mixed = 0;
            r->parts *= 4;
            r->part = (size_t)-1;
        } else if (code == ERR_OK) {
            for (size_t i = 0; i < purchases->len; i++)
                take_purchase(r, &purchases->items[i]);
            sum_up(r);
        }
        forget(r);
    }
    return code;
}

static enum err_code compare_counts(const struct experiment_entry *entry,
                                    struct experiment_report *out, struct err *err)
{
    double counts[EXPERIMENT_VARIANTS_MAX], shares[EXPERIMENT_VARIANTS_MAX];
    for (size_t i = 0; i < entry->e.variants_len; i++) {
        counts[i] = (double)out->arms[i].shoppers;
        shares[i] = entry->e.variants[i].weight;
    }
    return sequential_counts_p(counts, shares, entry->e.variants_len, &out->ratio_p, err);
}

enum err_code experiment_report_read(struct store *store, const struct experiment_entry *entry,
                                     const struct experiment_report_options *o,
                                     struct experiment_report *out, struct err *err)
{
    struct reading r = {.entry = entry,
                        .o = o,
                        .out = out,
                        .horizon_us = entry->e.horizon_days * CLOCK_US_PER_DAY,
                        .held_max = o->held_max ? o->held_max : USUAL_HELD};
    struct walk_purchases purchases = {0};
    if (entry->record.started_at == 0)
        return err_set(err, ERR_CONFLICT, "experiment '%.*s' has not begun",
                       STR_ARG(entry->record.id));
    *out = (struct experiment_report){
        .from = entry->record.started_at,
        .to = entry->record.stopped_at ? entry->record.stopped_at : o->now_us,
        .currency = entry->e.currency ? entry->e.currency : o->currency};
    if (out->to < out->from) /* the clock went backwards */
        out->to = out->from;
    struct walk_reading past = {.store = store,
                                .from = out->from,
                                .until = out->to + r.horizon_us,
                                .stopping = o->stopping,
                                .arg = o->arg};
    enum err_code code = walk_purchases_read(&past, &purchases, err);
    if (code == ERR_OK)
        code = walk(&r, &past, &purchases, err);
    if (code == ERR_OK)
        code = compare_counts(entry, out, err);
    walk_purchases_release(&purchases);
    forget(&r);
    mem_free(r.people);
    return code;
}

/* --- comparing ------------------------------------------------------------------------------- */

static enum sequential_kind kind_of(enum experiment_metric metric)
{
    static const enum sequential_kind kinds[EXPERIMENT_METRICS] = {
        [METRIC_CTR] = SEQUENTIAL_RATIO,
        [METRIC_CONVERSION] = SEQUENTIAL_PROPORTION,
        [METRIC_REVENUE] = SEQUENTIAL_MEAN};
    return kinds[metric];
}

static struct sequential_plan plan_of(const struct experiment *e)
{
    double comparisons = e->variants_len > 1 ? (double)(e->variants_len - 1) : 1;
    return (struct sequential_plan){e->alpha / comparisons, fmax(e->expected_shoppers, 1)};
}

struct sequential_result experiment_value(const struct experiment_entry *entry,
                                          const struct experiment_report *r,
                                          enum experiment_metric metric, size_t variant)
{
    struct sequential_plan plan = plan_of(&entry->e);
    return sequential_value(&plan, kind_of(metric), &r->arms[variant].metric[metric]);
}

struct sequential_result experiment_difference(const struct experiment_entry *entry,
                                               const struct experiment_report *r,
                                               enum experiment_metric metric, size_t variant)
{
    struct sequential_plan plan = plan_of(&entry->e);
    return sequential_difference(&plan, kind_of(metric), &r->arms[0].metric[metric],
                                 &r->arms[variant].metric[metric]);
}

/* Does a variant certainly lose more than it may? */
static bool is_broken(const struct experiment_entry *entry, const struct experiment_report *r,
                      const struct experiment_guardrail *g, size_t variant)
{
    struct sequential_result control = experiment_value(entry, r, g->metric, 0);
    struct sequential_result apart = experiment_difference(entry, r, g->metric, variant);
    return apart.high < -g->max_loss * control.estimate;
}

static bool find_broken(const struct experiment_entry *entry, const struct experiment_report *r,
                        size_t *guardrail, size_t *variant)
{
    for (*guardrail = 0; *guardrail < entry->e.guardrails_len; ++*guardrail)
        for (*variant = 1; *variant < entry->e.variants_len; ++*variant)
            if (is_broken(entry, r, &entry->e.guardrails[*guardrail], *variant))
                return true;
    return false;
}

void experiment_verdict(const struct experiment_entry *entry, const struct experiment_report *r,
                        int64_t now_us, char out[EXPERIMENT_REASON_MAX])
{
    const struct experiment *e = &entry->e;
    size_t guardrail, variant;
    out[0] = '\0';
    if (r->ratio_p < EXPERIMENT_RATIO_P)
        snprintf(out, EXPERIMENT_REASON_MAX,
                 "sample ratio: shoppers are not divided as planned (p = %.2g)", r->ratio_p);
    else if (find_broken(entry, r, &guardrail, &variant))
        snprintf(out, EXPERIMENT_REASON_MAX,
                 "guard-rail: %s of '%.*s' is more than %g %% below that of '%.*s'",
                 experiment_metric_name(e->guardrails[guardrail].metric),
                 STR_ARG(e->variants[variant].name), 100 * e->guardrails[guardrail].max_loss,
                 STR_ARG(e->variants[0].name));
    else if (e->max_days && now_us - entry->record.started_at > e->max_days * CLOCK_US_PER_DAY)
        snprintf(out, EXPERIMENT_REASON_MAX, "max_days: %lld have passed", (long long)e->max_days);
}

/* --- telling --------------------------------------------------------------------------------- */

/* Ends that are not finite yet are null. */
static void write_members(const struct sequential_result *s, struct json_writer *w)
{
    JW_DECIMAL(w, "value", s->estimate, 6);
    JW_DECIMAL(w, "low", s->low, 6);
    JW_DECIMAL(w, "high", s->high, 6);
}

static void write_variant(const struct experiment_entry *entry, const struct experiment_report *r,
                          size_t variant, struct json_writer *w)
{
    const struct experiment_arm *arm = &r->arms[variant];
    jw_obj(w);
    JW_STR(w, "name", entry->e.variants[variant].name);
    JW_U64(w, "shoppers", arm->shoppers);
    JW_U64(w, "final", arm->final);
    if (entry->e.variants[variant].model.n) {
        JW_STR(w, "model", entry->e.variants[variant].model);
        JW_U64(w, "lists", arm->lists);
        JW_U64(w, "lists_of_other_models", arm->other_lists);
    }
    JW_OBJ(w, "metrics");
    for (int m = 0; m < EXPERIMENT_METRICS; m++) {
        enum experiment_metric metric = (enum experiment_metric)m;
        struct sequential_result s = experiment_value(entry, r, metric, variant);
        jw_key(w, str_of(experiment_metric_name(metric)));
        jw_obj(w);
        write_members(&s, w);
        if (variant > 0) {
            s = experiment_difference(entry, r, metric, variant);
            JW_OBJ(w, "difference");
            write_members(&s, w);
            JW_DECIMAL(w, "p", s.p, 6);
            jw_obj_end(w);
        }
        jw_obj_end(w);
    }
    jw_obj_end(w);
    jw_obj_end(w);
}

void experiment_report_write(const struct experiment_entry *entry,
                             const struct experiment_report *r, int64_t now_us,
                             struct json_writer *w)
{
    char currency[4], verdict[EXPERIMENT_REASON_MAX];
    experiment_verdict(entry, r, now_us, verdict);
    jw_obj(w);
    JW_STR(w, "id", entry->record.id);
    JW_I64(w, "number", entry->record.no);
    JW_Z(w, "state", experiment_state_name(entry->record.state));
    JW_TIME(w, "from", r->from);
    JW_TIME(w, "to", r->to);
    JW_I64(w, "horizon_days", entry->e.horizon_days);
    JW_Z(w, "metric", experiment_metric_name(entry->e.metric));
    JW_Z(w, "currency", r->currency ? currency_name(r->currency, currency) : NULL);
    JW_U64(w, "mixed", r->mixed);
    JW_OBJ(w, "sample_ratio");
    JW_DECIMAL(w, "p", r->ratio_p, 9);
    JW_BOOL(w, "ok", r->ratio_p >= EXPERIMENT_RATIO_P);
    jw_obj_end(w);
    JW_Z(w, "stop", verdict[0] ? verdict : NULL);
    JW_ARR(w, "variants");
    for (size_t i = 0; i < entry->e.variants_len; i++)
        write_variant(entry, r, i, w);
    jw_arr_end(w);
    jw_obj_end(w);
}
