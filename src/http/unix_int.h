/* unix_int.h - the address of a socket in a folder, however long the folder's path is. */
#ifndef HTTP_UNIX_INT_H
#define HTTP_UNIX_INT_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

struct unix_address {
    struct sockaddr_un sa;
    int dir; /* descriptor of the folder, while sa goes through it; -1: it does not */
};

/** sun_path holds 107 bytes. A longer path is reached through a descriptor of its folder
 *  (/proc/self/fd/N/NAME): the same file, open to the same users.
 *  out  release it in any case
 *  ERR_LIMIT  the name alone is too long; otherwise what opening the folder gives */
ERR_MUST_USE enum err_code unix_address_init(struct unix_address *out, const char *path,
                                             struct err *err);
void unix_address_release(struct unix_address *a);

#endif
