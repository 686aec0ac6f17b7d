#include "support/suite.h"

#include "base/map.h"
#include "base/mem.h"
#include "index/facets.h"
#include "index/postings.h"
#include "index/segment_build.h"
#include "index/terms.h"
#include "index/catalogue.h"
#include "text/analyse.h"
#include "text/fold.h"

enum { DOCS = 700, MANY_DOCS = 3000 };

/* What every test starts from. */
struct world {
    struct arena arena;
    struct fake *fakes; /* [DOCS] */
    struct segment *s;
};

static void setup(struct world *w, size_t docs, uint64_t seed)
{
    struct err err = {0};
    enum err_code code;
    arena_init(&w->arena, 1 << 20, SIZE_MAX / 2);
    w->fakes = fake_catalogue(docs, seed, &w->arena);
    w->s = fake_build(w->fakes, docs, &code, &err);
    ck_assert_msg(code == ERR_OK, "%s", err.msg);
    ck_ok(segment_verify(w->s, &err));
}

static void teardown(struct world *w)
{
    segment_close(w->s);
    arena_release(&w->arena);
}

/* --- the oracle: every term's frequencies, counted the slow way ------------------------------- */

struct counts {
    uint8_t freq[DOCS][SEGMENT_FIELDS];
};

struct oracle {
    struct map_str terms; /* to a struct counts, owned */
    uint32_t length[DOCS][SEGMENT_FIELDS];
};

static void oracle_count(struct oracle *o, struct str term, uint32_t doc, enum segment_field field)
{
    bool added;
    uint64_t *value = map_str_at(&o->terms, term, &added);
    if (added)
        *value = (uintptr_t)MEM_NEW(struct counts);
    ((struct counts *)(uintptr_t)*value)->freq[doc][field]++;
}

static void oracle_id(struct oracle *o, struct str id, uint32_t doc)
{
    struct err err;
    struct buf folded;
    buf_init(&folded, 1000);
    ck_ok(text_fold(id, &folded, &err));
    const uint64_t *value = map_str_find(&o->terms, buf_str(&folded));
    if (id.n && (!value || !((struct counts *)(uintptr_t)*value)->freq[doc][SEGMENT_ID]))
        oracle_count(o, buf_str(&folded), doc, SEGMENT_ID);
    buf_release(&folded);
}

static void oracle_make(struct oracle *o, const struct fake *fakes, size_t n)
{
    struct err err;
    struct text_analyser *a = text_analyser_new();
    for (uint32_t doc = 0; doc < n; doc++) {
        for (size_t i = 0; i < fakes[doc].texts_len; i++) {
            const struct fake_text *t = &fakes[doc].texts[i];
            struct text_tokens tokens;
            ck_ok(text_analyse(a, t->text, TEXT_INDEX, &tokens, &err));
            for (size_t k = 0; k < tokens.n; k++)
                oracle_count(o, tokens.items[k].term, doc, t->field);
            o->length[doc][t->field] += tokens.positions;
        }
        oracle_id(o, fakes[doc].product.id, doc);
        oracle_id(o, fakes[doc].product.group_id, doc);
    }
    text_analyser_free(a);
}

static void oracle_release(struct oracle *o)
{
    size_t pos = 0;
    struct str key;
    uint64_t value;
    while (map_str_next(&o->terms, &pos, &key, &value))
        mem_free((void *)(uintptr_t)value);
    map_str_release(&o->terms);
}

static bool has_any(const uint8_t freq[SEGMENT_FIELDS])
{
    for (unsigned f = 0; f < SEGMENT_FIELDS; f++)
        if (freq[f])
            return true;
    return false;
}

/* --- postings -------------------------------------------------------------------------------- */

static void check_postings(const struct segment *s, uint32_t term, const struct counts *want)
{
    struct posting_cursor c;
    uint32_t df = 0;
    posting_open(&c, s, term);
    for (uint32_t doc = 0; doc < s->docs; doc++) {
        if (!has_any(want->freq[doc]))
            continue;
        df++;
        ck_assert_uint_eq(posting_next(&c), doc);
        uint8_t fields;
        const uint8_t *freq = posting_freqs(&c, &fields);
        for (unsigned f = 0; f < SEGMENT_FIELDS; f++)
            ck_assert_uint_eq(fields >> f & 1 ? *freq++ : 0, want->freq[doc][f]);
    }
    ck_assert_uint_eq(posting_next(&c), POSTING_END);
    ck_assert_uint_eq(posting_next(&c), POSTING_END);
    ck_assert_uint_eq(s->term[term].df, df);
}

