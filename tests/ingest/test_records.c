/* JSON Lines, JSON arrays and XML feeds: fields by name and path, faults, attacks. */
#include "ingest/support.h"

static struct str field(const struct record *rec, int at)
{
    return rec->fields[at].text;
}

START_TEST(json_lines_give_values_of_every_type_by_name_and_path)
{
    struct reader *r = reader_of(
        STR_LIT("{\"id\":\"a\\u00e9\",\"n\":1.50,\"ok\":true,\"no\":null,\"tags\":[1,2],"
                "\"price\":{\"amount\":\"12\",\"currency\":\"EUR\"}}\n\n{\"id\":\"b\"}\n"),
        FORMAT_AUTO);
    ck_assert_int_eq(reader_format(r), FORMAT_JSONL);
    int id = reader_want(r, STR_LIT("id")), n = reader_want(r, STR_LIT("n"));
    int ok = reader_want(r, STR_LIT("ok")), no = reader_want(r, STR_LIT("no"));
    int tags = reader_want(r, STR_LIT("tags")), price = reader_want(r, STR_LIT("price"));
    int amount = reader_want(r, STR_LIT("price.amount"));
    ck_assert_int_eq(reader_want(r, STR_LIT("ID")), id);
    const struct record *rec = next_record(r);
    ck_assert(str_is(field(rec, id), "a\xc3\xa9") && rec->fields[id].kind == FIELD_TEXT);
    ck_assert(str_is(field(rec, n), "1.50") && rec->fields[n].kind == FIELD_NUMBER);
    ck_assert(str_is(field(rec, ok), "true") && rec->fields[ok].kind == FIELD_BOOL);
    ck_assert(rec->fields[no].kind == FIELD_ABSENT);
    ck_assert(str_is(field(rec, tags), "[1,2]") && rec->fields[tags].kind == FIELD_JSON);
    ck_assert(rec->fields[price].kind == FIELD_JSON);
    ck_assert(str_is(field(rec, amount), "12"));
    rec = next_record(r);
    ck_assert_uint_eq(rec->line, 3);
    ck_assert(rec->fields[amount].kind == FIELD_ABSENT);
    ck_assert_ptr_null(next_record(r));
    reader_close(r);
}
END_TEST

START_TEST(every_broken_line_is_one_fault_with_its_reason)
{
    struct buf text;
    buf_init(&text, 4 << 20);
    buf_puts(&text, "{\"id\":1,\"id\":2}\n{\"id\":NaN}\n[1]\n{\"id\":\"\xff\"}\n{\"id\":1} x\n");
    buf_puts(&text, "{\"deep\":");
    for (int i = 0; i < 100; i++)
        buf_putc(&text, '[');
    for (int i = 0; i < 100; i++)
        buf_putc(&text, ']');
    buf_puts(&text, "}\n{\"id\":\"");
    for (int i = 0; i < READER_ROW_MAX; i++)
        buf_putc(&text, 'x');
    buf_puts(&text, "\"}\n{\"id\":3}\n");
    static const enum import_reason want[] = {
        REASON_DUPLICATE_KEY, REASON_BROKEN_ROW, REASON_BROKEN_ROW, REASON_BAD_TEXT,
        REASON_BROKEN_ROW,    REASON_TOO_DEEP,   REASON_TOO_LONG,   REASON_NONE};
    struct reader *r = reader_of(buf_str(&text), FORMAT_JSONL);
    (void)reader_want(r, STR_LIT("id"));
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(next_record(r)->fault, want[i]);
    ck_assert_ptr_null(next_record(r));
    reader_close(r);
    buf_release(&text);
}
END_TEST

START_TEST(an_array_gives_its_elements_however_it_is_cut)
{
    static const char json[] = " [ {\"id\": \"a]}\\\"\"},\n{\"id\": [1, {\"x\": \"}\"}]},7,\n\n"
                               "{\"id\":\"last\"} ] \n";
    for (size_t piece = 1; piece < 80; piece += 13) {
        struct trickle t;
        struct err err;
        struct reader *r;
        ck_ok(reader_open(&r, trickle(&t, str_of(json), piece, piece),
                          &(struct reader_options){.format = FORMAT_AUTO}, &err));
        ck_assert_int_eq(reader_format(r), FORMAT_JSON);
        int id = reader_want(r, STR_LIT("id"));
        ck_assert(str_is(field(next_record(r), id), "a]}\""));
        const struct record *rec = next_record(r);
        ck_assert(rec->fields[id].kind == FIELD_JSON);
        ck_assert_uint_eq(rec->line, 2);
        ck_assert_int_eq(next_record(r)->fault, REASON_BROKEN_ROW);
        rec = next_record(r);
        ck_assert(str_is(field(rec, id), "last"));
        ck_assert_uint_eq(rec->line, 4);
        ck_assert_ptr_null(next_record(r));
        reader_close(r);
    }
}
END_TEST

START_TEST(an_array_that_breaks_off_ends_the_reading_with_its_line)
{
    static const char *const broken[] = {"[{\"id\":1}", "[{\"id\":1},",   "[{\"id\":1} {\"id\":2}]",
                                         "[{\"id\":1}", "[{\"id\":",      "{\"id\":1}",
                                         "[,]",         "[{\"id\":1}] x", "[{}},]"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        size_t records, faults;
        struct err err;
        ck_err(read_all_records(source_memory(str_of(broken[i])), FORMAT_JSON, &records, &faults,
                                &err),
               ERR_INVALID);
        ck_assert_ptr_nonnull(strstr(err.msg, "line 1"));
    }
    size_t records, faults;
    struct err err;
    ck_ok(read_all_records(source_memory(STR_LIT("[]")), FORMAT_JSON, &records, &faults, &err));
    ck_assert_uint_eq(records, 0);
}
END_TEST

