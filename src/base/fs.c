#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"

enum { READ_STEP = 64 << 10 };

enum err_code fs_join(char out[FS_PATH_MAX], const char *dir, const char *name, struct err *err)
{
    size_t n = strlen(dir);
    const char *between = n == 0 || dir[n - 1] == '/' ? "" : "/";
    int len = snprintf(out, FS_PATH_MAX, "%s%s%s", dir, between, name);
    if (len < 0 || len >= FS_PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.80s...' is too long", dir);
    return ERR_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

static enum err_code read_some(int fd, const char *path, char *at, size_t want, size_t *n,
                               struct err *err)
{
    ssize_t got;
    do
        got = read(fd, at, want);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set_errno(err, ERR_IO, errno, "cannot read '%s'", path);
    *n = (size_t)got;
    return ERR_OK;
}

static enum err_code read_all(int fd, const char *path, size_t max_bytes, struct buf *out,
                              struct err *err)
{
    size_t room = out->max - out->len < max_bytes ? out->max - out->len : max_bytes;
    const size_t cap = room;
    char extra; /* once the room is used up, one byte more tells that the file is too large */
    for (;;) {
        size_t want = room < READ_STEP ? room : READ_STEP, n = 0;
        char *at = room > 0 ? buf_reserve(out, want) : &extra;
        if (!at)
            return err_set(err, ERR_MEMORY, "no memory to read '%s'", path);
        enum err_code code = read_some(fd, path, at, room > 0 ? want : 1, &n, err);
        if (code != ERR_OK || n == 0)
            return code;
        if (room == 0)
            return err_set(err, ERR_LIMIT, "'%s' is larger than %zu bytes", path, cap);
        room -= n;
        out->len += n;
        out->data[out->len] = '\0';
    }
}

enum err_code fs_read_file(const char *path, size_t max_bytes, struct buf *out, struct err *err)
{
    bool from_stdin = strcmp(path, "-") == 0;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_IO, errno, "cannot open '%s'", path);
    size_t before = out->len;
    enum err_code code = read_all(fd, path, max_bytes, out, err);
    if (code != ERR_OK) {
        buf_truncate(out, before);
        out->full = false;
    }
    if (!from_stdin)
        close(fd);
    return code;
}

/* --- writing --------------------------------------------------------------------------------- */

enum err_code fs_open_write(const char *path, int flags, unsigned mode, int *fd, struct err *err)
{
    int errnum = fault_fs();
    *fd = -1;
    if (errnum == 0) {
        do
            *fd = open(path, flags | O_CLOEXEC, (mode_t)mode);
        while (*fd < 0 && errno == EINTR);
        errnum = errno;
    }
    if (*fd < 0)
        return err_set_errno(err, ERR_IO, errnum, "cannot open '%s' for writing", path);
    return ERR_OK;
}

enum err_code fs_write_all(int fd, const void *p, size_t n, const char *path, struct err *err)
{
    const char *at = p;
    while (n > 0) {
        int errnum = fault_fs();
        ssize_t put = errnum ? -1 : write(fd, at, n);
        if (put < 0) {
            if (!errnum && errno == EINTR)
                continue;
            return err_set_errno(err, ERR_IO, errnum ? errnum : errno, "cannot write '%s'", path);
        }
        at += put;
        n -= (size_t)put;
    }
    return ERR_OK;
}

enum err_code fs_sync(int fd, const char *path, struct err *err)
{
    int errnum = fault_fs();
    /* Not retried: after a failed fsync the kernel may have dropped the pages. */
    if (errnum == 0 && fsync(fd) != 0)
        errnum = errno;
    if (errnum != 0)
        return err_set_errno(err, ERR_IO, errnum, "cannot make '%s' durable", path);
    return ERR_OK;
}

enum err_code fs_truncate(int fd, uint64_t bytes, const char *path, struct err *err)
{
    int errnum = fault_fs();
    if (errnum == 0 && ftruncate(fd, (off_t)bytes) != 0)
        errnum = errno;
    if (errnum != 0)
        return err_set_errno(err, ERR_IO, errnum, "cannot resize '%s'", path);
    return ERR_OK;
}

/* --- mapped files ---------------------------------------------------------------------------- */

static int madvice(enum fs_advice advice)
{
    switch (advice) {
    case FS_SEQUENTIAL:
        return MADV_SEQUENTIAL;
    case FS_RANDOM:
        return MADV_RANDOM;
    case FS_WILLNEED:
        return MADV_WILLNEED;
    case FS_NORMAL:
        break;
    }
    return MADV_NORMAL;
}

static enum err_code map_fd(struct fs_map *m, int fd, const char *path, struct err *err)
{
    static const uint8_t empty[1];
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_set_errno(err, ERR_IO, errno, "cannot look at '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_INVALID, "'%s' is not a regular file", path);
    if (st.st_size == 0) {
        *m = (struct fs_map){empty, 0};
        return ERR_OK;
    }
    void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED)
        return err_set_errno(err, ERR_IO, errno, "cannot map '%s'", path);
    *m = (struct fs_map){p, (size_t)st.st_size};
    return ERR_OK;
}

enum err_code fs_map_open(struct fs_map *m, const char *path, enum fs_advice advice,
                          struct err *err)
{
    *m = (struct fs_map){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* O_NONBLOCK: never wait on a pipe */
    if (fd < 0)
        return err_set_errno(err, ERR_IO, errno, "cannot open '%s'", path);
    enum err_code code = map_fd(m, fd, path, err);
    close(fd);
    if (code == ERR_OK && advice != FS_NORMAL)
        fs_map_advise(m, 0, m->bytes, advice);
    return code;
}

void fs_map_close(struct fs_map *m)
{
    if (m->bytes > 0)
        munmap((void *)(uintptr_t)m->data, m->bytes);
    *m = (struct fs_map){0};
}

void fs_map_advise(const struct fs_map *m, size_t offset, size_t n, enum fs_advice advice)
{
    if (offset >= m->bytes)
        return;
    if (n > m->bytes - offset)
        n = m->bytes - offset;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), from = offset / page * page;
    (void)madvise((void *)(uintptr_t)(m->data + from), offset + n - from, madvice(advice));
}

/* --- about files ----------------------------------------------------------------------------- */

enum err_code fs_stat(const char *path, struct fs_info *out, struct err *err)
{
    struct stat st;
    *out = (struct fs_info){0};
    if (stat(path, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return ERR_OK;
        return err_set_errno(err, ERR_IO, errno, "cannot look at '%s'", path);
    }
    out->exists = true;
    out->is_dir = S_ISDIR(st.st_mode);
    out->is_file = S_ISREG(st.st_mode);
    out->bytes = (uint64_t)st.st_size;
    out->mtime_us = (int64_t)st.st_mtim.tv_sec * CLOCK_US_PER_S + st.st_mtim.tv_nsec / 1000;
    out->inode = st.st_ino;
    return ERR_OK;
}

enum err_code fs_free_bytes(const char *path, uint64_t *bytes, struct err *err)
{
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return err_set_errno(err, ERR_IO, errno, "cannot look at the file system of '%s'", path);
    *bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return ERR_OK;
}
