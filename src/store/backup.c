#include "store/backup.h"

#include "base/banned.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/json_writer.h"
#include "store/backup_int.h"
#include "store/schema_int.h"

enum { FILES_PER_FOLDER_MAX = 1 << 20, FOLDER_DEPTH_MAX = 16 };

/* A backup in the making. */
struct making {
    const char *from, *to; /* the data folder and the backup's */
    struct buf manifest;
    struct json_writer json;
    struct backup_summary summary;
};

/* --- files ------------------------------------------------------------------------------------ */

enum err_code backup_copy_file(const char *from, const char *to, struct backup_file *file,
                               struct err *err)
{
    struct fs_map map;
    struct fs_writer writer;
    enum err_code code = fs_map_open(&map, from, FS_SEQUENTIAL, err);
    if (code)
        return code;
    XXH128_hash_t hash = XXH3_128bits(map.data, map.bytes);
    code = fs_writer_open(&writer, to, err);
    if (!code) {
        fs_writer_put(&writer, map.data, map.bytes);
        code = fs_writer_commit(&writer, err);
    }
    file->bytes = (int64_t)map.bytes;
    backup_hash_text(hash, file->hash);
    fs_map_close(&map);
    return code;
}

void backup_hash_text(XXH128_hash_t hash, char out[BACKUP_HASH_SIZE])
{
    snprintf(out, BACKUP_HASH_SIZE, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

enum err_code backup_check_target(const char *to, struct err *err)
{
    struct fs_info info;
    struct arena arena;
    struct str *names;
    size_t n = 0;
    enum err_code code = fs_stat(to, &info, err);
    if (!code && info.exists && !info.is_dir)
        return err_set(err, ERR_CONFLICT, "'%s' is no folder", to);
    if (!code && !info.exists)
        return fs_mkdirs(to, err);
    arena_init(&arena, 0, 64 << 20);
    if (!code)
        code = fs_list_dir(to, FILES_PER_FOLDER_MAX, &arena, &names, &n, err);
    arena_release(&arena);
    if (!code && n)
        code = err_set(err, ERR_CONFLICT, "the folder '%s' is not empty", to);
    return code;
}

/* --- making ----------------------------------------------------------------------------------- */

static void list_file(struct making *m, const char *path, const struct backup_file *file)
{
    jw_obj(&m->json);
    JW_Z(&m->json, "path", path);
    JW_I64(&m->json, "bytes", file->bytes);
    JW_Z(&m->json, "xxh3", file->hash);
    jw_obj_end(&m->json);
    m->summary.files++;
    m->summary.bytes += file->bytes;
}

/* A file or folder of the data folder. What disappears meanwhile (an old model) is not missed. */
static enum err_code copy_entry(struct making *m, const char *path, int depth, struct err *err);

static enum err_code copy_folder(struct making *m, const char *path, const char *from,
                                 const char *to, int depth, struct err *err)
{
    struct arena arena;
    struct str *names;
    size_t n = 0;
    if (depth == FOLDER_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "folders are nested too deep in '%s'", from);
    arena_init(&arena, 0, 256 << 20);
    enum err_code code = fs_list_dir(from, FILES_PER_FOLDER_MAX, &arena, &names, &n, err);
    if (!code)
        code = fs_mkdirs(to, err);
    for (size_t i = 0; i < n && !code; i++) {
        char below[FS_PATH_MAX];
        if (names[i].p[0] == '.') /* a temporary file of a writer */
            continue;
        code = fs_join(below, path, names[i].p, err);
        if (!code)
            code = copy_entry(m, below, depth + 1, err);
    }
    arena_release(&arena);
    return code;
}

static enum err_code copy_entry(struct making *m, const char *path, int depth, struct err *err)
{
    char from[FS_PATH_MAX], to[FS_PATH_MAX];
    struct fs_info info;
    struct backup_file file;
    enum err_code code = fs_join(from, m->from, path, err);
    if (!code)
        code = fs_join(to, m->to, path, err);
    if (!code)
        code = fs_stat(from, &info, err);
    if (code || !info.exists)
        return code;
    if (info.is_dir)
        return copy_folder(m, path, from, to, depth, err);
    if (!info.is_file)
        return ERR_OK;
    code = backup_copy_file(from, to, &file, err);
    if (!code)
        list_file(m, path, &file);
    return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code copy_database(struct making *m, struct store *store, db_progress_fn progress,
                                   void *arg, struct err *err)
{
    char path[FS_PATH_MAX];
    struct db *db;
    struct fs_map map;
    struct backup_file file;
    enum err_code code = fs_join(path, m->to, "aisle.db", err);
    if (!code)
        code = store_read_begin(store, &db, err);
    if (code)
        return code;
    code = db_copy_to(db, path, progress, arg, err);
    store_read_end(store, db);
    if (!code)
        code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code)
        return code;
    file.bytes = (int64_t)map.bytes;
    backup_hash_text(XXH3_128bits(map.data, map.bytes), file.hash);
    fs_map_close(&map);
    list_file(m, "aisle.db", &file);
    return ERR_OK;
}

static enum err_code copy_all(struct making *m, struct store *store, db_progress_fn progress,
                              void *arg, struct err *err)
{
    jw_obj(&m->json);
    JW_I64(&m->json, "format", BACKUP_FORMAT);
    JW_I64(&m->json, "made_at_us", m->summary.made_at);
    JW_I64(&m->json, "schema_version", m->summary.schema_version);
    JW_ARR(&m->json, "files");
    enum err_code code = copy_database(m, store, progress, arg, err);
    if (!code)
        code = copy_entry(m, "blobs", 0, err);
    if (!code)
        code = copy_entry(m, "models", 0, err);
    if (code)
        return code;
    jw_arr_end(&m->json);
    jw_obj_end(&m->json);
    return jw_end(&m->json, "the manifest", err);
}

enum err_code backup_make(struct store *store, const char *to, db_progress_fn progress, void *arg,
                          struct backup_summary *summary, struct err *err)
{
    char path[FS_PATH_MAX];
    struct making m = {
        .from = store_dir(store),
        .to = to,
        .summary = {.made_at = clock_now_us(), .schema_version = store_schema_version()},
    };
    enum err_code code = fs_join(path, to, BACKUP_MANIFEST, err);
    if (!code)
        code = backup_check_target(to, err);
    if (code)
        return code;
    buf_init(&m.manifest, BACKUP_MANIFEST_MAX);
    jw_init(&m.json, &m.manifest);
    code = copy_all(&m, store, progress, arg, err);
    if (!code)
        code = fs_sync_dir(to, err);
    if (!code)
        code = fs_write_file_atomic(path, m.manifest.data, m.manifest.len, err);
    buf_release(&m.manifest);
    if (!code && summary)
        *summary = m.summary;
    return code;
}
