/* SPDX-License-Identifier: MIT */
/*
 * The direct data plane: transfers that the library makes itself, on the host's descriptor. They
 * must be as if the daemon had made them.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "fixture.h"

static struct ax_status status_ok(ax_client *ax) {
        struct ax_status status;

        assert_result(ax_status(ax, &status), 0);
        return status;
}

static uint64_t requests(const struct ax_status *status) {
        return status->calls - status->local_calls;
}

START_TEST(test_transfers_after_the_first_need_no_request) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = open_ok(ax, "/tmp/file", AX_WRITE);
        struct ax_status before, after;
        char data[100] = { 1 };

        assert_result(ax_write(ax, fd, data, sizeof(data)), sizeof(data));
        before = status_ok(ax);
        for (int i = 0; i < 1000; i++)
                assert_result(ax_write(ax, fd, data, sizeof(data)), sizeof(data));
        assert_result(ax_pwrite(ax, fd, data, 7, 12345678), 7);
        assert_error(ax_read(ax, fd, data, sizeof(data)), AX_EBADF);
        after = status_ok(ax);
        ck_assert_uint_eq(requests(&after), requests(&before) + 1);
        ck_assert_uint_eq(after.local_calls, before.local_calls + 1002);
        ck_assert_uint_eq(after.call_errors, before.call_errors + 1);
        ck_assert_uint_eq(after.bytes_written, before.bytes_written + 1000 * sizeof(data) + 7);
}
END_TEST

/* The same work, in large pieces and small ones, with and without errors. */
static void work(ax_client *ax) {
        static char data[300000];
        int fd = open_ok(ax, "/tmp/file", AX_RDWR | AX_O_CREATE | AX_O_TRUNCATE), copy;

        for (int i = 0; i < 50; i++)
                assert_result(ax_write(ax, fd, data, 1000), 1000);
        assert_result(ax_write(ax, fd, data, sizeof(data)), sizeof(data));
        assert_result(ax_seek(ax, fd, 0, SEEK_SET), 0);
        for (int i = 0; i < 3; i++)
                assert_result(ax_read(ax, fd, data, 100000), 100000);
        assert_result(ax_pread(ax, fd, data, sizeof(data), 100000), 250000);
        copy = (int) assert_ok(ax_dup(ax, fd));
        assert_result(ax_read(ax, copy, data, 25000), 25000);
        assert_result(ax_read(ax, fd, data, sizeof(data)), 25000);
        assert_result(ax_read(ax, fd, data, sizeof(data)), 0);
        assert_result(ax_close(ax, fd), 0);
        assert_error(ax_read(ax, fd, data, 1), AX_EBADF);
        fd = open_ok(ax, "/tmp/file", AX_READ);
        assert_result(ax_read(ax, fd, data, 10), 10);
        assert_error(ax_write(ax, fd, data, 10), AX_EBADF);
        (void) ax_getpid(ax);
}

static struct ax_status figures_of_work(const char *setting) {
        struct daemon_options options = { .settings = setting };
        struct ax_status before, status;
        ax_client *ax;

        fixture_start(&options);
        ax = fixture_connect();
        before = status_ok(ax);
        work(ax);
        status = status_ok(ax);
        ax_disconnect(ax);
        status.calls -= before.calls;
        status.local_calls -= before.local_calls;
        status.call_errors -= before.call_errors;
        return status;
}

static void check_figures(const struct ax_status *status) {
        ck_assert_uint_eq(status->bytes_read, 3 * 100000 + 250000 + 25000 + 25000 + 10);
        ck_assert_uint_eq(status->bytes_written, 50 * 1000 + 300000);
        ck_assert_uint_eq(status->call_errors, 2);
        /*
         * open, 51 writes, seek, 4 reads, dup, 3 reads, close, a bad read; open, read, a bad write;
         * getpid; status
         */
        ck_assert_uint_eq(status->calls, 1 + 51 + 1 + 4 + 1 + 3 + 1 + 1 + 3 + 1 + 1);
}

START_TEST(test_direct_calls_count_like_others) {
        struct ax_status status = figures_of_work("Direct=yes\n");

        ck_assert_uint_gt(status.local_calls, 50);
        check_figures(&status);
}
END_TEST

