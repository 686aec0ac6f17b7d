/* commands.c - the list of commands, in the order in which people meet them. */
#include "cli/commands.h"

#include "cli/cli.h"

static const struct command *const commands[] = {
    &cmd_demo,    &cmd_serve,     &cmd_import, &cmd_export, &cmd_train,   &cmd_models, &cmd_eval,
    &cmd_search,  &cmd_recommend, &cmd_key,    &cmd_token,  &cmd_user,    &cmd_backup, &cmd_restore,
    &cmd_compact, &cmd_doctor,    &cmd_bench,  &cmd_report, &cmd_version,
};

const struct command *const *all_commands(size_t *n)
{
    *n = sizeof commands / sizeof *commands;
    return commands;
}
