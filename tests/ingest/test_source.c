/* Decompression and character sets: what is right comes through in any pieces, what is not is told. */
#include <zlib.h>
#include <zstd.h>

#include "ingest/support.h"

/* Append what a source gives to out. */
static enum err_code drain(struct source *s, struct buf *out, struct err *err)
{
    for (;;) {
        char block[777];
        size_t n;
        enum err_code rc = source_read(s, block, sizeof block, &n, err);
        if (rc != ERR_OK || n == 0) {
            source_close(s);
            return rc;
        }
        buf_put(out, block, n);
    }
}

static void gzip_member(struct buf *out, struct str text, int level)
{
    z_stream z = {0};
    size_t room = compressBound(text.n) + 64;
    ck_assert_int_eq(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)(uintptr_t)text.p;
    z.avail_in = (uInt)text.n;
    z.next_out = (Bytef *)buf_reserve(out, room);
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += room - z.avail_out;
    deflateEnd(&z);
}

static void zstd_frame(struct buf *out, struct str text)
{
    size_t room = ZSTD_compressBound(text.n);
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    size_t n = ZSTD_compress2(c, buf_reserve(out, room), room, text.p, text.n);
    ck_assert(!ZSTD_isError(n));
    out->len += n;
    ZSTD_freeCCtx(c);
}

static void long_text(struct buf *out, size_t n)
{
    struct rng rng;
    rng_init(&rng, 3);
    while (out->len < n)
        buf_printf(out, "%llu,", (unsigned long long)rng_below(&rng, 100000));
}

START_TEST(gzip_members_and_zstd_frames_are_joined_in_any_pieces)
{
    struct buf text, packed, got;
    struct err err;
    buf_init(&text, 4 << 20);
    buf_init(&packed, 4 << 20);
    buf_init(&got, 4 << 20);
    long_text(&text, 700000);
    for (int kind = 0; kind < 2; kind++) {
        for (size_t piece = 1; piece <= 1 << 18; piece *= 512) {
            struct trickle t;
            struct str half = {text.data, text.len / 3};
            struct str rest = {text.data + half.n, text.len - half.n};
            buf_reset(&packed);
            buf_reset(&got);
            if (kind == 0) {
                gzip_member(&packed, half, 6);
                gzip_member(&packed, STR_LIT(""), 6);
                gzip_member(&packed, rest, 1);
                buf_put(&packed, "\0\0\0", 3);
            } else {
                zstd_frame(&packed, half);
                zstd_frame(&packed, rest);
            }
            ck_ok(drain(source_decompress(trickle(&t, buf_str(&packed), piece, 1), NULL), &got,
                        &err));
            ck_assert(str_eq(buf_str(&got), buf_str(&text)));
        }
    }
    buf_release(&text);
    buf_release(&packed);
    buf_release(&got);
}
END_TEST

START_TEST(compressed_data_cut_anywhere_is_told_with_the_place)
{
    struct buf text, packed, got;
    struct err err;
    buf_init(&text, 1 << 20);
    buf_init(&packed, 1 << 20);
    buf_init(&got, 1 << 20);
    long_text(&text, 3000);
    for (int kind = 0; kind < 2; kind++) {
        buf_reset(&packed);
        if (kind == 0)
            gzip_member(&packed, buf_str(&text), 6);
        else
            zstd_frame(&packed, buf_str(&text));
        for (size_t cut = 5; cut < packed.len; cut += 7) {
            buf_reset(&got);
            ck_err(drain(source_decompress(source_memory((struct str){packed.data, cut}), NULL),
                         &got, &err),
                   ERR_CORRUPT);
            ck_assert_ptr_nonnull(strstr(err.msg, "cut short after byte"));
        }
        packed.data[packed.len / 2] ^= 0x55;
        packed.data[packed.len / 2 + 1] ^= 0x55;
        buf_reset(&got);
        ck_err(drain(source_decompress(source_memory(buf_str(&packed)), NULL), &got, &err),
               ERR_CORRUPT);
    }
    buf_release(&text);
    buf_release(&packed);
    buf_release(&got);
}
END_TEST

START_TEST(a_compression_bomb_is_refused_long_before_it_is_unpacked)
{
    struct buf bomb, packed, got;
    struct err err;
    struct source_limits limits = {.free_bytes = 1 << 20};
    buf_init(&bomb, 64 << 20);
    buf_init(&packed, 80 << 20);
    buf_init(&got, 64 << 20);
    memset(buf_reserve(&bomb, 64 << 20), '0', 64 << 20);
    bomb.len = 64 << 20;
    for (int kind = 0; kind < 2; kind++) {
        buf_reset(&packed);
        buf_reset(&got);
        if (kind == 0)
            gzip_member(&packed, buf_str(&bomb), 9);
        else
            zstd_frame(&packed, buf_str(&bomb));
        ck_err(drain(source_decompress(source_memory(buf_str(&packed)), &limits), &got, &err),
               ERR_LIMIT);
        ck_assert_ptr_nonnull(strstr(err.msg, "bomb"));
        limits.ratio = 1 << 30;
        limits.total_bytes = 3 << 20;
        buf_reset(&got);
        ck_err(drain(source_decompress(source_memory(buf_str(&packed)), &limits), &got, &err),
               ERR_LIMIT);
        ck_assert_uint_le(got.len, (3 << 20) + SOURCE_BLOCK);
        limits = (struct source_limits){.free_bytes = 1 << 20};
    }
    buf_release(&bomb);
    buf_release(&packed);
    buf_release(&got);
}
END_TEST

