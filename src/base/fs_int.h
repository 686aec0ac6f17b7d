/* fs_int.h - what the files of fs share. */
#ifndef BASE_FS_INT_H
#define BASE_FS_INT_H

#include "base/fs.h"

/* Temporaries are FS_TEMP_PREFIX<pid>-<number>FS_TEMP_SUFFIX; fs_sweep removes what is named so. */
#define FS_TEMP_PREFIX ".aisle-"
#define FS_TEMP_SUFFIX ".tmp"

/* The folder that holds path: what stands before its last '/', "." without one. */
enum err_code fs_dir_of(const char *path, char out[FS_PATH_MAX], struct err *err);

/* rename(2) through fault injection, nothing synced. */
enum err_code fs_rename_only(const char *from, const char *to, struct err *err);

#endif
