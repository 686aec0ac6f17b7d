#include <stdio.h>

#include "cli/cli.h"
#include "cli/commands.h"
#include "num/vec.h"

static enum cli_exit run(const struct args *args)
{
    struct buf text;
    struct json_writer w;
    if (!args->json) {
        printf("aisle %s (schema %d, %s)\n", AISLE_VERSION, store_schema_version(), vec->name);
        return EXIT_FINE;
    }
    buf_init(&text, 4096);
    jw_init(&w, &text);
    jw_obj(&w);
    JW_Z(&w, "version", AISLE_VERSION);
    JW_I64(&w, "schema", store_schema_version());
    JW_Z(&w, "simd", vec->name);
    jw_obj_end(&w);
    enum cli_exit status = print_json(args, &w);
    buf_release(&text);
    return status;
}

const struct command cmd_version = {
    .name = "version", .summary = "Say which program this is", .usage = "", .run = run};
