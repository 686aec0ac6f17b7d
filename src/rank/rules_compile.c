/* rules_compile.c - rules and segments to lists and bitmaps. */
#include <stdatomic.h>

#include "base/mem.h"
#include "rank/rules_int.h"

enum {
    WIDE_PART = 16, /* from this part of a segment on a bitmap is smaller than two lists */
    BOOK_ARENA_MAX = 1 << 30,
    TERMS_ARENA_MAX = 1 << 30,
};

/* --- reading ----------------------------------------------------------------------------------- */

static struct rule_book *new_book(struct rule_rows *rows)
{
    struct rule_book *b = MEM_NEW(struct rule_book);
    b->refs = 1;
    b->rows = rule_rows_ref(rows);
    arena_init(&b->arena, 0, BOOK_ARENA_MAX);
    b->rules = mem_new(rows->len ? rows->len : 1, sizeof *b->rules);
    for (size_t i = 0; i < rows->len; i++) {
        struct rule *rule = &b->rules[b->len];
        /* What a later version wrote, and this one cannot read, is not in force: GET /v1/rules tells. */
        bool only_named = rows->only_named && rows->only_named[i];
        if ((!rows->items[i].enabled && !only_named) ||
            rule_parse(&rows->items[i], &b->arena, rule, NULL) != ERR_OK)
            continue;
        rule->only_named = only_named;
        b->asks_for_attributes |= rule->shoppers != NULL;
        b->len++;
    }
    return b;
}

static void book_unref(struct rule_book *b)
{
    if (atomic_fetch_sub(&b->refs, 1) != 1)
        return;
    rule_rows_unref(b->rows);
    arena_release(&b->arena);
    mem_free(b->rules);
    mem_free(b);
}

/* --- one segment ------------------------------------------------------------------------------- */

static void segment_unref(struct ruled_segment *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    for (size_t i = 0; i < s->rules; i++)
        bitset_release(&s->of[i].bits);
    mem_free(s->of);
    mem_free(s->lists);
    mem_free(s->first);
    mem_free(s->of_doc);
    mem_free(s->wide);
    arena_release(&s->terms);
    mem_free(s);
}

/* The docs that a filter selects, into found. Without memory for its terms it selects none. */
static void select_docs(const struct filter *f, const struct filter_index *index,
                        struct arena *arena, struct bitset *found, const struct bound_term **bound)
{
    struct bound_term *terms = arena_try_alloc(arena, filter_terms(f) * sizeof *terms);
    *bound = terms;
    if (terms && filter_bind_segment(f, index->s, arena, terms, NULL) == ERR_OK)
        filter_select(f, index, terms, found);
    else
        bitset_fill(found, false);
}

/* Lists of all rules while they are made. */
struct lists {
    uint32_t *docs;
    size_t len, cap;
};

static void put_list(struct lists *l, const struct bitset *found, size_t n)
{
    if (l->cap - l->len < n) {
        l->cap = (l->cap + n) * 2;
        l->docs = mem_resize(l->docs, l->cap, sizeof *l->docs);
    }
    for (size_t doc = bitset_next(found, 0); doc < found->len; doc = bitset_next(found, doc + 1))
        l->docs[l->len++] = (uint32_t)doc;
}

/* *found is taken where it becomes the rule's bitmap. */
static void compile_rule(const struct rule *rule, const struct filter_index *index,
                         struct ruled_segment *out, struct rule_docs *docs, struct lists *lists,
                         struct arena *scratch, struct bitset *found)
{
    size_t n = index->s->docs;
    if (!rule->products) {
        *docs = (struct rule_docs){.len = (uint32_t)n, .all = true};
        return;
    }
    bool live = filter_is_live(rule->products);
    const struct bound_term *bound;
    select_docs(rule->products, index, live ? &out->terms : scratch, found, &bound);
    size_t count = bitset_count(found);
    *docs = (struct rule_docs){.len = (uint32_t)count, .bound = live ? bound : NULL};
    if (count > n / WIDE_PART) {
        docs->bits = *found;
        *found = (struct bitset){mem_new(n / 64 + 1, sizeof(uint64_t)), n};
    } else {
        put_list(lists, found, count);
    }
}

static bool is_wide(const struct rule_docs *d)
{
    return d->all || d->bits.len;
}

