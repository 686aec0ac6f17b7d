/* test_unix.c - a server on a Unix socket, and the client that talks to it. */
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "http/rig.h"

#include "base/fs.h"
#include "http/client.h"

static struct rig rig;
static char dir[64], path[FS_PATH_MAX];

/* "local body" or "port body" */
static void tell(struct http_request *req)
{
    struct buf *out = http_request_scratch(req);
    buf_puts(out, req->local ? "local " : "port ");
    buf_put_str(out, req->body);
    http_reply(req, &(struct http_reply){.content_type = HTTP_TYPE_TEXT, .body = buf_str(out)});
}

static void refuse(struct http_request *req)
{
    http_reply_error(req, 507, "no_space", "no room");
}

static void ignore(struct http_request *req, struct str piece)
{
    (void)req, (void)piece;
}

static const struct http_route routes[] = {
    {.method = HTTP_POST, .pattern = "/", .handler = tell},
    {.method = HTTP_POST,
     .pattern = "/full",
     .handler = tell,
     .on_head = refuse,
     .on_body = ignore,
     .max_body_bytes = UINT64_MAX},
};

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/aisle-unix-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/s.sock", dir);
}

static enum err_code listen_at(const char *at, struct err *err)
{
    struct http_listen listen = {.path = at, .name = "control", .router = rig.router};
    return http_server_listen(rig.server, &listen, NULL, err);
}

static void init(void)
{
    struct err err;
    make_dir();
    ck_ok(http_router_new(routes, 2, &rig.router, &err));
    ck_ok(http_server_new(&(struct http_config){0}, &rig.server, &err));
}

static void start(void)
{
    struct err err;
    ck_ok(listen_at(path, &err));
    ck_ok(http_server_start(rig.server, &err));
}

static void stop(void)
{
    struct err err;
    rig_stop(&rig);
    ck_ok(fs_remove_tree(dir, &err));
}

static void must_answer(const char *body, const char *expected)
{
    struct err err;
    struct http_client_reply reply;
    struct http_client_request q = {.method = "POST", .target = "/", .body = str_of(body)};
    ck_ok(http_client_call(path, &q, 1 << 20, &reply, &err));
    ck_assert_int_eq(reply.status, 200);
    ck_assert_msg(str_is(buf_str(&reply.body), expected), "%s", reply.body.data);
    buf_release(&reply.body);
}

START_TEST(what_comes_through_a_socket_is_local_and_what_comes_through_a_port_is_not)
{
    struct err err;
    struct client c;
    unsigned index;
    init();
    ck_ok(http_server_listen(
        rig.server,
        &(struct http_listen){.address = "127.0.0.1", .router = rig.router, .name = "main"}, &index,
        &err));
    start();
    must_answer("x", "local x");
    client_open(&c, http_server_port(rig.server, index));
    client_send(&c, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n"
                    "Connection: close\r\n\r\ny");
    while (client_fill(&c))
        continue;
    ck_assert_ptr_nonnull(strstr(c.in.data, "\r\n\r\nport y"));
    client_close(&c);
    stop();
}
END_TEST

START_TEST(the_socket_is_its_owners_alone_and_goes_with_the_server)
{
    struct stat st;
    init();
    umask(0);
    start();
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    http_server_free(rig.server);
    rig.server = NULL;
    ck_assert_int_ne(stat(path, &st), 0);
    stop();
}
END_TEST

