/* SPDX-License-Identifier: MIT */
/*
 * Directories and paths: what is made, listed and removed, and which names there can be.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A string of @n times @c; static, overwritten by the next call. */
static const char *repeat(char c, size_t n) {
        static char text[8192];

        memset(text, c, n);
        text[n] = '\0';
        return text;
}

/*
 * "/tmp" followed by "./" and a file name, exactly @length bytes long; static, overwritten by the
 * next call.
 */
static const char *path_of_length(size_t length, const char *name) {
        static char text[8192];
        size_t size = (size_t) snprintf(text, sizeof(text), "/tmp/"), fill = length - size - strlen(name);

        for (size_t i = 0; i < fill; i++)
                text[size + i] = i % 2 == fill % 2 ? '.' : '/';
        snprintf(text + size + fill, sizeof(text) - size - fill, "%s", name);
        return text;
}

/* ---- directories ----------------------------------------------------------------------------- */

START_TEST(test_a_fresh_namespace) {
        static const char *const expected[] = { "dev", "home", "proc", "tmp" };
        _connected_ ax_client *ax = fixture_connect();
        char **names;

        assert_result(ax_readdir(ax, "/", &names), 4);
        for (int i = 0; i < 4; i++)
                ck_assert_str_eq(names[i], expected[i]);
        ck_assert_ptr_null(names[4]);
        ax_names_free(names);
        ck_assert_uint_eq(stat_ok(ax, "/tmp").mode, S_IFDIR | 01777);
        ck_assert(S_ISDIR(stat_ok(ax, "/home/user").mode));
        ax_names_free(NULL);
}
END_TEST

START_TEST(test_mkdir_and_rmdir) {
        _connected_ ax_client *ax = fixture_connect();
        char **names;

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        ck_assert_uint_eq(stat_ok(ax, "/tmp/d").mode, S_IFDIR | 0755);
        assert_error(ax_mkdir(ax, "/tmp/d"), AX_EEXIST);
        assert_error(ax_mkdir(ax, "/tmp"), AX_EEXIST);
        assert_error(ax_mkdir(ax, "/"), AX_EEXIST);
        assert_error(ax_mkdir(ax, "/tmp/missing/d"), AX_ENOENT);
        put_text(ax, "/tmp/d/f", "");
        assert_error(ax_mkdir(ax, "/tmp/d/f"), AX_EEXIST);
        assert_error(ax_mkdir(ax, "/tmp/d/f/g"), AX_ENOTDIR);
        assert_error(ax_rmdir(ax, "/tmp/d"), AX_ENOTEMPTY);
        assert_error(ax_rmdir(ax, "/tmp/d/f"), AX_ENOTDIR);
        assert_error(ax_rmdir(ax, "/tmp/missing"), AX_ENOENT);
        assert_error(ax_unlink(ax, "/tmp/d"), AX_EISDIR);
        assert_ok(ax_unlink(ax, "/tmp/d/f"));
        assert_error(ax_unlink(ax, "/tmp/d/f"), AX_ENOENT);
        assert_result(ax_readdir(ax, "/tmp/d", &names), 0);
        ck_assert_ptr_null(names[0]);
        ax_names_free(names);
        assert_ok(ax_rmdir(ax, "/tmp/d"));
        assert_result(ax_exists(ax, "/tmp/d"), 0);
}
END_TEST

START_TEST(test_mount_points_stay) {
        static const char *const points[] = { "/tmp", "/dev", "/proc" };
        _connected_ ax_client *ax = fixture_connect();

        for (int i = 0; i < 3; i++) {
                assert_error(ax_rmdir(ax, points[i]), AX_EBUSY);
                assert_error(ax_rename(ax, points[i], "/elsewhere"), AX_EBUSY);
                assert_error(ax_unlink(ax, points[i]), AX_EISDIR);
        }
        assert_ok(ax_mkdir(ax, "/fresh"));
        assert_error(ax_rename(ax, "/fresh", "/tmp"), AX_EBUSY);
        assert_error(ax_rmdir(ax, "/"), AX_EBUSY);
        assert_error(ax_rename(ax, "/", "/x"), AX_EBUSY);
}
END_TEST

START_TEST(test_dev_and_proc_take_no_names) {
        _connected_ ax_client *ax = fixture_connect();

        assert_error(ax_mkdir(ax, "/dev/d"), AX_EROFS);
        assert_error(ax_mkdir(ax, "/proc/d"), AX_EROFS);
        assert_error(ax_unlink(ax, "/dev/null"), AX_EROFS);
        assert_error(ax_symlink(ax, "x", "/dev/link"), AX_EROFS);
        assert_error(ax_open(ax, "/dev/new", AX_WRITE), AX_EROFS);
        assert_error(ax_open(ax, "/proc/new", AX_WRITE), AX_EROFS);
        assert_error(ax_rename(ax, "/dev/null", "/dev/nil"), AX_EROFS);
}
END_TEST

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