START_TEST(test_without_direct_calls_the_figures_are_the_same) {
        struct ax_status status = figures_of_work("Direct=no\n");

        ck_assert_uint_eq(status.local_calls, 1); /* getpid */
        check_figures(&status);
}
END_TEST

/* ---- calls on files that transfer nothing ---------------------------------------------------- */

static const int whences[] = { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 99, -1 };
static const int64_t places[] = { 0, 1, 4999, 5000, 5001, 1 << 20, -1, -5000, -5001, INT64_MAX, INT64_MIN };

enum { N_WHENCES = sizeof(whences) / sizeof(whences[0]), N_PLACES = sizeof(places) / sizeof(places[0]) };

struct answers {
        int64_t seeks[2 * N_WHENCES * N_PLACES], others[2 * (3 * N_PLACES + 2)];
        size_t n_seeks, n_others;
        struct ax_status status;
};

/* Asks the same of a file with 5,000 bytes in it, which is open for writing, too, or not. */
static void ask(ax_client *ax, int fd, struct answers *ret) {
        struct ax_stat status;
        char byte;

        assert_result(ax_pread(ax, fd, &byte, 1, 0), 1); /* brings the host's descriptor */
        assert_result(ax_fstat(ax, fd, &status), 0);     /* and this shows how files are shown */
        for (int i = 0; i < N_WHENCES * N_PLACES; i++)
                ret->seeks[ret->n_seeks++] = ax_seek(ax, fd, places[i % N_PLACES], whences[i / N_PLACES]);
        for (int i = 0; i < N_PLACES; i++) {
                int r = places[i] > 1 << 20 ? 0 : ax_ftruncate(ax, fd, places[i]);

                ret->others[ret->n_others++] = r;
                assert_result(ax_fstat(ax, fd, &status), 0);
                ret->others[ret->n_others++] = (int64_t) status.size;
                ret->others[ret->n_others++] = ax_seek(ax, fd, 0, SEEK_CUR);
        }
        ret->others[ret->n_others++] = ax_fsync(ax, fd);
        ret->others[ret->n_others++] = ax_ftruncate(ax, fd, 5000);
}

static struct answers answers_with(const char *setting) {
        struct daemon_options options = { .settings = setting };
        struct ax_status before;
        struct answers answers = { 0 };
        static char data[5000];
        ax_client *ax;
        int fd;

        fixture_start(&options);
        ax = fixture_connect();
        before = status_ok(ax);
        fd = open_ok(ax, "/tmp/asked", AX_RDWR | AX_O_CREATE);
        assert_result(ax_write(ax, fd, data, sizeof(data)), sizeof(data));
        ask(ax, fd, &answers);
        assert_result(ax_close(ax, fd), 0);
        assert_error(ax_seek(ax, fd, 0, SEEK_SET), AX_EBADF);
        assert_error(ax_fsync(ax, fd), AX_EBADF);
        fd = open_ok(ax, "/tmp/asked", AX_READ);
        ask(ax, fd, &answers);
        answers.status = status_ok(ax);
        answers.status.calls -= before.calls;
        answers.status.local_calls -= before.local_calls;
        answers.status.call_errors -= before.call_errors;
        ax_disconnect(ax);
        return answers;
}

START_TEST(test_direct_calls_on_files_answer_like_others) {
        struct answers direct = answers_with("Direct=yes\n"), mediated = answers_with("Direct=no\n");

        ck_assert_uint_eq(direct.n_others, sizeof(direct.others) / sizeof(direct.others[0]));
        ck_assert_mem_eq(direct.seeks, mediated.seeks, sizeof(direct.seeks));
        ck_assert_mem_eq(direct.others, mediated.others, sizeof(direct.others));
        ck_assert_uint_eq(direct.status.calls, mediated.status.calls);
        ck_assert_uint_eq(direct.status.call_errors, mediated.status.call_errors);
        ck_assert_uint_eq(mediated.status.local_calls, 0);
        ck_assert_uint_gt(direct.status.local_calls, 200);
}
END_TEST

