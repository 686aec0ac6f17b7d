#include "ingest/skus.h"

#include <stdio.h>
#include <xxhash.h>

#include "base/mem.h"

#include "base/check.h"

void skus_init(struct skus *c)
{
    *c = (struct skus){0};
    arena_init(&c->texts, 64 << 10, SIZE_MAX);
}

void skus_release(struct skus *c)
{
    map_str_release(&c->ids);
    map_u64_release(&c->title_of);
    mem_free(c->products);
    mem_free(c->titles);
    arena_release(&c->texts);
    *c = (struct skus){0};
}

static struct skus_product *product_at(struct skus *c, struct str id)
{
    uint64_t *at = map_str_at(&c->ids, id, NULL);
    if (*at)
        return &c->products[*at - 1];
    if (c->products_len == c->products_cap) {
        c->products_cap = c->products_cap ? c->products_cap * 2 : 1024;
        c->products = mem_resize(c->products, c->products_cap, sizeof *c->products);
    }
    c->products[c->products_len] = (struct skus_product){.id = arena_str(&c->texts, id)};
    *at = ++c->products_len;
    return &c->products[*at - 1];
}

/* Runs of spaces count as one: exports pad. */
static struct str folded_spaces(struct str s, char *to, size_t cap)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n && n < cap; i++)
        if (s.p[i] != ' ' || (n && to[n - 1] != ' '))
            to[n++] = s.p[i];
    return str_trim((struct str){to, str_utf8_floor(to, n, n)});
}

static void add_title(struct skus *c, struct skus_product *p, struct str title, bool sale)
{
    char text[STORE_TITLE_MAX];
    title = folded_spaces(title, text, sizeof text);
    if (title.n == 0)
        return;
    uint64_t key = XXH3_64bits_withSeed(title.p, title.n, (uint64_t)(p - c->products));
    uint64_t *at = map_u64_at(&c->title_of, key, NULL);
    if (!*at) {
        if (c->titles_len == c->titles_cap) {
            c->titles_cap = c->titles_cap ? c->titles_cap * 2 : 1024;
            c->titles = mem_resize(c->titles, c->titles_cap, sizeof *c->titles);
        }
        c->titles[c->titles_len] =
            (struct skus_title){.text = arena_str(&c->texts, title), .next = p->titles};
        *at = ++c->titles_len;
        p->titles = (uint32_t)*at;
    }
    c->titles[*at - 1].lines++;
    c->titles[*at - 1].sales += sale;
}

struct str skus_add(struct skus *c, const struct skus_line *line)
{
    struct skus_product *p = product_at(c, line->id);
    p->charge |= line->charge;
    p->sales += line->sale;
    if (p->first_time == 0 || line->time < p->first_time)
        p->first_time = line->time;
    if (line->sale && line->time >= p->last_time) {
        p->last_time = line->time;
        p->last_price_micro = line->price_micro;
        p->currency = line->currency;
    }
    add_title(c, p, line->title, line->sale);
    return p->id;
}

struct str skus_title(const struct skus *c, const struct skus_product *p,
                      bool (*ignored)(const void *arg, struct str title), const void *arg)
{
    const struct skus_title *best = NULL;
    for (uint32_t at = p->titles; at; at = c->titles[at - 1].next) {
        const struct skus_title *t = &c->titles[at - 1];
        if (ignored && ignored(arg, t->text))
            continue;
        if (!best || t->sales > best->sales ||
            (t->sales == best->sales &&
             (t->lines > best->lines ||
              (t->lines == best->lines && str_cmp(t->text, best->text) < 0))))
            best = t;
    }
    return best ? best->text : (struct str){NULL, 0};
}

static struct str lowered(struct str s, char *to, size_t cap)
{
    size_t n = s.n < cap ? s.n : cap;
    for (size_t i = 0; i < n; i++)
        to[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 32) : s.p[i];
    return (struct str){to, n};
}

uint64_t catalogue_near_ids(const struct skus *c, char *out, size_t cap)
{
    struct map_str folded = {0};
    uint64_t pairs = 0;
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < c->products_len; i++) {
        char lower[STORE_ID_MAX];
        struct str id = c->products[i].id;
        uint64_t *first = map_str_at(&folded, lowered(id, lower, sizeof lower), NULL);
        if (!*first) {
            *first = i + 1;
            continue;
        }
        pairs++;
        char one[2 * STORE_ID_MAX + 8];
        struct str other = c->products[*first - 1].id;
        size_t n = (size_t)snprintf(one, sizeof one, "%s%.*s/%.*s", used ? ", " : "",
                                    STR_ARG(other), STR_ARG(id));
        if (used + n < cap) {
            memcpy(out + used, one, n + 1);
            used += n;
        }
    }
    map_str_release(&folded);
    return pairs;
}
