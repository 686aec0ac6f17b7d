#include "train/refit.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/fs.h"
#include "recommend/features.h"
#include "recommend/weights.h"
#include "train/manifest.h"

enum { WEIGHTS_TEXT_MAX = 64 << 10 };

void refit_weights_sum(const struct recommend_weights *weights, char out[SUM_SIZE])
{
    const struct recommend_weights *all = weights ? weights : &recommend_weights_default;
    struct buf text;
    struct json_writer w;
    buf_init(&text, WEIGHTS_TEXT_MAX);
    jw_init(&w, &text);
    jw_arr(&w);
    for (size_t p = 0; p < PLACEMENTS; p++) {
        jw_obj(&w);
        placement_weights_json(&all->of[p], &w);
        jw_obj_end(&w);
    }
    jw_arr_end(&w);
    snprintf(out, SUM_SIZE, "%016llx", (unsigned long long)XXH3_64bits(text.data, text.len));
    buf_release(&text);
}

static void say(struct refit_report *r, const char *why, const char *more)
{
    snprintf(r->why, sizeof r->why, "%s%s%s", why, *more ? ": " : "", more);
}

/* Append the file if it is the one of the manifest and serves this program. */
static enum err_code read_ranker(const char *path, const struct live_model *live, struct buf *out,
                                 struct refit_report *r, struct err *err)
{
    char sum[SUM_SIZE];
    struct ranker ranker;
    size_t from = out->len;
    enum err_code code = fs_read_file(path, RANKER_BYTES_MAX, out, err);
    if (code == ERR_MEMORY)
        return code;
    struct str text = {out->data + from, out->len - from};
    if (code == ERR_OK) {
        snprintf(sum, sizeof sum, "%016llx", (unsigned long long)XXH3_64bits(text.p, text.n));
        if ((int64_t)text.n != live->ranker_bytes || strcmp(sum, live->ranker_xxh3) != 0)
            code = err_set(err, ERR_CORRUPT, "%s is not the file of its manifest", path);
    }
    if (code == ERR_OK)
        code = ranker_read(text, &ranker, err);
    if (code == ERR_OK) {
        r->trees = ranker.trees.len;
        code = features_check(&ranker, err);
        ranker_release(&ranker);
    }
    r->ranker = code == ERR_OK;
    if (code == ERR_OK)
        return ERR_OK;
    out->len = from;
    r->trees = 0;
    say(r, "the live version's ranker cannot be taken over", err->msg);
    return ERR_OK;
}

enum err_code refit_carry(const struct store *store, const struct live_model *live,
                          const struct recommend_weights *weights, int64_t until,
                          struct buf *ranker, struct refit_report *r, struct err *err)
{
    char family[FS_PATH_MAX], dir[FS_PATH_MAX], path[FS_PATH_MAX], sum[SUM_SIZE];
    *r = (struct refit_report){.asked = true, .full_s = live->full_s};
    if (!live->version[0])
        say(r, "nothing serves yet", "");
    else if (until && until <= live->last_time)
        say(r, "the live model knows acts that it is not to know", "");
    if (r->why[0] || live->ranker_bytes == 0)
        return ERR_OK;
    refit_weights_sum(weights, sum);
    if (strcmp(sum, live->weights) != 0) {
        say(r,
            live->weights[0]
                ? "the live version's ranker was learned with other weights of the sources"
                : "the live version does not say with what weights its ranker was learned",
            "");
        return ERR_OK;
    }
    enum err_code code = fs_join(family, store_dir(store), "models/recommend", err);
    if (code == ERR_OK)
        code = fs_join(dir, family, live->version, err);
    if (code == ERR_OK)
        code = fs_join(path, dir, RANKER_FILE, err);
    return code == ERR_OK ? read_ranker(path, live, ranker, r, err) : code;
}

void refit_due(const struct interactions *it, const struct live_model *live, struct refit_report *r)
{
    char since[CLOCK_ISO_SIZE];
    r->shoppers = recommend_shoppers_across(it, live->last_time + 1);
    r->skipped = r->shoppers < GATE_USERS_MIN;
    if (r->skipped)
        snprintf(r->why, sizeof r->why,
                 "only %zu shoppers came back since %s, %d are needed to compare with the live "
                 "model",
                 r->shoppers, clock_format_iso(live->last_time, since), GATE_USERS_MIN);
}

void refit_json(const struct refit_report *r, const char *from, double seconds,
                struct json_writer *w)
{
    jw_obj(w);
    JW_BOOL(w, "full", r->why[0] && !r->skipped);
    JW_BOOL(w, "skipped", r->skipped);
    JW_Z(w, "why", r->why[0] ? r->why : NULL);
    JW_Z(w, "from", from && *from ? from : NULL);
    JW_U64(w, "shoppers_since", r->shoppers);
    JW_BOOL(w, "ranker", r->ranker);
    JW_U64(w, "trees", r->trees);
    JW_DECIMAL(w, "full_s", r->full_s, 3);
    if (r->full_s > 0 && !r->why[0])
        JW_DECIMAL(w, "share_of_full", seconds / r->full_s, 4);
    jw_obj_end(w);
}
