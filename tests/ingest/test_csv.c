/* CSV against a slow reference parser, and what broken files cost. */
#include "ingest/support.h"

/* --- the oracle: a byte at a time, no cleverness ---------------------------------------------- */

enum { ROWS = 400, FIELDS = 12, TEXT = 1 << 16 };

struct table {
    size_t rows, fields[ROWS];
    char text[TEXT]; /* all fields, unquoted, in order */
    size_t at[ROWS][FIELDS], n[ROWS][FIELDS], used;
};

/* Well-formed CSV only. Blank lines are no rows. */
static void parse_slowly(struct str csv, char delimiter, struct table *t)
{
    size_t i = 0;
    t->rows = t->used = 0;
    while (i < csv.n) {
        if (csv.p[i] == '\n' || csv.p[i] == '\r') {
            i++;
            continue;
        }
        size_t row = t->rows++, field = 0;
        for (bool more = true; more; field++) {
            more = false;
            t->at[row][field] = t->used;
            if (i < csv.n && csv.p[i] == '"') {
                for (i++; csv.p[i] != '"' || (i + 1 < csv.n && csv.p[i + 1] == '"'); i++) {
                    i += csv.p[i] == '"';
                    t->text[t->used++] = csv.p[i];
                }
                i++;
            } else {
                while (i < csv.n && csv.p[i] != delimiter && csv.p[i] != '\n' && csv.p[i] != '\r')
                    t->text[t->used++] = csv.p[i++];
            }
            t->n[row][field] = t->used - t->at[row][field];
            if (i < csv.n && csv.p[i] == delimiter) {
                more = true;
                i++;
            }
        }
        t->fields[row] = field;
    }
}

static void check_against(struct source *src, char delimiter, const struct table *t)
{
    struct err err;
    struct reader *r;
    const struct record *rec;
    size_t n;
    ck_ok(reader_open(
        &r, src, &(struct reader_options){.format = FORMAT_CSV, .delimiter = delimiter}, &err));
    (void)reader_header(r, &n);
    ck_assert_uint_eq(n, t->fields[0]);
    for (size_t row = 1; row < t->rows; row++) {
        ck_ok(reader_next(r, &rec, &err));
        ck_assert_ptr_nonnull(rec);
        ck_assert_msg(rec->fault == REASON_NONE, "row %zu: %s", row, rec->message);
        for (size_t f = 0; f < n; f++)
            ck_assert(
                str_eq(rec->fields[f].text, (struct str){t->text + t->at[row][f], t->n[row][f]}));
    }
    ck_ok(reader_next(r, &rec, &err));
    ck_assert_ptr_null(rec);
    reader_close(r);
}

static void random_field(struct rng *rng, struct buf *out, char delimiter)
{
    static const char *const pieces[] = {"a", "bc", " ", "12.5", "\xc3\xa9", "\xe4\xbd\xa0", "x-y"};
    static const char *const wild[] = {"\"\"", "\n", "\r\n", ",", ";", "\t", "|", "'"};
    bool quoted = rng_below(rng, 3) == 0;
    (void)delimiter;
    if (quoted)
        buf_putc(out, '"');
    for (uint64_t n = rng_below(rng, 6); n > 0; n--)
        buf_puts(out,
                 quoted && rng_below(rng, 2) ? wild[rng_below(rng, 8)] : pieces[rng_below(rng, 7)]);
    if (quoted)
        buf_putc(out, '"');
}

static void random_csv(struct rng *rng, struct buf *out, char delimiter, const char *line_end)
{
    size_t fields = 2 + (size_t)rng_below(rng, FIELDS - 2), rows = 1 + (size_t)rng_below(rng, 40);
    for (size_t f = 0; f < fields; f++)
        buf_printf(out, "%sc%zu", f ? (char[]){delimiter, 0} : "", f);
    for (size_t row = 0; row < rows; row++) {
        buf_puts(out, line_end);
        for (size_t f = 0; f < fields; f++) {
            if (f)
                buf_putc(out, delimiter);
            random_field(rng, out, delimiter);
        }
        if (rng_below(rng, 8) == 0)
            buf_puts(out, line_end);
    }
    if (rng_below(rng, 2))
        buf_puts(out, line_end);
}

