#include "base/thread.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/fs.h"
#include "base/mem.h"

struct start {
    thread_fn *fn;
    void *arg;
    char name[16];
};

static void *run(void *p)
{
    struct start s = *(struct start *)p;
    mem_free(p);
    (void)pthread_setname_np(pthread_self(), s.name); /* only for people who look */
    s.fn(s.arg);
    return NULL;
}

enum err_code thread_start(struct thread *t, const char *name, thread_fn *fn, void *arg,
                           struct err *err)
{
    struct start *s = MEM_NEW(struct start);
    *s = (struct start){.fn = fn, .arg = arg};
    snprintf(s->name, sizeof s->name, "%s", name);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits this */
    int errnum = pthread_create(&t->id, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    t->running = errnum == 0;
    if (errnum == 0)
        return ERR_OK;
    mem_free(s);
    return err_set_errno(err, ERR_UNAVAILABLE, errnum, "cannot start the thread '%s'", name);
}

void thread_join(struct thread *t)
{
    if (t->running)
        CHECK(pthread_join(t->id, NULL) == 0);
    t->running = false;
}

/* --- processors ------------------------------------------------------------------------------ */

static unsigned affinity_cpus(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}

/* "200000 100000": quota and period in microseconds; "max 100000": none. */
static unsigned quota_cpus(const char *path)
{
    struct buf text = {.max = 256};
    unsigned cpus = UINT32_MAX;
    if (fs_read_file(path, text.max, &text, NULL) == ERR_OK && text.len > 0) {
        char *after;
        long quota = strtol(text.data, &after, 10), period = strtol(after, NULL, 10);
        if (quota > 0 && period > 0)
            cpus = (unsigned)((quota + period - 1) / period);
    }
    buf_release(&text);
    return cpus;
}

/* The path of this process's cgroup (version 2) below /sys/fs/cgroup: the line "0::/path". */
static struct str own_cgroup(struct buf *text)
{
    struct str line, prefix = STR_LIT("0::");
    if (fs_read_file("/proc/self/cgroup", text->max, text, NULL) != ERR_OK)
        return (struct str){0};
    for (struct str rest = buf_str(text); rest.p;) {
        line = str_split(&rest, '\n');
        if (str_starts(line, prefix))
            return (struct str){line.p + prefix.n, line.n - prefix.n};
    }
    return (struct str){0};
}

unsigned thread_cpus(void)
{
    char path[FS_PATH_MAX];
    struct buf text = {.max = 8192};
    struct str group = own_cgroup(&text);
    unsigned cpus = affinity_cpus();
    snprintf(path, sizeof path, "/sys/fs/cgroup%.*s/cpu.max", STR_ARG(group));
    unsigned quota = quota_cpus(path);
    if (quota < cpus)
        cpus = quota;
    buf_release(&text);
    return cpus;
}
