#include "support/suite.h"

#include <expat.h>

#include "base/buf.h"
#include "base/rng.h"
#include "demo/picture.h"
#include "demo/shapes_int.h"
#include "demo/tables_int.h"

/* What an element must not be or do in a picture that is shown to strangers. */
static void check_element(void *ctx, const char *name, const char **attributes)
{
    (void)ctx;
    static const char *const allowed[] = {"svg",  "defs", "linearGradient", "stop",   "pattern",
                                          "path", "g",    "ellipse",        "circle", "rect"};
    bool known = false;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        known = known || strcmp(name, allowed[i]) == 0;
    ck_assert_msg(known, "<%s>", name);
    for (; *attributes; attributes += 2)
        if (strcmp(attributes[0], "href") == 0)
            ck_assert(attributes[1][0] == '#');
}

static void check_svg(struct str svg, const char *name)
{
    ck_assert_msg(svg.n < PICTURE_MAX_BYTES, "%s has %zu bytes", name, svg.n);
    XML_Parser parser = XML_ParserCreate("UTF-8");
    XML_SetElementHandler(parser, check_element, NULL);
    ck_assert_msg(XML_Parse(parser, svg.p, (int)svg.n, 1) == XML_STATUS_OK, "%s: %s at %lu", name,
                  XML_ErrorString(XML_GetErrorCode(parser)), XML_GetCurrentByteIndex(parser));
    XML_ParserFree(parser);
}

static void render(struct str name, struct buf *out)
{
    struct err err = {0};
    buf_reset(out);
    ck_ok(demo_picture_svg(name, out, &err));
}

/* Each shape with each pattern, in turn through the colours and looks. */
START_TEST(every_shape_of_every_type_renders_as_small_valid_svg)
{
    struct buf name, svg;
    buf_init(&name, 256);
    buf_init(&svg, PICTURE_MAX_BYTES);
    unsigned look = 1;
    for (int d = 0; d < DEPARTMENTS; d++) {
        const struct department *dept = department_at(d);
        for (int t = 0; t < dept->types_len; t++) {
            struct str shape = str_of(dept->types[t].shape);
            ck_assert_msg(shape_find(shape) != NULL, "no shape: %s", shape.p);
            for (int variant = 0; variant < 2 * PICTURE_PATTERNS; variant++) {
                look = look * 75 + 74;
                struct picture p = {.shape = shape,
                                    .colour = (int)(look % COLOURS),
                                    .pattern = variant / 2,
                                    .look = (uint16_t)look,
                                    .detail = variant % 2};
                buf_reset(&name);
                picture_put_name(&p, &name);
                ck_assert_uint_le(name.len, PICTURE_NAME_MAX);
                render(buf_str(&name), &svg);
                check_svg(buf_str(&svg), name.data);
            }
        }
    }
    buf_release(&name);
    buf_release(&svg);
}
END_TEST

START_TEST(a_name_always_gives_the_same_picture_and_each_part_of_it_counts)
{
    static const char *const names[] = {"kettle-red-2-7a3f",  "teapot-red-2-7a3f",
                                        "kettle-blue-2-7a3f", "kettle-red-1-7a3f",
                                        "kettle-red-2-1b40",  "kettle-red-2-7a3f-detail"};
    struct buf first, other;
    buf_init(&first, PICTURE_MAX_BYTES);
    buf_init(&other, PICTURE_MAX_BYTES);
    render(str_of(names[0]), &first);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        render(str_of(names[i]), &other);
        ck_assert(str_eq(buf_str(&first), buf_str(&other)) == (i == 0));
    }
    buf_release(&first);
    buf_release(&other);
}
END_TEST

static void refuse(struct str name)
{
    struct err err = {0};
    struct buf svg;
    buf_init(&svg, PICTURE_MAX_BYTES);
    ck_err(demo_picture_svg(name, &svg, &err), ERR_NOT_FOUND);
    ck_assert_uint_eq(svg.len, 0);
    ck_assert(str_utf8_valid(str_of(err.msg), NULL));
    buf_release(&svg);
}