static const char rss[] =
    "<?xml version=\"1.0\"?>\n<rss "
    "xmlns:g=\"http://base.google.com/ns/1.0\"><channel><title>Shop</title>\n"
    "<item><g:id>1</g:id><title>Tea &amp; pot</title><g:image_link>a.jpg</g:image_link>"
    "<g:additional_image_link>b.jpg</g:additional_image_link>"
    "<g:additional_image_link>c.jpg</g:additional_image_link>"
    "<g:shipping><g:price>4.00 GBP</g:price></g:shipping></item>\n"
    "<item><g:id>2</g:id><description><![CDATA[<b>x</b>]]></description></item></channel></rss>";

START_TEST(a_feed_gives_elements_paths_repeats_and_cdata_however_it_is_cut)
{
    for (size_t piece = 1; piece < 200; piece += 31) {
        struct trickle t;
        struct err err;
        struct reader *r;
        ck_ok(reader_open(&r, trickle(&t, str_of(rss), piece, piece),
                          &(struct reader_options){.format = FORMAT_AUTO}, &err));
        int id = reader_want(r, STR_LIT("id")), title = reader_want(r, STR_LIT("title"));
        int more = reader_want(r, STR_LIT("additional_image_link"));
        int ship = reader_want(r, STR_LIT("shipping.price"));
        int text = reader_want(r, STR_LIT("description"));
        const struct record *rec = next_record(r);
        ck_assert(str_is(field(rec, id), "1") && str_is(field(rec, title), "Tea & pot"));
        ck_assert(str_is(field(rec, more), "b.jpg\nc.jpg") && rec->fields[more].kind == FIELD_LIST);
        ck_assert(str_is(field(rec, ship), "4.00 GBP"));
        ck_assert_uint_eq(rec->line, 3);
        rec = next_record(r);
        ck_assert(str_is(field(rec, text), "<b>x</b>"));
        ck_assert(rec->fields[title].kind == FIELD_ABSENT);
        ck_assert_uint_eq(rec->number, 1);
        ck_assert_ptr_null(next_record(r));
        reader_close(r);
    }
}
END_TEST

START_TEST(atom_links_are_read_from_their_attribute)
{
    struct reader *r = reader_of(
        STR_LIT("<feed><entry><id>9</id><link href='http://x/'/></entry></feed>"), FORMAT_XML);
    int link = reader_want(r, STR_LIT("link.href"));
    ck_assert(str_is(field(next_record(r), link), "http://x/"));
    reader_close(r);
}
END_TEST

START_TEST(entity_attacks_and_endless_tags_are_refused)
{
    static const char laughs[] = "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b "
                                 "\"&a;&a;&a;&a;\">]><r><item><id>&b;</id></item></r>";
    size_t records, faults;
    struct err err;
    ck_err(read_all_records(source_memory(str_of(laughs)), FORMAT_XML, &records, &faults, &err),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "entities"));
    struct buf b;
    buf_init(&b, 16 << 20);
    buf_puts(&b, "<r><item id='");
    memset(buf_reserve(&b, 4 << 20), 'x', 4 << 20);
    b.len += 4 << 20;
    ck_err(read_all_records(source_memory(buf_str(&b)), FORMAT_XML, &records, &faults, &err),
           ERR_LIMIT);
    buf_reset(&b);
    for (int i = 0; i < 100; i++)
        buf_puts(&b, "<a>");
    ck_err(read_all_records(source_memory(buf_str(&b)), FORMAT_XML, &records, &faults, &err),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "deep"));
    buf_release(&b);
}
END_TEST

START_TEST(an_item_that_is_too_long_is_a_fault_and_the_next_is_read)
{
    struct buf b;
    buf_init(&b, 4 << 20);
    buf_puts(&b, "<r><item><id>1</id><d>");
    for (int i = 0; i < READER_ROW_MAX / 8 + 10; i++)
        buf_puts(&b, "12345678");
    buf_puts(&b, "</d></item><item><id>2</id></item></r>");
    struct reader *r = reader_of(buf_str(&b), FORMAT_XML);
    int id = reader_want(r, STR_LIT("id"));
    ck_assert_int_eq(next_record(r)->fault, REASON_TOO_LONG);
    ck_assert(str_is(field(next_record(r), id), "2"));
    ck_assert_ptr_null(next_record(r));
    reader_close(r);
    buf_release(&b);
}
END_TEST

START_TEST(broken_xml_gives_what_stands_before_and_then_its_place)
{
    struct reader *r =
        reader_of(STR_LIT("<r><item><id>1</id></item>\n<item><id>2</oops></item></r>"), FORMAT_XML);
    const struct record *rec;
    struct err err;
    ck_assert_ptr_nonnull(next_record(r));
    ck_err(reader_next(r, &rec, &err), ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "line 2"));
    reader_close(r);
}
END_TEST

SUITE("records", json_lines_give_values_of_every_type_by_name_and_path,
      every_broken_line_is_one_fault_with_its_reason, an_array_gives_its_elements_however_it_is_cut,
      an_array_that_breaks_off_ends_the_reading_with_its_line,
      a_feed_gives_elements_paths_repeats_and_cdata_however_it_is_cut,
      atom_links_are_read_from_their_attribute, entity_attacks_and_endless_tags_are_refused,
      an_item_that_is_too_long_is_a_fault_and_the_next_is_read,
      broken_xml_gives_what_stands_before_and_then_its_place)
