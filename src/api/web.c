/* web.c - the storefront and the console, from inside the binary. */
#include "api/api_int.h"
#include "api/web_files.h"

/* Everything comes from here; pictures may come from the shop's own hosts over https. */
static const char policy[] =
    "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'";

/* The console holds an admin key: it may load, call and be framed by nothing but this server, sends no form
 * anywhere, and texts become markup only through React. Pictures of products are where the shop has them. */
static const char console_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' https: data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'";

static const char for_ever[] = "public, max-age=31536000, immutable";

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".woff2", "font/woff2"},
    {".json", HTTP_TYPE_JSON},
    {".yaml", "application/yaml"},
    {".txt", HTTP_TYPE_TEXT},
};

static const char *type_of(struct str path)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (str_ends(path, str_of(types[i].suffix)))
            return types[i].type;
    return "application/octet-stream";
}

static const struct web_file *find(struct str path)
{
    for (const struct web_file *f = web_files; f->path; f++)
        if (str_is(path, f->path))
            return f;
    return NULL;
}

static void release_nothing(void *arg)
{
    (void)arg; /* the bytes are part of the program */
}

static enum err_code send_with(struct call *call, struct str path, const char *cache,
                               const struct http_header *headers, size_t n, struct err *err)
{
    const struct web_file *f = find(path);
    if (!f)
        return err_set(err, ERR_NOT_FOUND, "there is no such page");
    bool gz = f->gz_begin && http_request_accepts(call->req, "gzip");
    const char *begin = gz ? f->gz_begin : f->begin, *end = gz ? f->gz_end : f->end;
    http_reply(call->req, &(struct http_reply){.content_type = type_of(path),
                                               .body = {begin, (size_t)(end - begin)},
                                               .release = release_nothing,
                                               .headers = headers,
                                               .n_headers = n,
                                               .content_encoding = gz ? "gzip" : NULL,
                                               .cache_control = cache,
                                               .etag = str_of(f->etag),
                                               .no_compress = true});
    return ERR_OK;
}

static enum err_code send_file(struct call *call, struct str path, const char *cache,
                               struct err *err)
{
    const struct http_header headers[] = {
        {STR_LIT("Content-Security-Policy"), {policy, sizeof policy - 1}},
        {STR_LIT("Referrer-Policy"), STR_LIT("same-origin")},
    };
    return send_with(call, path, cache, headers, sizeof headers / sizeof *headers, err);
}

/* Its windows share nothing with those of other origins. */
static enum err_code get_console(struct call *call, struct err *err)
{
    const struct http_header headers[] = {
        {STR_LIT("Content-Security-Policy"), {console_policy, sizeof console_policy - 1}},
        {STR_LIT("Referrer-Policy"), STR_LIT("no-referrer")},
        {STR_LIT("Cross-Origin-Opener-Policy"), STR_LIT("same-origin")},
    };
    return send_with(call, STR_LIT("/console.html"), "no-cache", headers,
                     sizeof headers / sizeof *headers, err);
}

/* Every page is the same file: the program in it shows what the address says. */
static enum err_code get_page(struct call *call, struct err *err)
{
    return send_file(call, STR_LIT("/index.html"), "no-cache", err);
}

static enum err_code get_asset(struct call *call, struct err *err)
{
    return send_file(call, call->req->path, for_ever, err);
}

static enum err_code get_file(struct call *call, struct err *err)
{
    return send_file(call, call->req->path, "public, max-age=3600", err);
}

static const struct endpoint endpoints[] = {
    {HTTP_GET, "/", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/search", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/c/{*category}", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/product/{id}", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/cart", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/checkout", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/orders", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/orders/{id}", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/account", AUTH_NONE, get_page, 0, NO_PARAMS},
    {HTTP_GET, "/console", AUTH_NONE, get_console, 0, NO_PARAMS},
    {HTTP_GET, "/console/{*page}", AUTH_NONE, get_console, 0, NO_PARAMS},
    {HTTP_GET, "/assets/{file}", AUTH_NONE, get_asset, ENDPOINT_QUIET, NO_PARAMS},
    {HTTP_GET, "/favicon.svg", AUTH_NONE, get_file, ENDPOINT_QUIET, NO_PARAMS},
    {HTTP_GET, "/openapi.yaml", AUTH_NONE, get_file, 0, NO_PARAMS},
};
ENDPOINT_GROUP(web_endpoints, endpoints);