START_TEST(test_readdir_of_five_thousand_names) {
        enum { NAMES = 5000 };
        _connected_ ax_client *ax = fixture_connect();
        char path[128], **expected = calloc(NAMES, sizeof(char *)), **names;

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_ok(ax_chdir(ax, "/tmp/d"));
        for (int i = 0; i < NAMES; i++) {
                snprintf(path, sizeof(path), "%d-%.100s", i * 7919 % NAMES, repeat('n', (size_t) (20 + i % 40)));
                expected[i] = strdup(path);
                assert_ok(ax_symlink(ax, "x", path));
        }
        qsort(expected, NAMES, sizeof(char *), compare_names);
        assert_result(ax_readdir(ax, "/tmp/d", &names), NAMES);
        for (int i = 0; i < NAMES; i++) {
                ck_assert_str_eq(names[i], expected[i]);
                free(expected[i]);
        }
        ck_assert_ptr_null(names[NAMES]);
        ax_names_free(names);
        free(expected);
}
END_TEST

START_TEST(test_names_are_sorted_by_byte) {
        static const char *const sorted[] = { "A", "Z", "a", "a.", "aa", "b", "\303\244", "\360\237\246\242" };
        static const int order[] = { 5, 2, 7, 0, 6, 3, 1, 4 };
        _connected_ ax_client *ax = fixture_connect();
        char **names, path[32];

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        for (int i = 0; i < 8; i++) {
                snprintf(path, sizeof(path), "/tmp/d/%s", sorted[order[i]]);
                put_text(ax, path, "");
        }
        assert_result(ax_readdir(ax, "/tmp/d", &names), 8);
        for (int i = 0; i < 8; i++)
                ck_assert_str_eq(names[i], sorted[i]);
        ax_names_free(names);
}
END_TEST

START_TEST(test_readdir_errors_leave_the_result_untouched) {
        _connected_ ax_client *ax = fixture_connect();
        char *marker = NULL, **names = &marker;

        put_text(ax, "/tmp/f", "");
        assert_error(ax_readdir(ax, "/tmp/f", &names), AX_ENOTDIR);
        assert_error(ax_readdir(ax, "/tmp/missing", &names), AX_ENOENT);
        assert_error(ax_readdir(ax, "", &names), AX_ENOENT);
        ck_assert_ptr_eq(names, &marker);
}
END_TEST

/* ---- paths ----------------------------------------------------------------------------------- */

START_TEST(test_dots_and_slashes) {
        static const char *const same[] = { "/tmp/d/f",
                                            "//tmp//d///f",
                                            "/tmp/./d/./f",
                                            "/./tmp/d/../d/f",
                                            "/../../tmp/d/f",
                                            "/tmp/d/e/../f",
                                            "/dev/../tmp/d/f",
                                            "/proc/self/../../tmp/d/f",
                                            "/home/user/../../tmp/d/f" };
        _connected_ ax_client *ax = fixture_connect();
        uint64_t ino;

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_ok(ax_mkdir(ax, "/tmp/d/e"));
        put_text(ax, "/tmp/d/f", "x");
        ino = stat_ok(ax, "/tmp/d/f").ino;
        for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
                ck_assert_uint_eq(stat_ok(ax, same[i]).ino, ino);
        ck_assert_uint_eq(stat_ok(ax, "/..").ino, stat_ok(ax, "/").ino);
        ck_assert_uint_eq(stat_ok(ax, "/tmp/..").ino, stat_ok(ax, "/").ino);
        ck_assert_uint_eq(stat_ok(ax, "/dev/..").ino, stat_ok(ax, "/").ino);
        ck_assert_uint_ne(stat_ok(ax, "/tmp").ino, stat_ok(ax, "/").ino);
        assert_error(ax_open(ax, "/tmp/missing/../d/f", AX_READ), AX_ENOENT);
        assert_error(ax_open(ax, "/tmp/d/f/../f", AX_READ), AX_ENOTDIR);
        assert_error(ax_open(ax, "/tmp/d/f/.", AX_READ), AX_ENOTDIR);
}
END_TEST

