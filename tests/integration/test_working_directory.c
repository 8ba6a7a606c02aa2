/* SPDX-License-Identifier: MIT */
/*
 * The working directory: relative paths, and what becomes of it when names change.
 */
#include "fixture.h"

#include <string.h>
#include <unistd.h>

static void assert_cwd(ax_client *ax, const char *expected) {
        char buf[4096];

        assert_result(ax_getcwd(ax, buf, sizeof(buf)), (int64_t) strlen(expected));
        ck_assert_str_eq(buf, expected);
}

START_TEST(test_relative_paths_begin_at_the_working_directory) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_ok(ax_chdir(ax, "/tmp/d"));
        assert_cwd(ax, "/tmp/d");
        put_text(ax, "f", "relative");
        assert_text(ax, "/tmp/d/f", "relative");
        assert_ok(ax_chdir(ax, ".."));
        assert_cwd(ax, "/tmp");
        assert_text(ax, "d/f", "relative");
        assert_ok(ax_chdir(ax, "../home/./user//"));
        assert_cwd(ax, "/home/user");
        assert_ok(ax_chdir(ax, "../../.."));
        assert_cwd(ax, "/");
        assert_ok(ax_chdir(ax, "dev"));
        assert_cwd(ax, "/dev");
        assert_result(ax_exists(ax, "null"), 1);
        assert_ok(ax_chdir(ax, "/proc/self"));
        assert_result(ax_exists(ax, "status"), 1);
        assert_ok(ax_chdir(ax, "/tmp"));
        assert_error(ax_chdir(ax, "d/f"), AX_ENOTDIR);
        assert_error(ax_chdir(ax, "missing"), AX_ENOENT);
        assert_cwd(ax, "/tmp");
}
END_TEST

START_TEST(test_chdir_through_a_symlink_shows_the_real_path) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_mkdir(ax, "/tmp/real"));
        assert_ok(ax_symlink(ax, "/tmp/real", "/home/user/link"));
        assert_ok(ax_chdir(ax, "/home/user/link"));
        assert_cwd(ax, "/tmp/real");
        assert_ok(ax_chdir(ax, ".."));
        assert_cwd(ax, "/tmp");
}
END_TEST

START_TEST(test_getcwd_follows_a_rename) {
        _connected_ ax_client *ax = fixture_connect(), *other = fixture_connect();

        assert_ok(ax_mkdir(ax, "/tmp/a"));
        assert_ok(ax_mkdir(ax, "/tmp/a/b"));
        assert_ok(ax_chdir(ax, "/tmp/a/b"));
        assert_ok(ax_rename(other, "/tmp/a", "/tmp/z"));
        assert_cwd(ax, "/tmp/z/b");
        assert_ok(ax_rename(other, "/tmp/z/b", "/tmp/y"));
        assert_cwd(ax, "/tmp/y");
        put_text(ax, "f", "here");
        assert_text(other, "/tmp/y/f", "here");
}
END_TEST

START_TEST(test_a_removed_working_directory) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[64], **names;

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_ok(ax_chdir(ax, "/tmp/d"));
        assert_ok(ax_rmdir(ax, "/tmp/d"));
        assert_error(ax_getcwd(ax, buf, sizeof(buf)), AX_ENOENT);
        assert_error(ax_open(ax, "f", AX_WRITE), AX_ENOENT);
        assert_error(ax_mkdir(ax, "e"), AX_ENOENT);
        if (ax_readdir(ax, ".", &names) == 0)
                ax_names_free(names);
        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_error(ax_getcwd(ax, buf, sizeof(buf)), AX_ENOENT);
        assert_ok(ax_chdir(ax, "/"));
        assert_cwd(ax, "/");
}
END_TEST

START_TEST(test_getcwd_into_small_buffers) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[11] = "untouched";

        assert_error(ax_getcwd(ax, buf, 10), AX_ERANGE);
        assert_error(ax_getcwd(ax, buf, 1), AX_ERANGE);
        assert_error(ax_getcwd(ax, buf, 0), AX_EINVAL);
        assert_error(ax_getcwd(ax, NULL, 10), AX_EINVAL);
        assert_result(ax_getcwd(ax, buf, 11), 10);
        ck_assert_str_eq(buf, "/home/user");
}
END_TEST

/* Deeper than one path can say; getcwd has no answer of at most 4095 bytes then. */
START_TEST(test_a_working_directory_deeper_than_a_path) {
        _connected_ ax_client *ax = fixture_connect();
        char name[201] = "", buf[8192];
        int r;

        memset(name, 'd', 200);
        assert_ok(ax_chdir(ax, "/tmp"));
        for (int i = 0; i < 25; i++) {
                assert_ok(ax_mkdir(ax, name));
                assert_ok(ax_chdir(ax, name));
        }
        put_text(ax, "f", "deep");
        assert_text(ax, "f", "deep");
        r = ax_getcwd(ax, buf, sizeof(buf));
        ck_assert_msg(r == -AX_ENAMETOOLONG || r == -AX_ERANGE || r == 25 * 201 + 4, "ax_getcwd: %d", r);
        assert_ok(ax_chdir(ax, ".."));
        assert_result(ax_exists(ax, name), 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("working directory");

        fixture_add(suite, test_relative_paths_begin_at_the_working_directory, 0);
        fixture_add(suite, test_chdir_through_a_symlink_shows_the_real_path, 0);
        fixture_add(suite, test_getcwd_follows_a_rename, 0);
        fixture_add(suite, test_getcwd_follows_a_rename, FIXTURE_DURABLE);
        fixture_add(suite, test_a_removed_working_directory, 0);
        fixture_add(suite, test_getcwd_into_small_buffers, 0);
        fixture_add(suite, test_a_working_directory_deeper_than_a_path, 0);
        return fixture_main(suite);
}
