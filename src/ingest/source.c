#include "ingest/source.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"

#include "base/check.h"

struct source {
    source_read_fn *read;
    void (*close)(void *self);
    void *self;
};

struct source *source_new(source_read_fn *read, void (*close)(void *self), void *self)
{
    struct source *s = MEM_NEW(struct source);
    *s = (struct source){read, close, self};
    return s;
}

void source_close(struct source *s)
{
    if (!s)
        return;
    if (s->close)
        s->close(s->self);
    mem_free(s);
}

enum err_code source_read(struct source *s, char *out, size_t cap, size_t *n, struct err *err)
{
    DCHECK(cap > 0);
    *n = 0;
    return s->read(s->self, out, cap, n, err);
}

/* --- file ------------------------------------------------------------------------------------ */

struct file {
    char *path;
    uint64_t *raw_bytes;
    int fd;
};

static enum err_code file_read(void *self, char *out, size_t cap, size_t *n, struct err *err)
{
    struct file *f = self;
    ssize_t got;
    do
        got = read(f->fd, out, cap);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_set_errno(err, ERR_IO, errno, "%s: cannot read", f->path);
    *n = (size_t)got;
    if (f->raw_bytes)
        *f->raw_bytes += (uint64_t)got;
    return ERR_OK;
}

static void file_close(void *self)
{
    struct file *f = self;
    if (f->fd > STDIN_FILENO)
        close(f->fd);
    mem_free(f->path);
    mem_free(f);
}

enum err_code source_file(struct source **out, const char *path, uint64_t *raw_bytes,
                          struct err *err)
{
    int fd = STDIN_FILENO;
    if (strcmp(path, "-") != 0) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_set_errno(err, ERR_IO, errno, "%s", path);
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
    struct file *f = MEM_NEW(struct file);
    *f = (struct file){mem_dup(path, strlen(path)), raw_bytes, fd};
    *out = source_new(file_read, file_close, f);
    return ERR_OK;
}

/* --- memory ---------------------------------------------------------------------------------- */

static enum err_code memory_read(void *self, char *out, size_t cap, size_t *n, struct err *err)
{
    struct str *rest = self;
    (void)err;
    *n = rest->n < cap ? rest->n : cap;
    if (*n)
        memcpy(out, rest->p, *n);
    rest->p += *n;
    rest->n -= *n;
    return ERR_OK;
}

struct source *source_memory(struct str bytes)
{
    struct str *rest = MEM_NEW(struct str);
    *rest = bytes.p ? bytes : STR_LIT("");
    return source_new(memory_read, mem_free, rest);
}

/* --- all together ---------------------------------------------------------------------------- */

enum err_code source_open(struct source **out, const char *path, const char *charset,
                          const struct source_limits *limits, uint64_t *raw_bytes, struct err *err)
{
    struct source *file = NULL;
    enum err_code rc = source_file(&file, path, raw_bytes, err);
    if (rc != ERR_OK)
        return rc;
    return source_decode(out, source_decompress(file, limits), charset, err);
}