START_TEST(postings_of_every_term_are_what_a_naive_count_gives)
{
    struct world w;
    struct oracle o = {0};
    setup(&w, DOCS, 1);
    oracle_make(&o, w.fakes, DOCS);
    ck_assert_uint_eq(w.s->terms, o.terms.len);
    struct segment_term_walk walk;
    struct str text;
    uint32_t term, seen = 0, longest = 0;
    segment_term_walk(&walk, w.s, 0);
    while (segment_term_next(&walk, &term, &text)) {
        const uint64_t *want = map_str_find(&o.terms, text);
        ck_assert_msg(want != NULL, "nobody wrote \"%.*s\"", STR_ARG(text));
        ck_assert_uint_eq(term, seen++);
        ck_assert_uint_eq(segment_find_term(w.s, text), term);
        check_postings(w.s, term, (struct counts *)(uintptr_t)*want);
        if (w.s->term[term].df > longest)
            longest = w.s->term[term].df;
    }
    ck_assert_uint_eq(seen, w.s->terms);
    ck_assert_uint_gt(longest, 2 * POSTINGS_BLOCK); /* or blocks were never tested */
    oracle_release(&o);
    teardown(&w);
}
END_TEST

START_TEST(advance_finds_the_first_doc_at_or_behind_any_target)
{
    struct world w;
    struct rng r;
    setup(&w, MANY_DOCS, 2);
    rng_init(&r, 3);
    uint32_t longest = 0;
    for (uint32_t term = 0; term < w.s->terms; term++) {
        uint32_t df = w.s->term[term].df;
        longest = df > longest ? df : longest;
        if (df <= POSTINGS_BLOCK && rng_below(&r, 50)) /* most terms are short: take some */
            continue;
        struct posting_cursor c;
        uint32_t docs[MANY_DOCS], n = 0;
        posting_open(&c, w.s, term);
        while (posting_next_block(&c))
            for (uint32_t i = 0; i < c.len; i++)
                docs[n++] = c.docs[i];
        for (int round = 0; round < 10; round++) {
            uint32_t at = 0, target = 0;
            posting_open(&c, w.s, term);
            while (at < n) {
                target += (uint32_t)rng_below(&r, round < 5 ? 40 : 2000);
                while (at < n && docs[at] < target)
                    at++;
                const struct posting_bound *bound = posting_bound_at(&c, target);
                uint32_t got = posting_advance(&c, target);
                ck_assert_uint_eq(got, at < n ? docs[at] : POSTING_END);
                ck_assert(!bound || got == POSTING_END || got <= bound->last_doc);
                if (got != POSTING_END && rng_below(&r, 3) == 0) {
                    at++;
                    ck_assert_uint_eq(posting_next(&c), at < n ? docs[at] : POSTING_END);
                    target = at < n ? docs[at] : target;
                }
            }
        }
    }
    ck_assert_uint_gt(longest, 10 * POSTINGS_BLOCK);
    teardown(&w);
}
END_TEST

START_TEST(bounds_hold_for_every_doc_of_their_block)
{
    struct world w;
    setup(&w, DOCS, 4);
    uint32_t checked = 0;
    for (uint32_t term = 0; term < w.s->terms; term++) {
        struct posting_cursor c;
        posting_open(&c, w.s, term);
        for (uint32_t doc = posting_next(&c); doc != POSTING_END; doc = posting_next(&c)) {
            const struct posting_bound *b = posting_bound_at(&c, doc);
            uint8_t fields;
            const uint8_t *freq = posting_freqs(&c, &fields);
            ck_assert((b != NULL) == (w.s->term[term].df > POSTINGS_BLOCK));
            for (unsigned f = 0; b && f < SEGMENT_FIELDS; f++)
                if (fields >> f & 1) {
                    ck_assert_uint_le(*freq++, b->freq_max[f]);
                    ck_assert_uint_ge(w.s->field_length[doc][f], b->length_min[f]);
                    checked++;
                }
        }
    }
    ck_assert_uint_gt(checked, 1000);
    teardown(&w);
}
END_TEST