START_TEST(random_files_read_as_the_slow_parser_reads_them_however_they_are_cut)
{
    static const char delimiters[] = ",;\t|";
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    struct table *t = mem_new(1, sizeof *t);
    struct buf csv;
    struct rng rng;
    buf_init(&csv, TEXT);
    rng_init(&rng, 7);
    for (int round = 0; round < 600; round++) {
        char delimiter = delimiters[rng_below(&rng, 4)];
        struct trickle tr;
        buf_reset(&csv);
        random_csv(&rng, &csv, delimiter, ends[rng_below(&rng, 3)]);
        ck_assert(!csv.full);
        parse_slowly(buf_str(&csv), delimiter, t);
        size_t piece = round % 2 ? 3 : 1 << 16;
        check_against(trickle(&tr, buf_str(&csv), piece, (uint64_t)round), delimiter, t);
    }
    buf_release(&csv);
    mem_free(t);
}
END_TEST

/* --- places and faults ------------------------------------------------------------------------ */

START_TEST(every_record_knows_its_line_and_offset)
{
    struct reader *r = reader_of(STR_LIT("a,b\n1,\"x\ny\"\n\n2,z\n"), FORMAT_AUTO);
    const struct record *rec = next_record(r);
    ck_assert_uint_eq(rec->line, 2);
    ck_assert_uint_eq(rec->offset, 4);
    ck_assert(str_is(rec->fields[1].text, "x\ny"));
    rec = next_record(r);
    ck_assert_uint_eq(rec->line, 5);
    ck_assert_uint_eq(rec->number, 1);
    ck_assert(str_is(rec->raw, "2,z"));
    ck_assert_ptr_null(next_record(r));
    reader_close(r);
}
END_TEST

START_TEST(a_forgotten_quote_costs_one_line_and_not_the_file)
{
    struct reader *r = reader_of(STR_LIT("a,b\n1,ok\n2,\"open\n3,ok\n4,ok\n"), FORMAT_CSV);
    ck_assert(next_record(r)->fault == REASON_NONE);
    const struct record *rec = next_record(r);
    ck_assert_int_eq(rec->fault, REASON_BROKEN_ROW);
    ck_assert(str_is(rec->raw, "2,\"open"));
    ck_assert_uint_eq(rec->line, 3);
    rec = next_record(r);
    ck_assert(rec->fault == REASON_NONE && str_is(rec->fields[0].text, "3"));
    ck_assert_uint_eq(rec->line, 4);
    ck_assert(str_is(next_record(r)->fields[0].text, "4"));
    ck_assert_ptr_null(next_record(r));
    reader_close(r);
}
END_TEST

START_TEST(a_quote_that_another_row_closes_costs_its_own_row)
{
    struct reader *r = reader_of(STR_LIT("a,b\n1,\"open\n2,\"shut\"\n3,ok\n"), FORMAT_CSV);
    const struct record *rec = next_record(r);
    ck_assert_int_eq(rec->fault, REASON_BROKEN_ROW);
    ck_assert(str_is(rec->raw, "1,\"open"));
    rec = next_record(r);
    ck_assert(rec->fault == REASON_NONE && str_is(rec->fields[1].text, "shut"));
    ck_assert(str_is(next_record(r)->fields[0].text, "3"));
    reader_close(r);
}
END_TEST

START_TEST(rows_with_too_few_or_too_many_fields_and_bad_text_are_told_apart)
{
    struct reader *r = reader_of(
        STR_LIT("a,b\n1\n1,2,3\n\xff,2\n1,\"\xed\xa0\x80\"\nx\0y,2\nfine,2\n"), FORMAT_CSV);
    static const enum import_reason want[] = {REASON_FIELD_COUNT, REASON_FIELD_COUNT,
                                              REASON_BAD_TEXT,    REASON_BAD_TEXT,
                                              REASON_BAD_TEXT,    REASON_NONE};
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq(next_record(r)->fault, want[i]);
    ck_assert_ptr_null(next_record(r));
    reader_close(r);
}
END_TEST

/* A row of any length that is never in memory: "a,b\n1,ok\n2,xxxx...xxx\n3,ok\n". */
struct endless {
    uint64_t left;
    int part;
    bool quoted;
};

static enum err_code endless_read(void *self, char *out, size_t cap, size_t *n, struct err *err)
{
    struct endless *e = self;
    (void)err;
    const char *text = e->part == 0   ? (e->quoted ? "a,b\n1,ok\n2,\"" : "a,b\n1,ok\n2,")
                       : e->part == 2 ? "\n3,ok\n"
                                      : NULL;
    if (e->part == 1) {
        *n = e->left < cap ? (size_t)e->left : cap;
        memset(out, 'x', *n);
        e->left -= *n;
        e->part += e->left == 0;
    } else if (text) {
        *n = strlen(text);
        ck_assert(*n <= cap);
        memcpy(out, text, *n);
        e->part++;
    }
    return ERR_OK;
}

