/* SPDX-License-Identifier: MIT */
/*
 * /dev: each device does what its name says.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const devices[] = { "console", "full", "null", "random", "urandom", "zero" };
enum { N_DEVICES = sizeof(devices) / sizeof(devices[0]) };

START_TEST(test_dev_lists_its_devices) {
        _connected_ ax_client *ax = fixture_connect();
        char **names, path[64];

        assert_result(ax_readdir(ax, "/dev", &names), N_DEVICES);
        for (int i = 0; i < N_DEVICES; i++) {
                struct ax_stat stat;

                ck_assert_str_eq(names[i], devices[i]);
                snprintf(path, sizeof(path), "/dev/%s", names[i]);
                stat = stat_ok(ax, path);
                ck_assert_uint_eq(stat.mode, S_IFCHR | (i == 0 ? 0622 : 0666)); /* the console: see test_console */
                ck_assert_uint_eq(stat.size, 0);
        }
        ax_names_free(names);
        ck_assert_uint_eq(stat_ok(ax, "/dev").mode & S_IFMT, S_IFDIR);
}
END_TEST

START_TEST(test_null_swallows_and_is_empty) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[8];
        int fd = open_ok(ax, "/dev/null", AX_RDWR);

        assert_result(ax_write(ax, fd, "anything", 8), 8);
        assert_result(ax_read(ax, fd, buf, sizeof(buf)), 0);
        fd = open_ok(ax, "/dev/null", AX_WRITE);
        assert_result(ax_write(ax, fd, "x", 1), 1);
        fd = open_ok(ax, "/dev/null", AX_APPEND);
        assert_result(ax_write(ax, fd, "x", 1), 1);
}
END_TEST

START_TEST(test_zero_gives_zeros) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[64], zeros[64] = { 0 };
        int fd = open_ok(ax, "/dev/zero", AX_RDWR);

        memset(buf, 'x', sizeof(buf));
        assert_result(ax_read(ax, fd, buf, sizeof(buf)), (int64_t) sizeof(buf));
        ck_assert_mem_eq(buf, zeros, sizeof(buf));
        assert_result(ax_write(ax, fd, "x", 1), 1);
}
END_TEST

START_TEST(test_full_is_full) {
        _connected_ ax_client *ax = fixture_connect();
        char byte = 'x';
        int fd = open_ok(ax, "/dev/full", AX_RDWR);

        assert_error(ax_write(ax, fd, "x", 1), AX_ENOSPC);
        assert_result(ax_read(ax, fd, &byte, 1), 1);
        ck_assert_int_eq(byte, 0);
}
END_TEST

START_TEST(test_random_devices_are_random) {
        static const char *const paths[] = { "/dev/random", "/dev/urandom" };
        _connected_ ax_client *ax = fixture_connect();
        unsigned char a[256], b[256];

        for (int i = 0; i < 2; i++) {
                int fd = open_ok(ax, paths[i], AX_READ), different = 0;

                assert_result(ax_read(ax, fd, a, sizeof(a)), (int64_t) sizeof(a));
                assert_result(ax_read(ax, fd, b, sizeof(b)), (int64_t) sizeof(b));
                for (size_t j = 0; j < sizeof(a); j++)
                        different += a[j] != b[j];
                ck_assert_int_gt(different, 200);
        }
}
END_TEST

START_TEST(test_devices_obey_the_access_mode) {
        _connected_ ax_client *ax = fixture_connect();
        char byte = 'x';
        int reader, writer;

        reader = open_ok(ax, "/dev/zero", AX_READ);
        writer = open_ok(ax, "/dev/zero", AX_O_WRITE);
        assert_error(ax_write(ax, reader, &byte, 1), AX_EBADF);
        assert_error(ax_read(ax, writer, &byte, 1), AX_EBADF);
        assert_error(ax_open(ax, "/dev/missing", AX_READ), AX_ENOENT);
        assert_error(ax_open(ax, "/dev/null/x", AX_READ), AX_ENOTDIR);
        assert_error(ax_open(ax, "/dev/null/", AX_READ), AX_ENOTDIR);
        assert_error(ax_open(ax, "/dev/null", AX_WRITE | AX_O_EXCLUSIVE), AX_EEXIST);
}
END_TEST

static void uses_devices(ax_client *ax, void *userdata) {
        char byte;

        (void) userdata;
        assert_result(ax_read(ax, open_ok(ax, "/dev/zero", AX_RDWR), &byte, 1), 1);
        assert_result(ax_write(ax, open_ok(ax, "/dev/null", AX_RDWR), "x", 1), 1);
        assert_result(ax_write(ax, AX_STDOUT, "x", 1), 1);
}

START_TEST(test_devices_are_for_everybody) {
        fixture_as_uid(FIXTURE_UID, uses_devices, NULL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("devices");

        fixture_add(suite, test_dev_lists_its_devices, 0);
        fixture_add(suite, test_null_swallows_and_is_empty, 0);
        fixture_add(suite, test_zero_gives_zeros, 0);
        fixture_add(suite, test_full_is_full, 0);
        fixture_add(suite, test_random_devices_are_random, 0);
        fixture_add(suite, test_devices_obey_the_access_mode, 0);
        fixture_add(suite, test_devices_are_for_everybody, FIXTURE_ROOT);
        return fixture_main(suite);
}
