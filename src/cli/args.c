#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "cli/control.h"

enum cli_exit exit_of(enum err_code code)
{
    switch (code) {
    case ERR_OK:
        return EXIT_FINE;
    case ERR_INVALID:
    case ERR_LIMIT:
    case ERR_CORRUPT:
    case ERR_UNSUPPORTED:
        return EXIT_DATA;
    case ERR_NOT_FOUND:
        return EXIT_NO_INPUT;
    case ERR_CONFLICT:
    case ERR_BUSY:
        return EXIT_BUSY;
    case ERR_DENIED:
    case ERR_UNAUTHENTICATED:
        return EXIT_DENIED;
    case ERR_TIMEOUT:
    case ERR_UNAVAILABLE:
        return EXIT_UNAVAILABLE;
    case ERR_CANCELLED:
        return EXIT_STOPPED;
    case ERR_NO_SPACE:
        return EXIT_NO_SPACE;
    case ERR_IO:
        return EXIT_IO;
    case ERR_MEMORY:
    case ERR_INTERNAL:
    case ERR_CODES:
        break;
    }
    return EXIT_SOFTWARE;
}

enum cli_exit fail(const struct args *args, const struct err *err)
{
    fprintf(args->err, "aisle %s: %s\n", args->command->name, err->msg);
    return exit_of(err->code);
}

enum cli_exit fail_usage(const struct args *args, const char *fmt, ...)
{
    va_list ap;
    fprintf(args->err, "aisle %s: ", args->command->name);
    va_start(ap, fmt);
    vfprintf(args->err, fmt, ap);
    va_end(ap);
    fprintf(args->err, "\n`aisle %s --help` tells more.\n", args->command->name);
    return EXIT_USAGE;
}

static size_t index_of(const struct args *args, const char *name)
{
    size_t i = 0;
    while (i < args->command->flags_len && strcmp(args->command->flags[i].name, name) != 0)
        i++;
    CHECK(i < args->command->flags_len && i < CLI_FLAGS_MAX);
    return i;
}

const char *args_flag(const struct args *args, const char *name)
{
    return args->values[index_of(args, name)];
}

bool args_has(const struct args *args, const char *name)
{
    return args_flag(args, name) != NULL;
}

bool args_i64(const struct args *args, const char *name, int64_t fallback, int64_t lo, int64_t hi,
              int64_t *out)
{
    const char *text = args_flag(args, name);
    struct err err;
    *out = fallback;
    if (!text || str_parse_i64(str_of(text), lo, hi, out, &err) == ERR_OK)
        return true;
    fail_usage(args, "%s: %s", name, err.msg);
    return false;
}

const char *data_dir(const struct args *args)
{
    return config_str(args->config, "store.dir");
}

enum err_code open_store(const struct args *args, bool must_exist, bool read_only,
                         struct store **out, struct err *err)
{
    struct store_options options = {
        .dir = data_dir(args), .must_exist = must_exist, .read_only = read_only};
    return store_open(&options, out, err);
}

enum cli_exit fail_open(const struct args *args, const struct err *err)
{
    enum cli_exit status = fail(args, err);
    if (err->code == ERR_CONFLICT)
        fputs("A running server would have taken this on, but none answers there: wait until that "
              "process ends,\nor, if it is a server, until it is ready.\n",
              args->err);
    return status;
}

bool open_or_hand_over(const struct args *args, struct store **out, enum cli_exit *status)
{
    struct err err;
    if (open_store(args, true, false, out, &err) == ERR_OK)
        return true;
    if (err.code != ERR_CONFLICT || !control_run(args, status))
        *status = fail_open(args, &err);
    return false;
}

enum progress_style progress_style_of(const struct args *args)
{
    return args->quiet || args->json ? PROGRESS_QUIET : PROGRESS_AUTO;
}

enum cli_exit print_json(const struct args *args, struct json_writer *w)
{
    struct err err;
    if (jw_end(w, "the result", &err) != ERR_OK)
        return fail(args, &err);
    buf_putc(w->out, '\n');
    if (fwrite(w->out->data, 1, w->out->len, args->out) != w->out->len || fflush(args->out) != 0)
        return EXIT_IO;
    return EXIT_FINE;
}

void result_begin(struct result *r)
{
    buf_init(&r->text, 64 << 20);
    jw_init(&r->w, &r->text);
}

enum cli_exit result_end(const struct args *args, struct result *r, enum cli_exit status)
{
    if (args->json && (status == EXIT_FINE || status == EXIT_FAILED)) {
        enum cli_exit printed = print_json(args, &r->w);
        status = printed == EXIT_FINE ? status : printed;
    }
    buf_release(&r->text);
    return status;
}

static enum cli_exit unknown_verb(const struct args *args)
{
    const char *names[CLI_VERBS_MAX];
    char meant[STR_MEANT_SIZE];
    size_t n = args->command->verbs_len;
    CHECK(n <= CLI_VERBS_MAX);
    for (size_t i = 0; i < n; i++)
        names[i] = args->command->verbs[i].name;
    return fail_usage(args, "there is no '%s'%s\nusage: aisle %s %s", args->words[0],
                      str_meant(str_of(args->words[0]), names, n, meant), args->command->name,
                      args->command->usage);
}

static const struct verb *find_verb(const struct args *args, enum cli_exit *status)
{
    const struct verb *verbs = args->command->verbs;
    size_t i = 0, n = args->command->verbs_len, words = args->words_len - 1;
    while (i < n && strcmp(verbs[i].name, args->words[0]) != 0)
        i++;
    if (i == n) {
        *status = unknown_verb(args);
        return NULL;
    }
    if (words >= verbs[i].words_min && words <= verbs[i].words_max)
        return &verbs[i];
    *status = fail_usage(args, "%s: usage: aisle %s %s", verbs[i].name, args->command->name,
                         args->command->usage);
    return NULL;
}

enum cli_exit run_verb(const struct args *args)
{
    struct store *store;
    struct err err;
    enum cli_exit status;
    const struct verb *verb = find_verb(args, &status);
    if (!verb)
        return status;
    if (verb->writes && !open_or_hand_over(args, &store, &status))
        return status;
    if (!verb->writes && open_store(args, true, true, &store, &err) != ERR_OK)
        return fail_open(args, &err);
    status = verb->run(args, store);
    store_close(store);
    return status;
}

enum cli_exit run_verb_within(const struct args *args, struct store *store)
{
    enum cli_exit status;
    const struct verb *verb = find_verb(args, &status);
    return verb ? verb->run(args, store) : status;
}
