#include "support/suite.h"

#include <unistd.h>

#include "base/config.h"
#include "base/progress.h"

static const char *const modes[] = {"fast", "slow", NULL};

static const struct config_setting table[] = {
    {"server", "port", CONFIG_INT, "5000", 1, 65535, NULL, "Port to listen on", false},
    {"server", "origins", CONFIG_STRING, "", 0, 0, NULL, "Allowed origins", false},
    {"server", "idle_time", CONFIG_DURATION, "30s", 1000000, 3600000000, NULL, "Idle time-out",
     false},
    {"store", "cache", CONFIG_BYTES, "64M", 0, 0, NULL, "Page cache", false},
    {"store", "sync", CONFIG_BOOL, "true", 0, 0, NULL, "Wait for the disk", false},
    {"store", "mode", CONFIG_ENUM, "fast", 0, 0, modes, "How", false},
    {"llm", "key", CONFIG_STRING, "", 0, 0, NULL, "Key of the model's service", true},
    {"llm", "limit", CONFIG_INT, "7", 1, 9, NULL, "A secret number", true},
};

static struct config *fresh(void)
{
    return config_new(table, sizeof table / sizeof *table);
}

START_TEST(a_flag_beats_the_environment_beats_the_file_beats_the_default)
{
    struct err err;
    char *const env[] = {(char[]){"AISLE_SERVER_PORT=3"},  (char[]){"AISLE_STORE_CACHE=2k"},
                         (char[]){"AISLE_STORE_SYNC="},    (char[]){"PATH=/bin"},
                         (char[]){"AISLE_NOW=2026-01-01"}, NULL};
    static const char *const others[] = {"AISLE_NOW", NULL};
    const char *text =
        "server:\n  port: 2\n  origins: [a, b]\nstore:\n  cache: 1\n  mode: slow\nllm:\n";
    for (int order = 0; order < 2; order++) {
        struct config *c = fresh();
        struct config_view v;
        if (order == 1)
            ck_ok(config_set(c, "server.port", "4", "--port", &err));
        ck_ok(config_load_env(c, env, others, &err));
        ck_ok(config_load_text(c, str_of(text), "a.yaml", &err));
        if (order == 0)
            ck_ok(config_set(c, "server.port", "4", "--port", &err));
        ck_assert_int_eq(config_int(c, "server.port"), 4);
        ck_assert_str_eq(config_str(c, "server.origins"), "a,b");
        ck_assert_uint_eq(config_bytes(c, "store.cache"), 2048);
        ck_assert_int_eq(config_int(c, "store.mode"), 1);
        ck_assert_str_eq(config_str(c, "store.mode"), "slow");
        ck_assert(config_bool(c, "store.sync"));
        ck_assert_int_eq(config_duration_us(c, "server.idle_time"), 30000000);
        static const char *const where[] = {"--port",  "a.yaml:3", "default", "AISLE_STORE_CACHE",
                                            "default", "a.yaml:6"};
        for (size_t i = 0; i < 6; i++) {
            ck_assert(config_at(c, i, &v));
            ck_assert_str_eq(v.where, where[i]);
        }
        ck_assert(!config_at(c, 8, &v));
        config_free(c);
    }
    config_free(NULL);
}
END_TEST

START_TEST(every_error_names_its_place)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"server:\n  port: 0\n", "a.yaml:2: server.port: 0 is not between 1 and 65535"},
        {"server:\n  port: x\n", "a.yaml:2: server.port: 'x' is not a whole number"},
        {"server:\n  prot: 1\n",
         "a.yaml:2: unknown setting 'server.prot'; did you mean 'server.port'?"},
        {"whatever:\n  zzz: 1\n", "a.yaml:2: unknown setting 'whatever.zzz'"},
        {"server: 1\n", "a.yaml:1: server: must be a section of settings"},
        {"- 1\n", "a.yaml:1: must be sections of settings"},
        {"server:\n  port: [1]\n", "a.yaml:2: port: must be a single value"},
        {"server:\n  idle_time: 10\n",
         "a.yaml:2: server.idle_time: '10' is not a duration such as 250ms, 10s, 5m, 2h or 1d"},
        {"server:\n  idle_time: 2h\n",
         "a.yaml:2: server.idle_time: 2h is not between 1000000 and 3600000000 us"},
        {"store:\n  cache: 1X\n",
         "a.yaml:2: store.cache: '1X' is not a size such as 512, 64K, 10M or 2G"},
        {"store:\n  sync: maybe\n", "a.yaml:2: store.sync: must be true or false"},
        {"store:\n  mode: medium\n", "a.yaml:2: store.mode: 'medium' is none of fast, slow"},
        {"llm:\n  limit: hunter2\n", "a.yaml:2: llm.limit: the value is not valid"},
    };
    struct err err;
    struct config *c = fresh();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_err(config_load_text(c, str_of(cases[i].text), "a.yaml", &err), ERR_INVALID);
        ck_assert_str_eq(err.msg, cases[i].want);
    }
    char *const bad[] = {(char[]){"AISLE_SERVER_PROT=1"}, NULL}, *const low[] = {
                                                                     (char[]){
                                                                         "AISLE_SERVER_PORT=0"},
                                                                     NULL};
    ck_err(config_load_env(c, bad, NULL, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg,
                     "unknown setting 'AISLE_SERVER_PROT'; did you mean 'AISLE_SERVER_PORT'?");
    ck_err(config_load_env(c, low, NULL, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "AISLE_SERVER_PORT: server.port: 0"));
    ck_err(config_set(c, "server.port", "", "--port", &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "--port: server.port: ''"));
    ck_err(config_set(c, "server.pot", "1", "--set", &err), ERR_INVALID);
    ck_err(config_load_file(c, "/nowhere/a.yaml", &err), ERR_NOT_FOUND);
    ck_assert_int_eq(config_int(c, "server.port"), 5000);
    config_free(c);
}
END_TEST

