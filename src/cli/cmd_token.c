#include <stdio.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "store/records.h"

static const struct flag flags[] = {
    {"--user", "ID", "whose token"},
    {"--key-no", "N", "number of the server key that signs (aisle key list)"},
    {"--ttl", "D", "how long it is good: 30m, 12h, 7d (1h)"},
};

static bool read_ttl(const struct args *args, int64_t *ttl_s)
{
    const char *text = args_flag(args, "--ttl");
    struct err err;
    int64_t us;
    *ttl_s = 3600;
    if (!text)
        return true;
    if (config_parse_duration(str_of(text), &us, &err) != ERR_OK) {
        fail_usage(args, "--ttl: %s", err.msg);
        return false;
    }
    *ttl_s = us / CLOCK_US_PER_S;
    if (*ttl_s >= 1 && *ttl_s <= AUTH_TOKEN_LIFE_MAX_S)
        return true;
    fail_usage(args, "--ttl: from 1s to %dd", AUTH_TOKEN_LIFE_MAX_S / 86400);
    return false;
}

static enum cli_exit print_token(const struct args *args, const char *token, int64_t exp_s)
{
    struct result result;
    if (!args->json)
        puts(token);
    result_begin(&result);
    jw_obj(&result.w);
    JW_Z(&result.w, "token", token);
    JW_TIME(&result.w, "expires_at", exp_s * CLOCK_US_PER_S);
    jw_obj_end(&result.w);
    return result_end(args, &result, EXIT_FINE);
}

static enum cli_exit sign(const struct args *args, struct store *store)
{
    const char *user = args_flag(args, "--user");
    char token[AUTH_TOKEN_MAX];
    int64_t key_no, ttl_s;
    struct auth *auth;
    struct err err;
    if (!user || !args_has(args, "--key-no"))
        return fail_usage(args, "sign needs --user and --key-no");
    if (!args_i64(args, "--key-no", 0, 1, INT64_MAX, &key_no) || !read_ttl(args, &ttl_s))
        return EXIT_USAGE;
    enum err_code code = store_id_check("--user", str_of(user), &err);
    if (code == ERR_OK)
        code = auth_open(store, &auth, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    int64_t exp_s = clock_now_us() / CLOCK_US_PER_S + ttl_s;
    code = auth_token_sign(auth, key_no, str_of(user), exp_s, token, &err);
    auth_close(auth);
    return code == ERR_OK ? print_token(args, token, exp_s) : fail(args, &err);
}

static const struct verb verbs[] = {{"sign", false, 0, 0, sign}};

const struct command cmd_token = {
    .name = "token",
    .summary = "Sign a shopper's token",
    .usage = "sign --user ID --key-no N [--ttl 1h]",
    .text = "With a public key, whatever names a user_id also needs that shopper's token. Your\n"
            "backend signs them when a shopper logs in (examples/node-backend); this command is\n"
            "for trying things out. It works while a server runs.\n\n"
            "  aisle key create --scope server --name backend\n"
            "  aisle token sign --user u17 --key-no 2\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_min = 1,
    .words_max = 1,
    .verbs = verbs,
    .verbs_len = sizeof verbs / sizeof *verbs,
    .run = run_verb,
};
