#include "base/banned.h"
#include "base/fs.h"
#include "base/json_reader.h"
#include "store/backup_int.h"
#include "store/schema_int.h"

enum { FILES_MAX = 4 << 20 };

/* What a manifest says. */
struct manifest {
    struct buf text;
    struct arena arena;
    struct listed {
        const char *path; /* relative, checked */
        struct str hash;
        int64_t bytes;
    } * files; /* [len], in the arena */
    size_t len;
    struct backup_summary summary;
};

static void release_manifest(struct manifest *m)
{
    arena_release(&m->arena);
    buf_release(&m->text);
}

/* --- reading the manifest --------------------------------------------------------------------- */

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

static bool read_file(struct json_reader *r, struct manifest *m, struct listed *file)
{
    struct str key, path = {0};
    *file = (struct listed){0};
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
static bool read_files(struct json_reader *r, struct manifest *m)
{
    size_t cap = 0;
    if (!jr_arr(r))
        return false;
    while (jr_next(r)) {
        if (m->len == FILES_MAX)
            return jr_fail(r, ERR_LIMIT, "more than %d files", FILES_MAX);
        if (m->len == cap) {
            cap = cap ? cap * 2 : 64;
            struct listed *grown = ARENA_NEW(&m->arena, struct listed, cap);
            if (m->len)
                memcpy(grown, m->files, m->len * sizeof *grown);
            m->files = grown;
        }
        if (!read_file(r, m, &m->files[m->len]))
            return false;
        m->summary.bytes += m->files[m->len++].bytes;
    }
    m->summary.files = (int64_t)m->len;
    return true;
}

static enum err_code parse_manifest(struct manifest *m, struct err *err)
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

/* On success the caller releases m. */
static enum err_code read_manifest(const char *from, struct manifest *m, struct err *err)
{
    char path[FS_PATH_MAX];
    struct fs_info info;
    *m = (struct manifest){0};
    enum err_code code = fs_join(path, from, BACKUP_MANIFEST, err);
    if (!code)
        code = fs_stat(path, &info, err);
    if (!code && !info.is_file)
        code = err_set(err, ERR_NOT_FOUND, "'%s' holds no backup: it has no %s", from,
                       BACKUP_MANIFEST);
    if (code)
        return code;
    buf_init(&m->text, BACKUP_MANIFEST_MAX);
    arena_init(&m->arena, 0, (size_t)4 * BACKUP_MANIFEST_MAX);
    code = fs_read_file(path, BACKUP_MANIFEST_MAX, &m->text, err);
    if (!code)
        code = parse_manifest(m, err);
    if (code)
        release_manifest(m);
    return code;
}

/* --- verifying -------------------------------------------------------------------------------- */

static enum err_code compare(const struct listed *want, const struct backup_file *got,
                             struct err *err)
{
    if (got->bytes != want->bytes)
        return err_set(err, ERR_CORRUPT, "%s has %lld bytes, the backup was made with %lld",
                       want->path, (long long)got->bytes, (long long)want->bytes);
    if (!str_is(want->hash, got->hash))
        return err_set(err, ERR_CORRUPT, "%s differs from what was backed up", want->path);
    return ERR_OK;
}

static enum err_code verify_file(const char *from, const struct listed *want, struct err *err)
{
    char path[FS_PATH_MAX];
    struct fs_map map;
    struct backup_file got;
    enum err_code code = fs_join(path, from, want->path, err);
    if (!code)
        code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code == ERR_NOT_FOUND)
        return err_set(err, ERR_CORRUPT, "%s is missing from the backup", want->path);
    if (code)
        return code;
    got.bytes = (int64_t)map.bytes;
    backup_hash_text(XXH3_128bits(map.data, map.bytes), got.hash);
    fs_map_close(&map);
    return compare(want, &got, err);
}

static enum err_code verify_database(const char *from, struct err *err)
{
    char url[FS_PATH_MAX + 32];
    struct db *db;
    snprintf(url, sizeof url, "sqlite:%s/aisle.db", from);
    enum err_code code = db_open(url, DB_FROZEN, &db, err);
    if (code)
        return code;
    code = db_verify(db, err);
    if (!code)
        code = schema_check(db, err);
    db_close(db);
    return code == ERR_UNAVAILABLE ? ERR_OK
                                   : code; /* an older schema is migrated when it is opened */
}

static enum err_code verify(const char *from, const struct manifest *m, struct err *err)
{
    enum err_code code = ERR_OK;
    bool has_database = false;
    for (size_t i = 0; i < m->len && !code; i++) {
        has_database = has_database || str_is(str_of(m->files[i].path), "aisle.db");
        code = verify_file(from, &m->files[i], err);
    }
    if (!code && !has_database)
        code = err_set(err, ERR_CORRUPT, "the backup lists no aisle.db");
    return code ? code : verify_database(from, err);
}

enum err_code backup_verify(const char *from, struct backup_summary *summary, struct err *err)
{
    struct manifest m;
    enum err_code code = read_manifest(from, &m, err);
    if (code)
        return code;
    code = verify(from, &m, err);
    if (!code && summary)
        *summary = m.summary;
    release_manifest(&m);
    return code;
}

/* --- restoring -------------------------------------------------------------------------------- */

static enum err_code restore_file(const char *from, const char *to, const struct listed *want,
                                  struct err *err)
{
    char source[FS_PATH_MAX], target[FS_PATH_MAX];
    struct backup_file got;
    enum err_code code = fs_join(source, from, want->path, err);
    if (!code)
        code = fs_join(target, to, want->path, err);
    if (code)
        return code;
    char *slash = strrchr(target, '/');
    *slash = '\0';
    code = fs_mkdirs(target, err);
    *slash = '/';
    if (!code)
        code = backup_copy_file(source, target, &got, err);
    return code ? code : compare(want, &got, err);
}

/* The database comes last: until then there is no shop in the folder. */
static enum err_code restore_files(const char *from, const char *to, const struct manifest *m,
                                   struct err *err)
{
    enum err_code code = ERR_OK;
    for (int database = 0; database <= 1; database++) {
        for (size_t i = 0; i < m->len && !code; i++) {
            if (str_is(str_of(m->files[i].path), "aisle.db") == database)
                code = restore_file(from, to, &m->files[i], err);
        }
    }
    return code;
}

enum err_code backup_restore(const char *from, const char *to, struct backup_summary *summary,
                             struct err *err)
{
    struct manifest m;
    enum err_code code = read_manifest(from, &m, err);
    if (code)
        return code;
    code = verify(from, &m, err);
    if (!code)
        code = backup_check_target(to, err);
    if (!code)
        code = restore_files(from, to, &m, err);
    if (!code && summary)
        *summary = m.summary;
    release_manifest(&m);
    return code;
}
