#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fs_int.h"
#include "base/mem.h"

enum { TREE_DEPTH_MAX = 64 };

enum err_code fs_dir_of(const char *path, char out[FS_PATH_MAX], struct err *err)
{
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= FS_PATH_MAX)
        return err_set(err, ERR_LIMIT, "the path '%.80s...' is too long", path);
    memcpy(out, path, n);
    out[n] = '\0';
    if (n == 0) {
        out[0] = slash ? '/' : '.';
        out[1] = '\0';
    }
    return ERR_OK;
}

enum err_code fs_sync_dir(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, ERR_IO, errno, "cannot open the folder '%s'", path);
    enum err_code code = fs_sync(fd, path, err);
    close(fd);
    return code;
}

static enum err_code sync_parent(const char *path, struct err *err)
{
    char dir[FS_PATH_MAX];
    enum err_code code = fs_dir_of(path, dir, err);
    return code == ERR_OK ? fs_sync_dir(dir, err) : code;
}

/* --- making, renaming, removing -------------------------------------------------------------- */

static enum err_code make_one(const char *path, struct err *err)
{
    struct stat st;
    int errnum = fault_fs();
    if (errnum == 0 && mkdir(path, 0777) == 0)
        return sync_parent(path, err);
    if (errnum == 0) {
        errnum = errno;
        if (errnum == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
            return ERR_OK;
    }
    return err_set_errno(err, ERR_IO, errnum, "cannot make the folder '%s'", path);
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

enum err_code fs_mkdirs(const char *path, struct err *err)
{
    char part[FS_PATH_MAX];
    size_t n = strlen(path);
    if (n == 0 || n >= FS_PATH_MAX)
        return err_set(err, ERR_INVALID, "'%.80s' is not a folder's path", path);
    memcpy(part, path, n + 1);
    while (n > 1 && part[n - 1] == '/')
        part[--n] = '\0';
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        enum err_code code = is_dir(part) ? ERR_OK : make_one(part, err);
        if (code != ERR_OK)
            return code;
        if (i < n)
            part[i] = '/';
    }
    return ERR_OK;
}

enum err_code fs_rename_only(const char *from, const char *to, struct err *err)
{
    int errnum = fault_fs();
    if (errnum == 0 && rename(from, to) != 0)
        errnum = errno;
    if (errnum != 0)
        return err_set_errno(err, ERR_IO, errnum, "cannot rename '%.70s' to '%.70s'", from, to);
    return ERR_OK;
}

enum err_code fs_rename(const char *from, const char *to, struct err *err)
{
    char from_dir[FS_PATH_MAX], to_dir[FS_PATH_MAX];
    enum err_code code = fs_dir_of(from, from_dir, err);
    if (code == ERR_OK)
        code = fs_dir_of(to, to_dir, err);
    if (code == ERR_OK)
        code = fs_rename_only(from, to, err);
    if (code == ERR_OK)
        code = fs_sync_dir(to_dir, err);
    if (code == ERR_OK && strcmp(from_dir, to_dir) != 0)
        code = fs_sync_dir(from_dir, err);
    return code;
}

static enum err_code unlink_at(int dir, const char *name, int flags, struct err *err)
{
    int errnum = fault_fs();
    if (errnum == 0 && unlinkat(dir, name, flags) != 0)
        errnum = errno;
    if (errnum != 0 && errnum != ENOENT)
        return err_set_errno(err, ERR_IO, errnum, "cannot remove '%s'", name);
    return ERR_OK;
}

enum err_code fs_remove_file(const char *path, struct err *err)
{
    return unlink_at(AT_FDCWD, path, 0, err);
}

static enum err_code remove_at(int dir, const char *name, unsigned depth, struct err *err);

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Everything in the folder behind fd, which it takes. */
static enum err_code empty_folder(int fd, const char *name, unsigned depth, struct err *err)
{
    DIR *d = fdopendir(fd);
    if (!d) {
        int errnum = errno;
        close(fd);
        return err_set_errno(err, ERR_IO, errnum, "cannot open the folder '%s'", name);
    }
    enum err_code code = ERR_OK;
    struct dirent *e;
    while (code == ERR_OK && (errno = 0, e = readdir(d)) != NULL)
        if (!is_dot(e->d_name))
            code = remove_at(dirfd(d), e->d_name, depth + 1, err);
    if (code == ERR_OK && errno != 0)
        code = err_set_errno(err, ERR_IO, errno, "cannot list the folder '%s'", name);
    closedir(d);
    return code;
}

static enum err_code remove_at(int dir, const char *name, unsigned depth, struct err *err)
{
    if (depth > TREE_DEPTH_MAX)
        return err_set(err, ERR_LIMIT, "'%s' is nested deeper than %d folders", name,
                       TREE_DEPTH_MAX);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOTDIR || errno == ELOOP || errno == ENOENT)
            return unlink_at(dir, name, 0, err);
        return err_set_errno(err, ERR_IO, errno, "cannot open the folder '%s'", name);
    }
    enum err_code code = empty_folder(fd, name, depth, err);
    return code == ERR_OK ? unlink_at(dir, name, AT_REMOVEDIR, err) : code;
}

