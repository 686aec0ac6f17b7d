#include "http/client.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/unix_int.h"

enum { HEAD_MAX = 64 << 10, PIECE = 64 << 10, CHUNK_LINE = 20 };

/* --- sending --------------------------------------------------------------------------------- */

static enum err_code connect_to(const char *path, int *fd, struct err *err)
{
    struct unix_address address;
    *fd = -1;
    enum err_code code = unix_address_init(&address, path, err);
    if (!code)
        *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!code &&
        (*fd < 0 || connect(*fd, (struct sockaddr *)&address.sa, sizeof address.sa) != 0)) {
        bool nobody = errno == ENOENT || errno == ECONNREFUSED;
        code = nobody ? err_set(err, ERR_UNAVAILABLE, "nobody listens on %s", path)
                      : err_set_errno(err, ERR_IO, errno, "%s", path);
    }
    unix_address_release(&address);
    if (code && *fd >= 0) {
        close(*fd);
        *fd = -1;
    }
    return code;
}

/* False once the server takes no more: what it has to say about that can be read. */
static bool send_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool send_head(int fd, const struct http_client_request *q)
{
    struct buf head;
    buf_init(&head, HEAD_MAX);
    buf_printf(&head, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", q->method,
               q->target);
    if (q->type)
        buf_printf(&head, "Content-Type: %s\r\n", q->type);
    if (q->read)
        buf_puts(&head, "Transfer-Encoding: chunked\r\n\r\n");
    else
        buf_printf(&head, "Content-Length: %zu\r\n\r\n", q->body.n);
    bool fine = send_all(fd, head.data, head.len);
    buf_release(&head);
    return fine;
}

/* The body in chunks, each a line with its size, the bytes, and a line end. */
static enum err_code send_chunks(int fd, const struct http_client_request *q, struct err *err)
{
    char block[CHUNK_LINE + PIECE + 2];
    size_t n = 1;
    bool fine = true;
    while (n && fine) {
        enum err_code code = q->read(q->read_arg, block + CHUNK_LINE, PIECE, &n, err);
        if (code)
            return code;
        char line[CHUNK_LINE + 1];
        size_t line_n = (size_t)snprintf(line, sizeof line, "%zx\r\n", n);
        char *from = block + CHUNK_LINE - line_n;
        memcpy(from, line, line_n);
        memcpy(block + CHUNK_LINE + n, "\r\n", 2);
        fine = send_all(fd, from, line_n + n + 2);
    }
    return ERR_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

/* All until the server closes. */
static enum err_code read_all(int fd, struct buf *in, struct err *err)
{
    char piece[16 << 10];
    for (;;) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && in->len == 0)
            return err_set_errno(err, ERR_IO, errno, "the server's reply");
        if (n <= 0)
            return ERR_OK;
        buf_put(in, piece, (size_t)n);
        enum err_code code = buf_ok(in, "the server's reply", err);
        if (code)
            return code;
    }
}

static bool is_length(struct str line, struct str *value)
{
    struct str name = STR_LIT("content-length:");
    if (line.n < name.n || !str_eq_nocase((struct str){line.p, name.n}, name))
        return false;
    *value = str_trim((struct str){line.p + name.n, line.n - name.n});
    return true;
}

/* Status and body of what came. */
static enum err_code take_apart(const struct buf *in, struct http_client_reply *out,
                                struct err *err)
{
    struct str all = buf_str(in), version = STR_LIT("HTTP/1.1 "), value;
    size_t end = str_search(all, STR_LIT("\r\n\r\n"));
    int64_t status, length = -1;
    if (end == SIZE_MAX || !str_starts(all, version) || end < version.n + 3 ||
        str_parse_i64((struct str){all.p + version.n, 3}, 200, 599, &status, NULL) != ERR_OK)
        return err_set(err, ERR_IO, "the server ended the connection without a reply");
    struct str head = {all.p, end}, body = {all.p + end + 4, all.n - end - 4};
    while (head.p && head.n)
        if (is_length(str_split(&head, '\n'), &value) &&
            str_parse_i64(value, 0, INT64_MAX, &length, NULL) != ERR_OK)
            return err_set(err, ERR_IO, "the server's reply has a broken length");
    if (length >= 0 && (uint64_t)length != body.n)
        return err_set(err, ERR_IO, "the server's reply is cut short");
    out->status = (int)status;
    buf_put_str(&out->body, body);
    return buf_ok(&out->body, "the server's reply", err);
}

enum err_code http_client_call(const char *path, const struct http_client_request *request,
                               size_t max_bytes, struct http_client_reply *out, struct err *err)
{
    struct buf in;
    int fd;
    *out = (struct http_client_reply){0};
    buf_init(&out->body, max_bytes);
    enum err_code code = connect_to(path, &fd, err);
    if (code)
        return code;
    buf_init(&in, max_bytes + HEAD_MAX);
    if (send_head(fd, request)) {
        if (request->read)
            code = send_chunks(fd, request, err);
        else
            send_all(fd, request->body.p, request->body.n);
    }
    if (!code)
        code = read_all(fd, &in, err);
    if (!code)
        code = take_apart(&in, out, err);
    if (code)
        buf_release(&out->body);
    close(fd);
    buf_release(&in);
    return code;
}
