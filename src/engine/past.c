#include "engine/past.h"

#include "engine/engine_int.h"

/* Today's columns without today's heat. */
static enum err_code copy_columns(const struct live *from, struct live *to, struct err *err)
{
    enum err_code code = ERR_OK;
    for (uint32_t no = 1, end = live_end(from); no < end && code == ERR_OK; no++) {
        struct live_row row;
        live_get(from, no, &row);
        if (row.status != PRODUCT_DELETED)
            code = live_set(to, no, &row, err);
    }
    return code;
}

enum err_code past_open(const struct view *now, const struct recommend_model *m, int64_t at_us,
                        struct past *out, struct err *err)
{
    *out = (struct past){.model = {.refs = 1, .recommend = *m}, .at_us = at_us};
    struct view *v = &out->view;
    v->refs = 1;
    v->live = live_new();
    v->users = users_new();
    v->catalogue = catalogue_ref(now->catalogue);
    v->model = &out->model;
    v->position = now->position;
    v->generation = now->generation;
    v->shop = now->shop;
    return copy_columns(now->live, v->live, err);
}

void past_act(struct past *p, uint32_t product_no, enum event_type type, int64_t time_us)
{
    float weight = act_heat(type);
    if (weight > 0)
        live_heat_add(p->view.live, product_no, weight, time_us);
}

void past_shelve(struct past *p)
{
    shelve(&p->view, p->at_us, p->at_us);
}

void past_close(struct past *p)
{
    catalogue_unref(p->view.catalogue);
    live_unref(p->view.live);
    users_free(p->view.users);
    *p = (struct past){0};
}
