/* engine_model.c - the published model of the family "recommend", into the next view. */
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "engine/engine_int.h"
#include "store/models.h"

/* Shopper state older than the model by this much is dropped when it is swapped in: what the model
 * saw is in its histories. The margin keeps acts that arrived late. */
#define TRIM_MARGIN_US (2 * CLOCK_US_PER_DAY)

static enum err_code open_version(struct engine *e, struct str version, struct served_model **out,
                                  struct err *err)
{
    char path[FS_PATH_MAX];
    struct served_model *m = MEM_NEW(struct served_model);
    m->refs = 1;
    snprintf(m->version, sizeof m->version, "%.*s", STR_ARG(version));
    snprintf(path, sizeof path, "%s/models/recommend/%s/recommend.model", store_dir(e->store),
             m->version);
    enum err_code code = recommend_model_open(path, false, &m->recommend, err);
    if (code != ERR_OK) {
        mem_free(m);
        return code;
    }
    *out = m;
    return ERR_OK;
}

static enum err_code published_version(struct db *db, struct arena *arena, struct str *version,
                                       struct err *err)
{
    struct model_version live;
    enum err_code code = model_live(db, STR_LIT("recommend"), arena, &live, err);
    *version = code == ERR_OK ? live.version : (struct str){NULL, 0};
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code load_model(struct engine *e, struct db *db, struct err *err)
{
    struct arena arena;
    struct str version;
    struct served_model *model = NULL;
    arena_init(&arena, 0, 16 << 20);
    enum err_code code = published_version(db, &arena, &version, err);
    if (code != ERR_OK)
        goto out;
    struct view *now = engine_view(e);
    bool same = str_is(version, now->model ? now->model->version : "");
    view_unref(now);
    if (same)
        goto out;
    if (version.n) {
        code = open_version(e, version, &model, err);
        if (code != ERR_OK)
            goto out;
    }
    pthread_mutex_lock(&e->build_lock);
    struct view *next = next_view(e);
    served_model_unref(next->model);
    next->model = model;
    e->model_position = model ? model->recommend.position : 0;
    publish_view(e, next);
    pthread_mutex_unlock(&e->build_lock);
    if (model)
        users_trim(e->users, model->recommend.trained_at - TRIM_MARGIN_US);
    e->shelves_stale = true;
out:
    arena_release(&arena);
    return code;
}
