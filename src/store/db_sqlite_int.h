/* db_sqlite_int.h - what the two halves of the SQLite driver share. */
#ifndef STORE_DB_SQLITE_INT_H
#define STORE_DB_SQLITE_INT_H

#include <sqlite3.h>

/** Register, once per process, the file layer that lets base/fault.h reach SQLite's writes; returns
 *  its name, for sqlite3_open_v2. Temporary files are left out. */
const char *sqlite_vfs_name(void);

/** fsyncs that SQLite asked for since the start of the process. */
long sqlite_vfs_syncs(void);

#endif