START_TEST(what_is_in_force_prints_as_yaml_that_loads_again_and_masks_secrets)
{
    struct err err;
    struct buf b = {.max = 10000};
    struct config *c = fresh(), *again = fresh();
    ck_ok(config_set(c, "llm.key", "hunter2", "--llm-key", &err));
    ck_ok(config_set(c, "server.origins", "a \"b\"", "--origins", &err));
    config_print(c, &b);
    ck_assert_ptr_null(strstr(b.data, "hunter2"));
    ck_assert_ptr_nonnull(strstr(b.data, "  key: \"********\"  # --llm-key\n"));
    ck_assert_ptr_nonnull(strstr(b.data, "server:\n  port: 5000  # default\n"));
    char *limit = strstr(b.data, "  limit: ********");
    ck_assert_ptr_nonnull(limit);
    memcpy(limit, "  limit: 3       ", strlen("  limit: ********"));
    ck_ok(config_load_text(again, buf_str(&b), "printed", &err));
    ck_assert_str_eq(config_str(again, "server.origins"), "a \"b\"");
    buf_release(&b);
    config_free(c);
    config_free(again);
}
END_TEST

START_TEST(durations_and_sizes_never_overflow)
{
    struct err err;
    int64_t v;
    ck_ok(config_parse_duration(STR_LIT("0"), &v, &err));
    ck_ok(config_parse_duration(STR_LIT("106751991d"), &v, &err));
    ck_err(config_parse_duration(STR_LIT("106751992d"), &v, &err), ERR_INVALID);
    ck_ok(config_parse_bytes(STR_LIT("8388607T"), &v, &err));
    ck_err(config_parse_bytes(STR_LIT("8388608T"), &v, &err), ERR_INVALID);
    static const char *const bad[] = {"",    "s", "-1s", "1 s", "1.5s", "99999999999999999999s",
                                      "1sec"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_err(config_parse_duration(str_of(bad[i]), &v, &err), ERR_INVALID);
}
END_TEST

/* How many lines a progress of 10 rows leaves on standard error. */
static int lines_drawn(uint64_t before_it_is_time, uint64_t when_it_is, uint64_t later)
{
    int ends[2], lines = 0;
    char text[1000];
    struct progress p;
    ck_assert_int_eq(pipe(ends), 0);
    int kept = dup(STDERR_FILENO);
    ck_assert(kept >= 0 && dup2(ends[1], STDERR_FILENO) >= 0);
    progress_open(&p, "count", "rows", 10, PROGRESS_PLAIN);
    progress_add(&p, before_it_is_time);
    atomic_store(&p.next_ns, 0);
    progress_add(&p, when_it_is);
    progress_add(&p, later);
    progress_close(&p);
    ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
    close(kept);
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof text);
    close(ends[0]);
    for (ssize_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    return lines;
}

START_TEST(what_a_plain_line_told_is_not_told_again_at_the_end)
{
    ck_assert_int_eq(lines_drawn(0, 10, 0), 1);
    ck_assert_int_eq(lines_drawn(10, 0, 0), 1);
    ck_assert_int_eq(lines_drawn(0, 0, 0), 1);
    ck_assert_int_eq(lines_drawn(5, 3, 2), 2);
}
END_TEST

START_TEST(progress_tells_share_rate_and_time_left)
{
    struct buf b = {.max = 1000};
    struct progress p = {.label = "import", .unit = "rows", .total = 1000, .style = PROGRESS_PLAIN};
    progress_format(&p, 250, 5, 80, &b);
    ck_assert_str_eq(b.data, "import: 25 %, 250 rows, 50 rows/s, 0:15 left");
    buf_reset(&b);
    progress_format(&p, 1000, 3725, 80, &b);
    ck_assert_str_eq(b.data, "import: 100 %, 1,000 rows, 0 rows/s, 1:02:05");
    buf_reset(&b);
    p.style = PROGRESS_BAR;
    progress_format(&p, 500, 1, 80, &b);
    ck_assert_str_eq(b.data,
                     "import: [############............] 50 %, 500 rows, 500 rows/s, 0:01 left");
    buf_reset(&b);
    progress_format(&p, 500, 1, 20, &b);
    ck_assert_uint_eq(b.len, 20);
    buf_reset(&b);
    p = (struct progress){.label = "read", .unit = "B", .style = PROGRESS_PLAIN};
    progress_format(&p, 3 << 20, 2, 80, &b);
    ck_assert_str_eq(b.data, "read: 3.0 MiB, 1.5 MiB/s, 0:02");
    buf_release(&b);
    progress_open(&p, "quiet", "rows", 10, PROGRESS_QUIET);
    progress_add(&p, 10);
    progress_close(&p);
    progress_close(&p);
}
END_TEST

SUITE("config", a_flag_beats_the_environment_beats_the_file_beats_the_default,
      every_error_names_its_place,
      what_is_in_force_prints_as_yaml_that_loads_again_and_masks_secrets,
      durations_and_sizes_never_overflow, progress_tells_share_rate_and_time_left,
      what_a_plain_line_told_is_not_told_again_at_the_end)
