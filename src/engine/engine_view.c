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

struct view *next_view(struct engine *e)
{
    struct view *next = MEM_NEW(struct view);
    struct view *now = e->view; /* only the publisher changes it, and that is the caller */
    if (now) {
        /* All but the references, which readers count while this runs. */
        const size_t refs = offsetof(struct view, catalogue);
        memcpy((char *)next + refs, (const char *)now + refs, sizeof *next - refs);
        next->catalogue = catalogue_ref(now->catalogue);
        if (now->model)
            atomic_fetch_add(&now->model->refs, 1);
    } else {
        next->catalogue = catalogue_new();
    }
    next->refs = 1;
    next->rules = NULL; /* compiled when it is published */
    next->shop = atomic_load(&e->profile);
    next->live = live_ref(e->live);
    next->users = e->users;
    return next;
}

void publish_view(struct engine *e, struct view *next)
{
    compile_rules(e, next);
    next->generation = atomic_fetch_add(&e->views, 1) + 1;
    pthread_mutex_lock(&e->view_lock);
    struct view *before = e->view;
    e->view = next;
    pthread_mutex_unlock(&e->view_lock);
    view_unref(before);
}
