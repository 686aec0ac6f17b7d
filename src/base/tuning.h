/* tuning.h - numbers of a struct that are set by name: "keep=500".
 *
 * Model:   a table says of each name where its field stands, of what type it is, and between which bounds.
 * Threads: tables are constant; a struct is its caller's. */
#ifndef BASE_TUNING_H
#define BASE_TUNING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json_writer.h"
#include "base/str.h"

enum tuning_type { TUNING_FLOAT, TUNING_U32, TUNING_U64, TUNING_BOOL };

struct tuning {
    const char *name;
    size_t offset; /* of the field in the struct */
    enum tuning_type type;
    double lo, hi; /* of values, as floats: what was set to a bound is read back from text */
};

/** The entry of a name in all [n], or NULL. */
const struct tuning *tuning_find(const struct tuning *all, size_t n, struct str name);

/** Set the field of a name. Whole numbers lose what is behind the point.
 *  ERR_INVALID  there is none of this name, or the value is not within its bounds; nothing is set */
ERR_MUST_USE enum err_code tuning_put(const struct tuning *all, size_t n, void *into,
                                      struct str name, double value, struct err *err);

/** The same with "name=value". ERR_INVALID. */
ERR_MUST_USE enum err_code tuning_set(const struct tuning *all, size_t n, void *into,
                                      struct str text, struct err *err);

/** The field of an entry as a number; a bool is 0 or 1, a float the shortest decimal that is read as it. */
double tuning_get(const struct tuning *t, const void *from);

/** All [n] as members of an open object, each under its name. */
void tuning_json(const struct tuning *all, size_t n, const void *from, struct json_writer *w);

/** Are the fields of all [n] the same in a and b? */
bool tuning_equal(const struct tuning *all, size_t n, const void *a, const void *b);

#endif