START_TEST(test_a_file_is_shown_as_the_daemon_shows_it) {
        static const char *const paths[] = { "/tmp/one", "/home/user/two", "/tmp/three" };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat by_fd, by_path;
        struct ax_status before, after;

        for (int i = 0; i < 3; i++) {
                int fd = open_ok(ax, paths[i], AX_RDWR | AX_O_CREATE);

                assert_result(ax_write(ax, fd, "text", 4), 4);
                if (i < 2)
                        assert_result(ax_fstat(ax, fd, &by_fd), 0); /* shows how this store's files are shown */
                assert_result(ax_chmod(ax, paths[i], 0640), 0);
                assert_result(ax_stat(ax, paths[i], &by_path), 0);
                before = status_ok(ax);
                assert_result(ax_fstat(ax, fd, &by_fd), 0);
                after = status_ok(ax);
                ck_assert_uint_eq(after.local_calls, before.local_calls + 1);
                ck_assert_mem_eq(&by_fd, &by_path, sizeof(by_fd));
                assert_result(ax_unlink(ax, paths[i]), 0);
                assert_result(ax_fstat(ax, fd, &by_fd), 0);
                ck_assert_uint_eq(by_fd.nlink, 0);
        }
}
END_TEST

/* What is closed without waiting is free for the next call, and nothing else is closed. */
START_TEST(test_a_close_that_nobody_waits_for) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        struct ax_status before = status_ok(ax), after;
        int fd, fds[2];
        char byte;

        for (int i = 0; i < 1000; i++) {
                fd = open_ok(ax, "/tmp/closed", AX_RDWR | AX_O_CREATE);
                ck_assert_int_eq(fd, 3);
                assert_result(ax_close(ax, fd), 0);
        }
        assert_error(ax_close(ax, fd), AX_EBADF);
        assert_error(ax_read(ax, fd, &byte, 1), AX_EBADF);
        after = status_ok(ax);
        ck_assert_uint_eq(after.calls, before.calls + 2 * 1000 + 3);
        ck_assert_uint_eq(after.call_errors, before.call_errors + 2);
        ck_assert_uint_eq(after.open_files, before.open_files);

        assert_result(ax_pipe(ax, fds), 0);
        assert_result(ax_dup2(ax, fds[1], 9), 9);
        assert_result(ax_close(ax, fds[1]), 0);
        assert_error(ax_close(ax, fds[1]), AX_EBADF);
        assert_result(ax_write(ax, 9, "x", 1), 1);
        assert_result(ax_close(ax, 9), 0);
        assert_result(ax_read(ax, fds[0], &byte, 1), 1);
        assert_result(ax_read(ax, fds[0], &byte, 1), 0);
        ax_disconnect(other);
}
END_TEST

START_TEST(test_figures_outlive_their_process) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status before, after;
        ax_client *other = fixture_connect();

        before = status_ok(ax);
        work(other);
        ax_disconnect(other);
        after = status_ok(ax);
        ck_assert_uint_eq(after.bytes_written, before.bytes_written + 350000);
        ck_assert_uint_gt(after.local_calls, before.local_calls + 50);
}
END_TEST

START_TEST(test_the_offset_is_shared_whoever_moves_it) {
        _connected_ ax_client *ax = fixture_connect();
        int fd = open_ok(ax, "/tmp/file", AX_RDWR | AX_O_CREATE | AX_O_TRUNCATE), copy;
        char data[4] = { 0 };

        assert_result(ax_write(ax, fd, "abcdefgh", 8), 8);
        assert_result(ax_write(ax, fd, "ijklmnop", 8), 8); /* direct */
        copy = (int) assert_ok(ax_dup(ax, fd));
        assert_result(ax_seek(ax, copy, 2, SEEK_SET), 2);
        assert_result(ax_read(ax, fd, data, 3), 3);
        ck_assert_str_eq(data, "cde");
        assert_result(ax_seek(ax, fd, 0, SEEK_CUR), 5);
        assert_result(ax_read(ax, copy, data, 3), 3);
        assert_result(ax_read(ax, copy, data, 3), 3);
        ck_assert_str_eq(data, "ijk");
        assert_result(ax_seek(ax, fd, 0, SEEK_CUR), 11);
}
END_TEST

