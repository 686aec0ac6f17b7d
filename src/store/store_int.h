/* store_int.h - the store's own shape, for the files of this domain that need more than its
 * functions. */
#ifndef STORE_STORE_INT_H
#define STORE_STORE_INT_H

#include "base/fs.h"
#include "store/writer_int.h"

enum { STORE_READERS_MAX = 256 };

struct store {
    char *dir; /* owned */
    char *url; /* of the database, owned */
    bool read_only;
    enum db_mode read_mode;
    struct fs_lock lock;
    struct writer writer; /* not started if read_only */
    pthread_mutex_t readers_lock;
    struct db *idle[STORE_READERS_MAX]; /* open, used by nobody; owned */
    size_t idle_len;
    size_t readers; /* open altogether */
};

/** The figures of the store that an operator watches, read when they are asked for. Of several stores
 *  in one process the one opened last is shown. */
void store_register_metrics(struct store *s);
void store_unregister_metrics(void);

#endif
