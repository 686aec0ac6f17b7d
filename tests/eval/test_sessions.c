/* Sessions: their files, good and bad, ranks by hand, and the lists that others published where AISLE_DATA has them. */
#include "eval/sessions.h"

#include "base/clock.h"
#include "base/mem.h"
#include "eval/files.h"

static void read_text(struct files *files, const char *text, struct map_str *items,
                      struct session_log *log)
{
    struct err err;
    *log = (struct session_log){0};
    ck_ok(session_log_read(write_text(files, "in", text), items, log, &err));
}

START_TEST(lines_in_any_order_become_sessions_in_order_of_time)
{
    static const uint32_t items[] = {2, 1, 0, 0, 1};
    struct files files;
    struct map_str item_of = {0};
    struct session_log log;
    files_init(&files);
    read_text(&files,
              "SessionId\tItemId\tTime\r\n8\tx\t30\r\n7\ty\t2.5\r\n8\tz\t1\r\n8\ty\t10.000001\r\n"
              "7\tx\t1.25\r\n",
              &item_of, &log);
    ck_assert_uint_eq(log.len, 2);
    ck_assert_uint_eq(log.offsets[1], 3);
    ck_assert_uint_eq(log.offsets[2], 5);
    ck_assert_mem_eq(log.item, items, sizeof items);
    ck_assert_int_eq(log.time_us[1], 10 * CLOCK_US_PER_S + 1);
    ck_assert_int_eq(log.end_us[0], 30 * CLOCK_US_PER_S);
    ck_assert_int_eq(log.end_us[1], 2 * CLOCK_US_PER_S + 500000);
    session_log_release(&log);
    /* Another file, with other names and times: items go on counting, sessions do not. */
    read_text(&files, "time,session_id,product_id\n2026-01-01T00:00:00Z,8,new\n", &item_of, &log);
    ck_assert_uint_eq(log.len, 1);
    ck_assert_uint_eq(log.item[0], 3);
    ck_assert_int_eq(log.time_us[0], 1767225600 * CLOCK_US_PER_S);
    session_log_release(&log);
    map_str_release(&item_of);
    files_release(&files);
}
END_TEST

START_TEST(events_of_one_time_stay_in_the_order_of_lines)
{
    struct files files;
    struct map_str item_of = {0};
    struct session_log log;
    files_init(&files);
    read_text(&files, "session\titem\ttime\n1\ta\t5\n1\tb\t5\n1\tc\t5\n1\ta\t5\n", &item_of, &log);
    static const uint32_t items[] = {0, 1, 2, 0};
    ck_assert_mem_eq(log.item, items, sizeof items);
    session_log_release(&log);
    map_str_release(&item_of);
    files_release(&files);
}
END_TEST

START_TEST(broken_files_are_refused_with_their_line)
{
    static char huge[700];
    static const char head[] = "SessionId\tItemId\tTime\n1\t";
    memset(huge, 'x', sizeof huge - 4);
    memcpy(huge, head, sizeof head - 1);
    memcpy(huge + sizeof huge - 5, "\t1\n", 4);
    const struct {
        const char *text, *says;
    } cases[] = {
        {"", ""},
        {"SessionId\tItemId\tTime\n", "it holds nothing"},
        {"SessionId\n1\n", "there is no column item|"},
        {"SessionId\tItemId\n1\t2\n", "the header is: SessionId, ItemId"},
        {"SessionId\tItemId\tTime\n1\t2\tNaN\n", "line 2: time: 'NaN' is neither"},
        {"SessionId\tItemId\tTime\n1\t2\t3\n1\t2\tinf\n", "line 3: time: 'inf'"},
        {"SessionId\tItemId\tTime\n1\t2\t-4\n", "line 2: time: '-4'"},
        {"SessionId\tItemId\tTime\n1\t2\t1e300\n", "line 2: time: '1e300'"},
        {"SessionId\tItemId\tTime\n1\t\t4\n", "line 2: item is empty"},
        {"SessionId\tItemId\tTime\n\tx\t4\n", "line 2: session is empty"},
        {huge, "line 2: the item 'xxx"},
    };
    struct files files;
    struct err err;
    files_init(&files);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct map_str item_of = {0};
        struct session_log log = {0};
        const char *path = write_text(&files, "in", cases[i].text);
        ck_err(session_log_read(path, &item_of, &log, &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, cases[i].says) && strstr(err.msg, path), "%s", err.msg);
        session_log_release(&log);
        map_str_release(&item_of);
    }
    files_release(&files);
}
END_TEST

