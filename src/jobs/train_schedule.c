#include "jobs/train_schedule.h"

#include "base/clock.h"
#include "base/log.h"
#include "jobs/train_args.h"
#include "store/jobs.h"
#include "store/models.h"
#include "train/manifest.h"

enum { MANIFEST_ARENA_MAX = 1 << 20 };

static const int64_t look_every_us = CLOCK_US_PER_DAY / 24;

static int64_t in(int64_t us)
{
    return us > 0 ? clock_mono_ns() + us * 1000 : INT64_MAX;
}

/* The register is looked at so often: a day may be over soon after a server has started. */
static int64_t look_in(const struct train_schedule *s)
{
    return in(s->full_every_us < look_every_us ? s->full_every_us : look_every_us);
}

void train_schedule_begin(struct train_schedule *s)
{
    s->refit_at_ns = in(s->refit_every_us);
    s->full_at_ns = look_in(s);
}

/* When the newest version was made that is no refit, UTC us; 0: there is none. serves: whether any is live. */
static enum err_code last_full(struct db *db, int64_t *made_at, bool *serves, struct err *err)
{
    struct db_rows rows = {0};
    struct model_version m;
    bool more;
    *made_at = 0;
    *serves = false;
    enum err_code code = models_list(db, STR_LIT("recommend"), &rows, err);
    while (code == ERR_OK && (code = models_next(&rows, &m, &more, err)) == ERR_OK && more) {
        struct manifest manifest;
        struct arena arena;
        struct err why;
        *serves |= m.live;
        arena_init(&arena, 0, MANIFEST_ARENA_MAX);
        if (m.created_at > *made_at &&
            manifest_parse(m.manifest, &arena, &manifest, &why) == ERR_OK && !manifest.is_refit)
            *made_at = m.created_at;
        arena_release(&arena);
    }
    db_rows_close(&rows);
    return code;
}

struct adding {
    bool refit;
};

static enum err_code add_training(struct store_tx *tx, void *arg, struct err *err)
{
    const struct adding *a = arg;
    struct train_args args = {.refit = a->refit};
    struct buf text;
    int64_t no;
    buf_init(&text, TRAIN_ARGS_MAX);
    train_args_write(&args, &text);
    enum err_code code = job_add(tx, STR_LIT("train"), buf_str(&text), &no, err);
    buf_release(&text);
    return code;
}

/* Queue the full training if its time has come, else the refit. *queued: which of the two it was. */
static enum err_code queue_due(const struct train_schedule *s, struct store *store, bool refit,
                               bool full, bool *queued_full, struct err *err)
{
    struct adding adding = {.refit = true};
    struct db *db;
    int64_t made_at;
    bool serves;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = last_full(db, &made_at, &serves, err);
    store_read_end(store, db);
    if (code != ERR_OK || !serves)
        return code;
    *queued_full = full && (made_at == 0 || clock_now_us() - made_at >= s->full_every_us);
    adding.refit = !*queued_full;
    return refit || *queued_full ? store_write(store, add_training, &adding, err) : ERR_OK;
}

void train_schedule_run(struct train_schedule *s, struct store *store)
{
    int64_t now_ns = clock_mono_ns();
    bool refit = now_ns >= s->refit_at_ns, full = now_ns >= s->full_at_ns, queued_full = false;
    struct err err;
    if (!refit && !full)
        return;
    if (queue_due(s, store, refit, full, &queued_full, &err) != ERR_OK)
        log_error("a training cannot be queued", LOG_ERR_TEXT(&err));
    if (refit || queued_full)
        s->refit_at_ns = in(s->refit_every_us);
    if (full)
        s->full_at_ns = queued_full ? in(s->full_every_us) : look_in(s);
}
