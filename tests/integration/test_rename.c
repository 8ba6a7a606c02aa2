/* SPDX-License-Identifier: MIT */
/*
 * Rename: what replaces what, what cannot, and that no moment is without a file.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum kind { NOTHING, A_FILE, AN_EMPTY_DIRECTORY, A_FULL_DIRECTORY, A_SYMLINK };

static void make(ax_client *ax, const char *path, enum kind kind) {
        char below[64];

        switch (kind) {
        case NOTHING:
                break;
        case A_FILE:
                put_text(ax, path, path);
                break;
        case A_FULL_DIRECTORY:
                assert_ok(ax_mkdir(ax, path));
                snprintf(below, sizeof(below), "%s/child", path);
                put_text(ax, below, path);
                break;
        case AN_EMPTY_DIRECTORY:
                assert_ok(ax_mkdir(ax, path));
                break;
        case A_SYMLINK:
                assert_ok(ax_symlink(ax, path, path));
                break;
        }
}

static void clear(ax_client *ax, const char *path) {
        char below[64];

        snprintf(below, sizeof(below), "%s/child", path);
        (void) ax_unlink(ax, below);
        if (ax_unlink(ax, path) < 0)
                (void) ax_rmdir(ax, path);
}

/* rename(2) on Linux. */
static int expected_error(enum kind from, enum kind to) {
        bool from_directory = from == AN_EMPTY_DIRECTORY || from == A_FULL_DIRECTORY;

        if (from == NOTHING)
                return AX_ENOENT;
        if (to == NOTHING)
                return 0;
        if (from_directory)
                return to == AN_EMPTY_DIRECTORY ? 0 : to == A_FULL_DIRECTORY ? AX_ENOTEMPTY : AX_ENOTDIR;
        return to == AN_EMPTY_DIRECTORY || to == A_FULL_DIRECTORY ? AX_EISDIR : 0;
}

static void check_pair(ax_client *ax, enum kind from, enum kind to) {
        struct ax_stat before = { 0 }, after;
        int expected = expected_error(from, to), r;

        make(ax, "/tmp/from", from);
        make(ax, "/tmp/to", to);
        (void) ax_lstat(ax, "/tmp/from", &before);
        r = ax_rename(ax, "/tmp/from", "/tmp/to");
        ck_assert_msg(r == -expected, "kind %d onto kind %d: %s", from, to, ax_error_name(r));
        if (expected == 0) {
                assert_ok(ax_lstat(ax, "/tmp/to", &after));
                ck_assert_uint_eq(after.ino, before.ino);
                assert_error(ax_lstat(ax, "/tmp/from", &after), AX_ENOENT);
        } else if (from != NOTHING) {
                assert_ok(ax_lstat(ax, "/tmp/from", &after));
                assert_ok(ax_lstat(ax, "/tmp/to", &after));
        }
        clear(ax, "/tmp/from");
        clear(ax, "/tmp/to");
}

START_TEST(test_every_kind_onto_every_kind) {
        _connected_ ax_client *ax = fixture_connect();

        for (enum kind from = NOTHING; from <= A_SYMLINK; from++)
                for (enum kind to = NOTHING; to <= A_SYMLINK; to++)
                        check_pair(ax, from, to);
}
END_TEST

START_TEST(test_a_directory_does_not_move_into_itself) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_ok(ax_mkdir(ax, "/tmp/d/e"));
        assert_error(ax_rename(ax, "/tmp/d", "/tmp/d/e/f"), AX_EINVAL);
        assert_error(ax_rename(ax, "/tmp/d", "/tmp/d/f"), AX_EINVAL);
        assert_error(ax_rename(ax, "/tmp/d/e", "/tmp/d"), AX_ENOTEMPTY);
        assert_ok(ax_rename(ax, "/tmp/d", "/tmp/d"));
        assert_result(ax_exists(ax, "/tmp/d/e"), 1);
}
END_TEST

START_TEST(test_renaming_one_of_two_links_onto_the_other_keeps_both) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/a", "x");
        assert_ok(ax_link(ax, "/tmp/a", "/tmp/b"));
        assert_ok(ax_rename(ax, "/tmp/a", "/tmp/b"));
        assert_text(ax, "/tmp/a", "x");
        assert_text(ax, "/tmp/b", "x");
}
END_TEST

START_TEST(test_rename_does_not_cross_mounts) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "stays");
        assert_ok(ax_mkdir(ax, "/tmp/d"));
        assert_error(ax_rename(ax, "/tmp/f", "/home/user/f"), AX_EXDEV);
        assert_error(ax_rename(ax, "/tmp/d", "/home/user/d"), AX_EXDEV);
        assert_error(ax_rename(ax, "/tmp/f", "/dev/f"), AX_EXDEV);
        assert_text(ax, "/tmp/f", "stays");
        assert_result(ax_exists(ax, "/home/user/f"), 0);
}
END_TEST

START_TEST(test_rename_onto_missing_parents) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "");
        put_text(ax, "/tmp/g", "");
        assert_error(ax_rename(ax, "/tmp/f", "/tmp/missing/f"), AX_ENOENT);
        assert_error(ax_rename(ax, "/tmp/f", "/tmp/g/f"), AX_ENOTDIR);
        assert_error(ax_rename(ax, "/tmp/missing/f", "/tmp/h"), AX_ENOENT);
}
END_TEST

START_TEST(test_an_open_file_follows_its_rename) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = open_ok(ax, "/tmp/a", AX_WRITE);

        assert_ok(ax_rename(ax, "/tmp/a", "/tmp/b"));
        assert_result(ax_write(ax, fd, "later", 5), 5);
        assert_text(ax, "/tmp/b", "later");
        assert_result(ax_exists(ax, "/tmp/a"), 0);
}
END_TEST

struct replacing {
        ax_client *ax;
        atomic_bool stop;
};

static void *replace_again_and_again(void *userdata) {
        struct replacing *replacing = userdata;
        int fd;

        while (!atomic_load(&replacing->stop)) {
                fd = ax_open(replacing->ax, "/tmp/next", AX_WRITE);
                (void) ax_write(replacing->ax, fd, "complete", 8);
                (void) ax_close(replacing->ax, fd);
                if (ax_rename(replacing->ax, "/tmp/next", "/tmp/current") < 0)
                        break;
        }
        return NULL;
}

START_TEST(test_replacing_is_atomic) {
        _connected_ ax_client *ax = fixture_connect(), *writer = fixture_connect();
        struct replacing replacing = { .ax = writer };
        pthread_t thread;

        put_text(ax, "/tmp/current", "complete");
        ck_assert_int_eq(pthread_create(&thread, NULL, replace_again_and_again, &replacing), 0);
        for (int i = 0; i < 500; i++)
                assert_text(ax, "/tmp/current", "complete");
        atomic_store(&replacing.stop, true);
        pthread_join(thread, NULL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("rename");

        fixture_add(suite, test_every_kind_onto_every_kind, 0);
        fixture_add(suite, test_every_kind_onto_every_kind, FIXTURE_DURABLE);
        fixture_add(suite, test_a_directory_does_not_move_into_itself, 0);
        fixture_add(suite, test_renaming_one_of_two_links_onto_the_other_keeps_both, 0);
        fixture_add(suite, test_rename_does_not_cross_mounts, 0);
        fixture_add(suite, test_rename_onto_missing_parents, 0);
        fixture_add(suite, test_an_open_file_follows_its_rename, 0);
        fixture_add(suite, test_replacing_is_atomic, 0);
        return fixture_main(suite);
}