START_TEST(test_trailing_slashes_mean_a_directory) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        put_text(ax, "/tmp/f", "");
        assert_ok(ax_mkdir(ax, "/tmp/d/"));
        assert_ok(ax_symlink(ax, "d", "/tmp/link"));
        assert_ok(ax_stat(ax, "/tmp/d/", &stat));
        assert_ok(ax_stat(ax, "/tmp/d///", &stat));
        assert_error(ax_stat(ax, "/tmp/f/", &stat), AX_ENOTDIR);
        assert_error(ax_open(ax, "/tmp/f/", AX_READ), AX_ENOTDIR);
        assert_error(ax_open(ax, "/tmp/new/", AX_WRITE), AX_EISDIR);
        assert_error(ax_unlink(ax, "/tmp/f/"), AX_ENOTDIR);
        assert_ok(ax_lstat(ax, "/tmp/link/", &stat));
        ck_assert(S_ISDIR(stat.mode));
        assert_ok(ax_lstat(ax, "/tmp/link", &stat));
        ck_assert(S_ISLNK(stat.mode));
        assert_error(ax_rmdir(ax, "/tmp/link/"), AX_ENOTDIR);
        assert_ok(ax_rename(ax, "/tmp/d/", "/tmp/e/"));
        assert_error(ax_rename(ax, "/tmp/f", "/tmp/g/"), AX_ENOTDIR);
        assert_ok(ax_rmdir(ax, "/tmp/e/"));
}
END_TEST

START_TEST(test_dot_names_cannot_be_removed) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_error(ax_rmdir(ax, "/tmp/d/."), AX_EINVAL);
        assert_error(ax_rmdir(ax, "/tmp/d/.."), AX_ENOTEMPTY);
        ck_assert_int_lt(ax_rename(ax, "/tmp/d/.", "/tmp/e"), 0);
        ck_assert_int_lt(ax_rename(ax, "/tmp/d", "/tmp/d/.."), 0);
        assert_error(ax_mkdir(ax, "/tmp/d/."), AX_EEXIST);
        assert_error(ax_mkdir(ax, "/tmp/d/.."), AX_EEXIST);
        assert_result(ax_exists(ax, "/tmp/d"), 1);
}
END_TEST

START_TEST(test_empty_paths_name_nothing) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;
        char buf[8];

        assert_error(ax_open(ax, "", AX_READ), AX_ENOENT);
        assert_error(ax_open(ax, "", AX_WRITE), AX_ENOENT);
        assert_error(ax_stat(ax, "", &stat), AX_ENOENT);
        assert_error(ax_lstat(ax, "", &stat), AX_ENOENT);
        assert_error(ax_mkdir(ax, ""), AX_ENOENT);
        assert_error(ax_rmdir(ax, ""), AX_ENOENT);
        assert_error(ax_unlink(ax, ""), AX_ENOENT);
        assert_error(ax_chdir(ax, ""), AX_ENOENT);
        assert_error(ax_rename(ax, "", "/tmp/x"), AX_ENOENT);
        assert_error(ax_link(ax, "", "/tmp/x"), AX_ENOENT);
        assert_error(ax_symlink(ax, "", "/tmp/x"), AX_ENOENT);
        assert_error(ax_symlink(ax, "x", ""), AX_ENOENT);
        assert_error(ax_readlink(ax, "", buf, sizeof(buf)), AX_ENOENT);
        assert_error(ax_chmod(ax, "", 0), AX_ENOENT);
        assert_result(ax_exists(ax, ""), 0);
}
END_TEST

START_TEST(test_names_have_at_most_255_bytes) {
        _connected_ ax_client *ax = fixture_connect();
        char path[600], **names;

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        snprintf(path, sizeof(path), "/tmp/d/%.300s", repeat('n', 255));
        put_text(ax, path, "long");
        assert_text(ax, path, "long");
        assert_result(ax_readdir(ax, "/tmp/d", &names), 1);
        ck_assert_uint_eq(strlen(names[0]), 255);
        ax_names_free(names);
        snprintf(path, sizeof(path), "/tmp/d/%.300s", repeat('n', 256));
        assert_error(ax_open(ax, path, AX_WRITE), AX_ENAMETOOLONG);
        assert_error(ax_mkdir(ax, path), AX_ENAMETOOLONG);
        snprintf(path, sizeof(path), "/tmp/%.300s/f", repeat('n', 256));
        assert_error(ax_open(ax, path, AX_READ), AX_ENAMETOOLONG);
        snprintf(path, sizeof(path), "/dev/%.300s", repeat('n', 256));
        assert_error(ax_open(ax, path, AX_READ), AX_ENAMETOOLONG);
}
END_TEST

START_TEST(test_paths_have_at_most_4095_bytes) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        put_text(ax, path_of_length(4095, "f"), "far");
        assert_text(ax, "/tmp/f", "far");
        assert_ok(ax_stat(ax, path_of_length(4095, "f"), &stat));
        assert_error(ax_stat(ax, path_of_length(4096, "f"), &stat), AX_ENAMETOOLONG);
        assert_error(ax_open(ax, path_of_length(4096, "new"), AX_WRITE), AX_ENAMETOOLONG);
        assert_error(ax_rename(ax, "/tmp/f", path_of_length(4096, "g")), AX_ENAMETOOLONG);
        assert_error(ax_stat(ax, path_of_length(8000, "f"), &stat), AX_ENAMETOOLONG);
        assert_error(ax_symlink(ax, repeat('t', 4096), "/tmp/link"), AX_ENAMETOOLONG);
        assert_ok(ax_symlink(ax, repeat('t', 4095), "/tmp/link"));
        assert_error(ax_stat(ax, "/tmp/link", &stat), AX_ENAMETOOLONG);
}
END_TEST

