#include "eval/sequences.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/json_reader.h"
#include "base/mem.h"
#include "base/signal.h"
#include "eval/words.h"

enum { GRAIN = 64, FIRST_ROOM = 1024 };

/* --- lines ----------------------------------------------------------------------------------- */

static enum err_code number_of(struct map_str *ids, struct str id, uint32_t *no, struct err *err)
{
    char quoted[64];
    bool added;
    if (id.n > SEQUENCES_ID_MAX)
        return err_set(err, ERR_INVALID, "the id '%s' has more than %d bytes",
                       err_quote(quoted, sizeof quoted, id.p, id.n), SEQUENCES_ID_MAX);
    uint64_t *at = map_str_at(ids, id, &added);
    if (added)
        *at = ids->len - 1;
    *no = (uint32_t)*at;
    return *at < UINT32_MAX ? ERR_OK : err_set(err, ERR_LIMIT, "too many different ids");
}

static enum err_code make_room(void **p, size_t *cap, size_t need, size_t size, struct err *err)
{
    if (need <= *cap)
        return ERR_OK;
    size_t more = *cap ? *cap * 2 : FIRST_ROOM;
    void *grown = mem_try_resize(*p, more < need ? need : more, size);
    if (!grown)
        return err_set(err, ERR_MEMORY, "no memory for %zu sequences or events", need);
    *p = grown;
    *cap = more < need ? need : more;
    return ERR_OK;
}

static enum err_code take_line(struct sequences *s, struct str line, struct err *err)
{
    struct str user = words_next(&line), word;
    uint64_t events = s->len ? s->offsets[s->len] : 0, begin = events;
    size_t offsets_cap = s->lines_cap ? s->lines_cap + 1 : 0;
    enum err_code code =
        make_room((void **)&s->offsets, &offsets_cap, (size_t)s->len + 2, sizeof *s->offsets, err);
    s->lines_cap = offsets_cap ? offsets_cap - 1 : 0;
    while (code == ERR_OK && (word = words_next(&line)).n) {
        uint32_t item;
        code = number_of(&s->item_of, word, &item, err);
        if (code == ERR_OK)
            code = make_room((void **)&s->item, &s->cap, events + 1, sizeof *s->item, err);
        if (code == ERR_OK)
            s->item[events++] = item;
    }
    if (code != ERR_OK)
        return code;
    if (events == begin) {
        char quoted[64];
        return err_set(err, ERR_INVALID, "'%s' has no items: a line is a user and the items",
                       err_quote(quoted, sizeof quoted, user.p, user.n));
    }
    s->offsets[0] = 0;
    s->offsets[++s->len] = events;
    return s->len < UINT32_MAX ? ERR_OK : err_set(err, ERR_LIMIT, "too many lines");
}

enum err_code sequences_read(struct sequences *s, const char *path, struct err *err)
{
    struct fs_map map;
    enum err_code code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    struct str rest = {(const char *)map.data, map.bytes};
    for (unsigned line_no = 1; rest.p && code == ERR_OK; line_no++) {
        struct str line = str_split(&rest, '\n');
        if (str_trim(line).n)
            code = take_line(s, line, err);
        if (code != ERR_OK)
            code = err_prefix(err, code, "line %u", line_no);
    }
    fs_map_close(&map);
    if (code == ERR_OK && s->len == 0)
        code = err_set(err, ERR_INVALID, "it holds nothing");
    return code == ERR_OK ? code : err_prefix(err, code, "%s", path);
}

void sequences_release(struct sequences *s)
{
    map_str_release(&s->item_of);
    mem_free(s->offsets);
    mem_free(s->item);
    mem_free(s->attribute_offsets);
    mem_free(s->attribute);
    *s = (struct sequences){0};
}

enum err_code sequences_cut(const struct sequences *s, size_t n, struct sequences_cut *cut,
                            struct err *err)
{
    uint64_t events = s->len ? s->offsets[s->len] : 0;
    *cut = (struct sequences_cut){0};
    cut->offsets = mem_try_new((size_t)s->len + 1, sizeof *cut->offsets);
    cut->item = mem_try_new(events, sizeof *cut->item);
    if (!cut->offsets || !cut->item) {
        sequences_cut_release(cut);
        return err_set(err, ERR_MEMORY, "no memory for %zu events", (size_t)events);
    }
    for (uint32_t i = 0; i < s->len; i++) {
        uint64_t begin = s->offsets[i], len = s->offsets[i + 1] - begin;
        uint64_t left = len > n ? len - n : 0;
        if (left)
            memcpy(cut->item + cut->offsets[i], s->item + begin, left * sizeof *cut->item);
        cut->offsets[i + 1] = cut->offsets[i] + left;
    }
    return ERR_OK;
}

