#include "http/unix_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

static enum err_code open_folder(struct unix_address *out, const char *path, const char *name,
                                 struct err *err)
{
    char folder[FS_PATH_MAX];
    size_t n = (size_t)(name - path);
    if (n >= sizeof folder)
        return err_set(err, ERR_LIMIT, "%.80s...: the path is too long", path);
    memcpy(folder, path, n);
    folder[n] = '\0';
    out->dir = open(n ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return out->dir >= 0 ? ERR_OK : err_set_errno(err, ERR_IO, errno, "%s", folder);
}

enum err_code unix_address_init(struct unix_address *out, const char *path, struct err *err)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    *out = (struct unix_address){.sa.sun_family = AF_UNIX, .dir = -1};
    int n = snprintf(out->sa.sun_path, sizeof out->sa.sun_path, "%s", path);
    if (n < (int)sizeof out->sa.sun_path)
        return ERR_OK;
    enum err_code code = open_folder(out, path, name, err);
    if (code)
        return code;
    n = snprintf(out->sa.sun_path, sizeof out->sa.sun_path, "/proc/self/fd/%d/%s", out->dir, name);
    return n < (int)sizeof out->sa.sun_path
               ? ERR_OK
               : err_set(err, ERR_LIMIT, "%s: too long for the name of a socket", name);
}

void unix_address_release(struct unix_address *a)
{
    if (a->dir >= 0)
        close(a->dir);
    a->dir = -1;
}
