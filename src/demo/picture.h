/* picture.h - product pictures, drawn when asked for.
 *
 * Model:   the name says everything: "kettle-red-2-7a3f" is a shape, a colour, a pattern and 16 bits
 *          that choose accent, proportions and backdrop; "-detail" behind it draws the same thing closer. The
 *          renderer keeps no state and reads nothing else, so a picture can be cached for ever.
 * Output:  one self-contained square SVG of 480 x 480 without script, text or references to elsewhere,
 *          under PICTURE_MAX_BYTES.
 * Threads: any. */
#ifndef DEMO_PICTURE_H
#define DEMO_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum { PICTURE_NAME_MAX = 64, PICTURE_MAX_BYTES = 4096 };

/** Append the SVG of the picture called name (without ".svg") to out.
 *  ERR_NOT_FOUND  no such picture: any name that picture_name would not have made.
 *  ERR_LIMIT      out is full. */
ERR_MUST_USE enum err_code demo_picture_svg(struct str name, struct buf *out, struct err *err);

/** What a picture shows. */
struct picture {
    struct str shape; /* as in the product tables: "kettle" */
    int colour;       /* index of the colour table */
    int pattern;      /* 0..PICTURE_PATTERNS-1 */
    uint16_t look;    /* any: accent, proportions, backdrop */
    bool detail;      /* drawn closer */
};

enum { PICTURE_PATTERNS = 6 };

/** Append the name of a picture (without ".svg") to out. */
void picture_put_name(const struct picture *p, struct buf *out);

#endif
