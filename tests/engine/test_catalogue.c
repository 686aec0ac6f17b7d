/* test_catalogue.c - segments that come, merge and go, against a table of who is alive. */
#include "engine/catalogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/rng.h"
#include "index/segment_build.h"
#include "index/terms.h"
#include "support/suite.h"

enum { NUMBERS = 3 * CATALOGUE_CHUNK, ROUNDS = 250, BATCH = 40 };

static const struct str languages[] = {{"en", 2}};

/* version[no]: which version of the product lives; 0: none. */
struct table {
    uint32_t version[NUMBERS];
    uint32_t products;
};

static void id_of(uint32_t no, char id[16])
{
    snprintf(id, 16, "id%u", no);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Up to n numbers, most of them from a few, ascending, each once. */
static size_t draw(struct rng *r, uint32_t *out, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        out[i] = 1 + (uint32_t)rng_below(r, rng_below(r, 3) ? 100 : NUMBERS - 1);
    qsort(out, n, sizeof *out, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || out[i] != out[i - 1])
            out[kept++] = out[i];
    return kept;
}

static struct segment *build(const uint32_t *numbers, size_t n, uint32_t version)
{
    struct segment_builder *b;
    struct segment *s;
    struct err err;
    ck_ok(segment_builder_new(languages, 1, &b, &err));
    for (size_t i = 0; i < n; i++) {
        char id[16], title[48];
        id_of(numbers[i], id);
        snprintf(title, sizeof title, "kettle version%u %s", version, version % 2 ? "odd" : "");
        struct product p = {.no = numbers[i],
                            .id = str_of(id),
                            .title = str_of(title),
                            .price_minor = STORE_NO_AMOUNT,
                            .list_price_minor = STORE_NO_AMOUNT,
                            .stock = 1};
        ck_ok(segment_builder_add(b, &p, &err));
    }
    ck_ok(segment_builder_finish_memory(b, &s, &err));
    segment_builder_free(b);
    return s;
}

static void check_product(const struct catalogue *c, const struct table *t, uint32_t no)
{
    char id[16], want[48];
    struct location at = catalogue_locate(c, no);
    id_of(no, id);
    ck_assert(location_found(at) == (t->version[no] != 0));
    ck_assert_uint_eq(catalogue_find_id(c, str_of(id)), t->version[no] ? no : 0);
    if (!location_found(at))
        return;
    const struct segment *s = c->segments[at.slot];
    snprintf(want, sizeof want, "kettle version%u %s", t->version[no],
             t->version[no] % 2 ? "odd" : "");
    ck_assert_uint_eq(s->product_no[at.doc], no);
    ck_assert(str_eq(segment_title(s, at.doc, 0), str_of(want)));
}

/* Everything that is kept as a sum is the sum. */
static void check_sums(const struct catalogue *c)
{
    uint64_t total[SEGMENT_FIELDS] = {0};
    uint32_t living = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++) {
        const struct segment *s = c->segments[slot];
        uint32_t alive = 0;
        for (uint32_t doc = 0; s && doc < s->docs; doc++) {
            if (!catalogue_alive(c, slot, doc))
                continue;
            alive++;
            for (int f = 0; f < SEGMENT_FIELDS; f++)
                total[f] += segment_length(s->field_length[doc][f]);
        }
        ck_assert_uint_eq(c->dead[slot], s ? s->docs - alive : 0);
        living += alive;
    }
    ck_assert_uint_eq(living, c->products);
    ck_assert_mem_eq(total, c->field_total, sizeof total);
    ck_assert_uint_eq(catalogue_term_docs(c, STR_LIT("kettl")), living);
}

static void check_all(const struct catalogue *c, const struct table *t)
{
    ck_assert_uint_eq(c->products, t->products);
    for (uint32_t no = 0; no < NUMBERS; no++)
        check_product(c, t, no);
    ck_assert(!location_found(catalogue_locate(c, UINT32_MAX)));
    check_sums(c);
}

static void set(struct table *t, uint32_t no, uint32_t version)
{
    t->products += (version != 0) - (t->version[no] != 0);
    t->version[no] = version;
}

static uint32_t slots_of(const struct catalogue *c, uint32_t slots[CATALOGUE_SLOTS])
{
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < CATALOGUE_SLOTS; slot++)
        if (c->segments[slot])
            slots[n++] = slot;
    return n;
}

static void change(struct catalogue **c, struct table *t, struct rng *r, uint32_t version)
{
    uint32_t added[BATCH], removed[BATCH];
    struct catalogue *next;
    struct err err;
    size_t n = draw(r, added, rng_below(r, BATCH)), gone = draw(r, removed, rng_below(r, 10));
    ck_ok(catalogue_add(*c, n ? build(added, n, version) : NULL, removed, gone, &next, &err));
    catalogue_unref(*c);
    *c = next;
    for (size_t i = 0; i < n; i++)
        set(t, added[i], version);
    for (size_t i = 0; i < gone; i++)
        set(t, removed[i], 0);
}

static void replace(struct catalogue **c, const uint32_t *slots, size_t n, struct segment *merged)
{
    struct catalogue *next;
    struct err err;
    ck_ok(catalogue_replace(*c, slots, n, merged, &next, &err));
    catalogue_unref(*c);
    *c = next;
}

