/* SPDX-License-Identifier: MIT */
/*
 * The console: what is typed is read once, what is written is taken once, and who waits is woken.
 */
#include "children.h"
#include "fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ax_process find(ax_client *ax, ax_pid pid) {
        struct ax_process *list, found = { .pid = 0 };
        int n = ax_process_list(ax, &list);

        ck_assert_int_ge(n, 0);
        for (int i = 0; i < n; i++)
                if (list[i].pid == pid)
                        found = list[i];
        free(list);
        return found;
}

struct sleeper {
        ax_client *watcher, *ax;
        pthread_t thread;
        char buf[64];
        ssize_t result;
        uint64_t lost;
};

static void *read_console(void *userdata) {
        struct sleeper *sleeper = userdata;

        sleeper->result = ax_read(sleeper->ax, AX_STDIN, sleeper->buf, sizeof(sleeper->buf));
        return NULL;
}

static void *wait_output(void *userdata) {
        struct sleeper *sleeper = userdata;

        sleeper->result = ax_console_wait_output(sleeper->ax, sleeper->buf, sizeof(sleeper->buf), &sleeper->lost);
        return NULL;
}

static void start(struct sleeper *sleeper, void *(*body)(void *userdata)) {
        ck_assert_int_eq(pthread_create(&sleeper->thread, NULL, body, sleeper), 0);
        wait_sleeping(sleeper->watcher, sleeper->ax);
}

START_TEST(test_output_is_taken_once_and_in_order) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[64];

        assert_result(ax_console_take_output(ax, buf, sizeof(buf)), 0);
        assert_result(ax_write(ax, AX_STDOUT, "Hello, ", 7), 7);
        assert_result(ax_write(ax, AX_STDERR, "console", 7), 7);
        assert_result(ax_write(ax, open_ok(ax, "/dev/console", AX_RDWR), "!\n", 2), 2);
        assert_result(ax_console_take_output(ax, buf, 5), 5);
        ck_assert_mem_eq(buf, "Hello", 5);
        assert_result(ax_console_take_output(ax, buf, sizeof(buf)), 11);
        ck_assert_mem_eq(buf, ", console!\n", 11);
        assert_result(ax_console_take_output(ax, buf, sizeof(buf)), 0);
}
END_TEST

START_TEST(test_input_is_read_once_and_in_order) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[64];

        assert_result(ax_console_push_input(ax, "one ", 4), 4);
        assert_result(ax_console_push_input(ax, "two", 3), 3);
        assert_result(ax_read(ax, AX_STDIN, buf, 2), 2);
        ck_assert_mem_eq(buf, "on", 2);
        assert_result(ax_read(ax, AX_STDIN, buf, sizeof(buf)), 5);
        ck_assert_mem_eq(buf, "e two", 5);
        assert_result(ax_console_push_input(ax, "", 0), 0);
        assert_ok(ax_set_nonblock(ax, AX_STDIN, true));
        assert_error(ax_read(ax, AX_STDIN, buf, sizeof(buf)), AX_EAGAIN);
}
END_TEST

START_TEST(test_input_is_not_echoed_as_output) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[16];

        assert_result(ax_console_push_input(ax, "typed", 5), 5);
        assert_result(ax_console_take_output(ax, buf, sizeof(buf)), 0);
}
END_TEST

START_TEST(test_a_read_waits_for_input) {
        _connected_ ax_client *watcher = fixture_connect(), *ax = fixture_connect();
        struct sleeper sleeper = { .watcher = watcher, .ax = ax };

        start(&sleeper, read_console);
        assert_result(ax_getppid(ax), 1); /* another thread's calls go on meanwhile */
        assert_result(ax_console_push_input(watcher, "wake", 4), 4);
        pthread_join(sleeper.thread, NULL);
        assert_result(sleeper.result, 4);
        ck_assert_mem_eq(sleeper.buf, "wake", 4);
        ck_assert_str_eq(find(watcher, ax_getpid(ax)).state, "Running");
}
END_TEST

START_TEST(test_readers_are_served_in_turn) {
        _connected_ ax_client *watcher = fixture_connect(), *a = fixture_connect(), *b = fixture_connect();
        struct sleeper first = { .watcher = watcher, .ax = a }, second = { .watcher = watcher, .ax = b };

        start(&first, read_console);
        start(&second, read_console);
        assert_result(ax_console_push_input(watcher, "1", 1), 1);
        pthread_join(first.thread, NULL);
        assert_result(first.result, 1);
        assert_state(second.watcher, ax_getpid(second.ax), "Sleeping");
        assert_result(ax_console_push_input(watcher, "2", 1), 1);
        pthread_join(second.thread, NULL);
        assert_result(second.result, 1);
        ck_assert_int_eq(second.buf[0], '2');
}
END_TEST

