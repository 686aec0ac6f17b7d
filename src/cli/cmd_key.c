#include <inttypes.h>
#include <stdio.h>

#include "auth/auth.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "store/keys.h"

static const struct flag flags[] = {
    {"--scope", "SCOPE", "public, server or admin (create)"},
    {"--name", "NAME", "what it is for (create)"},
    {"--force", NULL, "revoke: even the last admin key"},
};

static void write_key(const struct api_key *k, struct json_writer *w)
{
    jw_obj(w);
    JW_I64(w, "no", k->no);
    JW_STR(w, "scope", k->scope);
    JW_STR(w, "name", k->name);
    JW_STR(w, "hint", k->hint);
    JW_TIME(w, "created_at", k->created_at);
    JW_BOOL(w, "revoked", k->revoked_at != 0);
    jw_obj_end(w);
}

static void print_key(const struct args *args, const struct api_key *k)
{
    char at[CLOCK_ISO_SIZE];
    fprintf(args->out, "%4" PRId64 "  %-7.*s %.*s…  %s  %.*s%s\n", k->no, STR_ARG(k->scope),
            STR_ARG(k->hint), clock_format_iso(k->created_at, at), STR_ARG(k->name),
            k->revoked_at ? "  (revoked)" : "");
}

static enum cli_exit list(const struct args *args, struct store *store)
{
    struct db *db;
    struct db_rows rows = {0};
    struct api_key key;
    struct result result;
    struct err err;
    bool more;
    enum err_code code = store_read_begin(store, &db, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    result_begin(&result);
    jw_arr(&result.w);
    code = api_keys_list(db, &rows, &err);
    while (code == ERR_OK && (code = api_keys_next(&rows, &key, &more, &err)) == ERR_OK && more)
        args->json ? write_key(&key, &result.w) : print_key(args, &key);
    jw_arr_end(&result.w);
    db_rows_close(&rows);
    store_read_end(store, db);
    return result_end(args, &result, code == ERR_OK ? EXIT_FINE : fail(args, &err));
}

static enum cli_exit create(const struct args *args, struct store *store)
{
    const char *scope_name = args_flag(args, "--scope"), *name = args_flag(args, "--name");
    enum auth_scope scope;
    char key[AUTH_KEY_SIZE];
    int64_t no;
    struct err err;
    if (!scope_name || !auth_scope_of(str_of(scope_name), &scope))
        return fail_usage(args, "create needs --scope public, server or admin");
    if (auth_key_create(store, str_of(name ? name : ""), scope, key, &no, &err) != ERR_OK)
        return fail(args, &err);
    if (args->json) {
        fprintf(args->out, "{\"no\":%" PRId64 ",\"scope\":\"%s\",\"key\":\"%s\"}\n", no, scope_name,
                key);
    } else {
        fprintf(args->out, "%s\n", key);
        fprintf(args->err,
                "This is key %" PRId64 ". It is shown this once; the store keeps only a hash.\n",
                no);
    }
    return EXIT_FINE;
}

struct revocation {
    int64_t no;
    bool force;
};

static enum err_code revoke_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct revocation *r = arg;
    return auth_key_revoke(tx, r->no, r->force, err);
}

static enum cli_exit revoke(const struct args *args, struct store *store)
{
    struct revocation r = {.force = args_has(args, "--force")};
    struct err err;
    if (str_parse_i64(str_of(args->words[1]), 1, INT64_MAX, &r.no, &err) != ERR_OK)
        return fail_usage(args, "revoke needs the number of a key");
    return store_write(store, revoke_job, &r, &err) == ERR_OK ? EXIT_FINE : fail(args, &err);
}

static const struct verb verbs[] = {
    {"create", true, 0, 0, create},
    {"list", false, 0, 0, list},
    {"revoke", true, 1, 1, revoke},
};

const struct command cmd_key = {
    .name = "key",
    .summary = "Make, list and revoke API keys",
    .usage = "create --scope SCOPE [--name NAME] | list | revoke NO [--force]",
    .text = "A public key is for browsers, a server key for the shop's backend, an admin key for\n"
            "the console. A key is shown once, when it is made. All of this works while a server\n"
            "runs, and counts at once.\n\n"
            "  aisle key create --scope server --name \"our backend\"\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .words_min = 1,
    .words_max = 2,
    .verbs = verbs,
    .verbs_len = sizeof verbs / sizeof *verbs,
    .run = run_verb,
    .run_within = run_verb_within,
};
