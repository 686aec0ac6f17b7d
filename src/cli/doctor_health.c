#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "cli/doctor.h"

enum { TIMEOUT_S = 5, REPLY_MAX = 4096 };

/* The address to ask: where the server listens; one that listens everywhere is asked at home. */
static enum err_code address_of(const struct config *config, struct sockaddr_storage *out,
                                socklen_t *len, struct err *err)
{
    const char *text = config_str(config, "server.address");
    int64_t admin = config_int(config, "server.admin_port");
    uint16_t port = (uint16_t)(admin ? admin : config_int(config, "server.port"));
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    if (!admin && config_str(config, "server.tls_cert")[0])
        return err_set(err, ERR_UNSUPPORTED,
                       "server.port speaks TLS: set server.admin_port, which speaks plain HTTP");
    *out = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *len = sizeof *v6;
        if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
            v6->sin6_addr = in6addr_loopback;
        return ERR_OK;
    }
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    *len = sizeof *v4;
    if (inet_pton(AF_INET, text, &v4->sin_addr) != 1 || v4->sin_addr.s_addr == htonl(INADDR_ANY))
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ERR_OK;
}

static enum err_code exchange(int fd, char reply[REPLY_MAX], struct err *err)
{
    static const char request[] =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    size_t got = 0;
    ssize_t n = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    while (n > 0 && got < REPLY_MAX - 1) {
        n = recv(fd, reply + got, REPLY_MAX - 1 - got, 0);
        if (n > 0)
            got += (size_t)n;
    }
    reply[got] = '\0';
    if (n >= 0)
        return ERR_OK;
    return err_set_errno(err, errno == EAGAIN ? ERR_TIMEOUT : ERR_UNAVAILABLE, errno, "/healthz");
}

static enum err_code judge(const char *reply, char *answer, size_t cap, struct err *err)
{
    const char *body = strstr(reply, "\r\n\r\n");
    snprintf(answer, cap, "%s", body ? body + 4 : "");
    answer[strcspn(answer, "\r\n")] = '\0';
    if (strncmp(reply, "HTTP/1.1 200 ", 13) == 0)
        return ERR_OK;
    return err_set(err, ERR_UNAVAILABLE, "/healthz answers %.*s %s", (int)strcspn(reply, "\r\n"),
                   reply, answer);
}

enum err_code doctor_health(const struct config *config, char *answer, size_t cap, struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len = 0;
    char reply[REPLY_MAX];
    struct timeval limit = {.tv_sec = TIMEOUT_S};
    enum err_code code = address_of(config, &address, &len, err);
    if (code != ERR_OK)
        return code;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, ERR_IO, errno, "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address, len) != 0)
        code = err_set_errno(err, ERR_UNAVAILABLE, errno, "no server answers on port %u",
                             ntohs(((const struct sockaddr_in *)&address)->sin_port));
    if (code == ERR_OK)
        code = exchange(fd, reply, err);
    close(fd);
    return code == ERR_OK ? judge(reply, answer, cap, err) : code;
}
