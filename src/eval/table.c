#include "eval/table.h"

#include <stdio.h>

enum { HEADER_MAX = 160 };

/* What --columns says about the column whose first name this is. */
static struct str override_of(struct str overrides, struct str name)
{
    while (overrides.p && overrides.n) {
        struct str value = str_split(&overrides, ',');
        struct str key = str_split(&value, '=');
        if (str_eq(str_trim(key), name))
            return str_trim(value);
    }
    return (struct str){0};
}

static int find_column(struct reader *r, struct str names, struct str overrides)
{
    struct str rest = names;
    struct str own = override_of(overrides, str_split(&rest, '|'));
    if (own.n)
        return reader_want(r, own);
    for (rest = names; rest.p;) {
        int at = reader_want(r, str_split(&rest, '|'));
        if (at >= 0)
            return at;
    }
    return -1;
}

static enum err_code missing(const char *path, struct reader *r, const char *names, struct err *err)
{
    char list[HEADER_MAX] = "";
    size_t n, used = 0;
    const struct str *header = reader_header(r, &n);
    for (size_t i = 0; i < n && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%.*s", i ? ", " : "",
                                 STR_ARG(header[i]));
    return err_set(err, ERR_INVALID, "%s: there is no column %s; the header is: %s", path, names,
                   list);
}

/* Every name in --columns must be one that is wanted. */
static enum err_code check_overrides(struct str overrides, const struct table_column *columns,
                                     size_t n, struct err *err)
{
    while (overrides.p && overrides.n) {
        struct str value = str_split(&overrides, ',');
        struct str key = str_trim(str_split(&value, '='));
        bool known = false;
        for (size_t i = 0; i < n; i++) {
            struct str names = str_of(columns[i].names);
            known |= str_eq(str_split(&names, '|'), key);
        }
        if (!known)
            return err_set(err, ERR_INVALID, "--columns: there is no '%.*s'", STR_ARG(key));
    }
    return ERR_OK;
}

enum err_code table_open(const char *path, const char *overrides, struct table_column *columns,
                         size_t n, struct reader **out, struct err *err)
{
    struct source *source;
    struct reader *r = NULL;
    struct reader_options options = {.name = path};
    enum err_code code = check_overrides(str_of(overrides), columns, n, err);
    if (code == ERR_OK)
        code = source_open(&source, path, NULL, NULL, NULL, err);
    if (code == ERR_OK)
        code = reader_open(&r, source, &options, err);
    for (size_t i = 0; i < n && code == ERR_OK; i++) {
        columns[i].at = find_column(r, str_of(columns[i].names), str_of(overrides));
        if (columns[i].at < 0 && !columns[i].optional)
            code = missing(path, r, columns[i].names, err);
    }
    if (code != ERR_OK)
        reader_close(r);
    else
        *out = r;
    return code;
}
