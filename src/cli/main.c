/* main.c - find the command, take its line apart, load the settings, run it. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "base/signal.h"
#include "cli/cli.h"
#include "num/dense.h"
#include "num/small.h"
#include "num/trees.h"
#include "num/vec.h"

/* Flags that every command has. */
static const struct flag common[] = {
    {"--data", "DIR", "the data folder (setting store.dir, default ./data)"},
    {"--config", "FILE", "settings as YAML (default aisle.yaml where it exists)"},
    {"--set", "NAME=VALUE", "one setting, for example server.port=8080; may be repeated"},
    {"--json", NULL, "print one JSON object"},
    {"--quiet", NULL, "no progress"},
    {"--help", NULL, "this text"},
};
enum { COMMON_DATA, COMMON_CONFIG, COMMON_SET, COMMON_JSON, COMMON_QUIET, COMMON_HELP };

/* Variables of our name that are no settings. */
static const char *const other_variables[] = {"AISLE_SIMD", "AISLE_DATA",      "AISLE_NOW",
                                              "AISLE_URL",  "AISLE_ARTIFACTS", NULL};

static const char default_config[] = "aisle.yaml";

/* --- help ------------------------------------------------------------------------------------ */

static void print_flags(const struct flag *flags, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", flags[i].name, flags[i].value ? " " : "",
                 flags[i].value ? flags[i].value : "");
        printf("  %-24s %s\n", left, flags[i].help);
    }
}

static void print_command_help(const struct command *c)
{
    printf("aisle %s %s\n\n%s\n", c->name, c->usage, c->summary);
    if (c->text)
        printf("\n%s", c->text);
    if (c->flags_len) {
        printf("\nFlags:\n");
        print_flags(c->flags, c->flags_len);
    }
    printf("\nFlags of every command:\n");
    print_flags(common, sizeof common / sizeof *common);
}

static void print_overview(FILE *out)
{
    size_t n;
    const struct command *const *commands = all_commands(&n);
    fprintf(out, "Aisle %s - a self-hosted AI shopping guide\n\naisle COMMAND [FLAGS]\n\n",
            AISLE_VERSION);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\n`aisle COMMAND --help` tells more. To begin: aisle demo && aisle serve\n");
}

