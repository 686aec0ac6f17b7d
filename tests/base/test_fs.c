#include "support/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/fs.h"
#include "base/mem.h"

static char dir[64]; /* of this test's own */

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/test_fs.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
    fault_fs_at(0, 0);
    mem_fail_at(0);
    ck_assert_int_eq(fs_remove_tree(dir, NULL), ERR_OK);
}

static const char *in_dir(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static void write_plain(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static bool file_is(const char *path, const char *text)
{
    struct buf b = {.max = 1 << 20};
    bool same = fs_read_file(path, 1 << 20, &b, NULL) == ERR_OK && str_is(buf_str(&b), text);
    buf_release(&b);
    return same;
}

static size_t entries(const char *path)
{
    struct arena a;
    struct str *names;
    size_t n;
    arena_init(&a, 0, 1 << 20);
    ck_assert_int_eq(fs_list_dir(path, 1000, &a, &names, &n, NULL), ERR_OK);
    arena_release(&a);
    return n;
}

START_TEST(a_read_stops_at_its_cap_and_leaves_the_buffer_alone)
{
    struct err err;
    struct buf b = {.max = 100};
    setup();
    write_plain(in_dir("f"), "0123456789");
    ck_ok(fs_read_file(in_dir("f"), 10, &b, &err));
    ck_assert(str_is(buf_str(&b), "0123456789"));
    ck_err(fs_read_file(in_dir("f"), 9, &b, &err), ERR_LIMIT);
    ck_assert(str_is(buf_str(&b), "0123456789"));
    ck_assert(!b.full);
    ck_err(fs_read_file(in_dir("none"), 9, &b, &err), ERR_NOT_FOUND);
    ck_err(fs_read_file(dir, 9, &b, &err), ERR_IO);
    buf_release(&b);
    teardown();
}
END_TEST

/* The writer against a plain array as oracle: puts, pads and patches of all sizes. */
START_TEST(a_writer_puts_pads_and_patches_like_an_array)
{
    struct err err;
    struct fs_writer w;
    enum { MAX = 4 * FS_WRITER_BLOCK };
    static char want[MAX];
    size_t n = 0;
    setup();
    ck_ok(fs_writer_open(&w, in_dir("big"), &err));
    unsigned seed = 1;
    while (n < MAX - FS_WRITER_BLOCK - 4096) {
        seed = seed * 1103515245 + 12345;
        size_t part = seed >> 8 & ((seed & 7) == 0 ? 0x3ffff : 0x3fff);
        memset(want + n, (int)(seed >> 3 & 0xff), part);
        fs_writer_put(&w, want + n, part);
        n += part;
        size_t align = (size_t)1 << (seed >> 4 & 12);
        while (n % align)
            want[n++] = 0;
        fs_writer_pad(&w, align);
        ck_assert_uint_eq(fs_writer_size(&w), n);
        size_t at = (seed >> 2) % (n + 1), len = n - at < 5000 ? n - at : 5000;
        memset(want + at, (int)(seed & 0xff), len);
        fs_writer_patch(&w, at, want + at, len);
        if (w.at >= 100 && n - w.at >= 100) { /* across what is written and what is not */
            at = (size_t)w.at - 100;
            memset(want + at, (int)(seed >> 4 & 0xff), 200);
            fs_writer_patch(&w, at, want + at, 200);
        }
    }
    ck_ok(fs_writer_ok(&w, &err));
    ck_ok(fs_writer_commit(&w, &err));
    struct fs_map m;
    ck_ok(fs_map_open(&m, in_dir("big"), FS_SEQUENTIAL, &err));
    ck_assert_uint_eq(m.bytes, n);
    ck_assert(memcmp(m.data, want, n) == 0);
    fs_map_advise(&m, 5000, SIZE_MAX, FS_WILLNEED);
    fs_map_close(&m);
    ck_assert_uint_eq(entries(dir), 1);
    teardown();
}
END_TEST

START_TEST(an_aborted_writer_leaves_the_old_file_and_nothing_else)
{
    struct err err;
    struct fs_writer w = {0};
    setup();
    fs_writer_abort(&w);
    write_plain(in_dir("f"), "old");
    ck_ok(fs_writer_open(&w, in_dir("f"), &err));
    fs_writer_put(&w, "new", 3);
    fs_writer_abort(&w);
    fs_writer_abort(&w);
    ck_assert(file_is(in_dir("f"), "old"));
    ck_assert_uint_eq(entries(dir), 1);
    teardown();
}
END_TEST

START_TEST(each_failing_call_of_an_atomic_write_leaves_old_or_new)
{
    struct err err;
    setup();
    for (int e = 0; e < 2; e++) {
        long at = 1;
        for (enum err_code code = ERR_IO; code != ERR_OK; at++) {
            ck_assert(at < 20);
            write_plain(in_dir("f"), "old");
            fault_fs_at(at, e ? ENOSPC : EIO);
            code = fs_write_file_atomic(in_dir("f"), "new", 3, &err);
            if (code == ERR_OK)
                ck_assert(file_is(in_dir("f"), "new"));
            else
                ck_assert_int_eq(code, e ? ERR_NO_SPACE : ERR_IO);
            ck_assert(file_is(in_dir("f"), "old") || file_is(in_dir("f"), "new"));
            ck_assert_uint_eq(entries(dir), 1);
        }
        ck_assert_int_eq(fault_fs_calls(), 5); /* open, write, fsync, rename, fsync of the folder */
    }
    teardown();
}
END_TEST

START_TEST(a_process_killed_at_any_call_leaves_old_or_new_and_sweep_cleans_up)
{
    struct err err;
    setup();
    bool finished = false;
    for (int at = 1; !finished; at++) {
        write_plain(in_dir("f"), "old");
        pid_t pid = fork();
        if (pid == 0) {
            fault_fs_at(at, -1);
            _exit(fs_write_file_atomic(in_dir("f"), "new", 3, NULL) == ERR_OK ? 0 : 1);
        }
        int status;
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        finished = WIFEXITED(status);
        ck_assert(finished ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
        ck_assert(file_is(in_dir("f"), "old") || file_is(in_dir("f"), "new"));
        ck_ok(fs_sweep(dir, &err));
        ck_assert_uint_eq(entries(dir), 1);
    }
    ck_assert(file_is(in_dir("f"), "new"));
    teardown();
}
END_TEST

START_TEST(a_failed_put_sticks_until_the_commit)
{
    struct err err;
    struct fs_writer w;
    static char block[FS_WRITER_BLOCK];
    setup();
    ck_ok(fs_writer_open(&w, in_dir("f"), &err));
    fault_fs_at(1, ENOSPC);
    fs_writer_put(&w, block, sizeof block);
    ck_err(fs_writer_ok(&w, &err), ERR_NO_SPACE);
    fs_writer_put(&w, block, sizeof block);
    fs_writer_patch(&w, 0, block, 10);
    err.msg[0] = '\0';
    ck_err(fs_writer_commit(&w, &err), ERR_NO_SPACE);
    ck_assert_ptr_nonnull(strstr(err.msg, in_dir("f")));
    ck_assert_uint_eq(entries(dir), 0);
    teardown();
}
END_TEST

START_TEST(a_read_only_folder_is_a_clear_refusal)
{
    struct err err;
    setup();
    if (geteuid() != 0) {
        chmod(dir, 0555);
        ck_err(fs_write_file_atomic(in_dir("f"), "x", 1, &err), ERR_DENIED);
        chmod(dir, 0755);
    }
    fault_fs_at(1, EROFS);
    ck_err(fs_write_file_atomic(in_dir("f"), "x", 1, &err), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(err.msg, in_dir("f")));
    teardown();
}
END_TEST

START_TEST(memory_that_is_out_is_reported_and_nothing_leaks)
{
    struct err err;
    struct arena a;
    struct str *names;
    size_t n;
    setup();
    write_plain(in_dir("f"), "text");
    for (long at = 1; at <= 3; at++) {
        struct buf b = {.max = 1000};
        mem_fail_at(at);
        enum err_code code = fs_read_file(in_dir("f"), 1000, &b, &err);
        ck_assert(code == (at == 1 ? ERR_MEMORY : ERR_OK));
        buf_release(&b);
        mem_fail_at(at);
        code = fs_write_file_atomic(in_dir("g"), "x", 1, &err);
        ck_assert(code == (at == 1 ? ERR_MEMORY : ERR_OK));
        arena_init(&a, 16, 1 << 20);
        mem_fail_at(at);
        ck_err(fs_list_dir(dir, 10, &a, &names, &n, &err), ERR_MEMORY);
        mem_fail_at(0);
        arena_release(&a);
    }
    teardown();
}
END_TEST

START_TEST(folders_are_made_with_their_parents_and_a_file_in_the_way_is_told)
{
    struct err err;
    setup();
    ck_ok(fs_mkdirs(in_dir("a/b/c//"), &err));
    ck_ok(fs_mkdirs(in_dir("a/b/c"), &err));
    struct fs_info info;
    ck_ok(fs_stat(in_dir("a/b/c"), &info, &err));
    ck_assert(info.exists && info.is_dir);
    write_plain(in_dir("a/f"), "");
    ck_err(fs_mkdirs(in_dir("a/f/g"), &err), ERR_IO);
    ck_ok(fs_stat(in_dir("a/f/g"), &info, &err));
    ck_assert(!info.exists);
    ck_err(fs_mkdirs("", &err), ERR_INVALID);
    ck_ok(fs_rename(in_dir("a/b"), in_dir("moved"), &err));
    ck_ok(fs_stat(in_dir("moved/c"), &info, &err));
    ck_assert(info.is_dir);
    teardown();
}
END_TEST

START_TEST(removing_a_tree_never_follows_a_symlink)
{
    struct err err;
    setup();
    ck_ok(fs_mkdirs(in_dir("keep"), &err));
    write_plain(in_dir("keep/f"), "kept");
    ck_ok(fs_mkdirs(in_dir("tree/deep"), &err));
    write_plain(in_dir("tree/deep/f"), "x");
    ck_assert_int_eq(symlink(in_dir("keep"), in_dir("tree/deep/link")), 0);
    ck_assert_int_eq(symlink(in_dir("keep"), in_dir("link")), 0);
    ck_ok(fs_remove_tree(in_dir("tree"), &err));
    ck_ok(fs_remove_tree(in_dir("link"), &err));
    ck_ok(fs_remove_tree(in_dir("never-was"), &err));
    ck_assert(file_is(in_dir("keep/f"), "kept"));
    ck_assert_uint_eq(entries(dir), 1);
    teardown();
}
END_TEST

START_TEST(a_listing_is_sorted_and_capped)
{
    struct err err;
    struct arena a;
    struct str *names;
    size_t n;
    setup();
    for (int i = 99; i >= 0; i--) {
        char name[16];
        snprintf(name, sizeof name, "f%02d", i);
        write_plain(in_dir(name), "");
    }
    arena_init(&a, 0, 1 << 20);
    ck_ok(fs_list_dir(dir, 100, &a, &names, &n, &err));
    ck_assert_uint_eq(n, 100);
    for (size_t i = 1; i < n; i++)
        ck_assert_int_lt(str_cmp(names[i - 1], names[i]), 0);
    ck_err(fs_list_dir(dir, 99, &a, &names, &n, &err), ERR_LIMIT);
    ck_err(fs_list_dir(in_dir("none"), 99, &a, &names, &n, &err), ERR_NOT_FOUND);
    arena_release(&a);
    teardown();
}
END_TEST

START_TEST(a_second_process_is_told_who_holds_the_lock)
{
    struct err err;
    struct fs_lock l, other;
    int to_child[2];
    setup();
    ck_assert_int_eq(pipe(to_child), 0);
    ck_ok(fs_lock_file(&l, in_dir("lock"), &err));
    pid_t pid = fork();
    if (pid == 0) {
        char pid_text[32];
        close(l.fd); /* fork shares it; another program would not have it */
        snprintf(pid_text, sizeof pid_text, "process %ld", (long)getppid());
        _exit(fs_lock_file(&other, in_dir("lock"), &err) == ERR_CONFLICT &&
                      strstr(err.msg, pid_text)
                  ? 0
                  : 1);
    }
    int status;
    waitpid(pid, &status, 0);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_err(fs_lock_file(&other, in_dir("lock"), &err), ERR_CONFLICT);
    fs_unlock(&other);
    fs_unlock(&l);
    ck_ok(fs_lock_file(&other, in_dir("lock"), &err));
    fs_unlock(&other);
    close(to_child[0]);
    close(to_child[1]);
    teardown();
}
END_TEST

START_TEST(what_cannot_be_mapped_is_refused_and_an_empty_file_is_empty)
{
    struct err err;
    struct fs_map m;
    setup();
    write_plain(in_dir("empty"), "");
    ck_ok(fs_map_open(&m, in_dir("empty"), FS_NORMAL, &err));
    ck_assert_uint_eq(m.bytes, 0);
    ck_assert_ptr_nonnull(m.data);
    fs_map_advise(&m, 0, 10, FS_RANDOM);
    fs_map_close(&m);
    fs_map_close(&m);
    ck_err(fs_map_open(&m, dir, FS_NORMAL, &err), ERR_INVALID);
    ck_assert_int_eq(mkfifo(in_dir("fifo"), 0600), 0);
    ck_err(fs_map_open(&m, in_dir("fifo"), FS_NORMAL, &err), ERR_INVALID);
    ck_err(fs_map_open(&m, in_dir("none"), FS_NORMAL, &err), ERR_NOT_FOUND);
    teardown();
}
END_TEST

START_TEST(paths_join_with_one_slash_and_never_overflow)
{
    struct err err;
    char out[FS_PATH_MAX], longest[FS_PATH_MAX];
    ck_ok(fs_join(out, "a", "b", &err));
    ck_assert_str_eq(out, "a/b");
    ck_ok(fs_join(out, "/", "b", &err));
    ck_assert_str_eq(out, "/b");
    ck_ok(fs_join(out, "", "b", &err));
    ck_assert_str_eq(out, "b");
    memset(longest, 'x', sizeof longest);
    longest[FS_PATH_MAX - 3] = '\0';
    ck_ok(fs_join(out, longest, "b", &err));
    ck_err(fs_join(out, longest, "bc", &err), ERR_LIMIT);
    uint64_t bytes;
    ck_ok(fs_free_bytes("/tmp", &bytes, &err));
}
END_TEST

SUITE("fs", a_read_stops_at_its_cap_and_leaves_the_buffer_alone,
      a_writer_puts_pads_and_patches_like_an_array,
      an_aborted_writer_leaves_the_old_file_and_nothing_else,
      each_failing_call_of_an_atomic_write_leaves_old_or_new,
      a_process_killed_at_any_call_leaves_old_or_new_and_sweep_cleans_up,
      a_failed_put_sticks_until_the_commit, a_read_only_folder_is_a_clear_refusal,
      memory_that_is_out_is_reported_and_nothing_leaks,
      folders_are_made_with_their_parents_and_a_file_in_the_way_is_told,
      removing_a_tree_never_follows_a_symlink, a_listing_is_sorted_and_capped,
      a_second_process_is_told_who_holds_the_lock,
      what_cannot_be_mapped_is_refused_and_an_empty_file_is_empty,
      paths_join_with_one_slash_and_never_overflow)
