/* fuzz_yaml_config.c - any bytes as a configuration file: refused with a message, or in force. */
#include <stdlib.h>

#include "base/config.h"
#include "base/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const modes[] = {"fast", "slow", NULL};

static const struct config_setting table[] = {
    {"server", "port", CONFIG_INT, "5000", 1, 65535, NULL, "port", false},
    {"server", "name", CONFIG_STRING, "", 0, 0, NULL, "name", false},
    {"server", "timeout", CONFIG_DURATION, "10s", 0, 0, NULL, "time-out", false},
    {"store", "cache", CONFIG_BYTES, "64M", 0, 0, NULL, "cache", false},
    {"store", "sync", CONFIG_BOOL, "true", 0, 0, NULL, "sync", false},
    {"store", "mode", CONFIG_ENUM, "fast", 0, 0, modes, "mode", false},
};

/* Every node is reachable, counted, and has its line. */
static void walk(const struct yaml_node *n)
{
    size_t len = 0;
    if (n->line == 0 || (n->kind == YAML_SCALAR && n->text.p[n->text.n] != '\0'))
        abort();
    for (const struct yaml_node *c = n->child; c; c = c->next, len++)
        walk(c);
    if (len != n->len)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct err err = {0};
    struct yaml *y = NULL;
    enum err_code parsed = yaml_parse(&y, text, "f.yaml", &err);
    if (parsed == ERR_OK)
        walk(yaml_root(y));
    else if (err.code != parsed || err.msg[0] == '\0')
        abort();
    yaml_close(y);

    struct config *c = config_new(table, sizeof table / sizeof *table);
    enum err_code loaded = config_load_text(c, text, "f.yaml", &err);
    if (parsed != ERR_OK && loaded != parsed)
        abort();
    int64_t port = config_int(c, "server.port");
    if (port < 1 || port > 65535)
        abort();
    config_free(c);
    return 0;
}
