#include <stdio.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/commands.h"
#include "jobs/housekeeping.h"
#include "store/users.h"

enum { JOINED_MAX = 64 };

/* --- show ------------------------------------------------------------------------------------ */

static enum err_code write_joined(struct db *db, uint32_t user_no, struct arena *arena,
                                  struct json_writer *w, struct err *err)
{
    uint32_t numbers[JOINED_MAX];
    size_t len;
    enum err_code code = user_linked_to(db, user_no, numbers, JOINED_MAX, &len, err);
    JW_ARR(w, "anonymous_ids");
    for (size_t i = 0; i < len && i < JOINED_MAX && code == ERR_OK; i++) {
        enum user_kind kind;
        struct str id;
        code = user_id_of(db, numbers[i], arena, &kind, &id, err);
        if (code == ERR_OK && id.n)
            jw_str(w, id);
    }
    jw_arr_end(w);
    return code;
}

static enum err_code write_user(struct db *db, struct str id, struct arena *arena,
                                struct json_writer *w, struct err *err)
{
    struct user u;
    enum err_code code = user_get(db, id, arena, &u, err);
    if (code != ERR_OK)
        return code;
    jw_obj(w);
    JW_STR(w, "id", u.id);
    JW_RAW(w, "attributes", u.attributes.n ? u.attributes : STR_LIT("{}"));
    JW_BOOL(w, "personalise", u.personalise);
    JW_TIME_OR_NULL(w, "created_at", u.created_at);
    code = write_joined(db, u.no, arena, w, err);
    jw_obj_end(w);
    return code;
}

/* A shopper is a small JSON object to people, too. */
static enum cli_exit show(const struct args *args, struct store *store)
{
    struct arena arena;
    struct db *db;
    struct result result;
    struct err err;
    enum err_code code = store_read_begin(store, &db, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    arena_init(&arena, 0, 4 << 20);
    result_begin(&result);
    code = write_user(db, str_of(args->words[1]), &arena, &result.w, &err);
    store_read_end(store, db);
    if (code == ERR_OK && !args->json)
        fprintf(args->out, "%.*s\n", STR_ARG(buf_str(&result.text)));
    enum cli_exit status = result_end(args, &result, code == ERR_OK ? EXIT_FINE : fail(args, &err));
    arena_release(&arena);
    return status;
}

/* --- erase, join, part ----------------------------------------------------------------------- */

static enum err_code erase_job(struct store_tx *tx, void *arg, struct err *err)
{
    return user_delete(tx, str_of(arg), err);
}

static enum cli_exit erase(const struct args *args, struct store *store)
{
    struct err err;
    struct compact_report report = {0};
    enum err_code code = store_write(store, erase_job, (void *)(uintptr_t)args->words[1], &err);
    if (code == ERR_OK)
        code = housekeeping_run(store, args->engine, NULL, NULL, &report, &err);
    if (code != ERR_OK)
        return fail(args, &err);
    fprintf(args->out,
            args->json ? "{\"events_removed\":%lld}\n"
                       : "Erased, with %lld events. Models forget at the next training.\n",
            (long long)report.events);
    return EXIT_FINE;
}

struct pair {
    struct str user, anonymous;
    bool joined;
};

static enum err_code join_job(struct store_tx *tx, void *arg, struct err *err)
{
    struct pair *p = arg;
    uint32_t user_no, anonymous_no;
    enum err_code code = user_number(tx, USER_KNOWN, p->user, &user_no, err);
    if (code == ERR_OK)
        code = user_number(tx, USER_ANONYMOUS, p->anonymous, &anonymous_no, err);
    return code == ERR_OK ? user_link(tx, anonymous_no, user_no, &p->joined, err) : code;
}

static enum err_code part_job(struct store_tx *tx, void *arg, struct err *err)
{
    const struct pair *p = arg;
    uint32_t no;
    enum err_code code = user_no_of(tx->db, USER_ANONYMOUS, p->anonymous, &no, err);
    if (code == ERR_OK && no == 0)
        code = err_set(err, ERR_NOT_FOUND, "there is no such guest");
    return code == ERR_OK ? user_unlink(tx, no, err) : code;
}

static enum cli_exit join(const struct args *args, struct store *store)
{
    struct pair p = {.user = str_of(args->words[1]), .anonymous = str_of(args->words[2])};
    struct err err;
    if (store_write(store, join_job, &p, &err) != ERR_OK)
        return fail(args, &err);
    if (args->json)
        fprintf(args->out, "{\"joined\":%s}\n", p.joined ? "true" : "false");
    else
        fputs(p.joined ? "Joined.\n" : "That guest is joined already, and stays with whom it is.\n",
              args->out);
    return p.joined ? EXIT_FINE : EXIT_FAILED;
}

static enum cli_exit part(const struct args *args, struct store *store)
{
    struct pair p = {.anonymous = str_of(args->words[1])};
    struct err err;
    if (store_write(store, part_job, &p, &err) != ERR_OK)
        return fail(args, &err);
    fputs(args->json ? "{\"joined\":false}\n" : "Parted.\n", args->out);
    return EXIT_FINE;
}

static const struct verb verbs[] = {
    {"show", false, 1, 1, show},
    {"delete", true, 1, 1, erase},
    {"join", true, 2, 2, join},
    {"part", true, 1, 1, part},
};

const struct command cmd_user = {
    .name = "user",
    .summary = "Show, erase and join shoppers",
    .usage = "show ID | delete ID | join ID ANONYMOUS_ID | part ANONYMOUS_ID",
    .text =
        "delete erases a known shopper with the guests that were joined to it: profile, cart,\n"
        "events, and shopper and address of the orders. join says that a guest is that shopper\n"
        "from now on, with all that it did; part undoes it. All of this works while a server "
        "runs.\n",
    .words_min = 2,
    .words_max = 3,
    .verbs = verbs,
    .verbs_len = sizeof verbs / sizeof *verbs,
    .run = run_verb,
    .run_within = run_verb_within,
};
