/* progress.h - how far a long piece of work is, for whoever waits for it.
 *
 * On a terminal: one line that is redrawn, with bar, rate and time left. Elsewhere: a plain line
 * every PROGRESS_PLAIN_S seconds and one at the end. Always on standard error, so that results can
 * be piped. Threads: progress_add from any; the rest from the one that opened. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { PROGRESS_PLAIN_S = 5 };

enum progress_style { PROGRESS_AUTO, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_QUIET };

struct progress {
    const char *label;         /* borrowed: "import orders.csv" */
    const char *unit;          /* borrowed: "rows", or "B" for bytes shown as KiB, MiB */
    uint64_t total;            /* 0: not known */
    enum progress_style style; /* never PROGRESS_AUTO once open */
    int64_t start_ns;          /* clock_mono_ns */
    _Atomic uint64_t done;
    _Atomic int64_t next_ns; /* when to draw again */
    _Atomic uint64_t drawn;  /* what was done when it was drawn last; UINT64_MAX: never */
};

void progress_open(struct progress *p, const char *label, const char *unit, uint64_t total,
                   enum progress_style style);
void progress_add(struct progress *p, uint64_t n);

/** Draw the last state, unless a plain line told it already, and end the line. All-zero is fine. */
void progress_close(struct progress *p);

/** The line for (done, seconds), without line end; columns wide at most for a bar. What the drawing
 *  uses, apart so that it can be tested. */
void progress_format(const struct progress *p, uint64_t done, double seconds, unsigned columns,
                     struct buf *out);

#endif
