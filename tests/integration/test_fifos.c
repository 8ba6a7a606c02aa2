/* SPDX-License-Identifier: MIT */
/*
 * FIFOs: opening waits for the other side, can be given up, and keeps to modes.
 */
#include "children.h"
#include "fixture.h"

#include <pthread.h>
#include <sys/stat.h>

struct opener {
        ax_client *ax;
        unsigned flags;
        int result;
};

static void *open_fifo(void *userdata) {
        struct opener *opener = userdata;

        opener->result = ax_open(opener->ax, "/tmp/fifo", opener->flags);
        return NULL;
}

START_TEST(test_opening_a_fifo_waits_for_the_other_side) {
        static const unsigned orders[2][2] = { { AX_O_READ, AX_O_WRITE }, { AX_O_WRITE, AX_O_READ } };
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect();
        struct ax_stat status;
        char buf[8];

        assert_result(ax_umask(ax, 027), 022);
        assert_result(ax_mkfifo(ax, "/tmp/fifo"), 0);
        assert_error(ax_mkfifo(ax, "/tmp/fifo"), AX_EEXIST);
        assert_error(ax_mkfifo(ax, "/dev/fifo"), AX_EROFS);
        assert_result(ax_stat(ax, "/tmp/fifo", &status), 0);
        ck_assert_uint_eq(status.mode, S_IFIFO | 0640);
        for (int i = 0; i < 2; i++) {
                struct opener opener = { .ax = other, .flags = orders[i][0] };
                pthread_t thread;
                int fd, reader_fd;

                assert_result(pthread_create(&thread, NULL, open_fifo, &opener), 0);
                wait_sleeping(ax, other);
                fd = (int) assert_ok(ax_open(ax, "/tmp/fifo", orders[i][1]));
                assert_result(pthread_join(thread, NULL), 0);
                ck_assert_int_eq(opener.result, 3);
                reader_fd = i == 0 ? opener.result : fd;
                assert_result(ax_write(i == 0 ? ax : other, i == 0 ? fd : opener.result, "hello", 5), 5);
                assert_result(ax_read(i == 0 ? other : ax, reader_fd, buf, sizeof(buf)), 5);
                assert_result(ax_close(i == 0 ? ax : other, i == 0 ? fd : opener.result), 0);
                assert_result(ax_read(i == 0 ? other : ax, reader_fd, buf, sizeof(buf)), 0);
                assert_result(ax_close(i == 0 ? other : ax, reader_fd), 0);
        }
        ax_disconnect(other);
}
END_TEST

START_TEST(test_fifos_that_do_not_wait) {
        _connected_ ax_client *ax = fixture_connect();
        int reader, writer, both;
        char byte;

        assert_result(ax_mkfifo(ax, "/tmp/fifo"), 0);
        assert_error(ax_open(ax, "/tmp/fifo", AX_O_WRITE | AX_O_NONBLOCK), AX_ENXIO);
        reader = (int) assert_ok(ax_open(ax, "/tmp/fifo", AX_O_READ | AX_O_NONBLOCK));
        assert_result(ax_read(ax, reader, &byte, 1), 0); /* no writer: the end */
        writer = (int) assert_ok(ax_open(ax, "/tmp/fifo", AX_O_WRITE));
        assert_error(ax_read(ax, reader, &byte, 1), AX_EAGAIN);
        assert_result(ax_write(ax, writer, "x", 1), 1);
        assert_result(ax_rename(ax, "/tmp/fifo", "/tmp/moved"), 0);
        assert_result(ax_unlink(ax, "/tmp/moved"), 0);
        assert_result(ax_read(ax, reader, &byte, 1), 1);
        assert_result(ax_close(ax, reader), 0);
        assert_result(ax_signal(ax, AX_SIGPIPE, AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
        assert_error(ax_write(ax, writer, "x", 1), AX_EPIPE);
        assert_result(ax_mkfifo(ax, "/tmp/fifo"), 0);
        both = (int) assert_ok(ax_open(ax, "/tmp/fifo", AX_RDWR));
        assert_result(ax_write(ax, both, "y", 1), 1);
        assert_result(ax_read(ax, both, &byte, 1), 1);
}
END_TEST

static void note_signal(ax_client *ax, int signal, void *userdata) {
        (void) ax;
        *(int *) userdata = signal;
}

START_TEST(test_a_fifo_that_is_being_opened_can_be_given_up) {
        static const unsigned sides[] = { AX_O_READ, AX_O_WRITE };
        _connected_ ax_client *ax = fixture_connect();

        assert_result(ax_mkfifo(ax, "/tmp/fifo"), 0);
        for (int i = 0; i < 4; i++) {
                ax_client *other = fixture_connect();
                struct opener opener = { .ax = other, .flags = sides[i % 2] };
                pthread_t thread;
                int handled = 0;

                assert_result(ax_signal_handle(other, AX_SIGUSR1, note_signal, &handled), AX_SIGNAL_DEFAULT);
                assert_result(pthread_create(&thread, NULL, open_fifo, &opener), 0);
                wait_sleeping(ax, other);
                assert_result(ax_kill(ax, ax_getpid(other), i < 2 ? AX_SIGUSR1 : AX_SIGKILL), 0);
                assert_result(pthread_join(thread, NULL), 0);
                assert_error(opener.result, i < 2 ? AX_EINTR : AX_ESRCH);
                ck_assert_int_eq(handled, i < 2 ? AX_SIGUSR1 : 0);
                ax_disconnect(other);
        }
        /* none of them counts any more */
        assert_error(ax_open(ax, "/tmp/fifo", AX_O_WRITE | AX_O_NONBLOCK), AX_ENXIO);
}
END_TEST

static void open_as_another(ax_client *ax, void *userdata) {
        (void) userdata;
        assert_error(ax_open(ax, "/tmp/fifo", AX_O_READ | AX_O_NONBLOCK), AX_EACCES);
        assert_error(ax_open(ax, "/tmp/fifo", AX_O_WRITE), AX_EACCES);
}

START_TEST(test_a_fifos_mode_holds) {
        _connected_ ax_client *ax = fixture_connect();

        assert_result(ax_umask(ax, 077), 022);
        assert_result(ax_mkfifo(ax, "/tmp/fifo"), 0);
        fixture_as_uid(FIXTURE_UID, open_as_another, NULL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("fifos");

        fixture_add(suite, test_opening_a_fifo_waits_for_the_other_side, 0);
        fixture_add(suite, test_fifos_that_do_not_wait, 0);
        fixture_add(suite, test_a_fifo_that_is_being_opened_can_be_given_up, 0);
        fixture_add(suite, test_opening_a_fifo_waits_for_the_other_side, FIXTURE_DURABLE);
        fixture_add(suite, test_a_fifos_mode_holds, FIXTURE_ROOT);
        return fixture_main(suite);
}