START_TEST(test_appended_writes_go_to_the_end) {
        _connected_ ax_client *ax = fixture_connect();
        int one = open_ok(ax, "/tmp/file", AX_APPEND), other = open_ok(ax, "/tmp/file", AX_APPEND);

        for (int i = 0; i < 5; i++) {
                assert_result(ax_write(ax, one, "1", 1), 1);
                assert_result(ax_write(ax, other, "2", 1), 1);
        }
        assert_text(ax, "/tmp/file", "1212121212");
}
END_TEST

START_TEST(test_a_number_that_is_reused_is_another_file) {
        _connected_ ax_client *ax = fixture_connect();
        int fd, other;
        char data[8] = { 0 };

        put_text(ax, "/tmp/one", "one");
        put_text(ax, "/tmp/two", "two");
        other = open_ok(ax, "/tmp/two", AX_READ);
        for (int i = 0; i < 3; i++) {
                fd = open_ok(ax, i % 2 ? "/tmp/two" : "/tmp/one", AX_READ);
                assert_result(ax_pread(ax, fd, data, 3, 0), 3);
                ck_assert_str_eq(data, i % 2 ? "two" : "one");
                assert_result(ax_pread(ax, fd, data, 3, 0), 3);
                ck_assert_str_eq(data, i % 2 ? "two" : "one");
                assert_result(ax_close(ax, fd), 0);
        }
        fd = open_ok(ax, "/tmp/one", AX_READ);
        assert_result(ax_pread(ax, fd, data, 3, 0), 3);
        assert_result(ax_dup2(ax, other, fd), fd);
        assert_result(ax_pread(ax, fd, data, 3, 0), 3);
        ck_assert_str_eq(data, "two");
        assert_result(ax_dup2(ax, fd, fd), fd);
        assert_result(ax_pread(ax, fd, data, 3, 0), 3);
        ck_assert_str_eq(data, "two");
}
END_TEST

struct reuse {
        ax_client *ax;
        atomic_bool stop;
};

static void *read_whatever_is_there(void *userdata) {
        struct reuse *reuse = userdata;

        while (!atomic_load(&reuse->stop)) {
                char data[8] = { 0 };
                ssize_t n = ax_pread(reuse->ax, 3, data, 3, 0);

                ck_assert(n == -AX_EBADF || (n == 3 && (strcmp(data, "one") == 0 || strcmp(data, "two") == 0)));
        }
        return NULL;
}

START_TEST(test_closing_and_opening_while_other_threads_transfer) {
        _connected_ ax_client *ax = fixture_connect();
        struct reuse reuse = { .ax = ax };
        pthread_t threads[3];
        char data[8] = { 0 };

        put_text(ax, "/tmp/one", "one");
        put_text(ax, "/tmp/two", "two");
        for (int i = 0; i < 3; i++)
                assert_result(pthread_create(&threads[i], NULL, read_whatever_is_there, &reuse), 0);
        for (int i = 0; i < 500; i++) {
                assert_result(ax_open(ax, i % 2 ? "/tmp/two" : "/tmp/one", AX_READ), 3);
                assert_result(ax_pread(ax, 3, data, 3, 0), 3);
                ck_assert_str_eq(data, i % 2 ? "two" : "one");
                assert_result(ax_pread(ax, 3, data, 3, 0), 3);
                ck_assert_str_eq(data, i % 2 ? "two" : "one");
                assert_result(ax_close(ax, 3), 0);
        }
        atomic_store(&reuse.stop, true);
        for (int i = 0; i < 3; i++)
                assert_result(pthread_join(threads[i], NULL), 0);
        assert_error(ax_pread(ax, 3, data, 3, 0), AX_EBADF);
}
END_TEST

static void *read_a_byte(void *userdata) {
        const struct reuse *reuse = userdata;
        char byte;

        assert_result(ax_pread(reuse->ax, 3, &byte, 1, 0), 1);
        return NULL;
}

