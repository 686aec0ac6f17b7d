#include "store/blobs.h"

#include <sodium.h>

#include "base/banned.h"
#include "base/check.h"
#include "base/fs.h"

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* Parts that begin with a dot are refused, so no name leads out of the folder. */
static enum err_code check_name(struct str name, struct err *err)
{
    char quoted[80];
    bool valid = name.n >= 1 && name.n <= BLOB_NAME_MAX;
    struct str rest = name;
    while (valid && rest.p) {
        struct str part = str_split(&rest, '/');
        valid = part.n && part.p[0] != '.';
        for (size_t i = 0; i < part.n && valid; i++)
            valid = is_name_byte(part.p[i]);
    }
    return valid ? ERR_OK
                 : err_set(err, ERR_INVALID, "%s is no name for a blob",
                           err_quote(quoted, sizeof quoted, name.p, name.n));
}

enum err_code blob_path(const struct store *store, struct str name, struct buf *out,
                        struct err *err)
{
    enum err_code code = check_name(name, err);
    if (code)
        return code;
    buf_puts(out, store_dir(store));
    buf_puts(out, "/blobs/");
    buf_put_str(out, name);
    return buf_ok(out, "the path of a blob", err);
}

char *blob_hash_name(struct str data, char out[BLOB_HASH_NAME_SIZE])
{
    unsigned char hash[32];
    char hex[2 * sizeof hash + 1];
    crypto_generichash(hash, sizeof hash, (const unsigned char *)data.p, data.n, NULL, 0);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    int n = snprintf(out, BLOB_HASH_NAME_SIZE, "hash/%.2s/%s", hex, hex + 2);
    CHECK(n > 0 && n < BLOB_HASH_NAME_SIZE);
    return out;
}

static enum err_code make_folder_of(const char *path, struct err *err)
{
    char folder[FS_PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    return fs_mkdirs(folder, err);
}

enum err_code blob_put(struct store *store, struct str name, struct str data, struct err *err)
{
    struct buf path;
    if (store_is_read_only(store))
        return err_set(err, ERR_DENIED, "the shop is open for reading only");
    buf_init(&path, FS_PATH_MAX - 1);
    enum err_code code = blob_path(store, name, &path, err);
    if (!code)
        code = make_folder_of(path.data, err);
    if (!code)
        code = fs_write_file_atomic(path.data, data.p, data.n, err);
    buf_release(&path);
    return code;
}

enum err_code blob_get(struct store *store, struct str name, struct buf *out, struct err *err)
{
    struct buf path;
    buf_init(&path, FS_PATH_MAX - 1);
    enum err_code code = blob_path(store, name, &path, err);
    if (!code)
        code = fs_read_file(path.data, out->max - out->len, out, err);
    buf_release(&path);
    return code;
}

enum err_code blob_remove(struct store *store, struct str name, struct err *err)
{
    struct buf path;
    if (store_is_read_only(store))
        return err_set(err, ERR_DENIED, "the shop is open for reading only");
    buf_init(&path, FS_PATH_MAX - 1);
    enum err_code code = blob_path(store, name, &path, err);
    if (!code)
        code = fs_remove_file(path.data, err);
    buf_release(&path);
    return code;
}