void sequences_cut_release(struct sequences_cut *cut)
{
    mem_free(cut->offsets);
    mem_free(cut->item);
    *cut = (struct sequences_cut){0};
}

/* --- attributes ------------------------------------------------------------------------------ */

struct cell {
    uint32_t item, attribute;
};

struct cells {
    struct map_str ids; /* text of an attribute -> number */
    struct cell *cell;  /* [len], owned */
    size_t len, cap;
};

static int compare_cells(const void *a, const void *b)
{
    const struct cell *x = a, *y = b;
    if (x->item != y->item)
        return x->item < y->item ? -1 : 1;
    return (x->attribute > y->attribute) - (x->attribute < y->attribute);
}

/* Of an item that is in no line, item is NULL. */
static enum err_code take_attributes(struct json_reader *r, struct cells *c, const uint64_t *item,
                                     struct err *err)
{
    enum err_code code = ERR_OK;
    struct str text;
    if (!jr_arr(r))
        return ERR_OK; /* jr_end tells */
    while (code == ERR_OK && jr_next(r)) {
        bool got = jr_peek(r) == JR_NUMBER ? jr_number(r, &text) : jr_str(r, &text);
        uint32_t attribute;
        if (!got || !item)
            continue;
        code = number_of(&c->ids, text, &attribute, err);
        if (code == ERR_OK)
            code = make_room((void **)&c->cell, &c->cap, c->len + 1, sizeof *c->cell, err);
        if (code == ERR_OK)
            c->cell[c->len++] = (struct cell){(uint32_t)*item, attribute};
    }
    return code;
}

static enum err_code pack_attributes(struct sequences *s, struct cells *c, struct err *err)
{
    uint32_t items = sequences_items(s);
    uint64_t *offsets = mem_try_new((size_t)items + 1, sizeof *offsets);
    uint32_t *attribute = mem_try_new(c->len, sizeof *attribute);
    uint64_t n = 0;
    if (!offsets || !attribute) {
        mem_free(offsets);
        mem_free(attribute);
        return err_set(err, ERR_MEMORY, "no memory for %zu attributes", c->len);
    }
    if (c->len)
        qsort(c->cell, c->len, sizeof *c->cell, compare_cells);
    for (size_t i = 0; i < c->len; i++)
        if (i == 0 || compare_cells(&c->cell[i - 1], &c->cell[i]) != 0) {
            attribute[n++] = c->cell[i].attribute;
            offsets[c->cell[i].item + 1]++;
        }
    for (uint32_t i = 0; i < items; i++)
        offsets[i + 1] += offsets[i];
    mem_free(s->attribute_offsets);
    mem_free(s->attribute);
    s->attribute_offsets = offsets;
    s->attribute = attribute;
    s->attributes = (uint32_t)c->ids.len;
    return ERR_OK;
}

enum err_code sequences_read_attributes(struct sequences *s, const char *path, struct err *err)
{
    struct cells cells = {0};
    struct json_reader r;
    struct arena arena = {0};
    struct fs_map map;
    struct str key;
    enum err_code code = fs_map_open(&map, path, FS_SEQUENTIAL, err);
    if (code != ERR_OK)
        return code;
    jr_init(&r, (struct str){(const char *)map.data, map.bytes}, &arena);
    if (jr_obj(&r))
        while (code == ERR_OK && jr_key(&r, &key))
            code = take_attributes(&r, &cells, map_str_find(&s->item_of, key), err);
    if (code == ERR_OK || r.failed)
        code = jr_end(&r, err);
    if (code == ERR_OK)
        code = pack_attributes(s, &cells, err);
    fs_map_close(&map);
    arena_release(&arena);
    map_str_release(&cells.ids);
    mem_free(cells.cell);
    return code == ERR_OK ? code : err_prefix(err, code, "%s", path);
}

/* --- measurement ----------------------------------------------------------------------------- */

enum { MISSED = UINT32_MAX, LEFT_OUT = UINT32_MAX - 1 };

