/* What can go wrong around segments: damaged files, memory and disks that fail, and merging. */
#include "support/suite.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "index/catalogue.h"
#include "index/damage.h"

enum { DOCS = 60 };

static void check_same(const struct segment *a, const struct segment *b)
{
    ck_assert_uint_eq(container_bytes(a->container), container_bytes(b->container));
    ck_assert_mem_eq(a->image, b->image, container_bytes(a->container));
}

/* --- merging --------------------------------------------------------------------------------- */

/* Docs that a merge must drop: bit `doc` of dead[segment]. */
struct dead {
    bool doc[3][DOCS];
};

static bool is_alive(void *arg, size_t segment, uint32_t doc)
{
    const struct dead *dead = arg;
    return !dead->doc[segment][doc];
}

START_TEST(a_merge_is_the_segment_that_its_living_products_would_build)
{
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct arena a;
        struct err err;
        struct rng r;
        enum err_code code;
        arena_init(&a, 1 << 20, SIZE_MAX / 2);
        rng_init(&r, seed);
        /* Three catalogues over overlapping numbers; the last one that has a number living wins. */
        struct fake *fakes[3];
        struct segment *segments[3], *merged, *fresh;
        struct dead dead = {0};
        for (size_t i = 0; i < 3; i++) {
            fakes[i] = fake_catalogue(DOCS, seed * 10 + i, &a);
            segments[i] = fake_build(fakes[i], DOCS, &code, &err);
            ck_assert_int_eq(code, ERR_OK);
            for (size_t doc = 0; doc < DOCS; doc++)
                dead.doc[i][doc] = rng_below(&r, 4) == 0;
        }
        struct fake *living = ARENA_NEW(&a, struct fake, 3 * DOCS);
        size_t n = 0;
        for (uint32_t no = 1; no <= 3 * DOCS + 1; no++)
            for (size_t i = 3; i-- > 0;) {
                uint32_t doc = segment_find_no(segments[i], no);
                if (doc == ORDINAL_NONE || dead.doc[i][doc])
                    continue;
                living[n++] = fakes[i][doc];
                break;
            }
        struct segment_builder *b;
        ck_ok(segment_builder_new(fake_languages, 2, &b, &err));
        ck_ok(segment_builder_add_segments(b, (const struct segment *const *)segments, 3, is_alive,
                                           &dead, &err));
        ck_ok(segment_builder_finish_memory(b, &merged, &err));
        segment_builder_free(b);
        fresh = fake_build(living, n, &code, &err);
        ck_assert_int_eq(code, ERR_OK);
        ck_assert_uint_gt(n, DOCS);
        ck_ok(segment_verify(merged, &err));
        check_same(merged, fresh);
        segment_close(merged);
        segment_close(fresh);
        for (size_t i = 0; i < 3; i++)
            segment_close(segments[i]);
        arena_release(&a);
    }
}
END_TEST

/* --- files ----------------------------------------------------------------------------------- */

START_TEST(a_file_has_the_same_bytes_as_the_segment_in_memory_and_outlives_its_name)
{
    struct arena a;
    struct err err;
    enum err_code code;
    char dir[] = "/tmp/aisle-segment-XXXXXX", path[FS_PATH_MAX];
    ck_assert(mkdtemp(dir) != NULL);
    ck_ok(fs_join(path, dir, "catalogue", &err));
    arena_init(&a, 1 << 20, SIZE_MAX / 2);
    struct fake *fakes = fake_catalogue(DOCS, 1, &a);
    struct segment *memory = fake_build(fakes, DOCS, &code, &err), *file;
    struct segment_builder *b;
    ck_ok(segment_builder_new(fake_languages, 2, &b, &err));
    for (size_t i = 0; i < DOCS; i++)
        ck_ok(segment_builder_add(b, &fakes[i].product, &err));
    ck_ok(segment_builder_finish_file(b, path, &err));
    segment_builder_free(b);
    struct buf bytes;
    buf_init(&bytes, 1 << 24);
    ck_ok(fs_read_file(path, 1 << 24, &bytes, &err));
    ck_assert_uint_eq(bytes.len, container_bytes(memory->container));
    ck_assert_mem_eq(bytes.data, memory->image, bytes.len);
    ck_ok(segment_open_file(path, 0, &file, &err));
    ck_assert_int_eq(unlink(path), 0);
    ck_ok(segment_verify(file, &err));
    ck_assert(str_eq(segment_id(file, 7), fakes[7].product.id));
    ck_err(segment_open_file(path, 0, &memory, &err), ERR_NOT_FOUND);
    segment_close(file);
    segment_close(memory);
    buf_release(&bytes);
    arena_release(&a);
    ck_ok(fs_remove_tree(dir, &err));
}
END_TEST

/* A small segment's bytes, owned. */
static unsigned char *small_image(size_t docs, size_t *bytes)
{
    struct arena a;
    struct err err;
    enum err_code code;
    arena_init(&a, 1 << 20, SIZE_MAX / 2);
    struct segment *s = fake_build(fake_catalogue(docs, 3, &a), docs, &code, &err);
    ck_assert_int_eq(code, ERR_OK);
    *bytes = container_bytes(s->container);
    unsigned char *image = s->image;
    s->image = NULL;
    segment_close(s);
    arena_release(&a);
    return image;
}

