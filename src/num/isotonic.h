/* isotonic.h - from scores to probabilities that mean what they say, and how far they are off.
 *
 * Model:   the rising step function that fits outcomes (0 or 1) best in squares (isotonic regression by pooling
 *          adjacent violators: Ayer et al. 1955; as calibration: Zadrozny, Elkan, KDD 2002). The scores are first cut
 *          into at most ISOTONIC_MAX runs of equal size, equal scores together, which bounds memory and keeps
 *          steps from resting on a few cases. Between the middles of steps it is interpolated linearly.
 * Memory:  inside the struct. Threads: any. */
#ifndef NUM_ISOTONIC_H
#define NUM_ISOTONIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { ISOTONIC_MAX = 64 };

struct isotonic {
    uint32_t len;               /* 0: nothing is known, every probability is 0 */
    float score[ISOTONIC_MAX];  /* ascending, finite */
    float chance[ISOTONIC_MAX]; /* 0..1, not descending */
};

/** Fit to n outcomes. scores [n] finite, outcomes [n] 0..1.
 *  ERR_INVALID  a score or an outcome that is none, named by its place
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code isotonic_fit(const float *scores, const float *outcomes, size_t n,
                                        struct isotonic *out, struct err *err);

/** The probability at a score; below the first step and above the last as there. */
float isotonic_at(const struct isotonic *f, float score);

/** Expected calibration error: of probabilities cut into `bins` runs of equal size, the mean distance between
 *  a run's mean probability and its share of outcomes (Naeini et al., AAAI 2015). n >= 1
 *  ERR_MEMORY */
ERR_MUST_USE enum err_code calibration_error(const float *chances, const float *outcomes, size_t n,
                                             size_t bins, double *out, struct err *err);

#endif
