#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/json_reader.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/thread.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/control.h"
#include "cli/shop_keys.h"
#include "cli/shop.h"
#include "demo/create.h"
#include "jobs/runner.h"
#include "rank/rules.h"
#include "recommend/experiment_set.h"
#include "search/search.h"
#include "store/keys.h"

enum { NAME_MAX_BYTES = 256, ORIGINS_MAX = 32 };

static const char READ_ONLY[] = "this shop is served read-only (server.read_only): change it with "
                                "the commands of `aisle` where "
                                "its data folder is, or by a server without that setting";

static const struct flag flags[] = {
    {"--port", "N", "port (setting server.port, 5000)"},
    {"--address", "A", "numeric address to listen on (setting server.address, all)"},
    {"--read-only", NULL, "serve what is there; answer writes with 503"},
};

/* Everything that a server has; all-zero is nothing. */
struct serving {
    const struct args *args;
    struct arena texts;
    struct store *store;
    struct engine *engine;
    struct auth *auth;
    struct api *api;
    struct runner *runner;
    struct control *control; /* NULL: read-only */
    struct http_router *router, *admin_router, *control_router;
    struct http_server *server;
    struct api_options options;
    const char *origins[ORIGINS_MAX];
    size_t origins_len;
    char name_en[NAME_MAX_BYTES], name_zh[NAME_MAX_BYTES];
    struct shop_keys keys;
    struct list_key list_key;
    bool has_list_key;
    uint16_t port;
};

/* --- settings -------------------------------------------------------------------------------- */

static enum err_code apply_flags(const struct args *args, struct err *err)
{
    static const struct {
        const char *flag, *setting;
    } map[] = {{"--port", "server.port"}, {"--address", "server.address"}};
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < 2 && code == ERR_OK; i++)
        if (args_has(args, map[i].flag))
            code = config_set(args->config, map[i].setting, args_flag(args, map[i].flag),
                              map[i].flag, err);
    if (code == ERR_OK && args_has(args, "--read-only"))
        code = config_set(args->config, "server.read_only", "true", "--read-only", err);
    return code;
}

static void read_origins(struct serving *s)
{
    struct str rest = str_of(config_str(s->args->config, "server.cors_origins"));
    while (rest.p && rest.n && s->origins_len < ORIGINS_MAX) {
        struct str origin = arena_str(&s->texts, str_trim(str_split(&rest, ',')));
        if (origin.n)
            s->origins[s->origins_len++] = origin.p;
    }
}

/* --- what the store knows of the shop -------------------------------------------------------- */

static void copy_name(struct str name, char out[NAME_MAX_BYTES])
{
    snprintf(out, NAME_MAX_BYTES, "%.*s", STR_ARG(name));
}

static void read_names(struct serving *s, struct str json)
{
    struct json_reader r;
    struct str key, name;
    jr_init(&r, json, &s->texts);
    if (jr_obj(&r))
        while (jr_key(&r, &key))
            if (jr_str(&r, &name))
                copy_name(name, str_is(key, "zh") ? s->name_zh : s->name_en);
}

static enum err_code read_shop(struct serving *s, struct err *err)
{
    struct db *db;
    struct str text;
    enum err_code code = store_read_begin(s->store, &db, err);
    if (code != ERR_OK)
        return code;
    copy_name(str_of(config_str(s->args->config, "shop.name_en")), s->name_en);
    copy_name(str_of(config_str(s->args->config, "shop.name_zh")), s->name_zh);
    code = demo_is_here(db, &s->options.demo, err);
    if (code == ERR_OK)
        code = setting_get(db, STR_LIT(DEMO_NAME_SETTING), &s->texts, &text, err);
    if (code == ERR_OK && text.n)
        read_names(s, text);
    if (code == ERR_OK)
        code = shop_keys_read(db, &s->texts, &s->keys, err);
    store_read_end(s->store, db);
    return code;
}

/* --- starting -------------------------------------------------------------------------------- */