START_TEST(a_segment_cut_anywhere_is_refused)
{
    struct err err;
    size_t bytes;
    unsigned char *image = small_image(3, &bytes);
    for (size_t n = 0; n < bytes; n++) {
        struct segment *s;
        unsigned char *cut = mem_try_aligned(1, n + 1, CONTAINER_ALIGN);
        memcpy(cut, image, n);
        ck_err(segment_open_memory(cut, n, 0, &s, &err), ERR_CORRUPT);
        mem_free(cut);
    }
    mem_free(image);
}
END_TEST

START_TEST(damage_with_right_checksums_is_refused_or_harmless)
{
    struct err err;
    struct rng r;
    size_t bytes, refused = 0;
    unsigned char *image = small_image(150, &bytes);
    rng_init(&r, 5);
    enum { ROUNDS = 3000 };
    for (int round = 0; round < ROUNDS; round++) {
        struct segment *s;
        unsigned char *copy = mem_try_aligned(1, bytes, CONTAINER_ALIGN);
        memcpy(copy, image, bytes);
        uint32_t sections;
        memcpy(&sections, copy + 12, sizeof sections);
        struct container_entry e;
        memcpy(&e, copy + 64 + rng_below(&r, sections) * sizeof e, sizeof e);
        for (uint64_t n = e.bytes ? 1 + rng_below(&r, 3) : 0; n--;) {
            size_t at = e.offset + rng_below(&r, e.bytes);
            if (rng_below(&r, 2))
                copy[at] ^= (unsigned char)(1 << rng_below(&r, 8));
            else
                copy[at] = (unsigned char)rng_below(&r, 256);
        }
        damage_seal(copy, bytes);
        if (segment_open_memory(copy, bytes, 0, &s, &err) == ERR_OK) {
            damage_read_segment(s);
            segment_close(s);
        } else {
            refused++;
            mem_free(copy);
        }
    }
    ck_assert_uint_gt(refused, ROUNDS / 3);
    mem_free(image);
}
END_TEST

/* --- memory and disk ------------------------------------------------------------------------- */

START_TEST(building_and_merging_report_any_failing_allocation)
{
    struct arena a;
    struct err err;
    enum err_code code = ERR_MEMORY, other;
    arena_init(&a, 1 << 20, SIZE_MAX / 2);
    struct fake *fakes = fake_catalogue(12, 4, &a);
    struct segment *from = fake_build(fakes, 12, &other, &err);
    long at = 1;
    for (; code != ERR_OK; at++) {
        struct segment_builder *b;
        struct segment *s = NULL;
        mem_fail_at(at);
        code = segment_builder_new(fake_languages, 2, &b, &err);
        if (code == ERR_OK) {
            code = segment_builder_add_segments(b, (const struct segment *const *)&from, 1, NULL,
                                                NULL, &err);
            if (code == ERR_OK)
                code = segment_builder_finish_memory(b, &s, &err);
            segment_builder_free(b);
        }
        mem_fail_at(0);
        ck_assert_msg(code == ERR_OK || code == ERR_MEMORY || code == ERR_LIMIT, "%ld: %s", at,
                      err.msg);
        if (code == ERR_OK)
            check_same(s, from);
        segment_close(s);
    }
    ck_assert_int_gt(at, 20);
    segment_close(from);
    arena_release(&a);
}
END_TEST

START_TEST(a_failing_disk_leaves_the_old_segment)
{
    struct arena a;
    struct err err;
    char dir[] = "/tmp/aisle-segment-XXXXXX", path[FS_PATH_MAX];
    ck_assert(mkdtemp(dir) != NULL);
    ck_ok(fs_join(path, dir, "catalogue", &err));
    arena_init(&a, 1 << 20, SIZE_MAX / 2);
    struct fake *fakes = fake_catalogue(5, 6, &a);
    enum err_code code = ERR_IO;
    for (long at = 0; code != ERR_OK || at <= 1; at++) {
        struct segment_builder *b;
        struct segment *s;
        ck_ok(segment_builder_new(fake_languages, 2, &b, &err));
        for (size_t i = 0; i < (at ? 5 : 3); i++)
            ck_ok(segment_builder_add(b, &fakes[i].product, &err));
        fault_fs_at(at, 28 /* ENOSPC */);
        code = segment_builder_finish_file(b, path, &err);
        fault_fs_at(0, 0);
        ck_assert(code == ERR_OK || code == ERR_NO_SPACE);
        segment_builder_free(b);
        ck_ok(segment_open_file(path, 0, &s, &err));
        ck_assert(s->docs == 3 || s->docs == 5);
        ck_assert(at == 0 || code != ERR_OK || s->docs == 5);
        segment_close(s);
    }
    arena_release(&a);
    ck_ok(fs_remove_tree(dir, &err));
}
END_TEST

SUITE("segment files", a_merge_is_the_segment_that_its_living_products_would_build,
      a_file_has_the_same_bytes_as_the_segment_in_memory_and_outlives_its_name,
      a_segment_cut_anywhere_is_refused, damage_with_right_checksums_is_refused_or_harmless,
      building_and_merging_report_any_failing_allocation, a_failing_disk_leaves_the_old_segment)
