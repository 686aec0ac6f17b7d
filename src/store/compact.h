/* compact.h - what a shop has gathered and nobody needs, taken out.
 *
 * Model:   many short transactions, each of some thousand rows, between which other writers have
 *          their turn: the events of erased shoppers, withdrawn feedback, quarantined rows that are
 *          settled or old, replies that have expired, jobs that ended long ago, and the log of changes
 *          up to a position. Then the write-ahead log is emptied.
 * Bytes:   what was removed is overwritten in the database's file, in its pages and in the gaps that
 *          moving rows left (db_sqlite_vfs.c), so that after a compaction that emptied the log no
 *          text of an erased shopper stands in the data folder. What the disk or the file system
 *          keeps of earlier versions of a file, and backups, are beyond this.
 * Stopped: at any moment, the next one goes on. */
#ifndef STORE_COMPACT_H
#define STORE_COMPACT_H

#include "store/store.h"

struct compact_report {
    int64_t events;      /* of erased shoppers, and withdrawn ones */
    int64_t quarantined; /* rows taken out of quarantine */
    int64_t replies;     /* kept for repeated requests */
    int64_t jobs;
    int64_t changes;  /* entries of the log of changes */
    bool log_emptied; /* false: a reader needed it for too long */
};

struct compact_options {
    int64_t changes_until;       /* nobody reads the log up to this position; 0: leave the log */
    bool (*stopping)(void *arg); /* asked between transactions: end early? NULL: no */
    void *arg;
    void (*erasing)(
        void *erasing_arg); /* called before the events of erased shoppers go, of whom none is added
                                           from then on: whoever still reads them returns when it has; NULL: nobody */
    void *erasing_arg;
};

/** report  may be NULL
 *  ERR_CANCELLED  stopping said so. */
ERR_MUST_USE enum err_code store_compact(struct store *store, const struct compact_options *o,
                                         struct compact_report *report, struct err *err);

#endif