/* As the environment names it: "AISLE_SHOP_UTC_OFFSET". */
static void hand_down(const struct config_view *v)
{
    char variable[64];
    snprintf(variable, sizeof variable, "AISLE_%s_%s", v->setting->section, v->setting->name);
    for (char *c = variable; *c; c++)
        *c = (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
    setenv(variable, v->value, 1);
}

/* A training is a process of its own: what it must know of this one's settings it reads from the environment: whatever
 * is about the shop, recommendations or the log. Before there are other threads. */
static void hand_down_settings(const struct config *config)
{
    static const char *const sections[] = {"shop", "recommend", "log"};
    struct config_view v;
    for (size_t i = 0; config_at(config, i, &v); i++)
        for (size_t k = 0; k < sizeof sections / sizeof *sections; k++)
            if (strcmp(v.setting->section, sections[k]) == 0 && !v.setting->secret)
                hand_down(&v);
}

static enum err_code open_shop(struct serving *s, struct err *err)
{
    struct engine_options options = {.rules = &rules_compiler, .experiments = &experiments_reader};
    bool read_only = config_bool(s->args->config, "server.read_only");
    enum err_code code = shop_profile_read(s->args->config, &options.shop, err);
    if (code == ERR_OK)
        code = shop_weights_read(s->args->config, &s->options.weights, err);
    if (code == ERR_OK)
        code = open_store(s->args, read_only, read_only, &s->store, err);
    if (code == ERR_OK)
        code = read_shop(s, err);
    if (code == ERR_OK && !read_only)
        code = shop_keys_make(s->store, s->options.demo, &s->keys, err);
    if (code == ERR_OK)
        code = list_key_load(s->store, &s->list_key, &s->has_list_key, err);
    options.frozen = read_only;
    if (code == ERR_OK)
        code = engine_open(s->store, &options, &s->engine, err);
    if (code == ERR_OK)
        code = auth_open(s->store, &s->auth, err);
    return code;
}

static void wake_runner(void *arg)
{
    struct serving *s = arg;
    if (s->runner)
        runner_wake(s->runner);
}

static void cancel_job(void *arg, int64_t no)
{
    struct serving *s = arg;
    if (s->runner)
        runner_cancel(s->runner, no);
}

static enum err_code start_runner(struct serving *s, struct err *err)
{
    char program[4096];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return err_set_errno(err, ERR_IO, errno, "/proc/self/exe");
    program[n] = '\0';
    struct runner_options options = {
        .store = s->store,
        .engine = s->engine,
        .program = program,
        .refit_every_us = config_duration_us(s->args->config, "recommend.refit_every"),
        .train_every_us = config_duration_us(s->args->config, "recommend.train_every")};
    return runner_start(&options, &s->runner, err);
}

static void *loop_begin(void *ctx, unsigned loop)
{
    (void)ctx;
    (void)loop;
    return searcher_new();
}

static void loop_end(void *ctx, unsigned loop, void *searcher)
{
    (void)ctx;
    (void)loop;
    searcher_free(searcher);
}

static const char *text_or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static enum err_code listen_on_control(struct serving *s, struct err *err)
{
    char path[FS_PATH_MAX];
    size_t n;
    const struct http_route *routes = control_routes(s->control, &n);
    enum err_code code = http_router_new(routes, n, &s->control_router, err);
    if (code == ERR_OK)
        code = control_path(store_dir(s->store), path, err);
    struct http_listen listen = {.path = path, .router = s->control_router, .name = "control"};
    return code == ERR_OK ? http_server_listen(s->server, &listen, NULL, err) : code;
}

static enum err_code listen_on(struct serving *s, struct err *err)
{
    const struct config *c = s->args->config;
    const struct http_route *routes;
    size_t n;
    unsigned index;
    routes = api_routes(s->api, &n);
    enum err_code code = http_router_new(routes, n, &s->router, err);
    if (code != ERR_OK)
        return code;
    struct http_listen main_port = {.address = text_or_null(config_str(c, "server.address")),
                                    .port = (uint16_t)config_int(c, "server.port"),
                                    .router = s->router,
                                    .name = "main",
                                    .tls_cert = text_or_null(config_str(c, "server.tls_cert")),
                                    .tls_key = text_or_null(config_str(c, "server.tls_key"))};
    code = http_server_listen(s->server, &main_port, &index, err);
    if (code != ERR_OK)
        return code;
    s->port = http_server_port(s->server, index);
    int64_t admin_port = config_int(c, "server.admin_port");
    if (admin_port == 0)
        return ERR_OK;
    routes = api_admin_routes(s->api, &n);
    code = http_router_new(routes, n, &s->admin_router, err);
    struct http_listen admin = {.address = main_port.address,
                                .port = (uint16_t)admin_port,
                                .router = s->admin_router,
                                .name = "admin"};
    return code == ERR_OK ? http_server_listen(s->server, &admin, NULL, err) : code;
}

static enum err_code start_http(struct serving *s, struct err *err)
{
    const struct config *c = s->args->config;
    int64_t loops = config_int(c, "server.loops");
    read_origins(s);
    struct http_config config = {
        .loops = loops ? (unsigned)loops : thread_cpus(),
        .max_connections = (unsigned)config_int(c, "server.max_connections"),
        .max_body_bytes = config_bytes(c, "server.max_body"),
        .access_log = config_bool(c, "server.access_log"),
        .cors = {.origins = s->origins, .n_origins = s->origins_len},
        .on_loop = loop_begin,
        .on_loop_end = loop_end,
    };
    struct err why;
    enum err_code code = http_server_new(&config, &s->server, err);
    if (code == ERR_OK)
        code = listen_on(s, err);
    /* Some file systems have no sockets: the shop is served all the same. */
    if (code == ERR_OK && s->control && listen_on_control(s, &why) != ERR_OK)
        log_warn("no control socket: commands that write need the server stopped",
                 LOG_ERR_TEXT(&why));
    return code == ERR_OK ? http_server_start(s->server, err) : code;
}

static double resident_bytes(void *arg)
{
    (void)arg;
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static enum err_code start(struct serving *s, struct err *err)
{
    hand_down_settings(s->args->config);
    enum err_code code = open_shop(s, err);
    if (code != ERR_OK)
        return code;
    bool read_only = store_is_read_only(s->store);
    s->options.store = s->store;
    s->options.engine = s->engine;
    s->options.config = s->args->config;
    s->options.auth = s->auth;
    s->options.name_en = s->name_en;
    s->options.name_zh = s->name_zh;
    s->options.public_key = text_or_null(s->keys.public_key);
    s->options.demo_key_no = s->keys.demo_no;
    s->options.gorse_feedback = config_str(s->args->config, "gorse.feedback_types");
    s->options.gorse_users = config_bool(s->args->config, "gorse.auto_insert_user");
    s->options.gorse_items = config_bool(s->args->config, "gorse.auto_insert_item");
    s->options.read_only = read_only ? READ_ONLY : NULL;
    s->options.list_key = s->has_list_key ? &s->list_key : NULL;
    s->options.server = &s->server;
    s->options.wake_jobs = wake_runner;
    s->options.cancel_job = cancel_job;
    s->options.jobs_ctx = s;
    code = api_new(&s->options, &s->api, err);
    if (code != ERR_OK)
        return code;
    metrics_gauge_fn(metrics_default(),
                     &(struct metric_opts){.name = "aisle_resident_bytes",
                                           .help = "Resident memory of the process"},
                     resident_bytes, NULL);
    if (!read_only)
        code = start_runner(s, err);
    if (code == ERR_OK && !read_only)
        code = control_new(
            &(struct control_options){s->store, s->engine, s->auth, s->api, s->args->config},
            &s->control, err);
    return code == ERR_OK ? start_http(s, err) : code;
}

static void stop(struct serving *s)
{
    http_server_free(s->server);
    control_free(s->control);
    runner_stop(s->runner);
    http_router_free(s->router);
    http_router_free(s->admin_router);
    http_router_free(s->control_router);
    api_free(s->api);
    auth_close(s->auth);
    engine_close(s->engine);
    store_close(s->store);
    arena_release(&s->texts);
}

/* --- running --------------------------------------------------------------------------------- */

static void announce(const struct serving *s)
{
    struct engine_stats e;
    engine_stats(s->engine, &e);
    log_info("serving", LOG_I64("port", s->port), LOG_I64("products", e.products),
             LOG_Z("model", e.model[0] ? e.model : "none"), LOG_BOOL("demo", s->options.demo),
             LOG_BOOL("read_only", s->options.read_only != NULL));
    if (!s->args->quiet)
        fprintf(stderr, "Aisle is at http://localhost:%u/\n", s->port);
}

static bool has_tls(const struct args *args)
{
    return config_str(args->config, "server.tls_cert")[0] != '\0';
}

/* Those that are waited for. Without a certificate a hang-up ends the process, as that of a terminal
 * should. */
static void stop_signals(const struct args *args, sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    if (has_tls(args))
        sigaddset(signals, SIGHUP);
}

/* forced: also what has not changed. */
static void reload_tls(struct serving *s, bool forced)
{
    struct err err;
    unsigned reloaded;
    if (http_server_reload_tls(s->server, !forced, &reloaded, &err) != ERR_OK)
        log_error("the new certificate is of no use, the old one stays", LOG_ERR_TEXT(&err));
    if (reloaded > 0)
        log_info("certificate read again", LOG_I64("listeners", reloaded));
}

/* The signal that comes next, looking after the certificate meanwhile. */
static int next_signal(struct serving *s, const sigset_t *signals)
{
    enum { PERIOD_MIN_US = 100000 };
    int64_t period_us =
        has_tls(s->args) ? config_duration_us(s->args->config, "server.tls_reload") : 0;
    if (period_us > 0 && period_us < PERIOD_MIN_US)
        period_us = PERIOD_MIN_US;
    struct timespec period = {period_us / 1000000, period_us % 1000000 * 1000};
    for (;;) {
        int got = sigtimedwait(signals, NULL, period_us ? &period : NULL);
        if (got > 0)
            return got;
        if (errno == EAGAIN)
            reload_tls(s, false);
    }
}

/* The first signal to stop drains, the second ends at once. */
static void wait_for_stop(struct serving *s)
{
    const struct config *c = s->args->config;
    sigset_t signals;
    int got;
    stop_signals(s->args, &signals);
    while ((got = next_signal(s, &signals)) == SIGHUP)
        reload_tls(s, true);
    log_info("stopping", LOG_I64("signal", got));
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    sigdelset(&signals, SIGHUP); /* there is nothing to read again for */
    pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
    api_begin_drain(s->api);
    http_server_drain(s->server, (unsigned)(config_duration_us(c, "server.drain_grace") / 1000),
                      (unsigned)(config_duration_us(c, "server.drain_finish") / 1000));
}

/* A library's own threads (OpenBLAS starts one as it is loaded) do not have our mask: what they are
 * given goes on to the thread that waits for it. */
static pthread_t waiting_thread;

static void pass_on(int number)
{
    pthread_kill(waiting_thread, number);
}

static void block_stop_signals(const struct args *args)
{
    sigset_t signals;
    waiting_thread = pthread_self();
    stop_signals(args, &signals);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGINT, pass_on);
    signal(SIGTERM, pass_on);
    if (has_tls(args))
        signal(SIGHUP, pass_on);
    signal(SIGPIPE, SIG_IGN);
}

static enum cli_exit run(const struct args *args)
{
    struct serving s = {.args = args};
    struct err err;
    arena_init(&s.texts, 0, 1 << 20);
    block_stop_signals(args);
    enum err_code code = apply_flags(args, &err);
    if (code == ERR_OK)
        code = start(&s, &err);
    if (code == ERR_OK) {
        announce(&s);
        wait_for_stop(&s);
    }
    stop(&s);
    return code == ERR_OK ? EXIT_FINE : fail(args, &err);
}

const struct command cmd_serve = {
    .name = "serve",
    .summary = "Serve storefront and API",
    .usage = "[--port N] [--address A] [--read-only]",
    .text =
        "Serves the shop in the data folder until SIGTERM or SIGINT, then finishes what is under\n"
        "way. `aisle doctor` prints the settings in force; docs/configuration.md lists them.\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .run = run,
};
