#include "store/fixture.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "store/backup.h"
#include "store/blobs.h"

static void path_in(const char *dir, const char *suffix, char out[128])
{
    snprintf(out, 128, "%s%s", dir, suffix);
}

static void shop_with_things(struct shop *s)
{
    struct err err;
    char path[128];
    shop_init(s);
    put_product(tx_begin(s), "a");
    tx_commit(s);
    ck_ok(blob_put(s->store, STR_LIT("pictures/a.jpg"), STR_LIT("bytes of a picture"), &err));
    path_in(s->dir, "/models/rank/1", path);
    ck_ok(fs_mkdirs(path, &err));
    path_in(s->dir, "/models/rank/1/model.bin", path);
    ck_ok(fs_write_file_atomic(path, "model", 5, &err));
    path_in(s->dir, "/models/rank/1/empty", path);
    ck_ok(fs_write_file_atomic(path, "", 0, &err));
}

static bool note_progress(void *arg, int64_t done, int64_t total)
{
    ck_assert(done >= 0 && done <= total);
    ++*(int *)arg;
    return true;
}

static bool stop(void *arg, int64_t done, int64_t total)
{
    (void)arg, (void)done, (void)total;
    return false;
}

START_TEST(what_is_restored_is_what_was_there_when_the_backup_was_made)
{
    struct shop s, back = {0};
    struct err err;
    struct backup_summary made, verified, restored;
    struct buf out;
    char backup[128], target[128], path[128];
    int calls = 0;
    uint32_t no;
    shop_with_things(&s);
    path_in(s.dir, "-backup", backup);
    path_in(s.dir, "-target", target);
    ck_ok(backup_make(s.store, backup, note_progress, &calls, &made, &err));
    ck_assert_int_gt(calls, 0);
    ck_assert_int_eq(made.files, 4);
    put_product(tx_begin(&s), "later");
    tx_commit(&s);
    ck_ok(backup_verify(backup, &verified, &err));
    ck_assert(verified.files == made.files && verified.bytes == made.bytes);
    ck_assert_int_eq(verified.schema_version, store_schema_version());
    ck_ok(backup_restore(backup, target, &restored, &err));
    ck_ok(
        store_open(&(struct store_options){.dir = target, .must_exist = true}, &back.store, &err));
    ck_ok(product_no_of(read_begin(&back), STR_LIT("a"), &no, &err));
    ck_assert_uint_ne(no, 0);
    ck_ok(product_no_of(back.db, STR_LIT("later"), &no, &err));
    ck_assert_uint_eq(no, 0);
    read_end(&back);
    buf_init(&out, 100);
    ck_ok(blob_get(back.store, STR_LIT("pictures/a.jpg"), &out, &err));
    ck_text(buf_str(&out), "bytes of a picture");
    buf_reset(&out);
    path_in(target, "/models/rank/1/model.bin", path);
    ck_ok(fs_read_file(path, 100, &out, &err));
    ck_text(buf_str(&out), "model");
    buf_release(&out);
    store_close(back.store);
    ck_ok(fs_remove_tree(backup, &err));
    ck_ok(fs_remove_tree(target, &err));
    shop_release(&s);
}
END_TEST

START_TEST(a_folder_that_holds_something_is_left_alone)
{
    struct shop s;
    struct err err;
    char backup[128];
    shop_with_things(&s);
    path_in(s.dir, "-backup", backup);
    ck_err(backup_make(s.store, s.dir, NULL, NULL, NULL, &err), ERR_CONFLICT);
    ck_ok(backup_make(s.store, backup, NULL, NULL, NULL, &err));
    ck_err(backup_make(s.store, backup, NULL, NULL, NULL, &err), ERR_CONFLICT);
    ck_err(backup_restore(backup, s.dir, NULL, &err), ERR_CONFLICT);
    ck_err(backup_verify(s.dir, NULL, &err), ERR_NOT_FOUND);
    ck_ok(fs_remove_tree(backup, &err));
    shop_release(&s);
}
END_TEST

