#include "base/fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_long calls;
static atomic_long fail_at = -1; /* -1: the environment was not read yet */
static atomic_int fail_errno = EIO;

static int errno_of_name(const char *name)
{
    static const struct {
        const char *name;
        int errnum;
    } known[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EROFS", EROFS},
                 {"EACCES", EACCES}, {"EDQUOT", EDQUOT}, {"KILL", FAULT_KILL}};
    for (size_t i = 0; name && i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].errnum;
    return EIO;
}

static long read_environment(void)
{
    const char *env = getenv("FS_FAIL_AT");
    long at = env ? strtol(env, NULL, 10) : 0;
    if (at < 0)
        at = 0;
    atomic_store(&fail_errno, errno_of_name(getenv("FS_FAIL_ERRNO")));
    atomic_store(&fail_at, at);
    return at;
}

int fault_fs(void)
{
    long at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    if (__builtin_expect(at < 0, 0))
        at = read_environment();
    long n = atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed) + 1;
    if (__builtin_expect(at == 0 || n != at, 1))
        return 0;
    int errnum = atomic_load(&fail_errno);
    if (errnum == FAULT_KILL)
        raise(SIGKILL);
    return errnum;
}

void fault_fs_at(long at, int errnum)
{
    atomic_store(&calls, 0);
    atomic_store(&fail_errno, errnum);
    atomic_store(&fail_at, at);
}

long fault_fs_calls(void)
{
    return atomic_load(&calls);
}