/* Lists by rule to lists by doc. */
static void turn_lists(struct ruled_segment *s, size_t docs, size_t pairs)
{
    s->first = mem_new(docs + 2, sizeof *s->first);
    s->of_doc = mem_new(pairs, sizeof *s->of_doc);
    for (size_t i = 0; i < pairs; i++)
        s->first[s->lists[i] + 2]++;
    for (size_t doc = 2; doc < docs + 2; doc++)
        s->first[doc] += s->first[doc - 1];
    for (size_t i = 0; i < s->rules; i++)
        for (uint32_t k = 0; !is_wide(&s->of[i]) && k < s->of[i].len; k++)
            s->of_doc[s->first[s->of[i].list[k] + 1]++] = (uint16_t)i;
}

static struct ruled_segment *compile_segment(const struct rule_book *book,
                                             const struct segment *seg)
{
    struct ruled_segment *s = MEM_NEW(struct ruled_segment);
    struct filter_index index;
    struct lists lists = {0};
    struct arena scratch;
    struct bitset found = {mem_new(seg->docs / 64 + 1, sizeof(uint64_t)), seg->docs};
    s->refs = 1;
    s->rules = book->len;
    s->of = mem_new(book->len, sizeof *s->of);
    s->wide = mem_new(book->len, sizeof *s->wide);
    arena_init(&s->terms, 0, TERMS_ARENA_MAX);
    arena_init(&scratch, 0, TERMS_ARENA_MAX);
    filter_index_init(&index, seg);
    for (size_t i = 0; i < book->len; i++) {
        arena_reset(&scratch);
        compile_rule(&book->rules[i], &index, s, &s->of[i], &lists, &scratch, &found);
        if (is_wide(&s->of[i]))
            s->wide[s->wide_len++] = (uint16_t)i;
    }
    filter_index_release(&index);
    arena_release(&scratch);
    bitset_release(&found);
    s->lists = lists.docs;
    uint32_t *list = lists.docs;
    for (size_t i = 0; i < s->rules; i++)
        if (!is_wide(&s->of[i])) {
            s->of[i].list = list;
            list += s->of[i].len;
        }
    if (lists.len)
        turn_lists(s, seg->docs, lists.len);
    return s;
}

/* --- all --------------------------------------------------------------------------------------- */

static void release(struct compiled_rules *base)
{
    struct shop_rules *r = (struct shop_rules *)base;
    for (size_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        segment_unref(r->segments[slot]);
    book_unref(r->book);
    catalogue_unref(r->catalogue);
    mem_free(r);
}

/* What before has of this segment; it keeps its catalogue, so that an address is one segment's. */
static struct ruled_segment *found_before(const struct shop_rules *before,
                                          const struct segment *segment)
{
    for (size_t slot = 0; before && slot < CATALOGUE_SLOTS; slot++)
        if (before->catalogue->segments[slot] == segment)
            return before->segments[slot];
    return NULL;
}

static struct compiled_rules *compile(struct rule_rows *rows, const struct view *next,
                                      const struct compiled_rules *base)
{
    const struct shop_rules *before = (const struct shop_rules *)base;
    bool same = before && before->book->rows == rows;
    if (same && before->catalogue == next->catalogue) {
        struct shop_rules *again = (struct shop_rules *)before;
        atomic_fetch_add(&again->base.refs, 1);
        return &again->base;
    }
    struct shop_rules *r = MEM_NEW(struct shop_rules);
    r->base = (struct compiled_rules){.refs = 1, .release = release};
    r->catalogue = catalogue_ref(next->catalogue);
    r->book = same ? before->book : new_book(rows);
    if (same)
        atomic_fetch_add(&r->book->refs, 1);
    for (size_t slot = 0; slot < CATALOGUE_SLOTS && r->book->len; slot++) {
        const struct segment *segment = next->catalogue->segments[slot];
        struct ruled_segment *there = same && segment ? found_before(before, segment) : NULL;
        if (there)
            atomic_fetch_add(&there->refs, 1);
        else if (segment)
            there = compile_segment(r->book, segment);
        r->segments[slot] = there;
    }
    return &r->base;
}

const struct rules_compiler rules_compiler = {compile};

size_t rules_len(const struct view *view)
{
    return view->rules ? rules_of(view)->book->len : 0;
}

const struct rule *rules_at(const struct view *view, size_t i)
{
    return &rules_of(view)->book->rules[i];
}

bool rules_ask_for_attributes(const struct view *view)
{
    return view->rules && rules_of(view)->book->asks_for_attributes;
}