START_TEST(field_lengths_and_totals_are_those_of_the_texts)
{
    struct world w;
    struct oracle o = {0};
    setup(&w, DOCS, 5);
    oracle_make(&o, w.fakes, DOCS);
    for (unsigned f = 0; f < SEGMENT_FIELDS; f++) {
        uint64_t total = 0;
        for (uint32_t doc = 0; doc < DOCS; doc++) {
            total += o.length[doc][f];
            ck_assert_uint_eq(w.s->field_length[doc][f], segment_length_code(o.length[doc][f]));
        }
        ck_assert_uint_eq(w.s->field_total[f], total);
        ck_assert_double_eq(segment_field_average(w.s, f), (double)total / DOCS);
    }
    oracle_release(&o);
    teardown(&w);
}
END_TEST

START_TEST(length_codes_are_exact_when_short_and_within_a_sixteenth_when_long)
{
    for (uint32_t n = 0; n < 500000; n += 1 + n / 1000) {
        uint32_t back = segment_length(segment_length_code(n));
        ck_assert_uint_le(back, n);
        ck_assert_uint_le((n - back) * 16, n);
        ck_assert(n >= 32 || back == n);
    }
    for (unsigned code = 0; code < 256; code++)
        ck_assert_uint_eq(segment_length_code(segment_length((uint8_t)code)), code);
    ck_assert_uint_eq(segment_length_code(UINT32_MAX), 255);
}
END_TEST

/* --- terms ----------------------------------------------------------------------------------- */

START_TEST(a_prefix_is_exactly_the_range_of_terms_that_begin_with_it)
{
    struct world w;
    setup(&w, 200, 6);
    struct str texts[4096];
    struct segment_term_walk walk;
    struct str text;
    uint32_t term;
    ck_assert_uint_lt(w.s->terms, 4096);
    segment_term_walk(&walk, w.s, 0);
    while (segment_term_next(&walk, &term, &text))
        texts[term] = arena_str(&w.arena, text);
    for (uint32_t i = 0; i < w.s->terms; i++)
        for (size_t n = 0; n <= texts[i].n; n++) {
            uint32_t first, end, want_first = 0, want = 0;
            struct str prefix = {texts[i].p, n};
            for (uint32_t k = 0; k < w.s->terms; k++) {
                want_first += str_cmp(texts[k], prefix) < 0;
                want += str_starts(texts[k], prefix);
            }
            segment_find_prefix(w.s, prefix, &first, &end);
            ck_assert_uint_eq(first, want_first);
            ck_assert_uint_eq(end - first, want);
        }
    uint32_t first, end;
    segment_find_prefix(w.s, STR_LIT("\xff\xff"), &first, &end);
    ck_assert_uint_eq(first, end);
    ck_assert_uint_eq(segment_find_term(w.s, STR_LIT("no such term")), ORDINAL_NONE);
    ck_assert_uint_eq(segment_find_term(w.s, STR_LIT("")), ORDINAL_NONE);
    teardown(&w);
}
END_TEST

START_TEST(a_walk_may_start_at_any_term)
{
    struct world w;
    setup(&w, 50, 7);
    for (uint32_t i = 0; i <= w.s->terms; i++) {
        struct segment_term_walk walk;
        struct str text;
        uint32_t term;
        segment_term_walk(&walk, w.s, i);
        if (!segment_term_next(&walk, &term, &text)) {
            ck_assert_uint_eq(i, w.s->terms);
            continue;
        }
        ck_assert_uint_eq(term, i);
        ck_assert_uint_eq(segment_find_term(w.s, text), i);
    }
    teardown(&w);
}
END_TEST

/* --- docs ------------------------------------------------------------------------------------ */

static struct str quoted_or_null(struct arena *a, struct str text)
{
    struct buf b;
    struct json_writer jw;
    if (text.n == 0)
        return STR_LIT("null");
    buf_init(&b, 1 << 16);
    jw_init(&jw, &b);
    jw_str(&jw, text);
    struct str s = arena_str(a, buf_str(&b));
    buf_release(&b);
    return s;
}

