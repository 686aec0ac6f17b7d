#include "base/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

enum { COLUMNS = 80, BAR = 24 };

static const int64_t draw_every_ns = 100000000, plain_every_ns = PROGRESS_PLAIN_S * 1000000000LL;

/* --- what is shown --------------------------------------------------------------------------- */

/* "12,345", or for bytes "1.5 MiB". */
static void put_amount(struct buf *out, double n, bool bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    char digits[32];
    unsigned unit = 0;
    while (bytes && n >= 1024 && unit < 4) {
        n /= 1024;
        unit++;
    }
    if (bytes) {
        buf_printf(out, "%.*f %s", unit > 0 && n < 100, n, units[unit]);
        return;
    }
    int len = snprintf(digits, sizeof digits, "%.0f", n);
    for (int i = 0; i < len; i++) {
        buf_putc(out, digits[i]);
        if ((len - i) % 3 == 1 && i + 1 < len)
            buf_putc(out, ',');
    }
}

/* "0:07", "12:34", "1:02:03" */
static void put_time(struct buf *out, double seconds)
{
    uint64_t s = seconds < 1e7 ? (uint64_t)(seconds + 0.5) : 10000000;
    unsigned h = (unsigned)(s / 3600), m = (unsigned)(s / 60 % 60), rest = (unsigned)(s % 60);
    if (h > 0)
        buf_printf(out, "%u:%02u:%02u", h, m, rest);
    else
        buf_printf(out, "%u:%02u", m, rest);
}

static void put_bar(struct buf *out, double share)
{
    unsigned full = (unsigned)(share * BAR);
    buf_putc(out, '[');
    for (unsigned i = 0; i < BAR; i++)
        buf_putc(out, i < full ? '#' : '.');
    buf_puts(out, "] ");
}

/* Cut at a character so that the line does not wrap. */
static void cut_columns(struct buf *out, size_t from, unsigned columns)
{
    struct str line = {out->data + from, out->len - from};
    if (line.n > columns)
        buf_truncate(out, from + str_utf8_floor(line.p, line.n, columns));
}

void progress_format(const struct progress *p, uint64_t done, double seconds, unsigned columns,
                     struct buf *out)
{
    bool bytes = p->unit[0] == 'B' && p->unit[1] == '\0', known = p->total > 0;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    double share = known && done < p->total ? (double)done / (double)p->total : 1;
    size_t from = out->len;
    buf_printf(out, "%.200s: ", p->label);
    if (known && p->style == PROGRESS_BAR)
        put_bar(out, share);
    if (known)
        buf_printf(out, "%.0f %%, ", share * 100);
    put_amount(out, (double)done, bytes);
    buf_printf(out, "%s%s, ", bytes ? "" : " ", bytes ? "" : p->unit);
    put_amount(out, rate, bytes);
    buf_printf(out, "%s%s/s, ", bytes ? "" : " ", bytes ? "" : p->unit);
    if (known && done < p->total && rate > 0) {
        put_time(out, (double)(p->total - done) / rate);
        buf_puts(out, " left");
    } else {
        put_time(out, seconds);
    }
    if (p->style == PROGRESS_BAR && !out->full)
        cut_columns(out, from, columns);
}

/* --- drawing --------------------------------------------------------------------------------- */

static unsigned terminal_columns(void)
{
    struct winsize w;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 1)
        return w.ws_col - 1u;
    return COLUMNS - 1;
}

/* One write(2), so that lines of the log do not come in between. */
static void draw(struct progress *p, int64_t now_ns, const char *end)
{
    char room[512];
    struct buf out = {.data = room, .cap = sizeof room, .max = sizeof room - 1};
    double seconds = (double)(now_ns - p->start_ns) / 1e9;
    uint64_t done = atomic_load(&p->done);
    if (p->style == PROGRESS_PLAIN && atomic_exchange(&p->drawn, done) == done)
        return;
    if (p->style == PROGRESS_BAR)
        buf_puts(&out, "\r\033[K");
    progress_format(p, done, seconds, terminal_columns(), &out);
    buf_puts(&out, end);
    ssize_t written = write(STDERR_FILENO, out.data, out.len);
    (void)written; /* nobody to tell */
}

void progress_open(struct progress *p, const char *label, const char *unit, uint64_t total,
                   enum progress_style style)
{
    int64_t now = clock_mono_ns();
    if (style == PROGRESS_AUTO)
        style = isatty(STDERR_FILENO) ? PROGRESS_BAR : PROGRESS_PLAIN;
    *p = (struct progress){
        .label = label, .unit = unit, .total = total, .style = style, .start_ns = now};
    atomic_init(&p->done, 0);
    atomic_init(&p->drawn, UINT64_MAX);
    atomic_init(&p->next_ns, now + (style == PROGRESS_BAR ? draw_every_ns : plain_every_ns));
}

void progress_add(struct progress *p, uint64_t n)
{
    atomic_fetch_add_explicit(&p->done, n, memory_order_relaxed);
    if (p->style == PROGRESS_QUIET)
        return;
    int64_t now = clock_mono_ns();
    int64_t next = atomic_load_explicit(&p->next_ns, memory_order_relaxed);
    int64_t every = p->style == PROGRESS_BAR ? draw_every_ns : plain_every_ns;
    /* Whoever moves the time on draws. */
    if (now >= next && atomic_compare_exchange_strong(&p->next_ns, &next, now + every))
        draw(p, now, p->style == PROGRESS_BAR ? "" : "\n");
}

void progress_close(struct progress *p)
{
    if (p->label && p->style != PROGRESS_QUIET)
        draw(p, clock_mono_ns(), "\n");
    p->label = NULL;
}
