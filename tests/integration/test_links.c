/* SPDX-License-Identifier: MIT */
/*
 * Hard and symbolic links: their texts, their loops, and how they cross from one mount of the
 * namespace to another.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

START_TEST(test_hard_links_are_one_file) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/a", "one");
        assert_ok(ax_link(ax, "/tmp/a", "/tmp/b"));
        ck_assert_uint_eq(stat_ok(ax, "/tmp/a").ino, stat_ok(ax, "/tmp/b").ino);
        ck_assert_uint_eq(stat_ok(ax, "/tmp/b").nlink, 2);
        put_text(ax, "/tmp/b", "two");
        assert_text(ax, "/tmp/a", "two");
        assert_ok(ax_unlink(ax, "/tmp/a"));
        assert_text(ax, "/tmp/b", "two");
        ck_assert_uint_eq(stat_ok(ax, "/tmp/b").nlink, 1);
}
END_TEST

START_TEST(test_hard_link_errors) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/a", "");
        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_error(ax_link(ax, "/tmp/a", "/tmp/a"), AX_EEXIST);
        assert_error(ax_link(ax, "/tmp/a", "/tmp/d"), AX_EEXIST);
        assert_error(ax_link(ax, "/tmp/missing", "/tmp/b"), AX_ENOENT);
        assert_error(ax_link(ax, "/tmp/a", "/tmp/missing/b"), AX_ENOENT);
        assert_error(ax_link(ax, "/tmp/a", "/tmp/a/b"), AX_ENOTDIR);
        assert_error(ax_link(ax, "/tmp/d", "/tmp/e"), AX_EPERM);
        assert_error(ax_link(ax, "/tmp/a", "/home/user/b"), AX_EXDEV);
        assert_error(ax_link(ax, "/dev/null", "/tmp/b"), AX_EXDEV);
}
END_TEST

START_TEST(test_hard_links_do_not_follow_symlinks) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        put_text(ax, "/tmp/file", "");
        assert_ok(ax_symlink(ax, "file", "/tmp/link"));
        assert_ok(ax_link(ax, "/tmp/link", "/tmp/second"));
        assert_ok(ax_lstat(ax, "/tmp/second", &stat));
        ck_assert(S_ISLNK(stat.mode));
        ck_assert_uint_eq(stat.nlink, 2);
}
END_TEST

START_TEST(test_symlinks_keep_their_text) {
        static const char *const texts[] = { "x", "/", "../..", "/missing/very/far", "./a//b/", " ", "\303\244" };
        _connected_ ax_client *ax = fixture_connect();
        char buf[64];

        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct ax_stat stat;

                assert_ok(ax_symlink(ax, texts[i], "/tmp/link"));
                assert_result(ax_readlink(ax, "/tmp/link", buf, sizeof(buf)), (int64_t) strlen(texts[i]));
                ck_assert_mem_eq(buf, texts[i], strlen(texts[i]));
                assert_ok(ax_lstat(ax, "/tmp/link", &stat));
                ck_assert(S_ISLNK(stat.mode));
                ck_assert_uint_eq(stat.size, strlen(texts[i]));
                assert_ok(ax_unlink(ax, "/tmp/link"));
        }
}
END_TEST

START_TEST(test_readlink_cuts_and_refuses) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[8] = "zzzzzzz";

        assert_ok(ax_symlink(ax, "abcdef", "/tmp/link"));
        assert_result(ax_readlink(ax, "/tmp/link", buf, 3), 3);
        ck_assert_str_eq(buf, "abczzzz");
        assert_error(ax_readlink(ax, "/tmp", buf, sizeof(buf)), AX_EINVAL);
        assert_error(ax_readlink(ax, "/dev/null", buf, sizeof(buf)), AX_EINVAL);
        assert_error(ax_readlink(ax, "/tmp/missing", buf, sizeof(buf)), AX_ENOENT);
        assert_error(ax_readlink(ax, "/tmp/link", buf, 0), AX_EINVAL);
        assert_error(ax_symlink(ax, "x", "/tmp/link"), AX_EEXIST);
}
END_TEST

START_TEST(test_relative_and_absolute_symlinks_lead_somewhere) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        put_text(ax, "/tmp/d/f", "found");
        assert_ok(ax_symlink(ax, "d/f", "/tmp/relative"));
        assert_ok(ax_symlink(ax, "/tmp/d/f", "/tmp/absolute"));
        assert_ok(ax_symlink(ax, "../d/f", "/tmp/d/up"));
        assert_ok(ax_symlink(ax, "d", "/tmp/dir"));
        assert_ok(ax_symlink(ax, "relative", "/tmp/twice"));
        assert_text(ax, "/tmp/relative", "found");
        assert_text(ax, "/tmp/absolute", "found");
        assert_text(ax, "/tmp/d/up", "found");
        assert_text(ax, "/tmp/dir/f", "found");
        assert_text(ax, "/tmp/dir/up", "found");
        assert_text(ax, "/tmp/twice", "found");
        assert_text(ax, "/tmp/dir/../d/f", "found");
}
END_TEST

START_TEST(test_symlinks_cross_mounts) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;
        char buf[4] = "xxx";

        put_text(ax, "/tmp/f", "in tmp");
        assert_ok(ax_symlink(ax, "/dev/zero", "/home/user/zero"));
        assert_ok(ax_symlink(ax, "../../dev/zero", "/home/user/relative-zero"));
        assert_ok(ax_symlink(ax, "/tmp", "/home/user/tmp"));
        assert_ok(ax_symlink(ax, "/home/user/tmp/f", "/tmp/round"));
        assert_ok(ax_symlink(ax, "/proc/self/status", "/home/user/status"));
        assert_result(ax_read(ax, open_ok(ax, "/home/user/zero", AX_READ), buf, 2), 2);
        ck_assert_mem_eq(buf, "\0\0x", 3);
        assert_result(ax_read(ax, open_ok(ax, "/home/user/relative-zero", AX_READ), buf, 3), 3);
        assert_text(ax, "/home/user/tmp/f", "in tmp");
        assert_text(ax, "/tmp/round", "in tmp");
        put_text(ax, "/home/user/tmp/new", "made through the link");
        assert_text(ax, "/tmp/new", "made through the link");
        assert_ok(ax_stat(ax, "/home/user/status", &stat));
        assert_ok(ax_stat(ax, "/home/user/tmp/../dev/null", &stat));
        ck_assert(S_ISCHR(stat.mode));
}
END_TEST

START_TEST(test_writes_through_a_link_to_a_device) {
        _connected_ ax_client *ax = fixture_connect();
        int fd;

        assert_ok(ax_symlink(ax, "/dev/null", "/home/user/null"));
        fd = open_ok(ax, "/home/user/null", AX_WRITE);
        assert_result(ax_write(ax, fd, "swallowed", 9), 9);
        ck_assert_uint_eq(stat_ok(ax, "/home/user/null").ino, stat_ok(ax, "/dev/null").ino);
}
END_TEST

START_TEST(test_loops_end) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;
        char **names;

        assert_ok(ax_symlink(ax, "self", "/tmp/self"));
        assert_ok(ax_symlink(ax, "/tmp/b", "/tmp/a"));
        assert_ok(ax_symlink(ax, "/tmp/a", "/tmp/b"));
        assert_ok(ax_symlink(ax, "/tmp/far", "/home/user/far"));
        assert_ok(ax_symlink(ax, "/home/user/far", "/tmp/far"));
        assert_error(ax_stat(ax, "/tmp/self", &stat), AX_ELOOP);
        assert_error(ax_open(ax, "/tmp/a", AX_READ), AX_ELOOP);
        assert_error(ax_open(ax, "/tmp/a", AX_WRITE), AX_ELOOP);
        assert_error(ax_open(ax, "/tmp/far", AX_READ), AX_ELOOP);
        assert_error(ax_open(ax, "/tmp/far/below", AX_READ), AX_ELOOP);
        assert_error(ax_mkdir(ax, "/tmp/self/d"), AX_ELOOP);
        assert_error(ax_chdir(ax, "/tmp/self"), AX_ELOOP);
        assert_error(ax_readdir(ax, "/tmp/self", &names), AX_ELOOP);
        assert_ok(ax_lstat(ax, "/tmp/self", &stat));
        assert_ok(ax_unlink(ax, "/tmp/self"));
}
END_TEST

/* Links from one mount to the other at every step, so that none is left to the host alone. */
static void make_chain(ax_client *ax, int length) {
        char path[64], target[64];

        put_text(ax, "/tmp/chain0", "end of the chain");
        for (int i = 1; i <= length; i++) {
                snprintf(path, sizeof(path), "%s/chain%d", i % 2 ? "/home/user" : "/tmp", i);
                snprintf(target, sizeof(target), "%s/chain%d", i % 2 ? "/tmp" : "/home/user", i - 1);
                assert_ok(ax_symlink(ax, target, path));
        }
}