static void check_card(struct world *w, uint32_t doc, uint32_t language, struct str title,
                       struct str brand)
{
    struct arena *a = &w->arena;
    const struct fake *f = &w->fakes[doc];
    const struct product *p = &f->product;
    struct str want = arena_printf(
        a,
        "\"id\":%s,\"group_id\":%s,\"title\":%s,\"brand\":%s,\"category\":%s,\"image\":%s,"
        "\"url\":%s",
        quoted_or_null(a, p->id).p, quoted_or_null(a, p->group_id).p, quoted_or_null(a, title).p,
        quoted_or_null(a, brand).p, quoted_or_null(a, p->category).p, quoted_or_null(a, f->image).p,
        quoted_or_null(a, p->url).p);
    struct str card = segment_card_json(w->s, doc, language);
    ck_assert_msg(str_eq(card, want), "%.*s\nwant %s", STR_ARG(card), want.p);
    ck_assert(str_eq(segment_title(w->s, doc, language), title));
}

START_TEST(cards_and_titles_are_those_of_the_language)
{
    struct world w;
    setup(&w, 300, 8);
    uint32_t en = segment_language(w.s, STR_LIT("en")), zh = segment_language(w.s, STR_LIT("zh"));
    ck_assert(en && zh && en != zh && segment_language(w.s, STR_LIT("fr")) == 0);
    for (uint32_t doc = 0; doc < w.s->docs; doc++) {
        const struct fake *f = &w.fakes[doc];
        check_card(&w, doc, 0, f->product.title, f->product.brand);
        check_card(&w, doc, en, f->product.title, f->product.brand);
        check_card(&w, doc, zh, f->title_zh.n ? f->title_zh : f->product.title,
                   f->brand_zh.n ? f->brand_zh : f->product.brand);
    }
    teardown(&w);
}
END_TEST

START_TEST(docs_are_found_by_number_and_id_and_give_their_product_back)
{
    struct world w;
    struct err err;
    setup(&w, 300, 9);
    ck_assert_uint_eq(segment_find_id(w.s, STR_LIT("nobody")), ORDINAL_NONE);
    ck_assert_uint_eq(segment_find_no(w.s, 0), ORDINAL_NONE);
    for (uint32_t doc = 0; doc < w.s->docs; doc++) {
        const struct product *want = &w.fakes[doc].product;
        struct product got;
        ck_assert_uint_eq(segment_find_no(w.s, want->no), doc);
        ck_assert_uint_eq(segment_find_id(w.s, want->id), doc);
        ck_assert(w.s->created_at[doc] == want->created_at);
        ck_assert(w.s->rating_mean[doc] == (float)want->rating_mean);
        ck_assert(w.s->rating_count[doc] == want->rating_count);
        ck_assert(w.s->group[doc] ==
                  segment_group_hash(want->group_id.n ? want->group_id : want->id));
        struct arena a;
        arena_init(&a, 0, 1 << 20);
        ck_ok(segment_source(w.s, doc, &a, &got, &err));
        ck_assert_uint_eq(got.no, want->no);
        ck_assert(str_eq(got.id, want->id) && str_eq(got.group_id, want->group_id));
        ck_assert(str_eq(got.title, want->title) && str_eq(got.description, want->description));
        ck_assert(str_eq(got.brand, want->brand) && str_eq(got.category, want->category));
        ck_assert(str_eq(got.images, want->images) && str_eq(got.tags, want->tags));
        ck_assert(str_eq(got.attributes, want->attributes) && str_eq(got.url, want->url));
        ck_assert(str_eq(got.translations, want->translations));
        ck_assert(str_eq(got.supplier_id, want->supplier_id));
        ck_assert(str_eq(got.language, want->language));
        ck_assert(got.created_at == want->created_at && got.updated_at == want->updated_at);
        ck_assert(got.rating_mean == want->rating_mean && got.rating_count == want->rating_count);
        ck_assert(got.price_minor == STORE_NO_AMOUNT && got.stock == STORE_STOCK_UNTRACKED);
        arena_release(&a);
    }
    teardown(&w);
}
END_TEST

