/* tls_int.h - the certificate and key of a listener, replaced while it serves.
 *
 * Model:   a pair read from files makes an SSL_CTX. Reading again makes another one aside and swaps it
 *          in; connections keep the one that they began with.
 * Threads: http_tls_accept from any loop; the others from one thread at a time. */
#ifndef HTTP_TLS_INT_H
#define HTTP_TLS_INT_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/err.h"

struct http_tls;

/** returns owned. ERR_INVALID  the pair is broken or not there; name is for the message */
ERR_MUST_USE enum err_code http_tls_open(const char *name, const char *cert, const char *key,
                                         struct http_tls **out, struct err *err);
void http_tls_free(struct http_tls *tls);

/** returns owned: the server's side of a new connection; NULL: no memory */
SSL *http_tls_accept(struct http_tls *tls);

/** Are the files others than those read last, or the same ones written again? Symbolic links are
 *  followed. */
bool http_tls_changed(const struct http_tls *tls);

/** Read the files again. On failure the pair in force stays, and http_tls_changed is false until the
 *  files change once more. */
ERR_MUST_USE enum err_code http_tls_reload(struct http_tls *tls, struct err *err);

#endif
