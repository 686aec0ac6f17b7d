#include "base/banned.h"
#include "base/fs.h"
#include "base/json_reader.h"
#include "store/backup_int.h"

enum { FILES_MAX = 4 << 20 };

void backup_manifest_release(struct backup_manifest *m)
{
    arena_release(&m->arena);
    buf_release(&m->text);
}

/* Only relative paths downwards: a manifest from elsewhere must not write elsewhere. */
static bool is_inside(struct str path)
{
    struct str rest = path;
    if (!path.n || path.n >= FS_PATH_MAX / 2)
        return false;
    while (rest.p) {
        struct str part = str_split(&rest, '/');
        if (!part.n || part.p[0] == '.')
            return false;
    }
    return true;
}

static bool read_file(struct json_reader *r, struct backup_manifest *m, struct backup_listed *file)
{
    struct str key, path = {0};
    *file = (struct backup_listed){0};
    if (!jr_obj(r))
        return false;
    while (jr_key(r, &key)) {
        if (str_is(key, "path"))
            jr_str(r, &path);
        else if (str_is(key, "bytes"))
            jr_i64(r, 0, INT64_MAX, &file->bytes);
        else if (str_is(key, "xxh3"))
            jr_str(r, &file->hash);
    }
    if (r->failed)
        return false;
    if (!is_inside(path))
        return jr_fail(r, ERR_CORRUPT, "a file that lies outside of the backup");
    file->path = arena_str(&m->arena, path).p;
    return true;
}

/* A list that grows in the arena: each doubling leaves the old one behind. */
static bool read_files(struct json_reader *r, struct backup_manifest *m)
{
    if (!jr_arr(r))
        return false;
    while (jr_next(r)) {
        if (m->len == FILES_MAX)
            return jr_fail(r, ERR_LIMIT, "more than %d files", FILES_MAX);
        if (m->len == m->cap) {
            m->cap = m->cap ? m->cap * 2 : 64;
            struct backup_listed *grown = ARENA_NEW(&m->arena, struct backup_listed, m->cap);
            if (m->len)
                memcpy(grown, m->files, m->len * sizeof *grown);
            m->files = grown;
        }
        if (!read_file(r, m, &m->files[m->len]))
            return false;
        if (__builtin_add_overflow(m->summary.bytes, m->files[m->len++].bytes, &m->summary.bytes))
            return jr_fail(r, ERR_LIMIT, "more bytes than can be counted");
    }
    m->summary.files = (int64_t)m->len;
    return true;
}

enum err_code backup_manifest_parse(struct backup_manifest *m, struct err *err)
{
    struct json_reader r;
    struct str key;
    int64_t format = 0, schema = 0;
    jr_init(&r, buf_str(&m->text), &m->arena);
    if (jr_obj(&r)) {
        while (jr_key(&r, &key)) {
            if (str_is(key, "format"))
                jr_i64(&r, 0, INT32_MAX, &format);
            else if (str_is(key, "made_at_us"))
                jr_i64(&r, 0, INT64_MAX, &m->summary.made_at);
            else if (str_is(key, "schema_version"))
                jr_i64(&r, 0, INT32_MAX, &schema);
            else if (str_is(key, "files"))
                read_files(&r, m);
        }
    }
    m->summary.schema_version = (int)schema;
    if (jr_end(&r, err))
        return err_prefix(err, ERR_CORRUPT, "%s", BACKUP_MANIFEST);
    if (format != BACKUP_FORMAT)
        return err_set(err, ERR_UNSUPPORTED, "a backup of format %lld", (long long)format);
    return ERR_OK;
}