static void check_decoded(struct str bytes, const char *charset, const char *want)
{
    for (size_t piece = 1; piece < 64; piece += 6) {
        struct trickle t;
        struct source *s;
        struct buf got;
        struct err err;
        buf_init(&got, 1 << 20);
        ck_ok(source_decode(&s, trickle(&t, bytes, piece, 9), charset, &err));
        ck_ok(drain(s, &got, &err));
        ck_assert_msg(str_is(buf_str(&got), want), "%s: '%.*s'", charset ? charset : "auto",
                      (int)got.len, got.data ? got.data : "");
        buf_release(&got);
    }
}

START_TEST(texts_in_every_character_set_come_out_as_utf8)
{
    check_decoded(STR_LIT("caf\xc3\xa9"), NULL, "caf\xc3\xa9");
    check_decoded(STR_LIT("\xef\xbb\xbfid,x"), NULL, "id,x");
    check_decoded(STR_LIT("\xef\xbb\xbfid,\xe4\xbd\xa0"), "GB18030", "id,\xe4\xbd\xa0");
    check_decoded(STR_LIT("caf\xe9 \xa3"), "ISO-8859-1", "caf\xc3\xa9 \xc2\xa3");
    check_decoded(STR_LIT("\x80 5"), "windows-1252", "\xe2\x82\xac 5");
    check_decoded(STR_LIT("\xc4\xe3\xba\xc3"), "GB18030", "\xe4\xbd\xa0\xe5\xa5\xbd");
    check_decoded(STR_LIT("\x94\x39\xda\x33"), "gb18030", "\xf0\x9f\x92\xa9");
    check_decoded(STR_LIT("\xff\xfe"
                          "a\0\x60\x4f"),
                  NULL, "a\xe4\xbd\xa0");
    check_decoded(STR_LIT("\xfe\xff"
                          "\0a\x4f\x60"),
                  NULL, "a\xe4\xbd\xa0");
    check_decoded(STR_LIT("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>"), NULL,
                  "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xc3\xa9</a>");
}
END_TEST

START_TEST(bytes_that_mean_nothing_become_ff_so_that_their_row_is_refused)
{
    check_decoded(STR_LIT("a\x81\xff"
                          "b"),
                  "GB18030",
                  "a\xff"
                  "b");
    check_decoded(STR_LIT("ab\xc4"), "GB18030", "ab\xff");
    check_decoded(STR_LIT("caf\xe9"), NULL, "caf\xe9");
}
END_TEST

START_TEST(a_long_text_survives_the_converter_blocks)
{
    struct buf gb, want, got;
    struct source *s;
    struct err err;
    buf_init(&gb, 4 << 20);
    buf_init(&want, 4 << 20);
    buf_init(&got, 4 << 20);
    for (int i = 0; i < 200000; i++) {
        buf_puts(&gb, i % 3 ? "\xc4\xe3" : i % 2 ? "x" : "\x94\x39\xda\x33");
        buf_puts(&want, i % 3 ? "\xe4\xbd\xa0" : i % 2 ? "x" : "\xf0\x9f\x92\xa9");
    }
    ck_ok(source_decode(&s, source_memory(buf_str(&gb)), "GB18030", &err));
    ck_ok(drain(s, &got, &err));
    ck_assert(str_eq(buf_str(&got), buf_str(&want)));
    buf_release(&gb);
    buf_release(&want);
    buf_release(&got);
}
END_TEST

START_TEST(unknown_character_sets_and_missing_files_are_refused_at_once)
{
    struct source *s;
    struct err err;
    ck_err(source_decode(&s, source_memory(STR_LIT("x")), "klingon-8", &err), ERR_UNSUPPORTED);
    ck_err(source_open(&s, "/nowhere/at/all.csv", NULL, NULL, NULL, &err), ERR_NOT_FOUND);
}
END_TEST

SUITE("source", gzip_members_and_zstd_frames_are_joined_in_any_pieces,
      compressed_data_cut_anywhere_is_told_with_the_place,
      a_compression_bomb_is_refused_long_before_it_is_unpacked,
      texts_in_every_character_set_come_out_as_utf8,
      bytes_that_mean_nothing_become_ff_so_that_their_row_is_refused,
      a_long_text_survives_the_converter_blocks,
      unknown_character_sets_and_missing_files_are_refused_at_once)
