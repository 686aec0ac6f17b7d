#include "support/suite.h"

#include "http/router.h"

static void handler(struct http_request *req)
{
    (void)req;
}

#define ROUTE(m, p)                                                                                \
    {                                                                                              \
        .method = HTTP_##m, .pattern = p, .handler = handler                                       \
    }

static const struct http_route table[] = {
    ROUTE(GET, "/"),
    ROUTE(GET, "/v1/products"),
    ROUTE(GET, "/v1/products/{id}"),
    ROUTE(PUT, "/v1/products/{id}"),
    ROUTE(POST, "/v1/products/bulk"),
    ROUTE(DELETE, "/v1/users/{id}/joins/{anonymous_id}"),
    ROUTE(GET, "/v1/users/{id}/joins/all"),
    ROUTE(POST, "/1/indexes/*/queries"),
    ROUTE(POST, "/1/indexes/{index}/query"),
    ROUTE(GET, "/assets/{*path}"),
    ROUTE(GET, "/assets/app.js"),
};

static struct arena arena;
static struct http_match match;
static struct http_router *router;

static const char *find(enum http_method method, const char *path)
{
    struct err err;
    struct http_target target;
    if (!router) {
        arena_init(&arena, 0, 1 << 20);
        ck_ok(http_router_new(table, sizeof table / sizeof *table, &router, &err));
    }
    ck_assert_int_eq(http_target_parse(str_of(path), method, &arena, &target).status, 0);
    http_router_match(router, method, &target, &arena, &match);
    return match.route ? match.route->pattern : NULL;
}

START_TEST(literals_win_over_names_and_names_over_rests)
{
    ck_assert_str_eq(find(HTTP_GET, "/"), "/");
    ck_assert_str_eq(find(HTTP_GET, "/v1/products"), "/v1/products");
    ck_assert_str_eq(find(HTTP_GET, "/v1/products/7"), "/v1/products/{id}");
    ck_assert_str_eq(find(HTTP_POST, "/v1/products/bulk"), "/v1/products/bulk");
    ck_assert_str_eq(find(HTTP_POST, "/1/indexes/*/queries"), "/1/indexes/*/queries");
    ck_assert_str_eq(find(HTTP_POST, "/1/indexes/*/query"), "/1/indexes/{index}/query");
    ck_assert_str_eq(find(HTTP_GET, "/assets/app.js"), "/assets/app.js");
    ck_assert_str_eq(find(HTTP_GET, "/assets/a/b.css"), "/assets/{*path}");
    http_router_free(router);
}
END_TEST

START_TEST(a_method_that_only_a_name_serves_is_found_behind_a_literal)
{
    ck_assert_str_eq(find(HTTP_GET, "/v1/products/bulk"), "/v1/products/{id}");
    ck_assert(str_is(match.params[0].value, "bulk"));
    ck_assert_str_eq(find(HTTP_DELETE, "/v1/users/u/joins/all"),
                     "/v1/users/{id}/joins/{anonymous_id}");
    http_router_free(router);
}
END_TEST

START_TEST(parameters_carry_decoded_values)
{
    ck_assert_ptr_nonnull(find(HTTP_DELETE, "/v1/users/a%2Fb/joins/%E4%BD%A0"));
    ck_assert_uint_eq(match.n_params, 2);
    ck_assert(str_is(match.params[0].name, "id") && str_is(match.params[0].value, "a/b"));
    ck_assert(str_is(match.params[1].value, "\xe4\xbd\xa0"));
    ck_assert_ptr_nonnull(find(HTTP_GET, "/assets/a%20b/c//d"));
    ck_assert(str_is(match.params[0].name, "path") && str_is(match.params[0].value, "a b/c//d"));
    http_router_free(router);
}
END_TEST

START_TEST(a_missing_path_and_a_missing_method_differ)
{
    ck_assert_ptr_null(find(HTTP_GET, "/v1"));
    ck_assert(!match.path_exists);
    ck_assert_ptr_null(find(HTTP_GET, "/v1/products/"));
    ck_assert(!match.path_exists);
    ck_assert_ptr_null(find(HTTP_PATCH, "/v1/products/7"));
    ck_assert(match.path_exists);
    ck_assert_uint_eq(match.allow,
                      1u << HTTP_GET | 1u << HTTP_PUT | 1u << HTTP_HEAD | 1u << HTTP_OPTIONS);
    ck_assert_str_eq(find(HTTP_HEAD, "/v1/products/7"), "/v1/products/{id}");
    http_router_free(router);
}
END_TEST

START_TEST(a_bad_table_is_refused)
{
    struct err err;
    static const struct http_route bad[][2] = {
        {ROUTE(GET, "/a/{x}"), ROUTE(GET, "/a/{y}")}, {ROUTE(GET, "a"), ROUTE(GET, "/b")},
        {ROUTE(GET, "/{*rest}/x"), ROUTE(GET, "/b")}, {ROUTE(GET, "/{}"), ROUTE(GET, "/b")},
        {ROUTE(GET, "/{x"), ROUTE(GET, "/b")},        {ROUTE(GET, "/x}"), ROUTE(GET, "/b")},
        {ROUTE(GET, "/{*}"), ROUTE(GET, "/b")},       {ROUTE(GET, ""), ROUTE(GET, "/b")},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(http_router_new(bad[i], 2, &router, &err), i ? ERR_INVALID : ERR_CONFLICT);
}
END_TEST

SUITE("router", literals_win_over_names_and_names_over_rests,
      a_method_that_only_a_name_serves_is_found_behind_a_literal, parameters_carry_decoded_values,
      a_missing_path_and_a_missing_method_differ, a_bad_table_is_refused)