START_TEST(names_that_no_product_has_are_not_found)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "----",
                                      "kettle",
                                      "kettle-red",
                                      "kettle-red-2",
                                      "kettle-red-2-",
                                      "kettle-red-2-7a3",
                                      "kettle-red-2-7a3f0",
                                      "kettle-red-2-7A3F",
                                      "kettle-red-2-7a3g",
                                      "kettle-red-6-7a3f",
                                      "kettle-red--7a3f",
                                      "kettle-red-22-7a3f",
                                      "kettle-red-:-7a3f",
                                      "kettle-red-/-7a3f",
                                      "Kettle-red-2-7a3f",
                                      "kettle-mauve-2-7a3f",
                                      "dragon-red-2-7a3f",
                                      "kettle-red-2-7a3f-",
                                      "kettle-red-2-7a3f-closer",
                                      "kettle-red-2-7a3f-detail-detail",
                                      "-kettle-red-2-7a3f",
                                      "kettle-red-2-7a3f.svg",
                                      "../../etc/passwd",
                                      "kettle-<script>-2-7a3f",
                                      "kettle-red-2-\xff\xfe\x80z",
                                      "kettle%2dred-2-7a3f",
                                      "\xe6\xb0\xb4\xe5\xa3\xb6-red-2-7a3f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(str_of(bad[i]));
    refuse((struct str){"kettle-red-2-7a3f\0", 18});
    char longest[100000];
    memset(longest, '-', sizeof longest);
    refuse((struct str){longest, sizeof longest});
}
END_TEST

START_TEST(a_name_with_one_byte_changed_is_another_picture_or_none)
{
    static const char good[] = "kettle-red-2-7a3f-detail";
    struct rng r;
    rng_init(&r, 1);
    struct buf svg;
    buf_init(&svg, PICTURE_MAX_BYTES);
    for (int round = 0; round < 20000; round++) {
        char name[sizeof good];
        memcpy(name, good, sizeof good);
        name[rng_below(&r, sizeof good - 1)] = (char)rng_below(&r, 256);
        struct err err = {0};
        buf_reset(&svg);
        enum err_code code = demo_picture_svg((struct str){name, sizeof good - 1}, &svg, &err);
        ck_assert(code == ERR_OK || code == ERR_NOT_FOUND);
        if (code == ERR_OK)
            check_svg(buf_str(&svg), name);
    }
    buf_release(&svg);
}
END_TEST

START_TEST(a_buffer_that_is_too_small_is_said_so)
{
    struct err err = {0};
    struct buf svg;
    buf_init(&svg, 500);
    ck_err(demo_picture_svg(STR_LIT("kettle-red-2-7a3f"), &svg, &err), ERR_LIMIT);
    buf_release(&svg);
}
END_TEST

/* --- the tables that pictures and texts are made from --------------------------------------------- */

static void check_lists(const char *const lists[LANGS], const char *what)
{
    ck_assert_msg(list_len(lists[EN]) == list_len(lists[ZH]), "%s: %s", what, lists[EN]);
    for (int lang = EN; lang < LANGS; lang++) {
        ck_assert(str_utf8_valid(str_of(lists[lang]), NULL));
        ck_assert_msg(!strpbrk(lists[lang], "\"\\<>\n"), "%s: %s", what, lists[lang]);
        int n = list_len(lists[lang]);
        for (int i = 0; i < n; i++) {
            struct str entry = list_at(lists[lang], i);
            ck_assert_msg(entry.n > 0 && str_trim(entry).n == entry.n, "%s: %s", what, lists[lang]);
            ck_assert_msg(list_index(lists[lang], entry) == i, "%s twice in %s", what, lists[lang]);
        }
    }
}

START_TEST(the_tables_run_in_step_in_both_languages)
{
    check_lists(series_names, "series");
    for (int d = 0; d < DEPARTMENTS; d++) {
        const struct department *dept = department_at(d);
        check_lists(dept->brands, "brands");
        check_lists(dept->closings, "closings");
        ck_assert_int_eq(list_len(dept->closings[EN]), 3);
        for (int t = 0; t < dept->types_len; t++) {
            const struct product_type *row = &dept->types[t];
            const char *noun = row->noun[EN];
            check_lists(row->features, noun);
            check_lists(row->use, noun);
            check_lists(row->also, noun);
            if (row->size_key)
                check_lists(row->sizes, noun);
            ck_assert_msg(row->vary != VARY_SIZE || row->size_key, "%s", noun);
            ck_assert_msg(row->low > 0 && row->low < row->high, "%s", noun);
            int n = list_len(row->colours);
            for (int i = 0; i < n; i++)
                ck_assert_msg(colour_find(list_at(row->colours, i)) >= 0, "%s: %s", noun,
                              row->colours);
        }
    }
}
END_TEST

SUITE("demo pictures", every_shape_of_every_type_renders_as_small_valid_svg,
      a_name_always_gives_the_same_picture_and_each_part_of_it_counts,
      names_that_no_product_has_are_not_found,
      a_name_with_one_byte_changed_is_another_picture_or_none,
      a_buffer_that_is_too_small_is_said_so, the_tables_run_in_step_in_both_languages)
