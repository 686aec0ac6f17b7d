/* settings.c - every setting there is; docs/configuration.md is written from this table. */
#include "cli/cli.h"

#define GORSE_FEEDBACK_TYPES                                                                       \
    "read=view,view=view,click=click,star=favourite,like=favourite,"                               \
    "favourite=favourite,cart=add_to_cart,add_to_cart=add_to_cart,purchase=purchase,"              \
    "buy=purchase,order=purchase,rating=rating,rate=rating,impression=impression,"                 \
    "dislike=impression,skip=impression,*=view"

static const char *const formats[] = {"text", "json", NULL};
static const char *const levels[] = {"debug", "info", "warn", "error", "off", NULL};

static const struct config_setting table[] = {
    {"store", "dir", CONFIG_STRING, "./data", 0, 0, NULL, "the data folder: everything of one shop",
     false},
    {"shop", "name_en", CONFIG_STRING, "Aisle", 0, 0, NULL, "the shop's name in English", false},
    {"shop", "name_zh", CONFIG_STRING, "Aisle", 0, 0, NULL, "the shop's name in Chinese", false},
    {"shop", "languages", CONFIG_STRING, "en,zh", 0, 0, NULL,
     "languages of the storefront, the default one first", false},
    {"shop", "currency", CONFIG_STRING, "", 0, 0, NULL,
     "ISO 4217 code that sorts, filters and carts use; empty: that of the first product", false},
    {"shop", "utc_offset", CONFIG_STRING, "+00:00", 0, 0, NULL,
     "of the hours and days in business rules, as +08:00", false},
    {"recommend", "weights", CONFIG_STRING, "", 0, 0, NULL,
     "weights of sources other than the defaults: home.trending=0.3,cart.near=1 "
     "(recommendations.md)",
     false},
    {"recommend", "refit_every", CONFIG_DURATION, "1h", 0, 366 * 86400000000, NULL,
     "how often a server refits the model that serves, where shoppers came back; 0s: never", false},
    {"recommend", "train_every", CONFIG_DURATION, "1d", 0, 366 * 86400000000, NULL,
     "how long after the last full training a server trains again; 0s: never", false},
    {"server", "address", CONFIG_STRING, "", 0, 0, NULL, "numeric address to listen on; empty: all",
     false},
    {"server", "port", CONFIG_INT, "5000", 0, 65535, NULL, "port of storefront and API; 0: any",
     false},
    {"server", "admin_port", CONFIG_INT, "0", 0, 65535, NULL,
     "a separate port for health and metrics; 0: they stand on the main port only", false},
    {"server", "loops", CONFIG_INT, "0", 0, 64, NULL, "event loops; 0: one per processor", false},
    {"server", "tls_cert", CONFIG_STRING, "", 0, 0, NULL, "PEM chain; empty: plain HTTP", false},
    {"server", "tls_key", CONFIG_STRING, "", 0, 0, NULL, "PEM key of tls_cert", false},
    {"server", "tls_reload", CONFIG_DURATION, "10s", 0, 86400000000, NULL,
     "how often to look whether tls_cert or tls_key has changed; 0s: on SIGHUP only", false},
    {"server", "cors_origins", CONFIG_STRING, "", 0, 0, NULL,
     "origins whose pages may call the API, separated by commas; empty: none but our own", false},
    {"server", "access_log", CONFIG_BOOL, "false", 0, 0, NULL, "one line per request", false},
    {"server", "max_connections", CONFIG_INT, "8192", 1, 1000000, NULL, "connections at once",
     false},
    {"server", "max_body", CONFIG_BYTES, "1M", 1024, 1 << 30, NULL, "bytes of a request's body",
     false},
    {"server", "drain_grace", CONFIG_DURATION, "0s", 0, 0, NULL,
     "after SIGTERM, how long to go on accepting while not ready", false},
    {"server", "drain_finish", CONFIG_DURATION, "20s", 0, 0, NULL,
     "then, how long requests under way may take", false},
    {"server", "read_only", CONFIG_BOOL, "false", 0, 0, NULL,
     "serve what is there and answer writes with 503", false},
    {"gorse", "feedback_types", CONFIG_STRING, GORSE_FEEDBACK_TYPES, 0, 0, NULL,
     "what feedback of Gorse's API means: type=event, separated by commas; * is every other type",
     false},
    {"gorse", "auto_insert_user", CONFIG_BOOL, "true", 0, 0, NULL,
     "feedback of an unknown user makes the user; else it is left out", false},
    {"gorse", "auto_insert_item", CONFIG_BOOL, "true", 0, 0, NULL,
     "feedback on an unknown item makes a product of that id; else it is left out", false},
    {"log", "format", CONFIG_ENUM, "text", 0, 0, formats, "text or json", false},
    {"log", "level", CONFIG_ENUM, "info", 0, 0, levels, "debug, info, warn, error or off", false},
};

const struct config_setting *settings_table(size_t *n)
{
    *n = sizeof table / sizeof *table;
    return table;
}
