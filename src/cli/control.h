/* control.h - the control socket: how commands get at a data folder that a server holds.
 *
 * Model:   a server listens on DIR/control.sock, a Unix socket that only its own user and root can
 *          use (http/server.h): those who may write the files anyhow. The socket has all routes of the
 *          API, with the scope of an admin key, and one more: POST /control/command takes a command line
 *          apart already, runs it on the server's store on a thread of its own, and answers with exit
 *          status and output. So `aisle key create` does and prints the same whether a server runs or
 *          not.
 * Order:   what a command has written is applied to the engine and to the known keys before it ends.
 * Threads: the server's side as http/server.h. */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

#include "api/api.h"
#include "base/fs.h"
#include "cli/cli.h"
#include "http/client.h"

/** DIR/control.sock. */
ERR_MUST_USE enum err_code control_path(const char *dir, char out[FS_PATH_MAX], struct err *err);

/* --- the server's side ----------------------------------------------------------------------- */

struct control;

struct control_options {
    struct store *store; /* borrowed until control_free, as the following */
    struct engine *engine;
    struct auth *auth;
    const struct api *api;
    struct config *config;
};

/** returns owned */
ERR_MUST_USE enum err_code control_new(const struct control_options *options, struct control **out,
                                       struct err *err);

/** After the http server is gone. NULL is fine. */
void control_free(struct control *c);

/** The routes of the socket; borrowed until control_free. */
const struct http_route *control_routes(const struct control *c, size_t *n);

/* --- the command's side ---------------------------------------------------------------------- */

/** Run this command line in the server that holds the folder; what it printed there is printed here.
 *  false  no server listens: nothing was done, nothing printed
 *  status  the command's, or that of what went wrong on the way */
bool control_run(const struct args *args, enum cli_exit *status);

/** Ask the server that holds the folder: a request of the API (docs/http-api.md).
 *  body  of the reply, initialised here
 *  ERR_UNAVAILABLE  no server listens, or it ended meanwhile; otherwise what the reply's error says */
ERR_MUST_USE enum err_code control_ask(const struct args *args,
                                       const struct http_client_request *request, struct buf *body,
                                       struct err *err);

/** Does a server listen for the folder? */
bool control_answers(const struct args *args);

#endif
