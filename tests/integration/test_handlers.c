/* SPDX-License-Identifier: MIT */
/*
 * Handlers of signals: when they run, and what they interrupt.
 */
#include "children.h"
#include "fixture.h"
#include "handled.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>

static void *raise_soon(void *userdata) {
        ax_client *ax = fixture_connect();
        ax_pid pid = ax_getpid(userdata);

        wait_state(ax, pid, "Sleeping");
        assert_result(ax_kill(ax, pid, AX_SIGUSR1), 0);
        ax_disconnect(ax);
        return NULL;
}

START_TEST(test_a_handled_signal_interrupts_what_waits) {
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };
        ax_task_id task;
        pthread_t sender;
        int fds[2];
        char byte;

        assert_result(ax_signal_handle(ax, AX_SIGUSR1, note_signal, &handled), AX_SIGNAL_DEFAULT);
        assert_result(ax_task_create(ax, &task), 0);
        assert_result(ax_pipe(ax, fds), 0);
        for (int i = 0; i < 3; i++) {
                assert_result(pthread_create(&sender, NULL, raise_soon, ax), 0);
                if (i == 0)
                        assert_error(ax_read(ax, fds[0], &byte, 1), AX_EINTR);
                else if (i == 1)
                        assert_error(ax_task_wait(ax, task, -1), AX_EINTR);
                else
                        assert_error(ax_read(ax, AX_STDIN, &byte, 1), AX_EINTR);
                assert_result(pthread_join(sender, NULL), 0);
                ck_assert_int_eq(handled.count, i + 1);
        }
}
END_TEST

START_TEST(test_an_interrupted_write_tells_what_it_did) {
        static char data[200000];
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };
        pthread_t sender;
        int fds[2];

        assert_result(ax_signal_handle(ax, AX_SIGUSR1, note_signal, &handled), AX_SIGNAL_DEFAULT);
        assert_result(ax_pipe(ax, fds), 0);
        assert_result(pthread_create(&sender, NULL, raise_soon, ax), 0);
        assert_result(ax_write(ax, fds[1], data, sizeof(data)), 65536);
        assert_result(pthread_join(sender, NULL), 0);
        ck_assert_int_eq(handled.count, 1);
}
END_TEST

START_TEST(test_handlers_run_in_dispatch) {
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };
        struct pollfd poller;
        ax_client *child;
        ax_pid pid;

        child = spawn_child(ax, &pid);
        assert_result(ax_signal_handle(child, AX_SIGUSR1, note_signal, &handled), AX_SIGNAL_DEFAULT);
        assert_result(ax_signal_handle(child, AX_SIGUSR2, note_signal, &handled), AX_SIGNAL_DEFAULT);
        poller = (struct pollfd){ .fd = ax_fileno(child), .events = POLLIN };
        ck_assert_int_ge(poller.fd, 0);
        assert_result(ax_dispatch(child, 0), 0);
        assert_result(ax_dispatch(child, 1), 0);
        assert_error(ax_dispatch(child, NAN), AX_EINVAL);
        ck_assert_int_eq(poll(&poller, 1, 0), 0);
        assert_result(ax_kill(ax, pid, AX_SIGUSR1), 0);
        assert_result(ax_kill(ax, pid, AX_SIGUSR2), 0);
        ck_assert_int_eq(handled.count, 0); /* never asynchronously */
        ck_assert_int_eq(poll(&poller, 1, 20000), 1);
        assert_result(ax_dispatch(child, -1), 2);
        ck_assert_int_eq(handled.count, 2);
        ck_assert_int_eq(poll(&poller, 1, 0), 0);
        assert_result(ax_dispatch(child, 0), 0);
        ax_disconnect(child);
}
END_TEST

struct nested {
        struct handled handled;
        ax_pid pid;
        int depth, deepest;
};

/* Raises its own signal, which must wait, and another, which need not. */
static void raise_again(ax_client *ax, int signal, void *userdata) {
        struct nested *nested = userdata;

        if (++nested->depth > nested->deepest)
                nested->deepest = nested->depth;
        note_signal(ax, signal, &nested->handled);
        if (nested->handled.count == 1) {
                assert_result(ax_kill(ax, nested->pid, AX_SIGUSR1), 0);
                ck_assert_int_eq(nested->handled.count, 1);
                assert_result(ax_sigpending(ax), 1);
                assert_result(ax_kill(ax, nested->pid, AX_SIGUSR2), 0);
                ck_assert_int_eq(nested->handled.count, 2);
        }
        nested->depth--;
}

START_TEST(test_a_signal_is_blocked_while_its_handler_runs) {
        static const int order[] = { AX_SIGUSR1, AX_SIGUSR2, AX_SIGUSR1 };
        _connected_ ax_client *ax = fixture_connect();
        struct nested nested = { .pid = ax_getpid(ax) };

        assert_result(ax_signal_handle(ax, AX_SIGUSR1, raise_again, &nested), AX_SIGNAL_DEFAULT);
        assert_result(ax_signal_handle(ax, AX_SIGUSR2, raise_again, &nested), AX_SIGNAL_DEFAULT);
        assert_result(ax_kill(ax, nested.pid, AX_SIGUSR1), 0);
        assert_handled(&nested.handled, order, 3);
        ck_assert_int_eq(nested.deepest, 2);
}
END_TEST

START_TEST(test_sigchld_and_sigalrm_are_handled) {
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };
        ax_client *child;
        ax_pid pid;

        assert_result(ax_signal_handle(ax, AX_SIGCHLD, note_signal, &handled), AX_SIGNAL_DEFAULT);
        assert_result(ax_signal_handle(ax, AX_SIGALRM, note_signal, &handled), AX_SIGNAL_DEFAULT);
        child = spawn_child(ax, &pid);
        ax_disconnect(child);
        assert_result(ax_dispatch(ax, -1), 1);
        ck_assert_int_eq(handled.signals[0], AX_SIGCHLD);
        assert_wait(ax, pid, AX_EXITED, 0);
        assert_result(ax_alarm(ax, 1, NULL), 0);
        assert_result(ax_dispatch(ax, -1), 1);
        ck_assert_int_eq(handled.signals[1], AX_SIGALRM);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("handlers");

        fixture_add(suite, test_a_handled_signal_interrupts_what_waits, 0);
        fixture_add(suite, test_an_interrupted_write_tells_what_it_did, 0);
        fixture_add(suite, test_handlers_run_in_dispatch, 0);
        fixture_add(suite, test_a_signal_is_blocked_while_its_handler_runs, 0);
        fixture_add(suite, test_sigchld_and_sigalrm_are_handled, 0);
        return fixture_main(suite);
}