START_TEST(a_stopped_backup_is_no_backup)
{
    struct shop s;
    struct err err;
    char backup[128];
    shop_with_things(&s);
    path_in(s.dir, "-backup", backup);
    ck_err(backup_make(s.store, backup, stop, NULL, NULL, &err), ERR_CANCELLED);
    ck_err(backup_verify(backup, NULL, &err), ERR_NOT_FOUND);
    ck_ok(fs_remove_tree(backup, &err));
    shop_release(&s);
}
END_TEST

/* Each file in its turn loses a byte, gains one, is altered and is removed. */
START_TEST(any_damage_is_found_and_named_and_nothing_is_restored_from_it)
{
    static const char *const files[] = {"/aisle.db", "/blobs/pictures/a.jpg",
                                        "/models/rank/1/model.bin"};
    struct shop s;
    struct err err;
    struct buf good;
    struct fs_info info;
    char backup[128], target[128], path[128];
    shop_with_things(&s);
    path_in(s.dir, "-backup", backup);
    path_in(s.dir, "-target", target);
    ck_ok(backup_make(s.store, backup, NULL, NULL, NULL, &err));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        buf_init(&good, 64 << 20);
        path_in(backup, files[i], path);
        ck_ok(fs_read_file(path, good.max, &good, &err));
        for (int damage = 0; damage < 4; damage++) {
            size_t n = damage == 0 ? good.len - 1 : good.len + (damage == 1);
            good.data[good.len / 2] ^= (char)(damage == 2);
            ck_ok(fs_write_file_atomic(path, good.data, n, &err)); /* data ends with a NUL */
            good.data[good.len / 2] ^= (char)(damage == 2);
            if (damage == 3)
                ck_ok(fs_remove_file(path, &err));
            ck_err(backup_verify(backup, NULL, &err), ERR_CORRUPT);
            ck_assert_ptr_nonnull(strstr(err.msg, files[i] + 1));
            ck_err(backup_restore(backup, target, NULL, &err), ERR_CORRUPT);
            ck_ok(fs_stat(target, &info, &err));
            ck_assert(!info.exists);
        }
        ck_ok(fs_write_file_atomic(path, good.data, good.len, &err));
        buf_release(&good);
        ck_ok(backup_verify(backup, NULL, &err));
    }
    ck_ok(fs_remove_tree(backup, &err));
    shop_release(&s);
}
END_TEST

START_TEST(a_hostile_manifest_is_refused)
{
    static const struct {
        const char *text;
        enum err_code code;
    } cases[] = {
        {"", ERR_CORRUPT},
        {"{", ERR_CORRUPT},
        {"{\"format\":2,\"files\":[]}", ERR_UNSUPPORTED},
        {"{\"format\":1,\"files\":[]}", ERR_CORRUPT},
        {"{\"format\":1,\"files\":[{\"path\":\"../../etc/passwd\",\"bytes\":1,\"xxh3\":\"0\"}]}",
         ERR_CORRUPT},
        {"{\"format\":1,\"files\":[{\"path\":\"/etc/passwd\",\"bytes\":1,\"xxh3\":\"0\"}]}",
         ERR_CORRUPT},
        {"{\"format\":1,\"files\":[{\"path\":\"a/./b\",\"bytes\":1,\"xxh3\":\"0\"}]}", ERR_CORRUPT},
        {"{\"format\":1,\"files\":[{\"bytes\":-1}]}", ERR_CORRUPT},
        {"{\"format\":1,\"files\":[1]}", ERR_CORRUPT},
    };
    struct err err;
    char dir[] = "/tmp/aisle-store-XXXXXX", path[128];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    path_in(dir, "/manifest.json", path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_ok(fs_write_file_atomic(path, cases[i].text, strlen(cases[i].text), &err));
        ck_err(backup_verify(dir, NULL, &err), cases[i].code);
    }
    ck_ok(fs_remove_tree(dir, &err));
}
END_TEST

SUITE("backup", what_is_restored_is_what_was_there_when_the_backup_was_made,
      a_folder_that_holds_something_is_left_alone, a_stopped_backup_is_no_backup,
      any_damage_is_found_and_named_and_nothing_is_restored_from_it, a_hostile_manifest_is_refused)