static long resident_kb(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    ck_assert_int_eq(fscanf(f, "%ld %ld", &pages, &resident), 2);
    fclose(f);
    return resident * 4;
}

START_TEST(a_line_of_two_gigabytes_is_one_fault_and_memory_stays_flat)
{
    for (int quoted = 0; quoted < 2; quoted++) {
        struct endless e = {.left = 2ULL << 30, .quoted = quoted};
        struct err err;
        struct reader *r;
        long before = resident_kb();
        ck_ok(reader_open(&r, source_new(endless_read, NULL, &e),
                          &(struct reader_options){.format = FORMAT_CSV}, &err));
        ck_assert(next_record(r)->fault == REASON_NONE);
        const struct record *rec = next_record(r);
        ck_assert_int_eq(rec->fault, REASON_TOO_LONG);
        ck_assert_uint_eq(rec->raw.n, READER_RAW_MAX);
        rec = next_record(r);
        ck_assert(rec->fault == REASON_NONE && str_is(rec->fields[0].text, "3"));
        ck_assert_ptr_null(next_record(r));
        ck_assert_int_lt(resident_kb() - before, 32 << 10);
        reader_close(r);
    }
}
END_TEST

START_TEST(a_file_of_forgotten_quotes_takes_no_longer_than_a_good_one)
{
    struct buf csv;
    size_t records, faults;
    struct err err;
    buf_init(&csv, 8 << 20);
    buf_puts(&csv, "a,b\n");
    for (int i = 0; i < 200000; i++)
        buf_puts(&csv, "1,\"open\n");
    ck_ok(read_all_records(source_memory(buf_str(&csv)), FORMAT_CSV, &records, &faults, &err));
    ck_assert_uint_eq(records, 200000);
    ck_assert_uint_eq(faults, 200000);
    buf_release(&csv);
}
END_TEST

START_TEST(columns_are_found_by_name_in_any_spelling)
{
    struct reader *r = reader_of(STR_LIT("g:Image Link;item-group-id;ID\nu;g;1\n"), FORMAT_AUTO);
    ck_assert_int_eq(reader_want(r, STR_LIT("image_link")), 0);
    ck_assert_int_eq(reader_want(r, STR_LIT("item_group_id")), 1);
    ck_assert_int_eq(reader_want(r, STR_LIT("id")), 2);
    ck_assert_int_eq(reader_want(r, STR_LIT("nothing")), -1);
    reader_close(r);
}
END_TEST

START_TEST(an_empty_file_and_a_lone_header_have_no_records)
{
    static const char *const texts[] = {"", "\n\n", "a,b", "a,b\n", "a,b\r\n\r\n"};
    for (size_t i = 0; i < 5; i++) {
        struct reader *r = reader_of(str_of(texts[i]), FORMAT_CSV);
        ck_assert_ptr_null(next_record(r));
        reader_close(r);
    }
}
END_TEST

START_TEST(a_header_that_cannot_be_read_is_told_with_its_line)
{
    struct err err;
    struct reader *r;
    ck_err(reader_open(&r, source_memory(STR_LIT("\n\"a,b\n1,2\n")),
                       &(struct reader_options){.format = FORMAT_CSV}, &err),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "line 2"));
    ck_err(reader_open(&r, source_memory(STR_LIT("caf\xe9,b\n1,2\n")),
                       &(struct reader_options){.format = FORMAT_CSV}, &err),
           ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.msg, "character set"));
}
END_TEST

SUITE("csv", random_files_read_as_the_slow_parser_reads_them_however_they_are_cut,
      every_record_knows_its_line_and_offset, a_forgotten_quote_costs_one_line_and_not_the_file,
      a_quote_that_another_row_closes_costs_its_own_row,
      rows_with_too_few_or_too_many_fields_and_bad_text_are_told_apart,
      a_line_of_two_gigabytes_is_one_fault_and_memory_stays_flat,
      a_file_of_forgotten_quotes_takes_no_longer_than_a_good_one,
      columns_are_found_by_name_in_any_spelling, an_empty_file_and_a_lone_header_have_no_records,
      a_header_that_cannot_be_read_is_told_with_its_line)