/* --- measurement ----------------------------------------------------------------------------- */

struct others {
    uint32_t items;
    const struct session_log *log;
};

/* The items 0, 1, 2, ... but the one of the last event, which happens now. */
static size_t list_others(void *arg, unsigned lane, const uint32_t *items, size_t n, int64_t now_us,
                          uint32_t *out, size_t k)
{
    const struct others *o = arg;
    size_t len = 0;
    (void)lane;
    if (now_us != o->log->time_us[(size_t)(items - o->log->item) + n - 1])
        return 0;
    for (uint32_t i = 0; i < o->items && len < k; i++)
        if (i != items[n - 1])
            out[len++] = i;
    return len;
}

START_TEST(every_event_but_the_first_is_foretold)
{
    /* a0 b1 c2 d3. After a: b c d; after b: a c d; after c: a b d; after d: a b c. */
    static const char text[] = "session\titem\ttime\n1\ta\t1\n1\tb\t2\n1\tc\t3\n1\ta\t4\n2\td\t1\n"
                               "3\tb\t1\n3\td\t2\n3\td\t3\n";
    struct files files;
    struct map_str item_of = {0};
    struct session_log log;
    struct session_result r;
    bool wanted[8] = {0};
    struct others others = {4, &log};
    struct err err;
    files_init(&files);
    read_text(&files, text, &item_of, &log);
    for (int threads = 0; threads < 3; threads++) {
        struct session_measure_options o = {.k = 2};
        if (threads)
            ck_ok(pool_new(&o.pool, "list", (unsigned)threads, 8, &err));
        ck_ok(session_log_measure(&log, &o, list_others, &others, &r, &err));
        pool_free(o.pool);
        ck_assert_uint_eq(r.events, 5); /* b at 1, c at 2, a at 1, d not in 2, d not at all */
        ck_assert_double_eq_tol(r.hit, 3 / 5., 1e-12);
        ck_assert_double_eq_tol(r.mrr, 2.5 / 5, 1e-12);
        ck_assert(r.p50_us >= 0 && r.p99_us >= r.p50_us);
    }
    ck_ok(session_log_choose(&log, write_text(&files, "e", "SessionId;Position\n1;1\n3;0\n"),
                             wanted, &err));
    struct session_measure_options chosen = {.k = 3, .wanted = wanted};
    ck_ok(session_log_measure(&log, &chosen, list_others, &others, &r, &err));
    ck_assert_uint_eq(r.events, 2); /* c at 2, d at 3 */
    ck_assert_double_eq_tol(r.mrr, (1 / 2. + 1 / 3.) / 2, 1e-12);
    static const char *const bad[] = {"2;0", "9;0", "1;3", "1;-1", "1;x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char lines[64];
        snprintf(lines, sizeof lines, "SessionId;Position\n1;0\n%s\n", bad[i]);
        ck_err(session_log_choose(&log, write_text(&files, "e", lines), wanted, &err), ERR_INVALID);
        ck_assert_msg(strstr(err.msg, "line 3: "), "%s", err.msg);
    }
    session_log_release(&log);
    map_str_release(&item_of);
    files_release(&files);
}
END_TEST

