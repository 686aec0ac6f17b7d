#include "cli/recommend_all.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/signal.h"

enum {
    PAGE = 2000,
    PAGE_BYTES_MAX = 16 << 20, /* of ids */
    LINE_MAX_BYTES = 4 << 20,
    LANE_ARENA_MAX = 16 << 20,
    GRAIN = 8,
    QUEUE = 64,
};

struct shopper_line {
    uint32_t user_no;
    struct str id;   /* in the page's arena */
    struct buf text; /* the line */
    size_t products;
    enum err_code code;
    struct err err;
};

struct batch {
    struct shop *shop;
    const struct recommend_all *o;
    struct recommend_all_result *out;
    struct arena ids;
    struct shopper_line *lines; /* [PAGE] */
    size_t len;
    struct arena *lanes; /* [lanes_len] */
    unsigned lanes_len;
    uint32_t after;
    uint64_t read; /* shoppers of the page, with those who opted out */
};

static enum err_code read_page(struct batch *b, struct db *db, struct err *err)
{
    struct db_rows rows = {0};
    struct user u;
    bool more;
    enum err_code code = users_after(db, b->after, PAGE, &rows, err);
    while (code == ERR_OK && (code = users_next(&rows, &u, &more, err)) == ERR_OK && more) {
        b->after = u.no;
        b->read++;
        if (!u.personalise) {
            b->out->opted_out++;
            continue;
        }
        struct shopper_line *line = &b->lines[b->len++];
        line->user_no = u.no;
        line->id = arena_str(&b->ids, u.id);
        if (!line->id.p)
            code = err_set(err, ERR_LIMIT, "the ids of %d shoppers do not fit", PAGE);
    }
    db_rows_close(&rows);
    return code;
}

static void make_line(struct batch *b, struct shopper_line *line, struct arena *arena)
{
    struct recommend_request r = b->o->request;
    struct recommend_result found;
    struct json_writer w;
    r.user_no = line->user_no;
    arena_reset(arena);
    line->code = recommend_run(b->shop->view, &r, arena, &found, &line->err);
    if (line->code != ERR_OK)
        return;
    buf_reset(&line->text);
    jw_init(&w, &line->text);
    jw_obj(&w);
    JW_STR(&w, "user_id", line->id);
    recommend_members(b->shop->view, &r, &found, b->o->language, &w);
    jw_obj_end(&w);
    buf_putc(&line->text, '\n');
    line->products = found.len;
    line->code = buf_ok(&line->text, "a shopper's list", &line->err);
}

static void make_lines(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct batch *b = arg;
    for (size_t i = begin; i < end; i++)
        make_line(b, &b->lines[i], &b->lanes[lane]);
}

static enum err_code next_page(struct batch *b, struct pool *pool, struct fs_writer *w,
                               struct err *err)
{
    struct db *db;
    arena_reset(&b->ids);
    b->len = 0;
    b->read = 0;
    enum err_code code = store_read_begin(b->shop->store, &db, err);
    if (code != ERR_OK)
        return code;
    code = read_page(b, db, err);
    store_read_end(b->shop->store, db);
    if (code != ERR_OK)
        return code;
    pool_for(pool, b->len, GRAIN, make_lines, b);
    for (size_t i = 0; i < b->len; i++) {
        const struct shopper_line *line = &b->lines[i];
        if (line->code != ERR_OK) {
            *err = line->err;
            return line->code;
        }
        fs_writer_put(w, line->text.data, line->text.len);
        b->out->products += line->products;
    }
    b->out->shoppers += b->len;
    return fs_writer_ok(w, err);
}

static enum err_code write_all(const struct args *args, struct batch *b, struct pool *pool,
                               struct fs_writer *w, struct err *err)
{
    struct progress progress;
    enum err_code code;
    progress_open(&progress, "recommend", "shoppers", 0, progress_style_of(args));
    do {
        code = signal_check(err);
        if (code == ERR_OK)
            code = next_page(b, pool, w, err);
        progress_add(&progress, b->read);
    } while (code == ERR_OK && b->read == PAGE);
    progress_close(&progress);
    return code == ERR_OK ? fs_writer_commit(w, err) : code;
}

enum err_code recommend_all(const struct args *args, struct shop *s, const struct recommend_all *o,
                            struct recommend_all_result *out, struct err *err)
{
    struct batch b = {.shop = s, .o = o, .out = out};
    struct fs_writer w = {0};
    struct pool *pool = NULL;
    int64_t begin = clock_mono_ns();
    *out = (struct recommend_all_result){0};
    enum err_code code =
        o->threads == 1 ? ERR_OK
                        : pool_new(&pool, "recommend", o->threads ? o->threads - 1 : 0, QUEUE, err);
    if (code != ERR_OK)
        return code;
    b.lanes_len = pool_lanes(pool);
    b.lanes = mem_new(b.lanes_len, sizeof *b.lanes);
    b.lines = mem_new(PAGE, sizeof *b.lines);
    for (unsigned i = 0; i < b.lanes_len; i++)
        arena_init(&b.lanes[i], 0, LANE_ARENA_MAX);
    for (size_t i = 0; i < PAGE; i++)
        buf_init(&b.lines[i].text, LINE_MAX_BYTES);
    arena_init(&b.ids, 0, PAGE_BYTES_MAX);
    code = fs_writer_open(&w, o->path, err);
    if (code == ERR_OK)
        code = write_all(args, &b, pool, &w, err);
    fs_writer_abort(&w);
    for (size_t i = 0; i < PAGE; i++)
        buf_release(&b.lines[i].text);
    for (unsigned i = 0; i < b.lanes_len; i++)
        arena_release(&b.lanes[i]);
    arena_release(&b.ids);
    mem_free(b.lines);
    mem_free(b.lanes);
    pool_free(pool);
    out->seconds = (double)(clock_mono_ns() - begin) / 1e9;
    return code;
}
