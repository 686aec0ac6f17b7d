#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/fs_int.h"
#include "base/mem.h"

static void fail(struct fs_writer *w, const struct err *why)
{
    if (!w->failed)
        w->err = *why;
    w->failed = true;
}

static void close_writer(struct fs_writer *w)
{
    if (w->fd >= 0)
        close(w->fd);
    mem_free(w->path);
    mem_free(w->temp);
    mem_free(w->block);
    *w = (struct fs_writer){.fd = -1};
}

/* A name in the folder of path that no living writer has. */
static enum err_code temp_name(const char *path, char out[FS_PATH_MAX], struct err *err)
{
    static atomic_uint number;
    char dir[FS_PATH_MAX], name[64];
    enum err_code code = fs_dir_of(path, dir, err);
    if (code != ERR_OK)
        return code;
    snprintf(name, sizeof name, FS_TEMP_PREFIX "%ld-%u" FS_TEMP_SUFFIX, (long)getpid(),
             atomic_fetch_add(&number, 1));
    return fs_join(out, dir, name, err);
}

enum err_code fs_writer_open(struct fs_writer *w, const char *path, struct err *err)
{
    char temp[FS_PATH_MAX];
    *w = (struct fs_writer){.fd = -1};
    enum err_code code = temp_name(path, temp, err);
    if (code != ERR_OK)
        return code;
    w->block = mem_try_new(FS_WRITER_BLOCK, 1);
    if (!w->block)
        return err_set(err, ERR_MEMORY, "no memory to write '%s'", path);
    /* A file of this name was left by a killed process that had our pid. */
    code = fs_open_write(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0666, &w->fd, err);
    if (code != ERR_OK) {
        close_writer(w);
        return err_prefix(err, code, "cannot write '%s'", path);
    }
    w->path = mem_dup(path, strlen(path));
    w->temp = mem_dup(temp, strlen(temp));
    return ERR_OK;
}

static void flush(struct fs_writer *w)
{
    struct err err;
    if (w->used == 0 || w->failed)
        return;
    if (fs_write_all(w->fd, w->block, w->used, w->path, &err) != ERR_OK)
        fail(w, &err);
    w->at += w->used;
    w->used = 0;
}

void fs_writer_put(struct fs_writer *w, const void *p, size_t n)
{
    const char *from = p;
    CHECK(w->path);
    while (n > 0 && !w->failed) {
        size_t part = FS_WRITER_BLOCK - w->used;
        if (part > n)
            part = n;
        memcpy(w->block + w->used, from, part);
        w->used += part;
        from += part;
        n -= part;
        if (w->used == FS_WRITER_BLOCK)
            flush(w);
    }
}

void fs_writer_pad(struct fs_writer *w, size_t align)
{
    static const char zeros[64];
    CHECK(align > 0 && (align & (align - 1)) == 0);
    size_t n = (size_t)(0 - fs_writer_size(w)) & (align - 1);
    for (size_t part; n > 0; n -= part) {
        part = n < sizeof zeros ? n : sizeof zeros;
        fs_writer_put(w, zeros, part);
    }
}

/* Over bytes that are in the file already. */
static void overwrite(struct fs_writer *w, uint64_t offset, const char *p, size_t n)
{
    struct err err;
    while (n > 0) {
        int errnum = fault_fs();
        ssize_t put = errnum ? -1 : pwrite(w->fd, p, n, (off_t)offset);
        if (put < 0) {
            if (!errnum && errno == EINTR)
                continue;
            err_set_errno(&err, ERR_IO, errnum ? errnum : errno, "cannot write '%s'", w->path);
            fail(w, &err);
            return;
        }
        p += put;
        offset += (uint64_t)put;
        n -= (size_t)put;
    }
}

void fs_writer_patch(struct fs_writer *w, uint64_t offset, const void *p, size_t n)
{
    CHECK(w->path);
    if (w->failed || n == 0)
        return;
    CHECK(offset <= fs_writer_size(w) && n <= fs_writer_size(w) - offset);
    if (offset >= w->at) {
        memcpy(w->block + (offset - w->at), p, n);
        return;
    }
    if (offset + n > w->at)
        flush(w);
    if (!w->failed)
        overwrite(w, offset, p, n);
}

uint64_t fs_writer_size(const struct fs_writer *w)
{
    return w->at + w->used;
}

enum err_code fs_writer_ok(const struct fs_writer *w, struct err *err)
{
    if (!w->failed)
        return ERR_OK;
    if (err)
        *err = w->err;
    return w->err.code;
}

/* From the temporary's last byte to the new file's name. */
static enum err_code publish(struct fs_writer *w, const char *dir, struct err *err)
{
    enum err_code code = fs_writer_ok(w, err);
    if (code == ERR_OK)
        code = fs_sync(w->fd, w->path, err);
    if (code != ERR_OK)
        return code;
    int fd = w->fd;
    w->fd = -1;
    if (close(fd) != 0)
        return err_set_errno(err, ERR_IO, errno, "cannot write '%s'", w->path);
    code = fs_rename_only(w->temp, w->path, err);
    if (code != ERR_OK)
        return code;
    w->temp[0] = '\0'; /* nothing is left to remove */
    return fs_sync_dir(dir, err);
}

enum err_code fs_writer_commit(struct fs_writer *w, struct err *err)
{
    char dir[FS_PATH_MAX];
    CHECK(w->path);
    flush(w);
    enum err_code code = fs_dir_of(w->path, dir, err);
    if (code == ERR_OK)
        code = publish(w, dir, err);
    fs_writer_abort(w);
    return code;
}

void fs_writer_abort(struct fs_writer *w)
{
    if (!w->path)
        return; /* fd of an all-zero writer is not ours */
    if (w->temp[0] != '\0')
        (void)unlink(w->temp); /* best effort: fs_sweep finds what stays */
    close_writer(w);
}

enum err_code fs_write_file_atomic(const char *path, const void *p, size_t n, struct err *err)
{
    struct fs_writer w;
    enum err_code code = fs_writer_open(&w, path, err);
    if (code != ERR_OK)
        return code;
    fs_writer_put(&w, p, n);
    return fs_writer_commit(&w, err);
}
