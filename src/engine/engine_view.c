/* engine_view.c - the present view, and how the next one takes its place. */
#include <stdatomic.h>

#include "base/mem.h"
#include "engine/engine_int.h"

struct view *engine_view(struct engine *e)
{
    pthread_mutex_lock(&e->view_lock);
    struct view *v = view_ref(e->view);
    pthread_mutex_unlock(&e->view_lock);
    return v;
}

struct served_model *served_model_ref(struct served_model *m)
{
    if (m)
        atomic_fetch_add(&m->refs, 1);
    return m;
}

struct view *copy_view(const struct view *from)
{
    struct view *v = MEM_NEW(struct view);
    const size_t refs = offsetof(struct view, catalogue); /* which readers count while this runs */
    memcpy((char *)v + refs, (const char *)from + refs, sizeof *v - refs);
    v->refs = 1;
    v->catalogue = catalogue_ref(from->catalogue);
    v->model = served_model_ref(from->model);
    v->newcomers = newcomers_ref(from->newcomers);
    v->live = live_ref(from->live);
    v->rules = NULL; /* these come when it is published */
    v->experiments = NULL;
    v->versions_len = 0;
    return v;
}

struct view *next_view(struct engine *e)
{
    struct view *now = e->view; /* only the publisher changes it, and that is the caller */
    struct view *next;
    if (now) {
        next = copy_view(now);
        live_unref(next->live);
        for (size_t i = 0; i < now->versions_len; i++)
            next->versions[next->versions_len++] = copy_view(now->versions[i]);
    } else {
        next = MEM_NEW(struct view);
        next->refs = 1;
        next->catalogue = catalogue_new();
    }
    next->shop = atomic_load(&e->profile);
    next->live = live_ref(e->live);
    next->users = e->users;
    return next;
}

/* What a view with another version has from the one that it belongs to: all but the model, the newcomers among its
 * factors, and the shelves. */
static void share(const struct view *next, struct view *version)
{
    catalogue_unref(version->catalogue);
    version->catalogue = catalogue_ref(next->catalogue);
    live_unref(version->live);
    version->live = live_ref(next->live);
    version->rules = next->rules;
    if (version->rules)
        atomic_fetch_add(&version->rules->refs, 1);
    version->position = next->position;
    version->generation = next->generation;
    version->shop = next->shop;
}

void publish_view(struct engine *e, struct view *next)
{
    compile_rules(e, next);
    next->experiments = e->experiments;
    if (next->experiments)
        atomic_fetch_add(&next->experiments->refs, 1);
    next->generation = atomic_fetch_add(&e->views, 1) + 1;
    for (size_t i = 0; i < next->versions_len; i++)
        share(next, next->versions[i]);
    pthread_mutex_lock(&e->view_lock);
    struct view *before = e->view;
    e->view = next;
    pthread_mutex_unlock(&e->view_lock);
    view_unref(before);
}
