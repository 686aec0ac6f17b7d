#include "base/tuning.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static size_t size_of(enum tuning_type type)
{
    switch (type) {
    case TUNING_FLOAT:
        return sizeof(float);
    case TUNING_U32:
        return sizeof(uint32_t);
    case TUNING_U64:
        return sizeof(uint64_t);
    case TUNING_BOOL:
        return sizeof(bool);
    }
    UNREACHABLE();
}

const struct tuning *tuning_find(const struct tuning *all, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, all[i].name))
            return &all[i];
    return NULL;
}

static void put(const struct tuning *t, void *into, double value)
{
    union {
        float real;
        uint32_t u32;
        uint64_t u64;
        bool flag;
    } field;
    switch (t->type) {
    case TUNING_FLOAT:
        field.real = (float)value;
        break;
    case TUNING_U32:
        field.u32 = (uint32_t)value;
        break;
    case TUNING_U64:
        field.u64 = (uint64_t)value;
        break;
    case TUNING_BOOL:
        field.flag = value != 0;
        break;
    }
    memcpy((char *)into + t->offset, &field, size_of(t->type));
}

enum err_code tuning_put(const struct tuning *all, size_t n, void *into, struct str name,
                         double value, struct err *err)
{
    const struct tuning *t = tuning_find(all, n, name);
    if (!t)
        return err_set(err, ERR_INVALID, "there is no parameter '%.*s'", STR_ARG(name));
    if (!((float)value >= (float)t->lo && (float)value <= (float)t->hi))
        return err_set(err, ERR_INVALID, "%s: not between %g and %g", t->name, t->lo, t->hi);
    put(t, into, value);
    return ERR_OK;
}

enum err_code tuning_set(const struct tuning *all, size_t n, void *into, struct str text,
                         struct err *err)
{
    struct str rest = text, name = str_split(&rest, '=');
    double value = 0;
    if (!tuning_find(all, n, name))
        return err_set(err, ERR_INVALID, "there is no parameter '%.*s'", STR_ARG(name));
    enum err_code code = str_parse_double(rest, &value, err);
    if (code != ERR_OK)
        return err_prefix(err, code, "%.*s", STR_ARG(name));
    return tuning_put(all, n, into, name, value, err);
}

/* The shortest number that is this float: 0.3, not what a double says of it. */
static double tidy(float value)
{
    char text[32];
    int digits = 6;
    do
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
    while (strtof(text, NULL) != value && ++digits <= 9);
    return strtod(text, NULL);
}

double tuning_get(const struct tuning *t, const void *from)
{
    union {
        float real;
        uint32_t u32;
        uint64_t u64;
        bool flag;
    } field;
    memcpy(&field, (const char *)from + t->offset, size_of(t->type));
    switch (t->type) {
    case TUNING_FLOAT:
        return tidy(field.real);
    case TUNING_U32:
        return field.u32;
    case TUNING_U64:
        return (double)field.u64;
    case TUNING_BOOL:
        return field.flag;
    }
    UNREACHABLE();
}

void tuning_json(const struct tuning *all, size_t n, const void *from, struct json_writer *w)
{
    for (size_t i = 0; i < n; i++) {
        jw_key(w, str_of(all[i].name));
        jw_double(w, tuning_get(&all[i], from));
    }
}

bool tuning_equal(const struct tuning *all, size_t n, const void *a, const void *b)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp((const char *)a + all[i].offset, (const char *)b + all[i].offset,
                   size_of(all[i].type)) != 0)
            return false;
    return true;
}