START_TEST(test_absurdly_long_paths_do_not_break_the_connection) {
        _connected_ ax_client *ax = fixture_connect();
        size_t size = 300000;
        char *path = malloc(size + 1);

        memset(path, '/', size);
        path[size] = '\0';
        assert_error(ax_mkdir(ax, path), AX_ENAMETOOLONG);
        assert_error(ax_symlink(ax, path, "/tmp/link"), AX_ENAMETOOLONG);
        assert_error(ax_rename(ax, path, path), AX_ENAMETOOLONG);
        assert_result(ax_getppid(ax), 1);
        free(path);
}
END_TEST

START_TEST(test_paths_are_utf8) {
        static const char *const bad[] = {
                "/tmp/\377", "/tmp/\300\200", "/tmp/\355\240\200",     "/tmp/\364\220\200\200",
                "/tmp/\303", "/tmp/\200x",    "/tmp/\360\200\200\200", "/tmp/d\344r/f"
        };
        static const char *const good[] = { "/tmp/\303\244", "/tmp/\342\202\254", "/tmp/\360\237\246\242",
                                            "/tmp/\x01\x7f", "/tmp/new\nline",    "/tmp/back\\slash",
                                            "/tmp/ " };
        _connected_ ax_client *ax = fixture_connect();

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
                assert_error(ax_open(ax, bad[i], AX_WRITE), AX_EINVAL);
                assert_error(ax_mkdir(ax, bad[i]), AX_EINVAL);
                assert_error(ax_symlink(ax, bad[i], "/tmp/link"), AX_EINVAL);
                assert_error(ax_rename(ax, "/tmp/x", bad[i]), AX_EINVAL);
        }
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                put_text(ax, good[i], "ok");
                assert_text(ax, good[i], "ok");
        }
}
END_TEST

START_TEST(test_exists_answers_yes_or_no) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "");
        assert_ok(ax_symlink(ax, "missing", "/tmp/dangling"));
        assert_ok(ax_symlink(ax, "loop", "/tmp/loop"));
        assert_result(ax_exists(ax, "/tmp/f"), 1);
        assert_result(ax_exists(ax, "/"), 1);
        assert_result(ax_exists(ax, "/dev/null"), 1);
        assert_result(ax_exists(ax, "/tmp/missing"), 0);
        assert_result(ax_exists(ax, "/tmp/f/below"), 0);
        assert_result(ax_exists(ax, "/tmp/dangling"), 0);
        assert_error(ax_exists(ax, "/tmp/loop"), AX_ELOOP);
}
END_TEST

/* ---- the working directory ------------------------------------------------------------------- */

START_TEST(test_null_arguments_are_invalid) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        assert_error(ax_open(ax, NULL, AX_READ), AX_EINVAL);
        assert_error(ax_mkdir(ax, NULL), AX_EINVAL);
        assert_error(ax_stat(ax, NULL, &stat), AX_EINVAL);
        assert_error(ax_stat(ax, "/", NULL), AX_EINVAL);
        assert_error(ax_rename(ax, NULL, "/x"), AX_EINVAL);
        assert_error(ax_rename(ax, "/x", NULL), AX_EINVAL);
        assert_error(ax_readdir(ax, "/", NULL), AX_EINVAL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("names");

        fixture_add(suite, test_a_fresh_namespace, 0);
        fixture_add(suite, test_mkdir_and_rmdir, 0);
        fixture_add(suite, test_mount_points_stay, 0);
        fixture_add(suite, test_dev_and_proc_take_no_names, 0);
        fixture_add(suite, test_readdir_of_five_thousand_names, 0);
        fixture_add(suite, test_names_are_sorted_by_byte, 0);
        fixture_add(suite, test_readdir_errors_leave_the_result_untouched, 0);
        fixture_add(suite, test_dots_and_slashes, 0);
        fixture_add(suite, test_trailing_slashes_mean_a_directory, 0);
        fixture_add(suite, test_dot_names_cannot_be_removed, 0);
        fixture_add(suite, test_empty_paths_name_nothing, 0);
        fixture_add(suite, test_names_have_at_most_255_bytes, 0);
        fixture_add(suite, test_paths_have_at_most_4095_bytes, 0);
        fixture_add(suite, test_absurdly_long_paths_do_not_break_the_connection, 0);
        fixture_add(suite, test_paths_are_utf8, 0);
        fixture_add(suite, test_exists_answers_yes_or_no, 0);
        fixture_add(suite, test_null_arguments_are_invalid, 0);
        return fixture_main(suite);
}
