/* SPDX-License-Identifier: MIT */
/*
 * Descriptors: which number one gets, what dup does to it, how many there are, and every way to
 * misuse one.
 */
#include "fixture.h"

#include <limits.h>
#include <stdio.h>

enum { FD_LIMIT = 1024 };

START_TEST(test_descriptors_are_the_lowest_free_number) {
        _connected_ ax_client *ax = fixture_connect();

        ck_assert_int_eq(open_ok(ax, "/dev/null", AX_RDWR), 3);
        ck_assert_int_eq(open_ok(ax, "/dev/null", AX_RDWR), 4);
        ck_assert_int_eq(open_ok(ax, "/dev/null", AX_RDWR), 5);
        assert_ok(ax_close(ax, 4));
        assert_result(ax_dup(ax, 5), 4);
        assert_ok(ax_close(ax, 0));
        ck_assert_int_eq(open_ok(ax, "/dev/null", AX_READ), 0);
        assert_result(ax_dup(ax, 5), 6);
}
END_TEST

START_TEST(test_dup2_replaces_and_names_its_number) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[8];
        int fd;

        put_text(ax, "/tmp/f", "abc");
        fd = open_ok(ax, "/tmp/f", AX_RDWR);
        assert_result(ax_dup2(ax, fd, 100), 100);
        assert_result(ax_read(ax, 100, buf, 8), 3);
        assert_result(ax_dup2(ax, fd, fd), fd);
        assert_result(ax_dup2(ax, fd, 0), 0);
        assert_result(ax_pread(ax, 0, buf, 8, 0), 3);
        assert_result(ax_dup2(ax, fd, FD_LIMIT - 1), FD_LIMIT - 1);
        assert_error(ax_dup2(ax, fd, FD_LIMIT), AX_EBADF);
        assert_error(ax_dup2(ax, fd, -1), AX_EBADF);
        assert_error(ax_dup2(ax, 55, 56), AX_EBADF);
        assert_error(ax_dup2(ax, 55, 55), AX_EBADF);
        assert_error(ax_dup2(ax, 55, fd), AX_EBADF);
        assert_result(ax_pread(ax, fd, buf, 8, 0), 3);
}
END_TEST

START_TEST(test_a_full_descriptor_table_says_emfile) {
        _connected_ ax_client *ax = fixture_connect();

        for (int fd = 3; fd < FD_LIMIT; fd++)
                assert_result(ax_dup(ax, AX_STDIN), fd);
        assert_error(ax_dup(ax, AX_STDIN), AX_EMFILE);
        assert_error(ax_open(ax, "/dev/null", AX_READ), AX_EMFILE);
        assert_error(ax_open(ax, "/tmp/not-made", AX_WRITE), AX_EMFILE);
        assert_result(ax_exists(ax, "/tmp/not-made"), 0);
        assert_result(ax_dup2(ax, AX_STDIN, 700), 700);
        assert_ok(ax_close(ax, 500));
        ck_assert_int_eq(open_ok(ax, "/dev/null", AX_READ), 500);
}
END_TEST

START_TEST(test_a_thousand_open_files) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "abc");
        for (int fd = 3; fd < FD_LIMIT; fd++)
                ck_assert_int_eq(open_ok(ax, "/tmp/f", AX_READ), fd);
        assert_error(ax_open(ax, "/tmp/f", AX_READ), AX_EMFILE);
}
END_TEST

START_TEST(test_every_call_on_a_closed_descriptor_says_ebadf) {
        static const int numbers[] = { 3, -1, FD_LIMIT, INT_MAX, INT_MIN };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;
        char byte = 0;

        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
                int fd = numbers[i];

                assert_error(ax_read(ax, fd, &byte, 1), AX_EBADF);
                assert_error(ax_read(ax, fd, &byte, 0), AX_EBADF);
                assert_error(ax_write(ax, fd, &byte, 1), AX_EBADF);
                assert_error(ax_pread(ax, fd, &byte, 1, 0), AX_EBADF);
                assert_error(ax_pwrite(ax, fd, &byte, 1, 0), AX_EBADF);
                assert_error(ax_seek(ax, fd, 0, SEEK_SET), AX_EBADF);
                assert_error(ax_close(ax, fd), AX_EBADF);
                assert_error(ax_dup(ax, fd), AX_EBADF);
                assert_error(ax_set_nonblock(ax, fd, true), AX_EBADF);
                assert_error(ax_fsync(ax, fd), AX_EBADF);
                assert_error(ax_ftruncate(ax, fd, 0), AX_EBADF);
                assert_error(ax_fstat(ax, fd, &stat), AX_EBADF);
        }
}
END_TEST

START_TEST(test_a_closed_descriptor_stays_closed) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = open_ok(ax, "/tmp/f", AX_WRITE);

        assert_ok(ax_close(ax, fd));
        assert_error(ax_close(ax, fd), AX_EBADF);
        assert_error(ax_write(ax, fd, "x", 1), AX_EBADF);
}
END_TEST

START_TEST(test_descriptors_of_another_process_are_not_ours) {
        _connected_ ax_client *a = fixture_connect(), *b = fixture_connect();
        int fd = open_ok(a, "/tmp/f", AX_WRITE);

        assert_error(ax_write(b, fd, "x", 1), AX_EBADF);
        assert_error(ax_close(b, fd), AX_EBADF);
        assert_result(ax_write(a, fd, "x", 1), 1);
}
END_TEST

START_TEST(test_nonblocking_console_read_says_eagain) {
        _connected_ ax_client *ax = fixture_connect();
        char byte;
        int copy, fd;

        copy = (int) assert_ok(ax_dup(ax, AX_STDIN));
        assert_ok(ax_set_nonblock(ax, AX_STDIN, true));
        assert_error(ax_read(ax, AX_STDIN, &byte, 1), AX_EAGAIN);
        assert_error(ax_read(ax, copy, &byte, 1), AX_EAGAIN);
        fd = open_ok(ax, "/dev/console", AX_READ | AX_O_NONBLOCK);
        assert_error(ax_read(ax, fd, &byte, 1), AX_EAGAIN);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("descriptors");

        fixture_add(suite, test_descriptors_are_the_lowest_free_number, 0);
        fixture_add(suite, test_dup2_replaces_and_names_its_number, 0);
        fixture_add(suite, test_a_full_descriptor_table_says_emfile, 0);
        fixture_add(suite, test_a_thousand_open_files, 0);
        fixture_add(suite, test_every_call_on_a_closed_descriptor_says_ebadf, 0);
        fixture_add(suite, test_a_closed_descriptor_stays_closed, 0);
        fixture_add(suite, test_descriptors_of_another_process_are_not_ours, 0);
        fixture_add(suite, test_nonblocking_console_read_says_eagain, 0);
        return fixture_main(suite);
}