/* Merge all that is due; no slot that is pinned takes part. */
static void merge_due(struct catalogue **c, const bool pinned[CATALOGUE_SLOTS])
{
    uint32_t slots[CATALOGUE_MERGE_MAX];
    size_t n;
    while ((n = catalogue_merge_due(*c, UINT32_MAX, pinned, slots)) > 0) {
        struct segment *merged;
        struct err err;
        for (size_t i = 0; i < n; i++)
            ck_assert(!pinned[slots[i]] && (*c)->segments[slots[i]]);
        ck_ok(catalogue_merge(*c, slots, n, languages, 1, &merged, &err));
        replace(c, slots, n, merged);
    }
}

START_TEST(random_changes_merges_and_folds_keep_exactly_the_living)
{
    struct catalogue *c = catalogue_new(), *old = NULL;
    struct table t = {0}, *old_t = calloc(1, sizeof *old_t);
    static const bool none[CATALOGUE_SLOTS];
    struct rng r;
    uint32_t slots[CATALOGUE_SLOTS];
    rng_init(&r, 2);
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        change(&c, &t, &r, round);
        merge_due(&c, none);
        ck_assert_uint_le(slots_of(c, slots), 12);
        if (round % 10 == 0)
            check_all(c, &t);
        if (round % 25 == 0) { /* an older one is untouched by all that came later */
            if (old)
                check_all(old, old_t);
            catalogue_unref(old);
            old = catalogue_ref(c);
            *old_t = t;
        }
    }
    catalogue_unref(old);
    catalogue_unref(c);
    free(old_t);
}
END_TEST

START_TEST(what_changed_while_a_merge_was_built_stays_changed)
{
    char path[64];
    struct err err;
    struct rng r;
    snprintf(path, sizeof path, "/tmp/aisle-catalogue-%d.segment", (int)getpid());
    rng_init(&r, 6);
    struct catalogue *c = catalogue_new();
    struct table t = {0};
    for (uint32_t round = 1; round <= 60;) {
        bool pinned[CATALOGUE_SLOTS] = {false};
        uint32_t slots[CATALOGUE_SLOTS], n;
        struct segment *folded;
        change(&c, &t, &r, round++);
        n = slots_of(c, slots);
        for (uint32_t i = 0; i < n; i++)
            pinned[slots[i]] = true;
        ck_ok(catalogue_write(c, languages, 1, path, &err));
        for (uint64_t later = rng_below(&r, 6); later--;) {
            change(&c, &t, &r, round++);
            merge_due(&c, pinned);
        }
        ck_ok(segment_open_file(path, round % 2 ? SEGMENT_TRUSTED : 0, &folded, &err));
        replace(&c, slots, n, folded);
        check_all(c, &t);
    }
    catalogue_unref(c);
    ck_ok(fs_remove_file(path, &err));
}
END_TEST

START_TEST(a_full_catalogue_refuses_more_and_can_still_merge)
{
    static const bool none[CATALOGUE_SLOTS];
    struct catalogue *c = catalogue_new(), *next;
    struct err err;
    uint32_t slots[CATALOGUE_SLOTS], no = 0;
    enum err_code code = ERR_OK;
    struct segment *segment = NULL;
    while (code == ERR_OK) {
        no++;
        segment = build(&no, 1, 1);
        code = catalogue_add(c, segment, NULL, 0, &next, &err);
        if (code == ERR_OK) {
            catalogue_unref(c);
            c = next;
        }
    }
    ck_assert_int_eq(code, ERR_LIMIT);
    segment_close(segment); /* it stayed ours */
    ck_assert_uint_eq(slots_of(c, slots), CATALOGUE_SLOTS - 1);
    no = 1;
    ck_ok(catalogue_add(c, NULL, &no, 1, &next, &err)); /* removing needs no slot */
    catalogue_unref(c);
    c = next;
    merge_due(&c, none);
    ck_assert_uint_le(slots_of(c, slots), 4);
    ck_assert_uint_eq(c->products, CATALOGUE_SLOTS - 2);
    catalogue_unref(c);
}
END_TEST

START_TEST(large_and_pinned_segments_are_left_alone)
{
    bool pinned[CATALOGUE_SLOTS] = {false};
    struct catalogue *c = catalogue_new(), *next;
    struct err err;
    uint32_t numbers[BATCH], slots[CATALOGUE_MERGE_MAX];
    for (uint32_t i = 0; i < BATCH; i++)
        numbers[i] = i + 1;
    for (uint32_t i = 0; i < 8; i++) {
        ck_ok(catalogue_add(c, build(numbers, i < 4 ? BATCH : 2, i + 1), NULL, 0, &next, &err));
        catalogue_unref(c);
        c = next;
    }
    size_t n = catalogue_merge_due(c, BATCH - 1, pinned, slots);
    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < n; i++)
        ck_assert_uint_eq(c->segments[slots[i]]->docs, 2);
    memset(pinned, true, sizeof pinned);
    ck_assert_uint_eq(catalogue_merge_due(c, UINT32_MAX, pinned, slots), 0);
    catalogue_unref(c);
    catalogue_unref(NULL);
}
END_TEST

SUITE("catalogue", random_changes_merges_and_folds_keep_exactly_the_living,
      what_changed_while_a_merge_was_built_stays_changed,
      a_full_catalogue_refuses_more_and_can_still_merge, large_and_pinned_segments_are_left_alone)
