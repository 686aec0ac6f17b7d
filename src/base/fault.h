/* fault.h - make the n-th writing call to the file system fail, to prove that nothing breaks.
 *
 * Model:   everything that changes the file system (write, fsync, rename, open for writing,
 *          ftruncate, unlink) asks fault_fs() first. FS_FAIL_AT=n in the environment makes the n-th
 *          of these calls of the process fail (1 is the first) with EIO; FS_FAIL_ERRNO=ENOSPC,
 *          EROFS, EACCES or EDQUOT picks another error, FS_FAIL_ERRNO=KILL ends the process there
 *          by SIGKILL, as a power cut would. Tests count n upward until nothing fails. mem.h does
 * the same for memory. Threads: any. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

/** Count one writing call. Returns 0, or the errno with which the call must be made to fail. */
int fault_fs(void);

enum { FAULT_KILL = -1 }; /* in place of an errno: end the process by SIGKILL */

/** Restart the count at zero, with at as the failing call and errnum as its error; 0 turns
 *  injection off. */
void fault_fs_at(long at, int errnum);

/** Writing calls since the start or the last fault_fs_at. */
long fault_fs_calls(void);

#endif
