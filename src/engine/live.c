#include "engine/live.h"

#include <math.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/mem.h"

/* 64 bytes: one cache line. All fields are atomics so that a torn read is harmless; the sequence
 * tells the reader to try again. */
struct row {
    _Alignas(64) _Atomic uint32_t sequence; /* odd while the writer is inside */
    _Atomic uint32_t status;                /* enum product_status + 1; 0: never set */
    _Atomic int64_t price;
    _Atomic int64_t list_price;
    _Atomic int64_t cost;
    _Atomic int64_t stock;
    _Atomic uint32_t currency;
    _Atomic double
        heat; /* as of heat_time_s; a start adds in another order than the days before it,
                            and float sums would then tell products apart that are alike */
    _Atomic int64_t heat_time_s; /* UTC seconds */
};
_Static_assert(sizeof(struct row) == 64, "a row is one cache line");

struct live {
    _Atomic uint32_t refs;
    _Atomic uint32_t end;
    /* Of all products whose margin is known: sums of whole numbers, so that no order of changes shows. */
    _Atomic int64_t margin_sum; /* in MARGIN_UNIT */
    _Atomic int64_t margins;    /* how many */
    _Atomic(struct row *) chunks[LIVE_MAX_PRODUCTS / LIVE_CHUNK];
};

struct live *live_new(void)
{
    struct live *l = MEM_NEW(struct live);
    l->refs = 1;
    return l;
}

struct live *live_ref(struct live *l)
{
    atomic_fetch_add(&l->refs, 1);
    return l;
}

void live_unref(struct live *l)
{
    if (!l || atomic_fetch_sub(&l->refs, 1) != 1)
        return;
    for (size_t i = 0; i < LIVE_MAX_PRODUCTS / LIVE_CHUNK; i++)
        mem_free(atomic_load_explicit(&l->chunks[i], memory_order_relaxed));
    mem_free(l);
}

static struct row *row_of(const struct live *l, uint32_t product_no)
{
    if (product_no >= LIVE_MAX_PRODUCTS)
        return NULL;
    struct row *chunk =
        atomic_load_explicit(&l->chunks[product_no / LIVE_CHUNK], memory_order_acquire);
    return chunk ? &chunk[product_no % LIVE_CHUNK] : NULL;
}

#define PUT(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)
#define GET(field)        atomic_load_explicit(&(field), memory_order_relaxed)

static struct row *row_for_writing(struct live *l, uint32_t product_no, struct err *err)
{
    struct row *row = row_of(l, product_no);
    if (row)
        return row;
    if (product_no >= LIVE_MAX_PRODUCTS) {
        err_set(err, ERR_LIMIT, "product number %u is beyond %u", product_no, LIVE_MAX_PRODUCTS);
        return NULL;
    }
    struct row *chunk = mem_try_aligned(LIVE_CHUNK, sizeof *chunk, 64);
    if (!chunk) {
        err_set(err, ERR_MEMORY, "no memory for live columns");
        return NULL;
    }
    atomic_store_explicit(&l->chunks[product_no / LIVE_CHUNK], chunk, memory_order_release);
    return &chunk[product_no % LIVE_CHUNK];
}

enum { MARGIN_UNIT = 1000000, MARGIN_UNKNOWN = -1 };

/* Of a row that nobody writes, or as torn as may be: in MARGIN_UNIT, or MARGIN_UNKNOWN. */
static int64_t margin_of(const struct row *row)
{
    int64_t price = GET(row->price), cost = GET(row->cost);
    uint32_t status = GET(row->status);
    if (status == 0 || status == PRODUCT_DELETED + 1 || price <= 0 || cost <= 0)
        return MARGIN_UNKNOWN;
    return cost < price ? llround(MARGIN_UNIT * ((double)(price - cost) / (double)price)) : 0;
}

static void count_margin(struct live *l, int64_t margin, int sign)
{
    if (margin == MARGIN_UNKNOWN)
        return;
    PUT(l->margin_sum, GET(l->margin_sum) + sign * margin);
    PUT(l->margins, GET(l->margins) + sign);
}

float live_margin(const struct live *l, uint32_t product_no)
{
    const struct row *row = row_of(l, product_no);
    int64_t margin = row ? margin_of(row) : MARGIN_UNKNOWN, n = GET(l->margins);
    if (margin != MARGIN_UNKNOWN)
        return (float)margin / MARGIN_UNIT;
    return n > 0 ? (float)((double)GET(l->margin_sum) / (double)n / MARGIN_UNIT) : 0;
}

