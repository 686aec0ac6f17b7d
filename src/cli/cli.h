/* cli.h - what every subcommand shares: flags, settings, the data folder, exit statuses.
 *
 * A command is a table of flags and one function. `--help` is made from the tables. Results go to
 * standard output, everything else to standard error; `--json` prints one JSON object. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "base/config.h"
#include "base/json_writer.h"
#include "base/progress.h"
#include "store/store.h"

/* Exit statuses, after sysexits(3). */
enum cli_exit {
    EXIT_FINE = 0,
    EXIT_FAILED =
        1, /* the work was done and its answer is no (doctor found trouble, a gate failed) */
    EXIT_USAGE = 64,       /* the command line is wrong */
    EXIT_DATA = 65,        /* the input is wrong */
    EXIT_NO_INPUT = 66,    /* a file or thing named is not there */
    EXIT_UNAVAILABLE = 69, /* something this depends on is not there now */
    EXIT_SOFTWARE = 70,    /* a bug */
    EXIT_NO_SPACE = 73,    /* disk full */
    EXIT_IO = 74,
    EXIT_BUSY = 75, /* locked or in use: try again */
    EXIT_DENIED = 77,
    EXIT_CONFIG = 78,   /* a setting is wrong */
    EXIT_STOPPED = 130, /* interrupted */
};

struct flag {
    const char *name;  /* "--limit" */
    const char *value; /* "N": what it takes; NULL: nothing */
    const char *help;  /* one line */
};

struct engine;

enum { CLI_FLAGS_MAX = 40, CLI_VERBS_MAX = 16, CLI_WORDS_MAX = 64, CLI_FLAG_REPEATS_MAX = 64 };

/* The command line of a command, taken apart. */
struct args {
    const struct command *command;
    const char *values[CLI_FLAGS_MAX]; /* by flag: its value, "" for one without; NULL: not given */
    const char *words[CLI_WORDS_MAX];  /* [words_len] what is no flag */
    size_t words_len;
    struct config *config; /* settings in force, owned by main */
    bool json;             /* --json */
    bool quiet;            /* --quiet */
    FILE *out, *err;       /* borrowed: where results and messages go */
    struct engine *engine; /* borrowed: of the server that runs this (control.h); NULL elsewhere */
};

/* What a command does by its first word: `aisle key create`. */
struct verb {
    const char *name;
    bool writes;                 /* it needs the store for writing */
    size_t words_min, words_max; /* behind the verb */
    enum cli_exit (*run)(const struct args *args, struct store *store);
};

struct command {
    const char *name;
    const char *summary;      /* one line */
    const char *usage;        /* behind the name: "products|orders [--mapping M] FILE..." */
    const char *text;         /* paragraphs that teach, with examples */
    const struct flag *flags; /* [flags_len] besides --data, --config, --json, --quiet, --help */
    size_t flags_len;
    size_t words_min, words_max;
    const struct verb *verbs; /* [verbs_len], for run_verb */
    size_t verbs_len;
    bool dense; /* works with large matrices: worth a new start where OpenBLAS needs one */
    enum cli_exit (*run)(const struct args *args);
    /* The same on the store of the server that holds the folder (control.h); NULL: not there. */
    enum cli_exit (*run_within)(const struct args *args, struct store *store);
};

const struct command *find_command(const char *name); /* NULL: there is none */

/** The value of a flag; NULL where it was not given. The name is CHECKed to be in the table. */
const char *args_flag(const struct args *args, const char *name);
bool args_has(const struct args *args, const char *name);

/** A whole number in a flag. False, with the message printed, if it is none. */
bool args_i64(const struct args *args, const char *name, int64_t fallback, int64_t lo, int64_t hi,
              int64_t *out);

/** Print "aisle COMMAND: message" and return the exit status of the error. */
enum cli_exit fail(const struct args *args, const struct err *err);
enum cli_exit fail_usage(const struct args *args, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
enum cli_exit exit_of(enum err_code code);

/** The data folder: --data, or the setting store.dir. */
const char *data_dir(const struct args *args);

/** Open the store of the data folder. */
enum err_code open_store(const struct args *args, bool must_exist, bool read_only,
                         struct store **out, struct err *err);

/** Open the store for writing, or hand the whole command to the server that holds the folder.
 *  true  *out is open; otherwise *status is how the command ended, here or there */
bool open_or_hand_over(const struct args *args, struct store **out, enum cli_exit *status);

/** As fail for open_store: with a word of advice where another process holds the folder. */
enum cli_exit fail_open(const struct args *args, const struct err *err);

enum progress_style progress_style_of(const struct args *args);

/** Print a JSON text and a line feed to args->out. */
enum cli_exit print_json(const struct args *args, struct json_writer *w);

/* A result as JSON with a buffer of its own: result_begin, write to w, result_end. */
struct result {
    struct buf text;
    struct json_writer w;
};

void result_begin(struct result *r);

/** Print it if --json was given and status is EXIT_FINE or EXIT_FAILED; release.
 *  Returns status, or that of the failed print. */
enum cli_exit result_end(const struct args *args, struct result *r, enum cli_exit status);

/** run of a command with verbs: open the store of the data folder and run the one that args->words[0]
 *  names; one that writes is run by the server that holds the folder, if one does. */
enum cli_exit run_verb(const struct args *args);

/** run_within of a command with verbs. */
enum cli_exit run_verb_within(const struct args *args, struct store *store);

/** All commands, in the order of `aisle help`. */
const struct command *const *all_commands(size_t *n);

/** The table of settings (settings.c). */
const struct config_setting *settings_table(size_t *n);

#endif