START_TEST(test_a_dead_reader_takes_nothing) {
        _connected_ ax_client *watcher = fixture_connect();
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;
        int fd = fixture_wire();
        char buf[8];

        request.size = 8;
        ck_assert_int_eq(wire_send(fd, 2, wire_method("Read"), &request.base), 0);
        close(fd);
        fixture_wait_sessions(watcher, 1);
        assert_result(ax_console_push_input(watcher, "kept", 4), 4);
        assert_result(ax_read(watcher, AX_STDIN, buf, sizeof(buf)), 4);
}
END_TEST

START_TEST(test_closing_does_not_strand_a_waiting_read) {
        _connected_ ax_client *watcher = fixture_connect(), *ax = fixture_connect();
        struct sleeper sleeper = { .watcher = watcher, .ax = ax };

        start(&sleeper, read_console);
        assert_ok(ax_close(ax, AX_STDIN));
        assert_result(ax_console_push_input(watcher, "x", 1), 1);
        pthread_join(sleeper.thread, NULL);
        ck_assert_msg(sleeper.result == 1 || sleeper.result == -AX_EBADF || sleeper.result == -AX_EINTR,
                      "the read returned %zd", sleeper.result);
}
END_TEST

START_TEST(test_waiting_for_output) {
        _connected_ ax_client *watcher = fixture_connect(), *ax = fixture_connect();
        struct sleeper sleeper = { .watcher = watcher, .ax = ax, .lost = 99 };

        start(&sleeper, wait_output);
        assert_result(ax_write(watcher, AX_STDOUT, "printed", 7), 7);
        pthread_join(sleeper.thread, NULL);
        assert_result(sleeper.result, 7);
        ck_assert_mem_eq(sleeper.buf, "printed", 7);
        ck_assert_uint_eq(sleeper.lost, 0);
        assert_error(ax_console_wait_output(ax, sleeper.buf, 0, NULL), AX_EINVAL);
}
END_TEST

START_TEST(test_a_cancel_ends_a_waiting_read) {
        _connected_ ax_client *watcher = fixture_connect();
        Axeberg__ReadRequest request = AXEBERG__READ_REQUEST__INIT;
        Axeberg__CancelRequest cancel = AXEBERG__CANCEL_REQUEST__INIT;
        _closed_ int fd = fixture_wire();
        struct wire_frame a, b;
        char byte;

        request.size = 8;
        cancel.serial = 2;
        ck_assert_int_eq(wire_send(fd, 2, wire_method("Read"), &request.base), 0);
        ck_assert_int_eq(wire_send(fd, 3, wire_method("Cancel"), &cancel.base), 0);
        ck_assert_int_eq(wire_receive(fd, &a, 10000), 1);
        ck_assert_int_eq(wire_receive(fd, &b, 10000), 1);
        ck_assert_uint_eq(a.header.serial + b.header.serial, 5);
        ck_assert_int_eq(a.header.serial == 2 ? a.header.status : b.header.status, -AX_EINTR);
        ck_assert_int_eq(a.header.serial == 3 ? a.header.status : b.header.status, 0);
        ck_assert_int_eq(wire_call(fd, 4, wire_method("Cancel"), &cancel.base, &a), 0);
        assert_result(ax_console_push_input(watcher, "x", 1), 1);
        assert_result(ax_read(watcher, AX_STDIN, &byte, 1), 1);
}
END_TEST

START_TEST(test_large_output_goes_through) {
        enum { SIZE = 200000 };
        _connected_ ax_client *ax = fixture_connect();
        char *data = malloc(SIZE), *back = malloc(SIZE);
        int64_t done = 0;

        for (size_t i = 0; i < SIZE; i++)
                data[i] = (char) ('a' + i % 25);
        assert_result(ax_write(ax, AX_STDOUT, data, SIZE), SIZE);
        while (done < SIZE) {
                int64_t n = assert_ok(ax_console_take_output(ax, back + done, (size_t) (SIZE - done)));

                ck_assert_int_gt(n, 0);
                done += n;
        }
        ck_assert_int_eq(memcmp(data, back, SIZE), 0);
        free(data);
        free(back);
}
END_TEST

/* ---- who may read ---------------------------------------------------------------------------- */