START_TEST(test_chains_of_forty_links) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        make_chain(ax, 45);
        assert_text(ax, "/tmp/chain40", "end of the chain");
        assert_error(ax_stat(ax, "/home/user/chain41", &stat), AX_ELOOP);
        assert_error(ax_open(ax, "/home/user/chain45", AX_READ), AX_ELOOP);
}
END_TEST

START_TEST(test_chains_within_one_mount) {
        _connected_ ax_client *ax = fixture_connect();
        char path[64], target[64];
        struct ax_stat stat;

        put_text(ax, "/tmp/l0", "end");
        for (int i = 1; i <= 41; i++) {
                snprintf(path, sizeof(path), "/tmp/l%d", i);
                snprintf(target, sizeof(target), "l%d", i - 1);
                assert_ok(ax_symlink(ax, target, path));
        }
        assert_text(ax, "/tmp/l40", "end");
        assert_error(ax_stat(ax, "/tmp/l41", &stat), AX_ELOOP);
}
END_TEST

/* 60 components, each a link to the next directory: the budget is of the whole walk. */
START_TEST(test_too_many_links_in_one_path) {
        _connected_ ax_client *ax = fixture_connect();
        char path[512] = "/tmp/d";
        size_t size = strlen(path);
        struct ax_stat stat;

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_ok(ax_symlink(ax, ".", "/tmp/d/l"));
        for (size_t i = 0; i < 60; i++)
                snprintf(path + size + 2 * i, sizeof(path) - size - 2 * i, "/l");
        assert_error(ax_stat(ax, path, &stat), AX_ELOOP);
        path[size + 2 * 40] = '\0';
        assert_ok(ax_stat(ax, path, &stat));
}
END_TEST

