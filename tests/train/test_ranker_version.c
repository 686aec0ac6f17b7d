/* A ranker on its way from training to the view that serves: written, named by the manifest, refused where it
 * is damaged or of other features. */
#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/engine.h"
#include "recommend/features.h"
#include "train/bands_shop.h"
#include "train/recommend_train.h"

static struct train_result train(struct shop *s, bool no_ranker)
{
    struct train_options o = {.params = recommend_defaults(), .threads = 1, .no_ranker = no_ranker};
    struct train_result r;
    struct err err;
    o.params.dim = 16;
    o.params.iterations = 4;
    ck_ok(recommend_train(s->store, &o, &r, &err));
    return r;
}

static const char *file_of(struct shop *s, const char *version, const char *name)
{
    return arena_printf(&s->arena, "%s/models/recommend/%s/%s", s->dir, version, name).p;
}

static bool is_there(const char *path)
{
    struct fs_info info;
    struct err err;
    ck_ok(fs_stat(path, &info, &err));
    return info.exists;
}

/* Replace `from` by `to`, of the same length, in a file. The sums of its bytes before and after. */
static void edit(const char *path, const char *from, const char *to, char before[20],
                 char after[20])
{
    struct buf text;
    struct err err;
    buf_init(&text, RANKER_BYTES_MAX);
    ck_ok(fs_read_file(path, RANKER_BYTES_MAX, &text, &err));
    snprintf(before, 20, "%016llx", (unsigned long long)XXH3_64bits(text.data, text.len));
    char *at = strstr(text.data, from);
    ck_assert_msg(at && strlen(from) == strlen(to), "%s", from);
    memcpy(at, to, strlen(to));
    snprintf(after, 20, "%016llx", (unsigned long long)XXH3_64bits(text.data, text.len));
    ck_ok(fs_write_file_atomic(path, text.data, text.len, &err));
    buf_release(&text);
}

START_TEST(a_ranker_that_pays_serves_with_its_version)
{
    struct shop s;
    struct err err;
    struct engine *e;
    bool published;
    open_filled(&s);
    struct train_result r = train(&s, false);
    ck_assert_uint_gt(r.ranker.trees, 0);
    ck_assert(r.ranker.of[0].serves && r.ranker.of[0].ranked > r.ranker.of[0].blend);
    ck_assert(is_there(file_of(&s, r.version, RANKER_FILE)));
    ck_ok(recommend_publish(s.store, r.version, true, &published, &err));
    struct engine_options o = {.frozen = true};
    ck_ok(engine_open(s.store, &o, &e, &err));
    struct view *v = engine_view(e);
    ck_assert_ptr_nonnull(v->model->ranker);
    ck_ok(features_check(v->model->ranker, &err));
    ck_assert(ranker_serves(v->model->ranker, "home"));
    view_unref(v);
    engine_close(e);
    struct train_result plain = train(&s, true);
    ck_assert_uint_eq(plain.ranker.trees, 0);
    ck_assert(!is_there(file_of(&s, plain.version, RANKER_FILE)));
    ck_ok(recommend_publish(s.store, plain.version, true, &published, &err));
    ck_ok(engine_open(s.store, &o, &e, &err));
    v = engine_view(e);
    ck_assert_str_eq(v->model->version, plain.version);
    ck_assert_ptr_null(v->model->ranker);
    view_unref(v);
    engine_close(e);
    shop_release(&s);
}
END_TEST

START_TEST(a_ranker_that_is_damaged_or_of_other_features_is_not_published)
{
    struct shop s;
    struct err err;
    char before[20], after[20], manifest_before[20], manifest_after[20];
    open_filled(&s);
    struct train_result r = train(&s, false);
    const char *path = file_of(&s, r.version, RANKER_FILE);
    edit(path, "\"item.heat\"", "\"item.cold\"", before, after);
    ck_err(recommend_publish(s.store, r.version, true, NULL, &err), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.msg, "is not the file of its manifest"));
    edit(file_of(&s, r.version, "manifest.json"), before, after, manifest_before, manifest_after);
    ck_err(recommend_publish(s.store, r.version, true, NULL, &err), ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(err.msg, "\"item.cold\", this program's \"item.heat\""));
    edit(path, "\"item.cold\"", "\"item.heat\"", before, after);
    edit(path, "\"candidates\":150", "\"candidates\":NaN", manifest_before, after);
    edit(file_of(&s, r.version, "manifest.json"), before, after, manifest_before, manifest_after);
    ck_err(recommend_publish(s.store, r.version, true, NULL, &err), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.msg, RANKER_FILE));
    ck_ok(fs_remove_file(path, &err));
    ck_err(recommend_publish(s.store, r.version, true, NULL, &err), ERR_NOT_FOUND);
    shop_release(&s);
}
END_TEST

START_TEST(a_version_serves_without_a_ranker_that_cannot_be_read)
{
    struct shop s;
    struct err err;
    struct engine *e;
    struct engine_options o = {.frozen = true};
    char before[20], after[20];
    bool published;
    open_filled(&s);
    struct train_result r = train(&s, false);
    ck_ok(recommend_publish(s.store, r.version, true, &published, &err));
    edit(file_of(&s, r.version, RANKER_FILE), "\"candidates\":150", "\"candidates\":NaN", before,
         after);
    ck_ok(engine_open(s.store, &o, &e, &err));
    struct view *v = engine_view(e);
    ck_assert_ptr_nonnull(v->model);
    ck_assert_str_eq(v->model->version, r.version);
    ck_assert_ptr_null(v->model->ranker);
    ck_assert_ptr_nonnull(strstr(v->model->ranker_error, RANKER_FILE));
    struct recommend_request home = {.limit = 10, .user_no = 1, .now_us = END};
    struct recommend_result found;
    ck_ok(recommend_run(v, &home, &s.arena, &found, &err));
    ck_assert_uint_eq(found.len, 10);
    view_unref(v);
    engine_close(e);
    ck_err(recommend_publish(s.store, r.version, true, NULL, &err), ERR_CORRUPT);
    shop_release(&s);
}
END_TEST

SUITE("ranker_version", a_version_serves_without_a_ranker_that_cannot_be_read,
      a_ranker_that_pays_serves_with_its_version,
      a_ranker_that_is_damaged_or_of_other_features_is_not_published)
