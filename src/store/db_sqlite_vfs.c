/* SQLite reaches its files through this thin layer over the system's own one. It counts fsyncs, lets
 * base/fault.h fail any call that changes the file system, and blanks what rows that were moved have
 * left behind; everything else is passed on. */
#include "store/db_sqlite_int.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/banned.h"
#include "base/check.h"
#include "base/fault.h"

struct shim_file {
    sqlite3_file base;   /* must come first */
    bool durable;        /* the database or its log, not a temporary file */
    bool database;       /* the database itself */
    int64_t bytes;       /* of a database: its length, -1 not asked yet */
    sqlite3_file real[]; /* the system's file, szOsFile bytes */
};

static sqlite3_vfs *system_vfs;
static sqlite3_vfs shim_vfs;
static atomic_long syncs;

static struct shim_file *shim(sqlite3_file *f)
{
    return (struct shim_file *)(void *)f;
}

/* SQLITE_OK, or the code with which the call is to fail. */
static int fault(const sqlite3_file *f, int otherwise)
{
    if (!((const struct shim_file *)(const void *)f)->durable)
        return SQLITE_OK;
    int errnum = fault_fs();
    if (!errnum)
        return SQLITE_OK;
    return errnum == ENOSPC || errnum == EDQUOT ? SQLITE_FULL : otherwise;
}

static int shim_close(sqlite3_file *f)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods ? real->pMethods->xClose(real) : SQLITE_OK;
}

static int shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xRead(real, p, n, at);
}

/* --- gaps ------------------------------------------------------------------------------------- */

/* PRAGMA secure_delete overwrites the rows that are removed, but a row that balancing moved to
 * another page leaves a copy in the unused middle of the page that it came from. So that erasing a
 * row means no copy of it is left, the middle is written as zeros. The file's format
 * (sqlite.org/fileformat2.html, section 1.6) lets nobody read it. */

enum { PAGE_BYTES = 4096, HEADER_BYTES = 100 };

/* A page that is no b-tree's begins with the number of another page, whose first byte is that of a
 * b-tree page only in a file of 128 GiB and more. */
static const int64_t telling_bytes = 64LL << 30;

static size_t two_bytes(const uint8_t *p)
{
    return (size_t)(p[0] << 8 | p[1]);
}

/* The page as it is to be written; in copy if that is not as it is. */
static const uint8_t *without_gap(const uint8_t *page, sqlite3_int64 at, uint8_t copy[PAGE_BYTES])
{
    enum { INTERIOR_INDEX = 2, INTERIOR_TABLE = 5, LEAF_INDEX = 10, LEAF_TABLE = 13 };
    size_t head = at == 0 ? HEADER_BYTES : 0;
    uint8_t type = page[head];
    bool interior = type == INTERIOR_INDEX || type == INTERIOR_TABLE;
    if (!interior && type != LEAF_INDEX && type != LEAF_TABLE)
        return page;
    size_t cells = two_bytes(page + head + 3), end = two_bytes(page + head + 5);
    size_t begin = head + (interior ? 12 : 8) + 2 * cells;
    if (begin >= end || end > PAGE_BYTES)
        return page;
    memcpy(copy, page, PAGE_BYTES);
    memset(copy + begin, 0, end - begin);
    return copy;
}

static bool is_telling(struct shim_file *s, int64_t end)
{
    sqlite3_int64 bytes = 0;
    if (s->bytes < 0 && s->real->pMethods->xFileSize(s->real, &bytes) == SQLITE_OK)
        s->bytes = bytes;
    if (s->bytes < end)
        s->bytes = end;
    return s->bytes < telling_bytes;
}

static int shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    struct shim_file *s = shim(f);
    uint8_t copy[PAGE_BYTES];
    int rc = fault(f, SQLITE_IOERR_WRITE);
    if (rc)
        return rc;
    if (s->database && n == PAGE_BYTES && at % PAGE_BYTES == 0 && is_telling(s, at + n))
        p = without_gap(p, at, copy);
    return s->real->pMethods->xWrite(s->real, p, n, at);
}

/* --- the rest --------------------------------------------------------------------------------- */

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    sqlite3_file *real = shim(f)->real;
    int rc = fault(f, SQLITE_IOERR_TRUNCATE);
    return rc ? rc : real->pMethods->xTruncate(real, size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
    sqlite3_file *real = shim(f)->real;
    int rc = fault(f, SQLITE_IOERR_FSYNC);
    if (shim(f)->durable)
        atomic_fetch_add_explicit(&syncs, 1, memory_order_relaxed);
    return rc ? rc : real->pMethods->xSync(real, flags);
}

static int shim_file_size(sqlite3_file *f, sqlite3_int64 *size)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xFileSize(real, size);
}

static int shim_lock(sqlite3_file *f, int level)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xLock(real, level);
}

static int shim_unlock(sqlite3_file *f, int level)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xUnlock(real, level);
}

static int shim_check_reserved_lock(sqlite3_file *f, int *held)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xCheckReservedLock(real, held);
}

static int shim_file_control(sqlite3_file *f, int op, void *arg)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xFileControl(real, op, arg);
}

static int shim_sector_size(sqlite3_file *f)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xSectorSize(real);
}

static int shim_device_characteristics(sqlite3_file *f)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xDeviceCharacteristics(real);
}

static int shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xShmMap(real, page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xShmLock(real, offset, n, flags);
}

static void shim_shm_barrier(sqlite3_file *f)
{
    sqlite3_file *real = shim(f)->real;
    real->pMethods->xShmBarrier(real);
}

static int shim_shm_unmap(sqlite3_file *f, int remove)
{
    sqlite3_file *real = shim(f)->real;
    return real->pMethods->xShmUnmap(real, remove);
}

/* Version 2: shared memory for the log's index, no memory-mapped database (an I/O error there would
 * be a signal instead of an error). */
static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_file_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_reserved_lock,
    .xFileControl = shim_file_control,
    .xSectorSize = shim_sector_size,
    .xDeviceCharacteristics = shim_device_characteristics,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
};

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags,
                     int *out_flags)
{
    const int durable = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
    (void)vfs;
    struct shim_file *s = shim(f);
    s->durable = (flags & durable) != 0;
    s->database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    s->bytes = -1;
    s->base.pMethods = NULL;
    s->real->pMethods = NULL;
    int rc = flags & SQLITE_OPEN_READWRITE ? fault(f, SQLITE_CANTOPEN) : SQLITE_OK;
    if (!rc)
        rc = system_vfs->xOpen(system_vfs, name, s->real, flags, out_flags);
    if (!rc)
        s->base.pMethods = &shim_methods;
    return rc;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    (void)vfs;
    return fault_fs() ? SQLITE_IOERR_DELETE : system_vfs->xDelete(system_vfs, name, sync_dir);
}

static void register_vfs(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* its counters cost a lock per allocation */
    CHECK(sqlite3_initialize() == SQLITE_OK);
    system_vfs = sqlite3_vfs_find(NULL);
    CHECK(system_vfs);
    shim_vfs = *system_vfs;
    shim_vfs.pNext = NULL;
    shim_vfs.zName = "aisle";
    shim_vfs.szOsFile += (int)sizeof(struct shim_file);
    shim_vfs.xOpen = shim_open;
    shim_vfs.xDelete = shim_delete;
    CHECK(sqlite3_vfs_register(&shim_vfs, 0) == SQLITE_OK);
}

const char *sqlite_vfs_name(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CHECK(pthread_once(&once, register_vfs) == 0);
    return shim_vfs.zName;
}

long sqlite_vfs_syncs(void)
{
    return atomic_load_explicit(&syncs, memory_order_relaxed);
}