START_TEST(test_dangling_links) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        assert_ok(ax_symlink(ax, "/tmp/not-yet", "/home/user/dangling"));
        assert_error(ax_open(ax, "/home/user/dangling", AX_READ), AX_ENOENT);
        assert_error(ax_stat(ax, "/home/user/dangling", &stat), AX_ENOENT);
        assert_ok(ax_lstat(ax, "/home/user/dangling", &stat));
        assert_error(ax_mkdir(ax, "/home/user/dangling"), AX_EEXIST);
        put_text(ax, "/home/user/dangling", "made");
        assert_text(ax, "/tmp/not-yet", "made");
}
END_TEST

START_TEST(test_unlink_and_rename_take_the_link) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        put_text(ax, "/tmp/f", "safe");
        assert_ok(ax_symlink(ax, "f", "/tmp/link"));
        assert_ok(ax_rename(ax, "/tmp/link", "/tmp/moved"));
        assert_ok(ax_lstat(ax, "/tmp/moved", &stat));
        ck_assert(S_ISLNK(stat.mode));
        assert_ok(ax_unlink(ax, "/tmp/moved"));
        assert_text(ax, "/tmp/f", "safe");
        assert_ok(ax_symlink(ax, "/tmp", "/home/user/dir"));
        assert_error(ax_rmdir(ax, "/home/user/dir"), AX_ENOTDIR);
        assert_ok(ax_unlink(ax, "/home/user/dir"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("links");

        fixture_add(suite, test_hard_links_are_one_file, 0);
        fixture_add(suite, test_hard_link_errors, 0);
        fixture_add(suite, test_hard_links_do_not_follow_symlinks, 0);
        fixture_add(suite, test_symlinks_keep_their_text, 0);
        fixture_add(suite, test_readlink_cuts_and_refuses, 0);
        fixture_add(suite, test_relative_and_absolute_symlinks_lead_somewhere, 0);
        fixture_add(suite, test_symlinks_cross_mounts, 0);
        fixture_add(suite, test_symlinks_cross_mounts, FIXTURE_DURABLE);
        fixture_add(suite, test_writes_through_a_link_to_a_device, 0);
        fixture_add(suite, test_loops_end, 0);
        fixture_add(suite, test_chains_of_forty_links, 0);
        fixture_add(suite, test_chains_within_one_mount, 0);
        fixture_add(suite, test_too_many_links_in_one_path, 0);
        fixture_add(suite, test_dangling_links, 0);
        fixture_add(suite, test_unlink_and_rename_take_the_link, 0);
        return fixture_main(suite);
}
