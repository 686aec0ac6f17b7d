#include "jobs/import_args.h"

#include <stddef.h>

#include "base/json_reader.h"
#include "base/log.h"
#include "store/jobs.h"

enum { ARGUMENTS_MAX = 64 << 10, UPLOADS_MAX = 10000, PAGE = 200 };

static const struct {
    const char *name;
    size_t at; /* of a const char * in struct import_options */
} texts[] = {
    {"path", offsetof(struct import_options, path)},
    {"name", offsetof(struct import_options, name)},
    {"format", offsetof(struct import_options, format)},
    {"charset", offsetof(struct import_options, charset)},
    {"mapping", offsetof(struct import_options, mapping)},
    {"currency", offsetof(struct import_options, currency)},
};

enum { TEXTS = sizeof texts / sizeof *texts };

static const char **text_of(struct import_options *o, size_t i)
{
    return (const char **)((char *)o + texts[i].at);
}

static bool *flag_of(struct import_args *a, struct str name)
{
    return str_is(name, "full")       ? &a->options.full
           : str_is(name, "force")    ? &a->options.force
           : str_is(name, "dry_run")  ? &a->options.dry_run
           : str_is(name, "uploaded") ? &a->uploaded
                                      : NULL;
}

static void read_member(struct json_reader *r, struct str key, struct arena *arena,
                        struct import_args *out)
{
    struct str text;
    bool *flag = flag_of(out, key);
    if (flag) {
        jr_bool(r, flag);
    } else if (str_is(key, "kind")) {
        if (jr_str(r, &text) && !import_kind_of(text, &out->options.kind))
            jr_fail(r, ERR_INVALID, "there is no such kind");
    } else {
        for (size_t i = 0; i < TEXTS; i++)
            if (str_is(key, texts[i].name) && jr_str(r, &text))
                *text_of(&out->options, i) = arena_str(arena, text).p;
    }
}

enum err_code import_args_read(struct str json, struct arena *arena, struct import_args *out,
                               struct err *err)
{
    struct json_reader r;
    struct str key;
    *out = (struct import_args){.options = {.kind = IMPORT_KINDS}};
    jr_init(&r, json, arena);
    if (jr_obj(&r))
        while (jr_key(&r, &key))
            read_member(&r, key, arena, out);
    enum err_code code = jr_end(&r, err);
    if (code == ERR_OK && (out->options.kind == IMPORT_KINDS || !out->options.path))
        code = err_set(err, ERR_INVALID, "an import needs a kind and a path");
    return code;
}

void import_args_write(const struct import_args *args, struct json_writer *w)
{
    struct import_options o = args->options;
    jw_obj(w);
    JW_Z(w, "kind", import_kind_name(o.kind));
    for (size_t i = 0; i < TEXTS; i++)
        if (*text_of(&o, i)) {
            jw_key(w, str_of(texts[i].name));
            jw_z(w, *text_of(&o, i));
        }
    JW_BOOL(w, "full", o.full);
    JW_BOOL(w, "force", o.force);
    JW_BOOL(w, "dry_run", o.dry_run);
    JW_BOOL(w, "uploaded", args->uploaded);
    jw_obj_end(w);
}

static const char *last_part(const char *path)
{
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

void import_args_forget_places(struct import_args *args)
{
    struct import_options *o = &args->options;
    o->name = last_part(o->name ? o->name : o->path);
    o->mapping = last_part(o->mapping);
    o->path = NULL;
}

/* --- uploaded files -------------------------------------------------------------------------- */

void import_args_discard(struct str json)
{
    struct arena arena;
    struct import_args args;
    struct err err;
    arena_init(&arena, 0, ARGUMENTS_MAX);
    if (import_args_read(json, &arena, &args, &err) == ERR_OK && args.uploaded &&
        fs_remove_file(args.options.path, &err) != ERR_OK)
        log_warn("an imported file stays", LOG_ERR_TEXT(&err));
    arena_release(&arena);
}

enum err_code import_uploads_dir(const struct store *store, char out[FS_PATH_MAX], struct err *err)
{
    enum err_code code = fs_join(out, store_dir(store), ".uploads", err);
    return code == ERR_OK ? fs_mkdirs(out, err) : code;
}

/* Does a queued job name this file? */
static enum err_code is_wanted(struct db *db, struct str name, bool *wanted, struct err *err)
{
    int64_t before = INT64_MAX, seen = PAGE;
    enum err_code code = ERR_OK;
    *wanted = false;
    while (code == ERR_OK && seen == PAGE && !*wanted) {
        struct db_rows rows = {0};
        struct job j;
        bool more;
        seen = 0;
        code = jobs_list(db, before, PAGE, &rows, err);
        while (code == ERR_OK && (code = jobs_next(&rows, &j, &more, err)) == ERR_OK && more) {
            *wanted |= j.state == JOB_QUEUED && str_search(j.arguments, name) != SIZE_MAX;
            before = j.no;
            seen++;
        }
        db_rows_close(&rows);
    }
    return code;
}

enum err_code import_args_sweep(struct store *store, struct err *err)
{
    char dir[FS_PATH_MAX], path[FS_PATH_MAX];
    struct arena arena;
    struct str *names;
    struct db *db = NULL;
    size_t n = 0;
    arena_init(&arena, 0, 4 << 20);
    enum err_code code = import_uploads_dir(store, dir, err);
    if (code == ERR_OK)
        code = fs_list_dir(dir, UPLOADS_MAX, &arena, &names, &n, err);
    if (code == ERR_OK && n)
        code = store_read_begin(store, &db, err);
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        bool wanted;
        code = is_wanted(db, names[i], &wanted, err);
        if (code == ERR_OK && !wanted)
            code = fs_join(path, dir, names[i].p, err);
        if (code == ERR_OK && !wanted)
            code = fs_remove_file(path, err);
    }
    store_read_end(store, db);
    arena_release(&arena);
    return code;
}