START_TEST(a_socket_that_a_dead_server_left_is_replaced_and_another_file_is_not)
{
    struct err err;
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    init();
    memcpy(sa.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
    close(fd);
    start();
    must_answer("", "local ");
    http_server_free(rig.server);
    ck_ok(http_server_new(&(struct http_config){0}, &rig.server, &err));
    ck_ok(fs_write_file_atomic(path, "mine", 4, &err));
    ck_err(listen_at(path, &err), ERR_CONFLICT);
    ck_assert_int_eq(access(path, F_OK), 0);
    stop();
}
END_TEST

START_TEST(a_path_longer_than_a_socket_address_works_and_a_name_longer_does_not)
{
    struct err err;
    char name[128];
    init();
    for (int i = 0; i < 4; i++) {
        size_t n = strlen(path) - strlen("s.sock");
        snprintf(path + n, sizeof path - n, "a-folder-with-a-rather-long-name-of-%02d/s.sock", i);
    }
    path[strlen(path) - strlen("/s.sock")] = '\0';
    ck_ok(fs_mkdirs(path, &err));
    memcpy(path + strlen(path), "/s.sock", 8);
    ck_assert_uint_gt(strlen(path), sizeof((struct sockaddr_un *)0)->sun_path);
    start();
    must_answer("z", "local z");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    struct http_client_reply reply;
    ck_err(http_client_call(name, &(struct http_client_request){.method = "GET", .target = "/"},
                            1024, &reply, &err),
           ERR_LIMIT);
    stop();
}
END_TEST

/* Exit status of a child of another user that connects and asks: 0 if it is cut off. */
static int ask_as_stranger(void)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char reply[16];
    memcpy(sa.sun_path, path, strlen(path));
    if (setgid(65534) != 0 || setuid(65534) != 0)
        return 2;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0)
        return 3;
    (void)!send(fd, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 47,
                MSG_NOSIGNAL); /* may be cut off already */
    return read(fd, reply, sizeof reply) <= 0 ? 0 : 1;
}

START_TEST(another_user_is_cut_off_even_where_the_file_lets_them_in)
{
    int status;
    if (geteuid() != 0)
        return;
    init();
    start();
    ck_assert_int_eq(chmod(dir, 0755), 0);
    ck_assert_int_eq(chmod(path, 0666), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(ask_as_stranger());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    must_answer("", "local ");
    stop();
}
END_TEST

/* A body of 300,000 bytes in pieces of many sizes. */
struct feed {
    size_t given, step;
};

enum { FEED_BYTES = 300000 };

static enum err_code give(void *arg, char *out, size_t cap, size_t *n, struct err *err)
{
    struct feed *f = arg;
    (void)err;
    f->step = f->step * 3 % cap + 1;
    *n = f->step < FEED_BYTES - f->given ? f->step : FEED_BYTES - f->given;
    for (size_t i = 0; i < *n; i++)
        out[i] = (char)('a' + (f->given + i) % 26);
    f->given += *n;
    return ERR_OK;
}

START_TEST(a_body_of_unknown_length_arrives_whole)
{
    struct err err;
    struct feed feed = {0};
    struct http_client_reply reply;
    struct http_client_request q = {
        .method = "POST", .target = "/", .read = give, .read_arg = &feed};
    init();
    start();
    ck_ok(http_client_call(path, &q, 1 << 20, &reply, &err));
    ck_assert_int_eq(reply.status, 200);
    ck_assert_uint_eq(reply.body.len, FEED_BYTES + 6);
    for (size_t i = 0; i < FEED_BYTES; i++)
        ck_assert_int_eq(reply.body.data[6 + i], (char)('a' + i % 26));
    buf_release(&reply.body);
    stop();
}
END_TEST

START_TEST(a_refusal_before_the_end_of_the_body_is_read)
{
    struct err err;
    struct feed feed = {0};
    struct http_client_reply reply;
    struct http_client_request q = {
        .method = "POST", .target = "/full", .read = give, .read_arg = &feed};
    init();
    start();
    ck_ok(http_client_call(path, &q, 1 << 20, &reply, &err));
    ck_assert_int_eq(reply.status, 507);
    buf_release(&reply.body);
    stop();
}
END_TEST

START_TEST(nobody_there_and_too_long_a_reply_are_errors)
{
    struct err err;
    struct http_client_reply reply;
    struct http_client_request q = {.method = "POST", .target = "/", .body = STR_LIT("0123456789")};
    init();
    ck_err(http_client_call(path, &q, 1 << 20, &reply, &err), ERR_UNAVAILABLE);
    start();
    ck_err(http_client_call(path, &q, 10, &reply, &err), ERR_LIMIT);
    stop();
}
END_TEST

SUITE("unix", what_comes_through_a_socket_is_local_and_what_comes_through_a_port_is_not,
      the_socket_is_its_owners_alone_and_goes_with_the_server,
      a_socket_that_a_dead_server_left_is_replaced_and_another_file_is_not,
      a_path_longer_than_a_socket_address_works_and_a_name_longer_does_not,
      another_user_is_cut_off_even_where_the_file_lets_them_in,
      a_body_of_unknown_length_arrives_whole, a_refusal_before_the_end_of_the_body_is_read,
      nobody_there_and_too_long_a_reply_are_errors)
