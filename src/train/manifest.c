#include "train/manifest.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json_reader.h"

/* --- writing --------------------------------------------------------------------------------- */

static void write_params(struct json_writer *w, const struct recommend_params *p)
{
    JW_OBJ(w, "parameters");
    recommend_params_json(p, w);
    jw_obj_end(w);
}

static void write_data(struct json_writer *w, const struct interactions *it,
                       const struct recommend_model *m)
{
    JW_OBJ(w, "data");
    JW_U64(w, "acts", it->len);
    JW_U64(w, "products", m->rows);
    JW_U64(w, "shoppers", m->users);
    JW_TIME(w, "from", it->first_time);
    JW_TIME(w, "to", it->last_time);
    JW_I64(w, "position", m->position);
    jw_obj_end(w);
}

/* How it came about, and what a refit must know of it. */
static void write_made(struct json_writer *w, const struct train_options *o,
                       const struct train_result *r)
{
    char sum[SUM_SIZE];
    refit_weights_sum(o->weights, sum);
    JW_OBJ(w, "made");
    JW_Z(w, "refit_of", train_is_refit(r) ? r->gates.live : NULL);
    JW_DECIMAL(w, "seconds", r->seconds, 3);
    JW_DECIMAL(w, "full_s", train_is_refit(r) ? r->refit.full_s : r->seconds, 3);
    JW_Z(w, "weights", sum);
    jw_obj_end(w);
}

/* Size and checksum of a file of the version, if it is there. */
static enum err_code write_file(struct json_writer *w, const char *dir, const char *name,
                                struct err *err)
{
    char path[FS_PATH_MAX], hash[20];
    struct fs_info info;
    struct fs_map map;
    enum err_code code = fs_join(path, dir, name, err);
    if (code == ERR_OK)
        code = fs_stat(path, &info, err);
    if (code != ERR_OK || !info.exists)
        return code;
    code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)XXH3_64bits(map.data, map.bytes));
    jw_key(w, str_of(name));
    jw_obj(w);
    JW_U64(w, "bytes", map.bytes);
    JW_Z(w, "xxh3", hash);
    jw_obj_end(w);
    fs_map_close(&map);
    return ERR_OK;
}

static enum err_code write_all(struct json_writer *w, const char *dir,
                               const struct train_options *o, const struct interactions *it,
                               const struct recommend_model *m, const struct train_result *r,
                               struct err *err)
{
    jw_obj(w);
    JW_Z(w, "family", "recommend");
    JW_Z(w, "version", r->version);
    JW_TIME(w, "trained_at", m->trained_at);
    write_params(w, &o->params);
    write_data(w, it, m);
    write_made(w, o, r);
    JW_OBJ(w, "metrics");
    recommend_evaluation_json(&r->evaluation, w);
    jw_obj_end(w);
    JW_KEY(w, "gates");
    gates_json(&r->gates, w);
    if (r->ranker.trees) {
        JW_KEY(w, "ranker");
        ranker_report_json(&r->ranker, w);
    }
    JW_BOOL(w, "passed", r->gates.passed);
    JW_Z(w, "verdict", r->gates.verdict);
    JW_OBJ(w, "files");
    enum err_code code = write_file(w, dir, MODEL_FILE, err);
    if (code == ERR_OK)
        code = write_file(w, dir, RANKER_FILE, err);
    jw_obj_end(w);
    jw_obj_end(w);
    return code == ERR_OK ? jw_end(w, "the manifest", err) : code;
}

enum err_code manifest_write(const char *dir, const struct train_options *o,
                             const struct interactions *it, const struct recommend_model *m,
                             const struct train_result *r, struct err *err)
{
    char path[FS_PATH_MAX];
    struct buf text;
    struct json_writer w;
    buf_init(&text, MANIFEST_MAX);
    jw_init(&w, &text);
    enum err_code code = fs_join(path, dir, MANIFEST_FILE, err);
    if (code == ERR_OK)
        code = write_all(&w, dir, o, it, m, r, err);
    if (code == ERR_OK)
        code = fs_write_file_atomic(path, text.data, text.len, err);
    buf_release(&text);
    return code;
}

/* --- reading --------------------------------------------------------------------------------- */

static void read_params(struct json_reader *r, struct recommend_params *p)
{
    struct str key;
    struct err why;
    double value;
    if (jr_obj(r))
        while (jr_key(r, &key))
            if (jr_double(r, &value) && recommend_param_put(p, key, value, &why) != ERR_OK)
                jr_fail(r, ERR_CORRUPT, "%s", why.msg);
}

static void read_data(struct json_reader *r, struct manifest *m)
{
    struct str key, to = {0};
    struct err why;
    if (jr_obj(r))
        while (jr_key(r, &key))
            if (str_is(key, "to") && jr_str(r, &to) &&
                clock_parse_iso(to, &m->last_time, &why) != ERR_OK)
                jr_fail(r, ERR_CORRUPT, "%s", why.msg);
}

static void read_made(struct json_reader *r, struct manifest *m)
{
    struct str key;
    if (jr_obj(r))
        while (jr_key(r, &key)) {
            if (str_is(key, "refit_of"))
                m->is_refit = jr_peek(r) == JR_STRING;
            else if (str_is(key, "full_s"))
                jr_double(r, &m->full_s);
            else if (str_is(key, "weights"))
                jr_str(r, &m->weights);
        }
}

static void read_file(struct json_reader *r, struct manifest_file *out)
{
    struct str key;
    if (jr_obj(r))
        while (jr_key(r, &key)) {
            if (str_is(key, "bytes"))
                jr_i64(r, 0, INT64_MAX, &out->bytes);
            else if (str_is(key, "xxh3"))
                jr_str(r, &out->xxh3);
        }
}

static void read_files(struct json_reader *r, struct manifest *m)
{
    struct str key;
    if (jr_obj(r))
        while (jr_key(r, &key)) {
            if (str_is(key, MODEL_FILE))
                read_file(r, &m->model);
            else if (str_is(key, RANKER_FILE))
                read_file(r, &m->ranker);
        }
}

enum err_code manifest_parse(struct str text, struct arena *arena, struct manifest *out,
                             struct err *err)
{
    struct manifest m = {.params = recommend_defaults()};
    struct json_reader r;
    struct str key;
    jr_init(&r, text, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key)) {
            if (str_is(key, "passed"))
                jr_bool(&r, &m.passed);
            else if (str_is(key, "parameters"))
                read_params(&r, &m.params);
            else if (str_is(key, "data"))
                read_data(&r, &m);
            else if (str_is(key, "made"))
                read_made(&r, &m);
            else if (str_is(key, "files"))
                read_files(&r, &m);
        }
    struct err why;
    if (jr_end(&r, &why) != ERR_OK)
        return err_set(err, ERR_CORRUPT, "manifest: %s", why.msg);
    *out = m;
    return ERR_OK;
}