/* A stopped program's transfers wait, as its other calls do. */
START_TEST(test_a_stopped_process_transfers_nothing) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        struct reuse reuse = { .ax = ax };
        struct ax_status before, after;
        pthread_t thread;
        char byte = 'x';

        assert_result(ax_open(ax, "/tmp/file", AX_RDWR | AX_O_CREATE | AX_O_TRUNCATE), 3);
        for (int i = 0; i < 3; i++)
                assert_result(ax_write(ax, 3, &byte, 1), 1);
        assert_result(ax_kill(other, ax_getpid(ax), AX_SIGSTOP), 0);
        before = status_ok(other);
        assert_result(pthread_create(&thread, NULL, read_a_byte, &reuse), 0);
        for (int i = 0; i < 200; i++)
                after = status_ok(other);
        ck_assert_uint_eq(after.bytes_read, before.bytes_read);
        assert_result(ax_kill(other, ax_getpid(ax), AX_SIGCONT), 0);
        assert_result(pthread_join(thread, NULL), 0);
        after = status_ok(other);
        ck_assert_uint_eq(after.bytes_read, before.bytes_read + 1);
        ax_disconnect(other);
}
END_TEST

START_TEST(test_a_process_that_has_ended_transfers_nothing) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        char byte = 'x';

        assert_result(ax_open(ax, "/tmp/file", AX_RDWR | AX_O_CREATE | AX_O_TRUNCATE), 3);
        for (int i = 0; i < 3; i++)
                assert_result(ax_write(ax, 3, &byte, 1), 1);
        assert_result(ax_kill(other, ax_getpid(ax), AX_SIGKILL), 0);
        assert_error(ax_write(ax, 3, &byte, 1), AX_ESRCH);
        assert_error(ax_pread(ax, 3, &byte, 1, 0), AX_ESRCH);
        ax_disconnect(other);
}
END_TEST

START_TEST(test_a_program_without_room_for_descriptors_goes_through_the_daemon) {
        _connected_ ax_client *ax = fixture_connect();
        struct rlimit old, none = { 0 };
        int fd = open_ok(ax, "/tmp/file", AX_WRITE);
        struct ax_status status;

        assert_result(getrlimit(RLIMIT_NOFILE, &old), 0);
        none.rlim_max = old.rlim_max;
        assert_result(setrlimit(RLIMIT_NOFILE, &none), 0);
        for (int i = 0; i < 3; i++)
                assert_result(ax_write(ax, fd, "abc", 3), 3);
        assert_result(setrlimit(RLIMIT_NOFILE, &old), 0);
        assert_text(ax, "/tmp/file", "abcabcabc");
        status = status_ok(ax);
        ck_assert_uint_eq(status.bytes_written, 9);
}
END_TEST

/* Programs that are not spawned keep no pipe's end: it would outlive their process. */
START_TEST(test_a_pipe_ends_with_the_process_that_wrote) {
        _connected_ ax_client *ax = fixture_connect();
        int fds[2];
        char byte = 'x';

        assert_result(ax_pipe(ax, fds), 0);
        for (int i = 0; i < 3; i++) {
                assert_result(ax_write(ax, fds[1], &byte, 1), 1);
                assert_result(ax_read(ax, fds[0], &byte, 1), 1);
        }
        assert_result(ax_write(ax, fds[1], "rest", 4), 4);
        assert_result(ax_close(ax, fds[1]), 0);
        for (int i = 0; i < 4; i++)
                assert_result(ax_read(ax, fds[0], &byte, 1), 1);
        assert_result(ax_read(ax, fds[0], &byte, 1), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("direct");

        fixture_add(suite, test_transfers_after_the_first_need_no_request, 0);
        fixture_add(suite, test_direct_calls_count_like_others, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_without_direct_calls_the_figures_are_the_same, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_direct_calls_on_files_answer_like_others, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_a_file_is_shown_as_the_daemon_shows_it, 0);
        fixture_add(suite, test_a_close_that_nobody_waits_for, 0);
        fixture_add(suite, test_figures_outlive_their_process, 0);
        fixture_add(suite, test_the_offset_is_shared_whoever_moves_it, 0);
        fixture_add(suite, test_appended_writes_go_to_the_end, 0);
        fixture_add(suite, test_a_number_that_is_reused_is_another_file, 0);
        fixture_add(suite, test_closing_and_opening_while_other_threads_transfer, 0);
        fixture_add(suite, test_a_stopped_process_transfers_nothing, 0);
        fixture_add(suite, test_a_process_that_has_ended_transfers_nothing, 0);
        fixture_add(suite, test_a_program_without_room_for_descriptors_goes_through_the_daemon, 0);
        fixture_add(suite, test_a_pipe_ends_with_the_process_that_wrote, 0);
        return fixture_main(suite);
}
