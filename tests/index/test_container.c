#include "support/suite.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"
#include "index/container.h"
#include "index/damage.h"

static const uint32_t numbers[] = {1, 2, 3, 5, 8};
static const char words[] = "every offset is checked once";

static struct container_writer *sample(void)
{
    struct container_writer *w = container_writer_new("sample", 3);
    container_writer_add(w, "numbers", sizeof *numbers, numbers, 5);
    container_writer_add(w, "nothing", 8, NULL, 0);
    container_writer_add(w, "words", 1, words, sizeof words - 1);
    return w;
}

static void *sample_image(size_t *bytes)
{
    struct err err;
    void *image;
    struct container_writer *w = sample();
    ck_ok(container_write_memory(w, &image, bytes, &err));
    container_writer_free(w);
    return image;
}

/* A scratch folder, removed by drop_folder. */
static char *make_folder(void)
{
    char *dir = strdup("/tmp/aisle-container-XXXXXX");
    ck_assert(mkdtemp(dir) != NULL);
    return dir;
}

static void drop_folder(char *dir)
{
    struct err err;
    ck_ok(fs_remove_tree(dir, &err));
    free(dir);
}

static void check_sample(const struct container *c)
{
    struct err err;
    const void *data;
    size_t count;
    ck_ok(container_expect(c, "sample", 3, &err));
    ck_ok(container_section(c, "numbers", 4, &data, &count, &err));
    ck_assert_uint_eq(count, 5);
    ck_assert_uint_eq((uintptr_t)data % CONTAINER_ALIGN, 0);
    ck_assert_mem_eq(data, numbers, sizeof numbers);
    ck_ok(container_section(c, "nothing", 8, &data, &count, &err));
    ck_assert(data != NULL && count == 0);
    ck_ok(container_section_of(c, "words", 1, &data, sizeof words - 1, &err));
    ck_assert_mem_eq(data, words, sizeof words - 1);
}

START_TEST(what_was_added_is_found_again_in_memory_and_in_a_file)
{
    struct err err;
    struct container *c;
    char path[FS_PATH_MAX];
    char *dir = make_folder();
    size_t bytes;
    void *image = sample_image(&bytes);
    ck_ok(container_open_memory(image, bytes, CONTAINER_CHECKSUMS, &c, &err));
    check_sample(c);
    container_close(c);
    ck_ok(fs_join(path, dir, "sample", &err));
    struct container_writer *w = sample();
    ck_ok(container_write_file(w, path, &err));
    container_writer_free(w);
    ck_ok(container_open_file(path, CONTAINER_CHECKSUMS, &c, &err));
    ck_assert_int_eq(unlink(path), 0); /* a removed file stays readable */
    container_warm(c);
    check_sample(c);
    ck_assert_uint_eq(container_bytes(c), bytes);
    size_t len;
    ck_assert_str_eq(container_entries(c, &len)[2].name, "words");
    ck_assert_uint_eq(len, 3);
    ck_assert_str_eq(container_kind(c), "sample");
    ck_assert_uint_eq(container_kind_version(c), 3);
    container_close(c);
    mem_free(image);
    drop_folder(dir);
}
END_TEST

START_TEST(the_wrong_question_gets_an_error_that_says_so)
{
    struct err err;
    struct container *c;
    const void *data;
    size_t count, bytes;
    void *image = sample_image(&bytes);
    ck_ok(container_open_memory(image, bytes, 0, &c, &err));
    ck_err(container_expect(c, "segment", 3, &err), ERR_CORRUPT);
    ck_err(container_expect(c, "sample", 4, &err), ERR_UNSUPPORTED);
    ck_err(container_section(c, "number", 4, &data, &count, &err), ERR_NOT_FOUND);
    ck_err(container_section(c, "numbers", 8, &data, &count, &err), ERR_CORRUPT);
    ck_err(container_section_of(c, "numbers", 4, &data, 4, &err), ERR_CORRUPT);
    ck_assert_str_eq(err.msg, "section \"numbers\" has 5 elements, not 4");
    container_close(c);
    mem_free(image);
    ck_err(container_open_file("/nonexistent/file", 0, &c, &err), ERR_NOT_FOUND);
}
END_TEST

START_TEST(an_image_cut_anywhere_is_refused)
{
    struct err err;
    size_t bytes;
    void *image = sample_image(&bytes);
    for (size_t n = 0; n < bytes; n++) {
        struct container *c;
        /* An exact copy, so that reading behind its end is caught. */
        char *cut = mem_try_aligned(1, n + 1, CONTAINER_ALIGN);
        memcpy(cut, image, n);
        ck_err(container_open_memory(cut, n, 0, &c, &err), ERR_CORRUPT);
        mem_free(cut);
    }
    mem_free(image);
}
END_TEST

