/* lists.c - lists that were served: their ids, and what they led to as metrics.
 *
 * Labels are what list ids of this shop say, so there are as many as the shop has made; past COUNTERS_MAX the rest is
 * counted as model and variant "other", so that a server that runs for years does not grow. */
#include <sodium.h>
#include <stdio.h>

#include "api/api_int.h"
#include "base/metrics.h"

enum { COUNTERS_MAX = 2000, LABELS_BYTES = 128, VARIANT_BYTES = 24 };

struct rng *thread_rng(void)
{
    static _Thread_local struct rng rng;
    static _Thread_local bool seeded;
    if (!seeded) {
        uint64_t seed;
        randombytes_buf(&seed, sizeof seed);
        rng_init(&rng, seed);
        seeded = true;
    }
    return &rng;
}

struct str list_id(struct call *call, const struct list_facts *facts)
{
    const struct list_key *key = call->api->o.list_key;
    char *out = key ? arena_try_alloc(call->arena, LIST_ID_SIZE) : NULL;
    if (!out)
        return call->req->request_id;
    return (struct str){out, list_id_make(key, facts, thread_rng(), out)};
}

static struct counter *register_counter(const char *placement, const char *model,
                                        const char *variant, const char *event)
{
    return METRIC_COUNTER("aisle_list_events_total", "Events that name the list that led to them",
                          {"placement", placement}, {"model", model}, {"variant", variant},
                          {"event", event});
}

static void count_one(struct api *api, const struct list_facts *f, const char *variant,
                      enum event_type type)
{
    char labels[LABELS_BYTES], placement[LIST_PLACEMENT_MAX + 1], model[LIST_MODEL_MAX + 1];
    int n = snprintf(labels, sizeof labels, "%.*s %.*s %s %d", STR_ARG(f->placement),
                     STR_ARG(f->model), variant, (int)type);
    snprintf(placement, sizeof placement, "%.*s", STR_ARG(f->placement));
    snprintf(model, sizeof model, "%.*s", STR_ARG(f->model));
    pthread_mutex_lock(&api->counters_lock);
    struct str key = {labels, (size_t)n};
    uint64_t *known = map_str_find(&api->counters, key);
    bool room = api->counters.len < COUNTERS_MAX;
    struct counter *counter = known ? (struct counter *)(uintptr_t)*known : NULL;
    if (!counter)
        counter = register_counter(placement, room ? model : "other", room ? variant : "other",
                                   event_type_name(type));
    if (!known && room)
        *map_str_at(&api->counters, key, NULL) = (uintptr_t)counter;
    pthread_mutex_unlock(&api->counters_lock);
    counter_add(counter, 1);
}

static void count_event(struct api *api, const struct event *e)
{
    uint8_t bytes[LIST_ID_BYTES];
    struct list_facts facts;
    char variant[VARIANT_BYTES];
    if (!list_id_read(api->o.list_key, e->request_id, bytes, &facts))
        return;
    for (size_t i = 0; i < facts.variants_len; i++) {
        snprintf(variant, sizeof variant, "%u:%u", facts.variants[i].experiment,
                 facts.variants[i].variant);
        count_one(api, &facts, variant, e->type);
    }
    if (facts.variants_len == 0)
        count_one(api, &facts, "", e->type);
}

void count_list_events(struct api *api, const struct event *events,
                       const enum event_outcome *outcomes, size_t n)
{
    for (size_t i = 0; api->o.list_key && i < n; i++)
        if (outcomes[i] == EVENT_ADDED && events[i].request_id.n)
            count_event(api, &events[i]);
}
