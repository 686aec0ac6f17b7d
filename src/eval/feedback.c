#include "eval/feedback.h"

#include "base/clock.h"
#include "base/fs.h"
#include "eval/words.h"

enum { PAIR_USER, PAIR_ITEM, PAIR_TIME, PAIR_FIELDS, COLUMNS_MAX = 16, HEADER_MAX = 160 };

static uint32_t number_of(struct map_str *ids, struct str id)
{
    bool added;
    uint64_t *no = map_str_at(ids, id, &added);
    if (added)
        *no = ids->len;
    return (uint32_t)*no;
}

/* --- adjacency ------------------------------------------------------------------------------- */

/* Once a day: without times, nothing says that two things were had together. */
static enum err_code take_adjacency(struct feedback *f, struct str line, struct interactions *out,
                                    struct err *err)
{
    struct str user = words_next(&line), item;
    enum err_code code = ERR_OK;
    for (int64_t day = 1; code == ERR_OK && (item = words_next(&line)).n; day++)
        code = interactions_append(out, number_of(&f->users, user), number_of(&f->items, item),
                                   day * CLOCK_US_PER_DAY, 1, EVENT_VIEW, 1, err);
    return code;
}

/* --- pairs ----------------------------------------------------------------------------------- */

/* How a file of pairs is laid out. */
struct layout {
    char separator;         /* ' ': blanks */
    int order[PAIR_FIELDS]; /* which of a line's fields is what; -1: none */
};

static char separator_of(struct str line)
{
    static const char separators[] = {'\t', ',', ';'};
    for (size_t i = 0; i < sizeof separators; i++)
        if (line.n && memchr(line.p, separators[i], line.n))
            return separators[i];
    return ' ';
}

/* Up to COLUMNS_MAX fields; an empty one counts but between blanks. */
static int split_line(const struct layout *l, struct str line, struct str fields[COLUMNS_MAX])
{
    int n = 0;
    while (n < COLUMNS_MAX && line.p) {
        struct str field = l->separator == ' ' ? words_next(&line) : str_split(&line, l->separator);
        if (l->separator == ' ' && field.n == 0)
            break;
        fields[n++] = str_trim(field);
    }
    return n;
}

static const char *const names[PAIR_FIELDS][3] = {
    {"user", "user_id", "userid"}, {"item", "item_id", "product_id"}, {"time", "timestamp", "ts"}};

/* Does the line name columns? Then the layout's order is theirs. One of user and item alone is a header
 * that we do not understand, not an act. */
static enum err_code read_header(struct str line, struct layout *l, bool *header, struct err *err)
{
    int found[PAIR_FIELDS] = {-1, -1, -1};
    struct str fields[COLUMNS_MAX];
    int n = split_line(l, line, fields);
    for (int at = 0; at < n; at++)
        for (int c = 0; c < PAIR_FIELDS; c++)
            for (int i = 0; i < 3; i++)
                if (str_eq_nocase(fields[at], str_of(names[c][i])))
                    found[c] = at;
    *header = found[PAIR_USER] >= 0 && found[PAIR_ITEM] >= 0;
    if (*header)
        memcpy(l->order, found, sizeof found);
    if (*header || (found[PAIR_USER] < 0 && found[PAIR_ITEM] < 0))
        return ERR_OK;
    const char *const *missing = names[found[PAIR_USER] < 0 ? PAIR_USER : PAIR_ITEM];
    struct str said = str_trim(line);
    return err_set(err, ERR_INVALID, "there is no column %s|%s|%s; the header is: %.*s", missing[0],
                   missing[1], missing[2], (int)(said.n < HEADER_MAX ? said.n : HEADER_MAX),
                   said.p);
}

static bool parse_time(struct str text, int64_t *us)
{
    if (str_parse_i64(text, 0, INT64_MAX / CLOCK_US_PER_S, us, NULL) == ERR_OK) {
        *us *= CLOCK_US_PER_S;
        return true;
    }
    return clock_parse_iso(text, us, NULL) == ERR_OK;
}

static struct str field_of(const struct str *fields, int n, int at)
{
    return at >= 0 && at < n ? fields[at] : (struct str){0};
}

static enum err_code take_pair(struct feedback *f, const struct layout *l, struct str line,
                               struct interactions *out, struct err *err)
{
    struct str fields[COLUMNS_MAX];
    int n = split_line(l, line, fields);
    int64_t us = CLOCK_US_PER_DAY;
    struct str user = field_of(fields, n, l->order[PAIR_USER]);
    struct str item = field_of(fields, n, l->order[PAIR_ITEM]);
    struct str time = field_of(fields, n, l->order[PAIR_TIME]);
    if (user.n == 0 || item.n == 0)
        return err_set(err, ERR_INVALID, "a pair needs a user and an item");
    if (time.n && !parse_time(time, &us))
        return err_set(err, ERR_INVALID, "'%.*s' is neither seconds nor an ISO time",
                       (int)(time.n < 40 ? time.n : 40), time.p);
    return interactions_append(out, number_of(&f->users, user), number_of(&f->items, item), us, 1,
                               EVENT_VIEW, 1, err);
}

/* --- files ----------------------------------------------------------------------------------- */

static enum err_code read_lines(struct feedback *f, struct str rest, struct interactions *out,
                                struct err *err)
{
    struct layout l = {.order = {PAIR_USER, PAIR_ITEM, PAIR_TIME}};
    enum err_code code = ERR_OK;
    for (unsigned line_no = 1; rest.p && code == ERR_OK; line_no++) {
        struct str line = str_split(&rest, '\n');
        bool header = false;
        if (str_trim(line).n == 0)
            continue;
        if (f->pairs && !l.separator) {
            l.separator = separator_of(line);
            code = read_header(line, &l, &header, err);
        }
        if (code == ERR_OK && !header)
            code = f->pairs ? take_pair(f, &l, line, out, err) : take_adjacency(f, line, out, err);
        if (code != ERR_OK)
            code = err_prefix(err, code, "line %u", line_no);
    }
    return code;
}

enum err_code feedback_read(struct feedback *f, const char *path, struct interactions *out,
                            struct err *err)
{
    struct fs_map map;
    struct derive_options options = derive_defaults();
    enum err_code code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    code = read_lines(f, (struct str){(const char *)map.data, map.bytes}, out, err);
    fs_map_close(&map);
    if (code == ERR_OK && out->len == 0)
        code = err_set(err, ERR_INVALID, "it holds nothing");
    if (code != ERR_OK)
        return err_prefix(err, code, "%s", path);
    return interactions_sort(out, &options, err);
}

void feedback_release(struct feedback *f)
{
    map_str_release(&f->users);
    map_str_release(&f->items);
}
