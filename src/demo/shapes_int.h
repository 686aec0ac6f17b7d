/* shapes_int.h - silhouettes of products, as data.
 *
 * A drawing is a list of marks, each ended by ';', on a field of 200 x 200 whose floor is at y = 178:
 *
 *     PAINT M...            a closed shape, as SVG path data
 *     PAINT o X Y R         a disc
 *     PAINT e X Y RX RY     an ellipse
 *     PAINT r X Y W H R     a rectangle with round corners
 *     PAINT |WIDTH M...     a line, as SVG path data
 *
 * Paints: b body with its pattern, c body plain, d body in shade, l body in light, a accent, k ink,
 * w white, m metal, n wood, g leaf, y yellow, s shadow (transparent), h shine (transparent). */
#ifndef DEMO_SHAPES_INT_H
#define DEMO_SHAPES_INT_H

#include <stddef.h>

#include "base/str.h"

struct shape {
    const char *name;    /* letters only */
    const char *drawing; /* marks */
};

struct shape_table {
    const struct shape *shapes; /* [len] */
    size_t len;
};

extern const struct shape_table shapes_home, shapes_tech, shapes_wear, shapes_life;

/** returns borrowed row, for ever; NULL for an unknown name. */
const struct shape *shape_find(struct str name);

#endif
