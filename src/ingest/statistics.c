#include "ingest/statistics.h"

#include <math.h>

#include "base/map.h"
#include "base/mem.h"
#include "ingest/pages.h"
#include "store/orders.h"
#include "store/products.h"
#include "store/store.h"

enum { PAGE = 20000, CONVERSION_PRIOR = 20 };

struct work {
    struct product_stats s;
    struct map_u64 lines_of; /* currency -> lines */
};

void product_stats_release(struct product_stats *s)
{
    mem_free(s->views);
    mem_free(s->carts);
    mem_free(s->purchases);
    mem_free(s->buyers);
    mem_free(s->sold);
    mem_free(s->returned);
    mem_free(s->revenue_minor);
    *s = (struct product_stats){0};
}

static enum err_code prepare(struct store *store, const struct interactions *it,
                             struct product_stats *s, struct err *err)
{
    struct db *db;
    struct product_counts products;
    enum err_code code = store_read_begin(store, &db, err);
    if (code != ERR_OK)
        return code;
    code = products_count(db, &products, err);
    store_read_end(store, db);
    if (code != ERR_OK)
        return code;
    uint32_t n = products.max_no + 1 > it->products_end ? products.max_no + 1 : it->products_end;
    s->len = n;
    s->views = mem_try_new(n, sizeof *s->views);
    s->carts = mem_try_new(n, sizeof *s->carts);
    s->purchases = mem_try_new(n, sizeof *s->purchases);
    s->buyers = mem_try_new(n, sizeof *s->buyers);
    s->sold = mem_try_new(n, sizeof *s->sold);
    s->returned = mem_try_new(n, sizeof *s->returned);
    s->revenue_minor = mem_try_new(n, sizeof *s->revenue_minor);
    if (!s->views || !s->carts || !s->purchases || !s->buyers || !s->sold || !s->returned ||
        !s->revenue_minor)
        return err_set(err, ERR_MEMORY, "no memory for the figures of %u products", n);
    return ERR_OK;
}

/* --- acts ------------------------------------------------------------------------------------ */

static void count_act(struct product_stats *s, const struct interactions *it, size_t i,
                      uint32_t *last_buyer)
{
    uint32_t p = it->product_no[i], user = it->user_no[i];
    switch ((enum event_type)it->type[i]) {
    case EVENT_VIEW:
    case EVENT_CLICK:
        s->views[p]++;
        s->all_views++;
        break;
    case EVENT_FAVOURITE:
    case EVENT_ADD_TO_CART:
        s->carts[p]++;
        s->all_carts++;
        break;
    case EVENT_PURCHASE:
        s->purchases[p]++;
        s->all_purchases++;
        s->buyers[p] += user && last_buyer[p] != user;
        last_buyer[p] = user;
        break;
    case EVENT_IMPRESSION:
    case EVENT_SEARCH:
    case EVENT_REMOVE_FROM_CART:
    case EVENT_RATING:
    case EVENT_TYPES:
        break;
    }
}

static enum err_code count_acts(struct product_stats *s, const struct interactions *it,
                                struct err *err)
{
    uint32_t *last_buyer = mem_try_new(s->len, sizeof *last_buyer);
    if (!last_buyer)
        return err_set(err, ERR_MEMORY, "no memory for the buyers of %u products", s->len);
    for (size_t i = 0; i < it->len; i++)
        count_act(s, it, i, last_buyer);
    mem_free(last_buyer);
    return ERR_OK;
}

/* --- order lines ----------------------------------------------------------------------------- */

/* Calls take for each line that sells or gives back a product. */
struct walk {
    struct work *w;
    void (*take)(struct work *w, const struct order_line_row *r);
};

static enum err_code take_line(void *arg, const struct order_line_row *r, bool *enough,
                               struct err *err)
{
    const struct walk *walk = arg;
    (void)enough, (void)err;
    if (r->status != ORDER_CANCELLED && r->line.kind != LINE_ADJUSTMENT && r->line.product_no > 0 &&
        r->line.product_no < walk->w->s.len)
        walk->take(walk->w, r);
    return ERR_OK;
}

static enum err_code lines_page(void *arg, struct db *db, int64_t *after, bool *more,
                                struct err *err)
{
    return pages_lines(db, PAGE, after, more, take_line, arg, err);
}

static void count_currency(struct work *w, const struct order_line_row *r)
{
    ++*map_u64_at(&w->lines_of, r->currency, NULL);
    w->s.lines++;
}

static void choose_currency(struct work *w)
{
    uint64_t code, lines, most = 0;
    for (size_t pos = 0; map_u64_next(&w->lines_of, &pos, &code, &lines);)
        if (lines > most || (lines == most && code < w->s.currency)) {
            most = lines;
            w->s.currency = (currency_code)code;
        }
}

static void count_line(struct work *w, const struct order_line_row *r)
{
    struct product_stats *s = &w->s;
    const struct order_line *l = &r->line;
    bool sale = l->kind == LINE_SALE;
    uint64_t pieces = (uint64_t)l->quantity;
    *(sale ? &s->sold[l->product_no] : &s->returned[l->product_no]) += pieces;
    *(sale ? &s->all_sold : &s->all_returned) += pieces;
    if (r->currency != s->currency) {
        s->foreign_lines++;
        return;
    }
    int64_t amount = sale ? l->amount_minor : -l->amount_minor;
    s->revenue_minor[l->product_no] += amount;
    s->all_revenue_minor += amount;
}

/* --- all of it ------------------------------------------------------------------------------- */

enum err_code product_stats_read(struct store *store, const struct interactions *it,
                                 struct product_stats *out, struct err *err)
{
    struct work w = {0};
    enum err_code code = prepare(store, it, &w.s, err);
    if (code == ERR_OK)
        code = count_acts(&w.s, it, err);
    if (code == ERR_OK)
        code = pages_walk(store, lines_page, &(struct walk){&w, count_currency}, err);
    if (code == ERR_OK) {
        choose_currency(&w);
        code = pages_walk(store, lines_page, &(struct walk){&w, count_line}, err);
    }
    map_u64_release(&w.lines_of);
    if (code != ERR_OK)
        product_stats_release(&w.s);
    else
        *out = w.s;
    return code;
}

double product_stats_mean_conversion(const struct product_stats *s)
{
    double mean = s->all_views ? (double)s->all_purchases / (double)s->all_views : 0;
    return mean < 1 ? mean : 1;
}

double product_stats_conversion(const struct product_stats *s, uint32_t product_no)
{
    if (product_no >= s->len)
        return 0;
    double prior = CONVERSION_PRIOR * product_stats_mean_conversion(s);
    double rate = (s->purchases[product_no] + prior) / (s->views[product_no] + CONVERSION_PRIOR);
    return rate < 1 ? rate : 1;
}

double product_stats_conversion_z(const struct product_stats *s, uint32_t product_no)
{
    double mean = product_stats_mean_conversion(s);
    if (product_no >= s->len || s->views[product_no] == 0 || mean <= 0 || mean >= 1)
        return 0;
    double views = s->views[product_no];
    return (s->purchases[product_no] - views * mean) / sqrt(views * mean * (1 - mean));
}

double product_stats_returns_share(const struct product_stats *s, uint32_t product_no)
{
    if (product_no >= s->len || s->returned[product_no] == 0)
        return 0;
    if (s->returned[product_no] >= s->sold[product_no])
        return 1;
    return (double)s->returned[product_no] / (double)s->sold[product_no];
}
