/* commands.h - one struct command per file cmd_<name>.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

struct command;

extern const struct command cmd_demo, cmd_serve, cmd_import, cmd_export, cmd_train, cmd_models,
    cmd_eval, cmd_search, cmd_recommend, cmd_key, cmd_token, cmd_user, cmd_backup, cmd_doctor,
    cmd_bench, cmd_compact, cmd_restore, cmd_report, cmd_version;

#endif
