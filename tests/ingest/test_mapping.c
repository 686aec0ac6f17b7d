/* The mapping language: mistakes are told with file, line and a suggestion; every ready mapping reads a
 * sample of its format; times, money, HTML and patterns. */
#include "base/clock.h"
#include "ingest/html.h"
#include "ingest/mapping_int.h"
#include "ingest/shop.h"
#include "ingest/timeformat.h"

START_TEST(mistakes_are_told_with_file_line_and_suggestion)
{
    static const struct {
        const char *yaml, *says;
    } bad[] = {
        {"kind: products\nfields:\n  id: a\n  titel: b\n", "m.yaml:4: titel"},
        {"kind: products\nfields:\n  id: a\n  titel: b\n", "did you mean title?"},
        {"kind: products\nfeilds: {}\n", "m.yaml:2"},
        {"kind: gadgets\nfields: {id: a}\n", "no kind of import"},
        {"kind: users\nfields: {id: a}\n", "this mapping is for users, not for products"},
        {"fields: {id: a}\n", "'kind' is missing"},
        {"kind: products\n", "'fields' is missing"},
        {"kind: products\ncurrency: XYZ\nfields: {id: a}\n", "'XYZ' is no currency"},
        {"kind: products\nfields:\n  id: {column: a, vaule: b}\n", "m.yaml:3"},
        {"kind: products\nfields:\n  id: {column: a, value: b}\n", "exactly one of"},
        {"kind: products\nfields:\n  title: {template: \"{a\"}\n", "without '}'"},
        {"kind: products\nfields:\n  created_at: {column: a, time: \"%Y-%q\"}\n", "no time format"},
        {"kind: products\nfields:\n  price: {column: a, money: cents}\n", "major (12.99) or minor"},
        {"kind: products\nfields: {id: a}\nskip_when:\n  - {prefix: x}\n", "'column' is missing"},
        {"kind: products\nfields: {id: a}\nskip_when:\n  - {column: x}\n", "without a condition"},
        {"kind: products\nfields: [\n", "m.yaml:"},
        {"kind: products\nfields:\n  id: {join: {by: x}}\n",
         "m.yaml:3: join: needs by and columns"},
        {"kind: products\nfields:\n  id: {column: a, or: {column: b, or: {column: c, or: {column: "
         "d,"
         " or: {column: e, or: {column: f}}}}}}\n",
         "more than 4 in a row"},
        {"kind: products\nfields: {id: a}\npictures: {url: a, position: b}\n", "a fill_down with"},
        {"kind: products\nfields: {id: a}\ninherit: {from: a, columns: b}\n",
         "needs from, parents"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mapping *m;
        struct err err;
        enum err_code rc = mapping_parse(&m, IMPORT_PRODUCTS, str_of(bad[i].yaml), "m.yaml", &err);
        ck_assert_msg(rc == ERR_INVALID || rc == ERR_LIMIT, "%s", bad[i].yaml);
        ck_assert_msg(strstr(err.msg, bad[i].says) != NULL, "'%s' does not say '%s'", err.msg,
                      bad[i].says);
    }
}
END_TEST

START_TEST(an_unknown_mapping_is_told_with_the_nearest_name)
{
    struct mapping *m;
    struct err err;
    ck_err(mapping_load(&m, IMPORT_ORDERS, "online-retial", &err), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.msg, "did you mean online-retail?"));
    ck_err(mapping_load(&m, IMPORT_ORDERS, "zzz", &err), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(err.msg, "shopify"));
    ck_err(mapping_load(&m, IMPORT_ORDERS, "/nowhere.yaml", &err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_column_that_is_not_there_is_told_with_the_mapping_line_and_the_header)
{
    static const char yaml[] = "kind: products\nfields:\n  id: SKU\n  title: Name\n";
    struct mapping *m;
    struct err err;
    ck_ok(mapping_parse(&m, IMPORT_PRODUCTS, str_of(yaml), "m.yaml", &err));
    struct reader *r = reader_of(STR_LIT("sku,label\n"), FORMAT_CSV);
    ck_err(mapping_bind(m, r, &err), ERR_INVALID);
    ck_assert_str_eq(err.msg,
                     "m.yaml:4: title comes from column 'Name', but the file has: sku, label");
    reader_close(r);
    mapping_free(m);
}
END_TEST

/* --- transforms ------------------------------------------------------------------------------- */

START_TEST(transforms_do_what_they_say)
{
    static const char yaml[] =
        "kind: products\ncurrency: EUR\nfields:\n"
        "  id: {template: \"{maker}-{nr}\"}\n"
        "  title: {column: [long, short], replace: {\"  \": \" \", x: y}}\n"
        "  brand: {column: maker, lookup: {n: Northpot}}\n"
        "  category: {column: path, split: {by: \"|\", take: -1}}\n"
        "  price: {column: preis, decimal_comma: true}\n"
        "  stock: {column: stock, default: \"7\"}\n"
        "  tags: {column: marks, list: \";\"}\n"
        "  language: {value: de}\n"
        "  created_at: {column: am, time: [\"%d.%m.%Y %H:%M\", \"%d.%m.%Y\"]}\n";
    struct shop s;
    struct import_report r;
    struct err err;
    shop_init(&s);
    struct import_options o = {.kind = IMPORT_PRODUCTS};
    o.mapping = write_file(s.dir, "m.yaml", str_of(yaml), 1);
    ck_ok(import_text(&s,
                      "maker;nr;long;short;path;preis;stock;marks;am\n"
                      "N;7;;ax  b;A|B|C;1.299,50 \xe2\x82\xac;;\"one;two\";3.12.2020\n",
                      o, &r, &err));
    ck_assert_uint_eq(r.accepted, 1);
    struct product p = product_of(&s, "N-7");
    ck_assert(str_is(p.title, "ay b") && str_is(p.brand, "Northpot") && str_is(p.category, "C"));
    ck_assert_int_eq(p.price_minor, 129950);
    ck_assert_int_eq(p.stock, 7);
    ck_assert(str_is(p.tags, "[\"one\",\"two\"]") && str_is(p.language, "de"));
    char iso[CLOCK_ISO_SIZE];
    ck_assert_str_eq(clock_format_iso(p.created_at, iso), "2020-12-03T00:00:00Z");
    shop_release(&s);
}
END_TEST

/* --- small parts ------------------------------------------------------------------------------ */

START_TEST(times_are_read_by_their_format_and_by_no_other)
{
    static const struct {
        const char *format, *text, *want;
    } good[] = {
        {"%d/%m/%Y %H:%M", "1/12/2010 8:26", "2010-12-01T08:26:00Z"},
        {"%Y-%m-%dT%H:%M:%S%z", "2020-02-29T23:59:60+02:00", "2020-02-29T21:59:59Z"},
        {"%d %b %Y", "5 September 2021", "2021-09-05T00:00:00Z"},
        {"%b %d, %Y %I:%M %p", "Jan 2, 2020 12:05 AM", "2020-01-02T00:05:00Z"},
        {"%y%m%d", "691231", "2069-12-31T00:00:00Z"},
        {"%s", "1291192000", "2010-12-01T08:26:40Z"},
        {"%Q", "1291192000123", "2010-12-01T08:26:40.123Z"},
        {"%H:%M:%S %d.%m.%Y", "01:02:03.5 4.5.2006", "2006-05-04T01:02:03.500Z"},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t us;
        char iso[CLOCK_ISO_SIZE];
        ck_assert(time_format_ok(str_of(good[i].format)));
        ck_assert_msg(time_parse(str_of(good[i].format), str_of(good[i].text), &us), "%s",
                      good[i].text);
        ck_assert_str_eq(clock_format_iso(us, iso), good[i].want);
    }
    static const char *const bad[] = {"32/12/2010 8:26", "30/2/2010 8:26",  "1/12/2010",     "",
                                      "1/12/2010 8:26 ", "1/12/2010 24:26", "x/12/2010 8:26"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t us;
        ck_assert(!time_parse(STR_LIT("%d/%m/%Y %H:%M"), str_of(bad[i]), &us));
    }
    ck_assert(!time_format_ok(STR_LIT("%H:%M")) && !time_format_ok(STR_LIT("%Y-%m-%d%")));
}
END_TEST

/* Recursion, the obvious way. */
static bool slow_glob(const char *p, const char *t)
{
    if (*p == '\0')
        return *t == '\0';
    if (*p == '*')
        return slow_glob(p + 1, t) || (*t && slow_glob(p, t + 1));
    return *t && (*p == '?' || *p == *t) && slow_glob(p + 1, t + 1);
}

START_TEST(patterns_match_as_the_obvious_recursion_does)
{
    struct rng rng;
    rng_init(&rng, 5);
    for (int i = 0; i < 20000; i++) {
        char p[8] = "", t[10] = "";
        for (uint64_t n = rng_below(&rng, 7), k = 0; k < n; k++)
            p[k] = "ab*?"[rng_below(&rng, 4)];
        for (uint64_t n = rng_below(&rng, 9), k = 0; k < n; k++)
            t[k] = "ab"[rng_below(&rng, 2)];
        ck_assert_msg(map_glob(str_of(p), str_of(t)) == slow_glob(p, t), "%s %s", p, t);
    }
    ck_assert(map_glob(STR_LIT("GIFT_*"), STR_LIT("gift_0001_10")));
    ck_assert(map_glob(STR_LIT("\\?*"), STR_LIT("? lost")) &&
              !map_glob(STR_LIT("\\?*"), STR_LIT("x")));
}
END_TEST

START_TEST(html_becomes_readable_text)
{
    static const struct {
        const char *html, *text;
    } cases[] = {
        {"<p>One</p><p>Two&nbsp;three</p>", "One\nTwo three"},
        {"<script>alert(1)</script>a<!-- b -->c<style>x{}</style>", "ac"},
        {"5 < 6 &amp; 7 &#62; 6 &unknown; &#x4f60;", "5 < 6 & 7 > 6 &unknown; \xe4\xbd\xa0"},
        {"a<br/>b<img src=x onerror=y>", "a\nb"},
        {"  a \n\t b  ", "a b"},
        {"<script>never closed", ""},
        {"<b", "<b"},
    };
    struct arena a;
    arena_init(&a, 0, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_msg(str_is(html_to_text(str_of(cases[i].html), &a), cases[i].text), "%s",
                      cases[i].html);
    arena_release(&a);
}
END_TEST

SUITE("mapping", mistakes_are_told_with_file_line_and_suggestion,
      an_unknown_mapping_is_told_with_the_nearest_name,
      a_column_that_is_not_there_is_told_with_the_mapping_line_and_the_header,
      transforms_do_what_they_say, times_are_read_by_their_format_and_by_no_other,
      patterns_match_as_the_obvious_recursion_does, html_becomes_readable_text)