/* Everything that an ordinary user can try; none of it may wait, or take a byte. */
static void cannot_read(ax_client *ax, void *userdata) {
        static const char *const paths[] = { "/dev/console", "/proc/self/fd/0", "/dev/../dev/console" };
        struct ax_stat stat;
        ax_client *child;
        char buf[64];
        int copy;

        (void) userdata;
        assert_error(ax_read(ax, AX_STDIN, buf, sizeof(buf)), AX_EIO);
        assert_error(ax_read(ax, AX_STDOUT, buf, sizeof(buf)), AX_EIO);
        copy = (int) assert_ok(ax_dup(ax, AX_STDIN));
        assert_ok(ax_set_nonblock(ax, copy, true));
        assert_error(ax_read(ax, copy, buf, sizeof(buf)), AX_EIO);
        for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
                assert_error(ax_open(ax, paths[i], AX_READ), AX_EACCES);
                assert_error(ax_open(ax, paths[i], AX_RDWR), AX_EACCES);
        }
        stat = stat_ok(ax, "/dev/console");
        ck_assert_uint_eq(stat.mode, S_IFCHR | 0622);
        ck_assert_uint_eq(stat.uid, 0);
        assert_ok(ax_fstat(ax, AX_STDIN, &stat));
        ck_assert_uint_eq(stat.mode, S_IFCHR | 0622);
        assert_ok(ax_spawn_client(ax, NULL, &child));
        assert_error(ax_read(child, AX_STDIN, buf, sizeof(buf)), AX_EIO);
        ax_disconnect(child);

        assert_result(ax_write(ax, AX_STDOUT, "output ", 7), 7);
        assert_result(ax_write(ax, open_ok(ax, "/dev/console", AX_O_WRITE), "is everybody's", 14), 14);
}

START_TEST(test_an_ordinary_user_gets_nothing_of_what_is_typed) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[64];

        assert_result(ax_console_push_input(ax, "password", 8), 8);
        fixture_as_uid(FIXTURE_UID, cannot_read, NULL);
        /* the group of root is no administrator */
        fixture_as(&(struct fixture_user){ .uid = FIXTURE_UID, .gid = 0 }, cannot_read, NULL);
        assert_result(ax_read(ax, AX_STDIN, buf, sizeof(buf)), 8);
        ck_assert_mem_eq(buf, "password", 8);
        assert_result(ax_console_take_output(ax, buf, sizeof(buf)), 2 * 21);
        ck_assert_mem_eq(buf, "output is everybody's", 21);
}
END_TEST

START_TEST(test_a_user_s_program_that_an_administrator_starts_reads) {
        const struct ax_spawn_options options = { .set_ids = true, .uid = FIXTURE_UID, .gid = FIXTURE_UID };
        _connected_ ax_client *ax = fixture_connect(), *child = NULL, *grandchild = NULL;
        char buf[64];

        assert_ok(ax_spawn_client(ax, &options, &child));
        ck_assert_uint_eq(find(ax, ax_getpid(child)).uid, FIXTURE_UID);
        assert_result(ax_console_push_input(ax, "one", 3), 3);
        assert_result(ax_read(child, AX_STDIN, buf, sizeof(buf)), 3);
        assert_ok(ax_spawn_client(child, NULL, &grandchild));
        assert_result(ax_console_push_input(ax, "two", 3), 3);
        assert_result(ax_read(grandchild, AX_STDIN, buf, sizeof(buf)), 3);
        ck_assert_mem_eq(buf, "two", 3);
        /* what it was given is the descriptor; it is no administrator */
        assert_error(ax_open(child, "/dev/console", AX_READ), AX_EACCES);
}
END_TEST

static void reads(ax_client *ax, void *userdata) {
        char buf[8];

        (void) userdata;
        assert_result(ax_console_push_input(ax, "typed", 5), 5);
        assert_result(ax_read(ax, AX_STDIN, buf, 2), 2);
        assert_result(ax_read(ax, open_ok(ax, "/dev/console", AX_RDWR), buf, sizeof(buf)), 3);
        ck_assert_uint_eq(stat_ok(ax, "/dev/console").uid, FIXTURE_UID);
}

START_TEST(test_a_daemon_s_own_user_reads) {
        fixture_as_uid(FIXTURE_UID, reads, NULL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("console");

        fixture_add(suite, test_output_is_taken_once_and_in_order, 0);
        fixture_add(suite, test_input_is_read_once_and_in_order, 0);
        fixture_add(suite, test_input_is_not_echoed_as_output, 0);
        fixture_add(suite, test_a_read_waits_for_input, 0);
        fixture_add(suite, test_readers_are_served_in_turn, 0);
        fixture_add(suite, test_a_dead_reader_takes_nothing, 0);
        fixture_add(suite, test_closing_does_not_strand_a_waiting_read, 0);
        fixture_add(suite, test_waiting_for_output, 0);
        fixture_add(suite, test_a_cancel_ends_a_waiting_read, 0);
        fixture_add(suite, test_large_output_goes_through, 0);
        fixture_add(suite, test_an_ordinary_user_gets_nothing_of_what_is_typed, FIXTURE_ROOT);
        fixture_add(suite, test_a_user_s_program_that_an_administrator_starts_reads, FIXTURE_ROOT);
        fixture_add(suite, test_a_daemon_s_own_user_reads, FIXTURE_USER);
        return fixture_main(suite);
}
