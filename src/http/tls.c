#include "http/tls_int.h"

#include <openssl/err.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/mem.h"

/* What tells that a file is another one, or was written again; all-zero: it is not there. */
struct mark {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec modified;
};

struct http_tls {
    char *cert, *key; /* paths, owned */
    struct mark marks[2];
    pthread_mutex_t lock; /* of ctx */
    SSL_CTX *ctx;         /* owned reference */
};

static enum err_code tls_error(struct err *err, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    ERR_clear_error();
    return err_set(err, ERR_INVALID, "%s: %s", what, text);
}

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                           const unsigned char *in, unsigned in_n, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    (void)ssl, (void)arg;
    int rc = SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_n, ours, sizeof ours - 1,
                                   in, in_n);
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

static struct mark mark_of(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return (struct mark){.inode = 0};
    return (struct mark){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
}

static bool same(const struct mark *a, const struct mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->bytes == b->bytes &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

/* The marks are taken before the files are read: what changes meanwhile is seen by the next look. */
static void take_marks(struct http_tls *tls)
{
    tls->marks[0] = mark_of(tls->cert);
    tls->marks[1] = mark_of(tls->key);
}

static enum err_code load(const struct http_tls *tls, SSL_CTX **out, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    enum err_code code = ERR_OK;
    if (!ctx)
        return tls_error(err, tls->cert);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, NULL);
    if (SSL_CTX_use_certificate_chain_file(ctx, tls->cert) != 1)
        code = tls_error(err, tls->cert);
    else if (SSL_CTX_use_PrivateKey_file(ctx, tls->key, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(ctx) != 1)
        code = tls_error(err, tls->key);
    if (code)
        SSL_CTX_free(ctx);
    else
        *out = ctx;
    return code;
}

enum err_code http_tls_open(const char *name, const char *cert, const char *key,
                            struct http_tls **out, struct err *err)
{
    if (!key)
        return err_set(err, ERR_INVALID, "%s: a certificate without its key", name);
    struct http_tls *tls = MEM_NEW(struct http_tls);
    tls->cert = mem_dup(cert, strlen(cert));
    tls->key = mem_dup(key, strlen(key));
    CHECK(pthread_mutex_init(&tls->lock, NULL) == 0);
    take_marks(tls);
    enum err_code code = load(tls, &tls->ctx, err);
    if (code)
        http_tls_free(tls);
    else
        *out = tls;
    return code;
}

void http_tls_free(struct http_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->ctx);
    pthread_mutex_destroy(&tls->lock);
    mem_free(tls->cert);
    mem_free(tls->key);
    mem_free(tls);
}

SSL *http_tls_accept(struct http_tls *tls)
{
    pthread_mutex_lock(&tls->lock);
    SSL *ssl = SSL_new(tls->ctx); /* with a reference of its own */
    pthread_mutex_unlock(&tls->lock);
    return ssl;
}

bool http_tls_changed(const struct http_tls *tls)
{
    struct mark cert = mark_of(tls->cert), key = mark_of(tls->key);
    return !same(&cert, &tls->marks[0]) || !same(&key, &tls->marks[1]);
}

enum err_code http_tls_reload(struct http_tls *tls, struct err *err)
{
    SSL_CTX *fresh;
    take_marks(tls);
    enum err_code code = load(tls, &fresh, err);
    if (code)
        return code;
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->ctx;
    tls->ctx = fresh;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return ERR_OK;
}