const struct command *find_command(const char *name)
{
    size_t n;
    const struct command *const *commands = all_commands(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static enum cli_exit unknown_command(const char *name)
{
    size_t n;
    const struct command *const *commands = all_commands(&n);
    const char *best = NULL;
    unsigned least = 3;
    for (size_t i = 0; i < n; i++) {
        unsigned d = str_distance(str_of(name), str_of(commands[i]->name), least);
        if (d < least) {
            least = d;
            best = commands[i]->name;
        }
    }
    fprintf(stderr, "aisle: there is no command '%s'", name);
    if (best)
        fprintf(stderr, "; did you mean '%s'?", best);
    fprintf(stderr, "\n`aisle help` lists them.\n");
    return EXIT_USAGE;
}

/* --- the command line ------------------------------------------------------------------------ */

struct line {
    struct args args;
    const char *common[sizeof common / sizeof *common];
    const char *sets[CLI_FLAG_REPEATS_MAX]; /* [sets_len] of --set */
    size_t sets_len;
};

/* Is argv[i] this flag ("--name", "--name=value", "--name value")? Takes its value. */
static bool take_flag(const struct flag *f, int argc, char **argv, int *i, const char **value,
                      bool *missing)
{
    size_t n = strlen(f->name);
    const char *text = argv[*i];
    *missing = false;
    if (strncmp(text, f->name, n) != 0 || (text[n] != '\0' && text[n] != '='))
        return false;
    if (!f->value) {
        *value = "";
        *missing = text[n] == '=';
        return true;
    }
    if (text[n] == '=') {
        *value = text + n + 1;
    } else if (*i + 1 < argc) {
        *value = argv[++*i];
    } else {
        *missing = true;
    }
    return true;
}

static bool parse_flag(struct line *l, int argc, char **argv, int *i)
{
    const struct command *c = l->args.command;
    const char *value = NULL;
    bool missing = false, found = false;
    const char *text = argv[*i];
    for (size_t f = 0; f < sizeof common / sizeof *common && !found; f++)
        if (take_flag(&common[f], argc, argv, i, &value, &missing)) {
            found = true;
            l->common[f] = value;
            if (f == COMMON_SET && l->sets_len < CLI_FLAG_REPEATS_MAX)
                l->sets[l->sets_len++] = value;
        }
    for (size_t f = 0; f < c->flags_len && !found; f++)
        if (take_flag(&c->flags[f], argc, argv, i, &value, &missing)) {
            found = true;
            l->args.values[f] = value;
        }
    if (!found)
        fail_usage(&l->args, "there is no flag '%s'", text);
    else if (missing)
        fail_usage(&l->args, "%s: its value is missing or not wanted", text);
    return found && !missing;
}

static bool parse_line(struct line *l, int argc, char **argv)
{
    bool flags = true;
    for (int i = 0; i < argc; i++) {
        if (flags && strcmp(argv[i], "--") == 0) {
            flags = false;
        } else if (flags && argv[i][0] == '-' && argv[i][1] != '\0') {
            if (!parse_flag(l, argc, argv, &i))
                return false;
        } else if (l->args.words_len == CLI_WORDS_MAX) {
            fail_usage(&l->args, "more than %d arguments", CLI_WORDS_MAX);
            return false;
        } else {
            l->args.words[l->args.words_len++] = argv[i];
        }
    }
    l->args.json = l->common[COMMON_JSON] != NULL;
    l->args.quiet = l->common[COMMON_QUIET] != NULL;
    return true;
}

static bool check_words(const struct line *l)
{
    const struct command *c = l->args.command;
    if (l->args.words_len >= c->words_min && l->args.words_len <= c->words_max)
        return true;
    fail_usage(&l->args, "usage: aisle %s %s", c->name, c->usage);
    return false;
}

/* --- settings -------------------------------------------------------------------------------- */

static enum err_code set_one(struct config *config, const char *text, struct err *err)
{
    const char *equals = strchr(text, '=');
    char name[128];
    if (!equals || (size_t)(equals - text) >= sizeof name)
        return err_set(err, ERR_INVALID, "--set: expected NAME=VALUE, for example server.port=80");
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    return config_set(config, name, equals + 1, "--set", err);
}

static enum err_code load_settings(struct line *l, struct err *err)
{
    struct config *config = l->args.config;
    const char *file = l->common[COMMON_CONFIG];
    enum err_code code = ERR_OK;
    if (file || access(default_config, R_OK) == 0)
        code = config_load_file(config, file ? file : default_config, err);
    if (code == ERR_OK)
        code = config_load_env(config, environ, other_variables, err);
    for (size_t i = 0; i < l->sets_len && code == ERR_OK; i++)
        code = set_one(config, l->sets[i], err);
    if (code == ERR_OK && l->common[COMMON_DATA])
        code = config_set(config, "store.dir", l->common[COMMON_DATA], "--data", err);
    return code;
}

static enum cli_exit run(struct line *l)
{
    size_t n;
    struct err err;
    const struct config_setting *table = settings_table(&n);
    enum cli_exit status = EXIT_CONFIG;
    l->args.config = config_new(table, n);
    if (load_settings(l, &err) != ERR_OK) {
        fprintf(stderr, "aisle: %s\n", err.msg);
        goto out;
    }
    log_init((enum log_format)config_int(l->args.config, "log.format"),
             (enum log_level)config_int(l->args.config, "log.level"), STDERR_FILENO, NULL, 0);
    dense_init();
    if (vec_init(&err) != ERR_OK) {
        fprintf(stderr, "aisle: %s\n", err.msg);
        goto out;
    }
    small_init();
    trees_init();
    status = l->args.command->run(&l->args);
out:
    config_free(l->args.config);
    return status;
}

/* Start again with the right kernels where OpenBLAS does not know this processor. */
static void restart_with_better_core(char **argv)
{
    const char *core = dense_better_core();
    if (!core || getenv("OPENBLAS_CORETYPE") || setenv("OPENBLAS_CORETYPE", core, 1) != 0)
        return;
    execv("/proc/self/exe", argv); /* where this fails, slower is fine */
}

int main(int argc, char **argv)
{
    struct line l = {.args = {.out = stdout, .err = stderr}};
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0) {
        const struct command *c = argc > 2 ? find_command(argv[2]) : NULL;
        if (c)
            print_command_help(c);
        else
            print_overview(stdout);
        return EXIT_FINE;
    }
    if (strcmp(name, "--version") == 0)
        name = "version";
    l.args.command = find_command(name);
    if (!l.args.command)
        return (int)unknown_command(name);
    if (l.args.command->dense)
        restart_with_better_core(argv);
    if (!parse_line(&l, argc - 2, argv + 2))
        return EXIT_USAGE;
    if (l.common[COMMON_HELP]) {
        print_command_help(l.args.command);
        return EXIT_FINE;
    }
    return check_words(&l) ? (int)run(&l) : EXIT_USAGE;
}