START_TEST(sessions_of_one_event_are_an_error)
{
    struct files files;
    struct map_str item_of = {0};
    struct session_log log;
    struct session_measure_options o = {.k = 2};
    struct session_result r;
    struct others others = {1, &log};
    struct err err;
    files_init(&files);
    read_text(&files, "session\titem\ttime\n1\ta\t1\n2\ta\t2\n", &item_of, &log);
    ck_err(session_log_measure(&log, &o, list_others, &others, &r, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg, "no session has more than one event");
    session_log_release(&log);
    map_str_release(&item_of);
    files_release(&files);
}
END_TEST

/* --- published lists ------------------------------------------------------------------------- */

/* A file of SessionId;Position;Recommendations;Scores: the list of whoever asks next, alone and in order. */
struct published {
    struct map_str *item_of;
    struct str *lists; /* [events] by the event that follows */
    const struct session_log *log;
};

static size_t list_published(void *arg, unsigned lane, const uint32_t *items, size_t n,
                             int64_t now_us, uint32_t *out, size_t k)
{
    const struct published *p = arg;
    struct str list = p->lists[(size_t)(items - p->log->item) + n];
    size_t len = 0;
    (void)lane, (void)now_us;
    while (list.p && len < k) {
        const uint64_t *no = map_str_find(p->item_of, str_split(&list, ','));
        out[len++] = no ? (uint32_t)*no : UINT32_MAX;
    }
    return len;
}

static void measure_published(const struct session_log *test, struct map_str *item_of,
                              const char *path, double hit, double mrr)
{
    size_t events = test->offsets[test->len];
    struct published p = {item_of, mem_new(events, sizeof *p.lists), test};
    struct session_measure_options o = {.k = 20};
    struct session_result r;
    struct fs_map map;
    struct err err;
    bool *wanted = mem_new(events, sizeof *wanted);
    ck_ok(session_log_choose(test, path, wanted, &err));
    ck_ok(fs_map_open(&map, path, FS_SEQUENTIAL, &err));
    struct str rest = {(const char *)map.data, map.bytes};
    str_split(&rest, '\n');
    while (rest.p && rest.n) {
        struct str line = str_split(&rest, '\n');
        const uint64_t *no = map_str_find(&test->session_of, str_split(&line, ';'));
        int64_t place;
        ck_assert_ptr_nonnull(no);
        ck_ok(str_parse_i64(str_split(&line, ';'), 0, 1000, &place, &err));
        p.lists[test->offsets[*no] + (size_t)place + 1] = str_split(&line, ';');
    }
    o.wanted = wanted;
    ck_ok(session_log_measure(test, &o, list_published, &p, &r, &err));
    ck_assert_uint_eq(r.events, 387);
    ck_assert_double_eq_tol(r.hit, hit, 5e-5);
    ck_assert_double_eq_tol(r.mrr, mrr, 5e-5);
    fs_map_close(&map);
    mem_free(p.lists);
    mem_free(wanted);
}

START_TEST(published_lists_have_their_published_figures)
{
    static const struct {
        const char *name;
        double hit, mrr;
    } cases[] = {{"vsknn", .6098, .3342},
                 {"ar", .5917, .3160},
                 {"gru4rec", .5711, .3289},
                 {"sr", .5607, .3275}};
    const char *data = getenv("AISLE_DATA");
    char path[FS_PATH_MAX];
    struct map_str item_of = {0};
    struct session_log test = {0};
    struct fs_info info;
    struct err err;
    snprintf(path, sizeof path, "%s/recommend/yoochoose-sample/yoochoose-clicks-100k_test.txt",
             data ? data : "");
    ck_ok(fs_stat(path, &info, &err));
    if (!data || !info.exists) {
        printf("# SKIP no yoochoose-sample in AISLE_DATA\n");
        return;
    }
    ck_ok(session_log_read(path, &item_of, &test, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(path, sizeof path,
                 "%s/recommend/yoochoose-sample/reference_recs/recoms_rsc15_100k_%s.csv", data,
                 cases[i].name);
        measure_published(&test, &item_of, path, cases[i].hit, cases[i].mrr);
    }
    session_log_release(&test);
    map_str_release(&item_of);
}
END_TEST

SUITE("sessions", lines_in_any_order_become_sessions_in_order_of_time,
      events_of_one_time_stay_in_the_order_of_lines, broken_files_are_refused_with_their_line,
      every_event_but_the_first_is_foretold, sessions_of_one_event_are_an_error,
      published_lists_have_their_published_figures)