struct measure {
    const struct sequences *s;
    const struct sequences_options *o;
    sequences_score_fn *score;
    void *arg;
    uint32_t *count; /* [items] in what was fitted on */
    uint32_t *rank;  /* [lines] of the target from 0, MISSED or LEFT_OUT */
    float **scores;  /* [lanes][items] */
    _Atomic bool stopped;
};

static size_t cut_of(const struct sequences_options *o)
{
    return o->validate ? 2 : 1;
}

static bool is_before(const struct measure *m, const float *scores, uint32_t a, uint32_t b)
{
    if (scores[a] != scores[b])
        return scores[a] > scores[b];
    return m->count[a] != m->count[b] ? m->count[a] > m->count[b] : a < b;
}

static uint32_t rank_target(const struct measure *m, const uint32_t *history, size_t n,
                            uint32_t target, float *scores)
{
    uint32_t items = sequences_items(m->s), rank = 0;
    memset(scores, 0, items * sizeof *scores);
    m->score(m->arg, history, n, scores);
    if (!m->o->keep_seen)
        for (size_t i = 0; i < n; i++)
            scores[history[i]] = -INFINITY;
    if (scores[target] == -INFINITY)
        return MISSED;
    for (uint32_t i = 0; i < items; i++)
        rank += scores[i] >= scores[target] && is_before(m, scores, i, target);
    return rank;
}

static void measure_range(void *arg, size_t begin, size_t end, unsigned lane)
{
    struct measure *m = arg;
    for (size_t i = begin; i < end; i++) {
        uint64_t from = m->s->offsets[i], len = m->s->offsets[i + 1] - from;
        if (signal_stopping())
            atomic_store(&m->stopped, true);
        if (atomic_load(&m->stopped))
            return;
        if (len <= cut_of(m->o)) {
            m->rank[i] = LEFT_OUT;
            continue;
        }
        size_t n = len - cut_of(m->o);
        m->rank[i] = rank_target(m, m->s->item + from, n, m->s->item[from + n], m->scores[lane]);
    }
}

static enum err_code sum_up(const struct measure *m, struct sequences_result *out, struct err *err)
{
    struct sequences_result r = {0};
    for (uint32_t i = 0; i < m->s->len; i++) {
        r.users += m->rank[i] != LEFT_OUT;
        if (m->rank[i] >= m->o->k)
            continue;
        r.hit++;
        r.ndcg += 1 / log2(2.0 + m->rank[i]);
        r.mrr += 1 / (1.0 + m->rank[i]);
    }
    if (r.users == 0)
        return err_set(err, ERR_INVALID, "no line has more than %zu items", cut_of(m->o));
    r.hit /= (double)r.users;
    r.ndcg /= (double)r.users;
    r.mrr /= (double)r.users;
    *out = r;
    return ERR_OK;
}

static bool prepare(struct measure *m, unsigned lanes)
{
    uint32_t items = sequences_items(m->s);
    m->count = mem_try_new(items, sizeof *m->count);
    m->rank = mem_try_new(m->s->len, sizeof *m->rank);
    bool good = m->count && m->rank;
    for (unsigned i = 0; i < lanes; i++) {
        m->scores[i] = mem_try_new(items, sizeof **m->scores);
        good = good && m->scores[i];
    }
    for (uint32_t i = 0; good && i < m->s->len; i++)
        for (uint64_t k = m->s->offsets[i]; k + cut_of(m->o) < m->s->offsets[i + 1]; k++)
            m->count[m->s->item[k]]++;
    return good;
}

enum err_code sequences_measure(const struct sequences *s, const struct sequences_options *o,
                                sequences_score_fn *score, void *arg, struct sequences_result *out,
                                struct err *err)
{
    unsigned lanes = pool_lanes(o->pool);
    struct measure m = {.s = s, .o = o, .score = score, .arg = arg};
    enum err_code code = ERR_OK;
    m.scores = mem_new(lanes, sizeof *m.scores);
    if (!prepare(&m, lanes))
        code = err_set(err, ERR_MEMORY, "no memory to rank %u items", sequences_items(s));
    if (code == ERR_OK) {
        pool_for(o->pool, s->len, GRAIN, measure_range, &m);
        code = atomic_load(&m.stopped) ? signal_check(err) : sum_up(&m, out, err);
    }
    for (unsigned i = 0; i < lanes; i++)
        mem_free(m.scores[i]);
    mem_free(m.scores);
    mem_free(m.count);
    mem_free(m.rank);
    return code;
}
