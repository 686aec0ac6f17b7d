#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "cli/doctor.h"
#include "ingest/quality.h"

static const struct flag flags[] = {
    {"--deep", NULL, "read everything: the database's structure, every checksum"},
    {"--health", NULL, "only ask the running server's /healthz; for container health checks"},
    {"--data-quality", NULL, "what is wrong with the data, and which products stand out"},
};

static const char *const states[] = {
    [FINDING_FINE] = "fine", [FINDING_NOTE] = "note", [FINDING_WRONG] = "wrong"};
static const char *const origins[] = {[CONFIG_DEFAULT] = "default",
                                      [CONFIG_FILE] = "file",
                                      [CONFIG_ENV] = "environment",
                                      [CONFIG_FLAG] = "flag"};

/* --- the checkup ----------------------------------------------------------------------------- */

static void write_settings(const struct config *config, struct json_writer *w)
{
    struct config_view v;
    JW_ARR(w, "settings");
    for (size_t i = 0; config_at(config, i, &v); i++) {
        jw_obj(w);
        JW_Z(w, "section", v.setting->section);
        JW_Z(w, "name", v.setting->name);
        JW_Z(w, "value", v.value);
        JW_Z(w, "origin", origins[v.origin]);
        JW_Z(w, "where", v.where);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

static void write_findings(const struct checkup *c, struct json_writer *w)
{
    JW_ARR(w, "findings");
    for (size_t i = 0; i < c->len; i++) {
        jw_obj(w);
        JW_Z(w, "name", c->findings[i].name);
        JW_Z(w, "state", states[c->findings[i].state]);
        JW_Z(w, "message", c->findings[i].message);
        jw_obj_end(w);
    }
    jw_arr_end(w);
}

static void print_checkup(const struct args *args, const struct checkup *c)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    config_print(args->config, &text);
    printf("%.*s\n", STR_ARG(buf_str(&text)));
    buf_release(&text);
    for (size_t i = 0; i < c->len; i++)
        printf("%-6s %-12s %s\n", states[c->findings[i].state], c->findings[i].name,
               c->findings[i].message);
}

static enum cli_exit checkup(const struct args *args)
{
    struct checkup c = {0};
    struct result result;
    bool healthy = true;
    checkup_folder(args, args_has(args, "--deep"), &c);
    for (size_t i = 0; i < c.len; i++)
        healthy &= c.findings[i].state != FINDING_WRONG;
    if (!args->json)
        print_checkup(args, &c);
    result_begin(&result);
    jw_obj(&result.w);
    JW_BOOL(&result.w, "healthy", healthy);
    write_findings(&c, &result.w);
    write_settings(args->config, &result.w);
    jw_obj_end(&result.w);
    return result_end(args, &result, healthy ? EXIT_FINE : EXIT_FAILED);
}

/* --- the others ------------------------------------------------------------------------------ */

static enum cli_exit health(const struct args *args)
{
    char answer[512];
    struct err err;
    if (doctor_health(args->config, answer, sizeof answer, &err) != ERR_OK) {
        fail(args, &err);
        return EXIT_FAILED;
    }
    if (!args->quiet)
        puts(answer);
    return EXIT_FINE;
}

static enum cli_exit data_quality(const struct args *args)
{
    struct store *store;
    struct quality_report report;
    struct result result;
    struct buf text;
    struct err err;
    if (open_store(args, true, true, &store, &err) != ERR_OK)
        return fail(args, &err);
    enum err_code code = quality_check(store, 0, &report, &err);
    store_close(store);
    if (code != ERR_OK)
        return fail(args, &err);
    bool good = true;
    for (size_t i = 0; i < QUALITY_CODES; i++)
        good &= report.finding[i].severity != QUALITY_PROBLEM;
    if (!args->json) {
        buf_init(&text, 1 << 20);
        quality_report_text(&report, &text);
        printf("%.*s", STR_ARG(buf_str(&text)));
        buf_release(&text);
    }
    result_begin(&result);
    quality_report_json(&report, &result.w);
    return result_end(args, &result, good ? EXIT_FINE : EXIT_FAILED);
}

static enum cli_exit run(const struct args *args)
{
    if (args_has(args, "--health"))
        return health(args);
    return args_has(args, "--data-quality") ? data_quality(args) : checkup(args);
}

const struct command cmd_doctor = {
    .name = "doctor",
    .summary = "Say which settings are in force and what is wrong",
    .usage = "[--deep] | --health | --data-quality",
    .text = "Prints every setting with its value and where it comes from, then looks at the data\n"
            "folder: lock, free space, store, catalogue, model. It changes nothing and works\n"
            "beside a running server. The exit status is 1 if something is wrong.\n\n"
            "  aisle doctor --deep --data /srv/shop\n"
            "  HEALTHCHECK CMD [\"aisle\", \"doctor\", \"--health\"]\n",
    .flags = flags,
    .flags_len = sizeof flags / sizeof *flags,
    .run = run,
};