enum err_code fs_remove_tree(const char *path, struct err *err)
{
    return remove_at(AT_FDCWD, path, 0, err);
}

/* --- listing --------------------------------------------------------------------------------- */

struct listing {
    struct arena *arena; /* borrowed: names live here */
    struct str *names;   /* [cap], owned until handed out */
    size_t n, cap, max;
};

static enum err_code add_name(struct listing *l, const char *name, const char *path,
                              struct err *err)
{
    if (l->n == l->max)
        return err_set(err, ERR_LIMIT, "the folder '%s' has more than %zu entries", path, l->max);
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 32;
        struct str *names = mem_try_resize(l->names, cap, sizeof *names);
        if (!names)
            return err_set(err, ERR_MEMORY, "no memory to list the folder '%s'", path);
        l->names = names;
        l->cap = cap;
    }
    struct str copy = arena_str(l->arena, str_of(name));
    if (!copy.p)
        return err_set(err, ERR_MEMORY, "no memory to list the folder '%s'", path);
    l->names[l->n++] = copy;
    return ERR_OK;
}

static enum err_code read_names(struct listing *l, const char *path, struct err *err)
{
    DIR *d = opendir(path);
    if (!d)
        return err_set_errno(err, ERR_IO, errno, "cannot open the folder '%s'", path);
    enum err_code code = ERR_OK;
    struct dirent *e;
    while (code == ERR_OK && (errno = 0, e = readdir(d)) != NULL)
        if (!is_dot(e->d_name))
            code = add_name(l, e->d_name, path, err);
    if (code == ERR_OK && errno != 0)
        code = err_set_errno(err, ERR_IO, errno, "cannot list the folder '%s'", path);
    closedir(d);
    return code;
}

static int by_bytes(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

enum err_code fs_list_dir(const char *path, size_t max, struct arena *a, struct str **names,
                          size_t *n, struct err *err)
{
    struct listing l = {.arena = a, .max = max};
    struct str *out = NULL;
    enum err_code code = read_names(&l, path, err);
    if (code == ERR_OK && !(out = arena_try_alloc(a, l.n * sizeof *out)))
        code = err_set(err, ERR_MEMORY, "no memory to list the folder '%s'", path);
    if (code == ERR_OK) {
        if (l.n > 0) {
            qsort(l.names, l.n, sizeof *l.names, by_bytes);
            memcpy(out, l.names, l.n * sizeof *out);
        }
        *names = out;
        *n = l.n;
    }
    mem_free(l.names);
    return code;
}

static enum err_code sweep_fd(int dir, DIR *d, const char *path, struct err *err)
{
    enum err_code code = ERR_OK;
    struct dirent *e;
    while (code == ERR_OK && (errno = 0, e = readdir(d)) != NULL) {
        struct str name = str_of(e->d_name);
        if (str_starts(name, STR_LIT(FS_TEMP_PREFIX)) && str_ends(name, STR_LIT(FS_TEMP_SUFFIX)))
            code = unlink_at(dir, e->d_name, 0, err);
    }
    if (code == ERR_OK && errno != 0)
        code = err_set_errno(err, ERR_IO, errno, "cannot list the folder '%s'", path);
    return code;
}

enum err_code fs_sweep(const char *dir, struct err *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return err_set_errno(err, ERR_IO, errno, "cannot open the folder '%s'", dir);
    enum err_code code = sweep_fd(dirfd(d), d, dir, err);
    closedir(d);
    return code;
}

/* --- the lock -------------------------------------------------------------------------------- */

static enum err_code held_by(int fd, const char *path, struct err *err)
{
    char pid[24];
    ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    long holder = strtol(pid, NULL, 10);
    if (holder <= 0)
        return err_set(err, ERR_CONFLICT, "'%s' is in use by another process", path);
    return err_set(err, ERR_CONFLICT, "'%s' is in use by process %ld", path, holder);
}

static enum err_code write_pid(int fd, const char *path, struct err *err)
{
    char pid[24];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    enum err_code code = fs_truncate(fd, 0, path, err);
    return code == ERR_OK ? fs_write_all(fd, pid, (size_t)n, path, err) : code;
}

enum err_code fs_lock_file(struct fs_lock *l, const char *path, struct err *err)
{
    int fd;
    *l = (struct fs_lock){.fd = -1};
    enum err_code code = fs_open_write(path, O_RDWR | O_CREAT, 0666, &fd, err);
    if (code != ERR_OK)
        return code;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        code = write_pid(fd, path, err);
    else if (errno == EWOULDBLOCK)
        code = held_by(fd, path, err);
    else
        code = err_set_errno(err, ERR_IO, errno, "cannot lock '%s'", path);
    if (code != ERR_OK) {
        close(fd);
        return code;
    }
    *l = (struct fs_lock){.fd = fd, .held = true};
    return ERR_OK;
}

void fs_unlock(struct fs_lock *l)
{
    if (l->held)
        close(l->fd);
    *l = (struct fs_lock){.fd = -1};
}