enum err_code live_set(struct live *l, uint32_t product_no, const struct live_row *in,
                       struct err *err)
{
    struct err why;
    struct row *row = row_for_writing(l, product_no, &why);
    if (!row) {
        if (err)
            *err = why;
        return why.code;
    }
    count_margin(l, margin_of(row), -1);
    uint32_t sequence = GET(row->sequence);
    PUT(row->sequence, sequence + 1);
    atomic_thread_fence(memory_order_release);
    PUT(row->status, (uint32_t)in->status + 1);
    PUT(row->price, in->price_minor);
    PUT(row->list_price, in->list_price_minor);
    PUT(row->cost, in->cost_minor);
    PUT(row->stock, in->stock);
    PUT(row->currency, in->currency);
    atomic_store_explicit(&row->sequence, sequence + 2, memory_order_release);
    count_margin(l, margin_of(row), 1);
    if (product_no >= GET(l->end))
        atomic_store_explicit(&l->end, product_no + 1, memory_order_release);
    return ERR_OK;
}

/* Nobody writes meanwhile, so the rows are what they seem. */
static void copy_row(const struct row *from, struct row *to)
{
    PUT(to->status, GET(from->status));
    PUT(to->price, GET(from->price));
    PUT(to->list_price, GET(from->list_price));
    PUT(to->cost, GET(from->cost));
    PUT(to->stock, GET(from->stock));
    PUT(to->currency, GET(from->currency));
    PUT(to->heat, GET(from->heat));
    PUT(to->heat_time_s, GET(from->heat_time_s));
}

struct live *live_clone(const struct live *l)
{
    struct live *copy = live_new();
    for (size_t i = 0; i < LIVE_MAX_PRODUCTS / LIVE_CHUNK; i++) {
        const struct row *from = GET(l->chunks[i]);
        if (!from)
            continue;
        struct row *to = mem_try_aligned(LIVE_CHUNK, sizeof *to, 64);
        if (!to) {
            live_unref(copy);
            return NULL;
        }
        for (size_t k = 0; k < LIVE_CHUNK; k++)
            copy_row(&from[k], &to[k]);
        PUT(copy->chunks[i], to);
    }
    PUT(copy->end, GET(l->end));
    PUT(copy->margin_sum, GET(l->margin_sum));
    PUT(copy->margins, GET(l->margins));
    return copy;
}

void live_get(const struct live *l, uint32_t product_no, struct live_row *out)
{
    struct row *row = row_of(l, product_no);
    uint32_t before, status;
    if (!row) {
        *out = (struct live_row){.status = PRODUCT_DELETED,
                                 .price_minor = STORE_NO_AMOUNT,
                                 .list_price_minor = STORE_NO_AMOUNT};
        return;
    }
    do {
        before = atomic_load_explicit(&row->sequence, memory_order_acquire);
        status = GET(row->status);
        out->price_minor = GET(row->price);
        out->list_price_minor = GET(row->list_price);
        out->cost_minor = GET(row->cost);
        out->stock = GET(row->stock);
        out->currency = GET(row->currency);
        atomic_thread_fence(memory_order_acquire);
    } while ((before & 1) || before != GET(row->sequence));
    out->status = status ? (enum product_status)(status - 1) : PRODUCT_DELETED;
}

bool live_sellable(const struct live *l, uint32_t product_no)
{
    const struct row *row = row_of(l, product_no);
    return row && GET(row->status) == PRODUCT_ACTIVE + 1 && GET(row->stock) != 0;
}

static double decayed(double heat, int64_t from_s, int64_t to_s)
{
    if (heat == 0 || to_s <= from_s)
        return heat;
    return heat * exp2(-(double)(to_s - from_s) / LIVE_HEAT_HALF_LIFE_S);
}

void live_heat_add(struct live *l, uint32_t product_no, float weight, int64_t time_us)
{
    struct row *row = row_of(l, product_no);
    if (!row)
        return;
    int64_t time_s = time_us / CLOCK_US_PER_S, at_s = GET(row->heat_time_s);
    double heat = GET(row->heat);
    if (time_s >= at_s) {
        heat = decayed(heat, at_s, time_s) + (double)weight;
        at_s = time_s;
    } else {
        heat += decayed((double)weight, time_s, at_s); /* late: what is left of it by now */
    }
    PUT(row->heat, heat);
    PUT(row->heat_time_s, at_s);
}

/* Less is what rounding leaves of nothing. */
#define HEAT_LEAST 1e-9

void live_heat_take(struct live *l, uint32_t product_no, float weight, int64_t time_us)
{
    struct row *row = row_of(l, product_no);
    live_heat_add(l, product_no, -weight, time_us);
    if (row && GET(row->heat) < HEAT_LEAST)
        PUT(row->heat, 0);
}

float live_heat(const struct live *l, uint32_t product_no, int64_t now_us)
{
    const struct row *row = row_of(l, product_no);
    if (!row)
        return 0;
    return (float)decayed(GET(row->heat), GET(row->heat_time_s), now_us / CLOCK_US_PER_S);
}

uint32_t live_end(const struct live *l)
{
    return atomic_load_explicit(&l->end, memory_order_acquire);
}