/* --- facets ---------------------------------------------------------------------------------- */

static uint32_t value_of(const struct segment *s, uint32_t facet, struct str text)
{
    struct err err;
    struct buf key;
    buf_init(&key, 10000);
    ck_ok(segment_value_key(s->facet[facet].kind, text, &key, &err));
    uint32_t value = segment_find_value(s, facet, buf_str(&key));
    buf_release(&key);
    return value;
}

START_TEST(docs_have_exactly_the_values_that_were_given)
{
    struct world w;
    setup(&w, DOCS, 10);
    for (uint32_t doc = 0; doc < w.s->docs; doc++) {
        const struct fake *f = &w.fakes[doc];
        uint32_t n, distinct = 0;
        const uint32_t *got = segment_doc_values(w.s, doc, &n);
        for (size_t i = 0; i < f->values_len; i++) {
            uint32_t facet = segment_find_facet(w.s, str_of(f->values[i].facet));
            ck_assert_uint_ne(facet, ORDINAL_NONE);
            uint32_t value = value_of(w.s, facet, f->values[i].text);
            ck_assert_uint_ne(value, ORDINAL_NONE);
            ck_assert_uint_eq(segment_value_facet(w.s, value), facet);
            ck_assert_uint_ne(ordinals_find(got, n, value), ORDINAL_NONE);
            ck_assert(ordinals_any_in(got, n, value, value + 1));
            bool before = false;
            for (size_t k = 0; k < i; k++)
                before |= str_is(str_of(f->values[k].facet), f->values[i].facet) &&
                          value_of(w.s, facet, f->values[k].text) == value;
            distinct += !before;
        }
        ck_assert_uint_eq(n, distinct);
    }
    ck_assert_uint_eq(segment_find_facet(w.s, STR_LIT("attributes.nothing")), ORDINAL_NONE);
    teardown(&w);
}
END_TEST

START_TEST(values_that_differ_in_case_are_one_and_show_the_first_spelling)
{
    struct world w;
    setup(&w, DOCS, 11);
    uint32_t brand = segment_find_facet(w.s, STR_LIT("brand"));
    uint32_t value = value_of(w.s, brand, STR_LIT("nOrThPoT"));
    ck_assert_uint_ne(value, ORDINAL_NONE);
    struct str first = {NULL, 0};
    for (uint32_t doc = 0; !first.n; doc++)
        if (str_eq_nocase(w.fakes[doc].product.brand, STR_LIT("northpot")))
            first = w.fakes[doc].product.brand;
    ck_assert(str_eq(segment_value_text(w.s, value), first));
    ck_assert(str_is(segment_value_key_of(w.s, value), "northpot"));
    uint32_t zh = segment_language(w.s, STR_LIT("zh"));
    ck_assert(str_is(segment_value_label(w.s, value, zh), "\xe5\x8c\x97\xe5\xa3\xb6"));
    ck_assert(str_eq(segment_value_label(w.s, value, 0), first));
    teardown(&w);
}
END_TEST

START_TEST(a_category_is_a_range_that_holds_all_its_descendants)
{
    static const char *const tops[] = {"Home", "Home > Kitchen", "SPORT", "Sport > Shoes"};
    struct world w;
    setup(&w, DOCS, 12);
    uint32_t facet = segment_find_facet(w.s, STR_LIT("category"));
    ck_assert_uint_eq(w.s->facet[facet].kind, SEGMENT_PATH);
    for (size_t t = 0; t < sizeof tops / sizeof *tops; t++) {
        uint32_t top = value_of(w.s, facet, str_of(tops[t])), count = 0, want = 0;
        ck_assert_uint_ne(top, ORDINAL_NONE);
        for (uint32_t doc = 0; doc < w.s->docs; doc++) {
            struct str path = w.fakes[doc].product.category;
            size_t n = strlen(tops[t]);
            bool below =
                path.n >= n && str_eq_nocase((struct str){path.p, n}, str_of(tops[t])) &&
                (path.n == n || str_starts((struct str){path.p + n, path.n - n}, STR_LIT(" > ")));
            uint32_t value = segment_doc_value(w.s, doc, facet);
            bool in = value != ORDINAL_NONE && value >= top && value < w.s->value[top].end;
            ck_assert_msg(in == below, "%s: %.*s", tops[t], STR_ARG(path));
            want += below;
        }
        for (uint32_t v = top; v < w.s->value[top].end; v++)
            count += w.s->value[v].docs;
        ck_assert_uint_eq(count, want);
    }
    uint32_t kitchen = value_of(w.s, facet, STR_LIT("home > kitchen"));
    ck_assert_uint_eq(w.s->value[kitchen].depth, 2);
    ck_assert(str_is(segment_value_label(w.s, kitchen, segment_language(w.s, STR_LIT("zh"))),
                     "\xe5\xae\xb6 > \xe5\x8e\xa8"));
    teardown(&w);
}
END_TEST