START_TEST(any_flipped_bit_is_noticed)
{
    struct err err;
    size_t bytes;
    unsigned char *image = sample_image(&bytes);
    for (size_t i = 0; i < bytes * 8; i++) {
        struct container *c;
        image[i / 8] ^= (unsigned char)(1 << i % 8);
        enum err_code code = container_open_memory(image, bytes, CONTAINER_CHECKSUMS, &c, &err);
        ck_assert_msg(code == ERR_CORRUPT || code == ERR_UNSUPPORTED, "bit %zu: %s", i,
                      err_code_name(code));
        image[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    mem_free(image);
}
END_TEST

/* Where the fields of docs/file-format.md are. */
enum { HEADER = 64, ENTRY = 64, KIND = 16 };
enum { ELEM_BYTES = 24, COUNT = 32, OFFSET = 40, BYTES = 48 };

START_TEST(a_table_that_lies_is_refused_even_with_right_checksums)
{
    static const struct {
        size_t at;
        uint64_t value;
        size_t bytes;
    } lies[] = {
        {HEADER + OFFSET, 0, 8},
        {HEADER + OFFSET, UINT64_MAX - 63, 8},
        {HEADER + OFFSET, 320, 8},
        {HEADER + COUNT, UINT64_MAX / 4 + 6, 8},
        {HEADER + COUNT, 6, 8},
        {HEADER + BYTES, UINT64_MAX, 8},
        {HEADER + ELEM_BYTES, 0, 4},
        {HEADER + ELEM_BYTES + 4, 1, 4},
        {HEADER + ENTRY + OFFSET, 256, 8},
        {HEADER + 2 * ENTRY, 0x00737265626d756eu, 8}, /* takes a name that is taken */
        {HEADER, '/', 1},
        {HEADER, 0, 1},
        {KIND, ' ', 1},
        {DAMAGE_SECTIONS, 2, 4},
        {DAMAGE_SECTIONS, 4, 4},
        {DAMAGE_SECTIONS, UINT32_MAX, 4},
        {8, 2, 4},
    };
    struct err err;
    size_t bytes;
    unsigned char *image = sample_image(&bytes);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct container *c;
        unsigned char *copy = mem_try_aligned(1, bytes, CONTAINER_ALIGN);
        memcpy(copy, image, bytes);
        memcpy(copy + lies[i].at, &lies[i].value, lies[i].bytes);
        damage_seal(copy, bytes);
        enum err_code code = container_open_memory(copy, bytes, 0, &c, &err);
        ck_assert_msg(code == ERR_CORRUPT || code == ERR_UNSUPPORTED, "lie %zu: %s", i,
                      err_code_name(code));
        mem_free(copy);
    }
    mem_free(image);
}
END_TEST

START_TEST(a_write_that_fails_leaves_the_old_file)
{
    struct err err;
    struct container *c;
    char path[FS_PATH_MAX];
    char *dir = make_folder();
    ck_ok(fs_join(path, dir, "sample", &err));
    struct container_writer *old = sample(), *next = container_writer_new("sample", 4);
    container_writer_add(next, "words", 1, words, 5);
    ck_ok(container_write_file(old, path, &err));
    enum err_code code = ERR_IO;
    for (long at = 1; code != ERR_OK; at++) {
        fault_fs_at(at, 5);
        code = container_write_file(next, path, &err);
        fault_fs_at(0, 0);
        ck_assert_int_lt(at, 100);
        ck_ok(container_open_file(path, CONTAINER_CHECKSUMS, &c, &err));
        /* A failing fsync of the folder comes when the new file is there, whole. */
        ck_assert(code == ERR_OK || container_kind_version(c) == 3 ||
                  container_expect(c, "sample", 4, &err) == ERR_OK);
        container_close(c);
    }
    ck_ok(container_open_file(path, 0, &c, &err));
    ck_assert_uint_eq(container_kind_version(c), 4);
    container_close(c);
    container_writer_free(old);
    container_writer_free(next);
    drop_folder(dir);
}
END_TEST

SUITE("container", what_was_added_is_found_again_in_memory_and_in_a_file,
      the_wrong_question_gets_an_error_that_says_so, an_image_cut_anywhere_is_refused,
      any_flipped_bit_is_noticed, a_table_that_lies_is_refused_even_with_right_checksums,
      a_write_that_fails_leaves_the_old_file)
