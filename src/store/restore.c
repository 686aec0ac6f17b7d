#include "base/banned.h"
#include "base/fs.h"
#include "store/backup_int.h"
#include "store/schema_int.h"

/* --- reading the manifest --------------------------------------------------------------------- */

/* On success the caller releases m. */
static enum err_code read_manifest(const char *from, struct backup_manifest *m, struct err *err)
{
    char path[FS_PATH_MAX];
    struct fs_info info;
    *m = (struct backup_manifest){0};
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
        code = backup_manifest_parse(m, err);
    if (code)
        backup_manifest_release(m);
    return code;
}

/* --- verifying -------------------------------------------------------------------------------- */

static enum err_code compare(const struct backup_listed *want, const struct backup_file *got,
                             struct err *err)
{
    if (got->bytes != want->bytes)
        return err_set(err, ERR_CORRUPT, "%s has %lld bytes, the backup was made with %lld",
                       want->path, (long long)got->bytes, (long long)want->bytes);
    if (!str_is(want->hash, got->hash))
        return err_set(err, ERR_CORRUPT, "%s differs from what was backed up", want->path);
    return ERR_OK;
}

static enum err_code verify_file(const char *from, const struct backup_listed *want,
                                 struct err *err)
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

static enum err_code verify(const char *from, const struct backup_manifest *m, struct err *err)
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
    struct backup_manifest m;
    enum err_code code = read_manifest(from, &m, err);
    if (code)
        return code;
    code = verify(from, &m, err);
    if (!code && summary)
        *summary = m.summary;
    backup_manifest_release(&m);
    return code;
}

/* --- restoring -------------------------------------------------------------------------------- */

static enum err_code restore_file(const char *from, const char *to,
                                  const struct backup_listed *want, struct err *err)
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
static enum err_code restore_files(const char *from, const char *to,
                                   const struct backup_manifest *m, struct err *err)
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
    struct backup_manifest m;
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
    backup_manifest_release(&m);
    return code;
}