START_TEST(a_translation_into_its_own_language_changes_no_card_and_labels_nothing)
{
    struct err err;
    struct segment_builder *b;
    struct segment *s;
    struct product p = {.no = 1,
                        .id = STR_LIT("a"),
                        .title = STR_LIT("Oak desk"),
                        .brand = STR_LIT("Hema"),
                        .language = STR_LIT("en-GB"),
                        .translations = STR_LIT("{\"en\":{\"title\":\"Desk of oak\",\"brand\":"
                                                "\"HEMA\"},\"fr\":{\"title\":\"Bureau\"}}")};
    ck_ok(segment_builder_new(fake_languages, 2, &b, &err));
    ck_ok(segment_builder_add(b, &p, &err));
    ck_ok(segment_builder_finish_memory(b, &s, &err));
    segment_builder_free(b);
    for (uint32_t language = 0; language < s->languages; language++) {
        ck_assert(str_is(segment_title(s, 0, language), "Oak desk"));
        ck_assert(str_is(segment_value_label(s, 0, language), "Hema"));
    }
    ck_assert_uint_ne(segment_find_term(s, STR_LIT("bureau")), ORDINAL_NONE);
    segment_close(s);
}
END_TEST

START_TEST(numbers_stand_in_columns_in_ascending_order)
{
    struct world w;
    setup(&w, DOCS, 13);
    static const char *const facets[] = {"attributes.size", "attributes.litres"};
    for (size_t i = 0; i < 2; i++) {
        uint32_t column = w.s->facet[segment_find_facet(w.s, str_of(facets[i]))].number;
        ck_assert_uint_ne(column, ORDINAL_NONE);
        for (uint32_t doc = 0; doc < w.s->docs; doc++) {
            const struct fake *f = &w.fakes[doc];
            const double *got;
            uint32_t n = segment_doc_numbers(w.s, doc, column, &got), want = 0;
            double sum = 0, got_sum = 0;
            for (size_t k = 0; k < f->values_len; k++)
                if (f->values[k].is_number && str_is(str_of(f->values[k].facet), facets[i])) {
                    want++;
                    sum += f->values[k].number;
                }
            for (uint32_t k = 0; k < n; k++) {
                got_sum += got[k];
                ck_assert(k == 0 || got[k - 1] <= got[k]);
            }
            ck_assert_uint_eq(n, want);
            ck_assert_double_eq(got_sum, sum);
        }
    }
    uint32_t color = segment_find_facet(w.s, STR_LIT("attributes.color"));
    ck_assert_uint_eq(w.s->facet[color].number, ORDINAL_NONE);
    teardown(&w);
}
END_TEST

/* --- the builder's edges --------------------------------------------------------------------- */

START_TEST(an_empty_segment_is_a_segment)
{
    struct world w;
    uint32_t first, end;
    setup(&w, 0, 1);
    ck_assert_uint_eq(w.s->docs, 0);
    ck_assert_uint_eq(segment_find_id(w.s, STR_LIT("x")), ORDINAL_NONE);
    ck_assert_uint_eq(segment_find_no(w.s, 1), ORDINAL_NONE);
    ck_assert_uint_eq(segment_find_term(w.s, STR_LIT("x")), ORDINAL_NONE);
    segment_find_prefix(w.s, STR_LIT(""), &first, &end);
    ck_assert_uint_eq(end, 0);
    teardown(&w);
}
END_TEST

START_TEST(a_bad_product_is_refused_and_leaves_no_trace)
{
    struct arena a;
    struct err err;
    arena_init(&a, 1 << 20, SIZE_MAX / 2);
    struct fake *fakes = fake_catalogue(20, 14, &a);
    struct segment_builder *b;
    ck_ok(segment_builder_new(fake_languages, 2, &b, &err));
    for (size_t i = 0; i < 20; i++) {
        struct product bad[] = {fakes[i].product, fakes[i].product, fakes[i].product,
                                fakes[i].product, fakes[i].product, fakes[i].product};
        bad[0].attributes = STR_LIT("{\"a\":");
        bad[1].title = (struct str){NULL, 0};
        bad[2].description = STR_LIT("\xff");
        bad[3].translations = STR_LIT("{\"zh\":{\"title\":3}}");
        bad[4].rating_mean = 0.0 / 0.0;
        bad[5].id = i ? fakes[i - 1].product.id : (struct str){NULL, 0};
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++)
            ck_err(segment_builder_add(b, &bad[k], &err), ERR_INVALID);
        ck_ok(segment_builder_add(b, &fakes[i].product, &err));
        ck_err(segment_builder_add(b, &fakes[i].product, &err), ERR_INVALID);
    }
    struct segment *s, *clean;
    enum err_code code;
    ck_assert_uint_eq(segment_builder_docs(b), 20);
    ck_ok(segment_builder_finish_memory(b, &s, &err));
    segment_builder_free(b);
    clean = fake_build(fakes, 20, &code, &err);
    ck_assert_uint_eq(container_bytes(s->container), container_bytes(clean->container));
    ck_assert_mem_eq(s->image, clean->image, container_bytes(s->container));
    segment_close(s);
    segment_close(clean);
    arena_release(&a);
}
END_TEST

START_TEST(what_passes_a_cap_is_left_out_and_counted)
{
    struct arena a;
    struct err err;
    struct buf tags;
    struct segment_builder *b;
    struct segment *s;
    arena_init(&a, 0, 1 << 20);
    buf_init(&tags, 1 << 20);
    buf_puts(&tags, "[\"0\"");
    for (unsigned i = 1; i < SEGMENT_MAX_DOC_VALUES + 7; i++)
        buf_printf(&tags, ",\"%u\"", i);
    buf_puts(&tags, "]");
    struct product p = {.no = 7, .id = STR_LIT("a"), .title = STR_LIT("t"), .tags = buf_str(&tags)};
    ck_ok(segment_builder_new(NULL, 0, &b, &err));
    ck_ok(segment_builder_add(b, &p, &err));
    ck_assert_uint_eq(segment_builder_left_out(b), 7);
    ck_ok(segment_builder_finish_memory(b, &s, &err));
    ck_ok(segment_verify(s, &err));
    ck_assert_uint_eq(s->values, SEGMENT_MAX_DOC_VALUES);
    segment_close(s);
    segment_builder_free(b);
    struct str twice[] = {STR_LIT("en"), STR_LIT("EN")};
    ck_err(segment_builder_new(twice, 2, &b, &err), ERR_INVALID);
    buf_release(&tags);
    arena_release(&a);
}
END_TEST

SUITE("segment", postings_of_every_term_are_what_a_naive_count_gives,
      advance_finds_the_first_doc_at_or_behind_any_target, bounds_hold_for_every_doc_of_their_block,
      field_lengths_and_totals_are_those_of_the_texts,
      length_codes_are_exact_when_short_and_within_a_sixteenth_when_long,
      a_prefix_is_exactly_the_range_of_terms_that_begin_with_it, a_walk_may_start_at_any_term,
      cards_and_titles_are_those_of_the_language,
      docs_are_found_by_number_and_id_and_give_their_product_back,
      docs_have_exactly_the_values_that_were_given,
      values_that_differ_in_case_are_one_and_show_the_first_spelling,
      a_category_is_a_range_that_holds_all_its_descendants,
      a_translation_into_its_own_language_changes_no_card_and_labels_nothing,
      numbers_stand_in_columns_in_ascending_order, an_empty_segment_is_a_segment,
      a_bad_product_is_refused_and_leaves_no_trace, what_passes_a_cap_is_left_out_and_counted)
