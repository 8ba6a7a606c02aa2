/* SPDX-License-Identifier: MIT */
/*
 * Signals: S1 to S5, what each does, and who may send them. Other processes are children whose
 * connection the case holds itself.
 */
#include "children.h"
#include "fixture.h"
#include "handled.h"

#include <pthread.h>

static const int all_signals[] = { AX_SIGHUP,  AX_SIGINT,  AX_SIGQUIT, AX_SIGKILL, AX_SIGUSR1, AX_SIGUSR2,
                                   AX_SIGPIPE, AX_SIGALRM, AX_SIGTERM, AX_SIGCHLD, AX_SIGCONT, AX_SIGSTOP };
enum { N_SIGNALS = sizeof(all_signals) / sizeof(all_signals[0]) };

/* ---- S1, S2 ---------------------------------------------------------------------------------- */

START_TEST(test_S1_kill_always_ends) {
        _connected_ ax_client *ax = fixture_connect();

        for (int i = 0; i < 3; i++) {
                ax_pid pid;
                ax_client *child = spawn_child(ax, &pid);

                for (int j = 0; j < N_SIGNALS; j++)
                        if (all_signals[j] != AX_SIGKILL && all_signals[j] != AX_SIGSTOP) {
                                assert_result(ax_sigblock(child, all_signals[j]), 0);
                                assert_result(ax_signal(child, all_signals[j], AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
                        }
                if (i == 1) {
                        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
                        assert_wait(ax, pid, AX_STOPPED, AX_SIGSTOP);
                }
                assert_result(ax_kill(i == 2 ? child : ax, pid, AX_SIGKILL), 0);
                assert_error(ax_getppid(child), AX_ESRCH);
                assert_wait(ax, pid, AX_SIGNALED, AX_SIGKILL);
                ax_disconnect(child);
        }
}
END_TEST

START_TEST(test_S2_stop_always_stops) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid;
        ax_client *child = spawn_child(ax, &pid);

        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_state(ax, pid, "Stopped");
        assert_wait(ax, pid, AX_STOPPED, AX_SIGSTOP);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_state(ax, pid, "Running");
        assert_wait(ax, pid, AX_CONTINUED, AX_SIGCONT);
        assert_result(ax_getppid(child), ax_getpid(ax));
        ax_disconnect(child);
}
END_TEST

START_TEST(test_S1_S2_kill_and_stop_are_not_blocked_ignored_or_caught) {
        _connected_ ax_client *ax = fixture_connect();
        static const int both[] = { AX_SIGKILL, AX_SIGSTOP };
        struct handled handled = { 0 };

        for (int i = 0; i < 2; i++) {
                assert_error(ax_sigblock(ax, both[i]), AX_ESIG_CANNOT_BLOCK);
                assert_error(ax_signal(ax, both[i], AX_SIGNAL_IGNORE), AX_ESIG_CANNOT_CATCH);
                assert_error(ax_signal(ax, both[i], AX_SIGNAL_HANDLE), AX_ESIG_CANNOT_CATCH);
                assert_error(ax_signal_handle(ax, both[i], note_signal, &handled), AX_ESIG_CANNOT_CATCH);
        }
}
END_TEST

static void *read_into(void *userdata) {
        ax_client *ax = userdata;
        static char buf[8];

        return (void *) (intptr_t) ax_read(ax, 3, buf, sizeof(buf));
}

/* Neither its parked calls nor new ones go on. */
START_TEST(test_S2_a_stopped_process_makes_no_progress) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *child;
        pthread_t reader;
        char buf[8];
        void *result;
        int fds[2];
        ax_pid pid;

        assert_result(ax_pipe(ax, fds), 0);
        ck_assert_int_eq(fds[0], 3);
        child = spawn_child(ax, &pid);
        assert_result(ax_close(child, fds[1]), 0);
        assert_result(pthread_create(&reader, NULL, read_into, child), 0);
        wait_state(ax, pid, "Sleeping");
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_write(ax, fds[1], "data", 4), 4);
        for (int i = 0; i < 100; i++) {
                assert_state(ax, pid, "Stopped");
                ck_assert_int_gt(ax_getppid(ax), 0);
        }
        /* still in the pipe */
        assert_result(ax_set_nonblock(ax, fds[0], true), 0);
        assert_result(ax_read(ax, fds[0], buf, sizeof(buf)), 4);
        assert_result(ax_set_nonblock(ax, fds[0], false), 0);
        assert_result(ax_write(ax, fds[1], "again", 5), 5);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_result(pthread_join(reader, &result), 0);
        ck_assert_int_eq((intptr_t) result, 5);
        ax_disconnect(child);
}
END_TEST

/* ---- S3, S4, S5 ------------------------------------------------------------------------------ */

START_TEST(test_S3_equal_pending_signals_coalesce) {
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };

        assert_result(ax_signal_handle(ax, AX_SIGUSR1, note_signal, &handled), AX_SIGNAL_DEFAULT);
        assert_result(ax_sigblock(ax, AX_SIGUSR1), 0);
        for (int i = 0; i < 10; i++)
                assert_result(ax_kill(ax, ax_getpid(ax), AX_SIGUSR1), 0);
        assert_result(ax_sigunblock(ax, AX_SIGUSR1), 1);
        ck_assert_int_eq(handled.count, 1);
}
END_TEST

START_TEST(test_S4_blocked_signals_are_kept_and_delivered_on_unblock) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid;
        ax_client *child = spawn_child(ax, &pid);

        assert_result(ax_sigblock(child, AX_SIGTERM), 0);
        assert_result(ax_sigblock(child, AX_SIGTERM), 1);
        assert_result(ax_kill(ax, pid, AX_SIGTERM), 0);
        assert_result(ax_sigpending(child), 1);
        assert_result(ax_sigpending(ax), 0);
        assert_state(ax, pid, "Running");
        (void) ax_sigunblock(child, AX_SIGTERM);
        assert_wait(ax, pid, AX_SIGNALED, AX_SIGTERM);
        ax_disconnect(child);
}
END_TEST

/* It may be handled by the time it is unblocked. */
START_TEST(test_S4_what_is_blocked_and_ignored_is_kept) {
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };

        assert_result(ax_signal(ax, AX_SIGHUP, AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
        assert_result(ax_sigblock(ax, AX_SIGHUP), 0);
        assert_result(ax_kill(ax, ax_getpid(ax), AX_SIGHUP), 0);
        assert_result(ax_sigpending(ax), 1);
        assert_result(ax_signal_handle(ax, AX_SIGHUP, note_signal, &handled), AX_SIGNAL_IGNORE);
        assert_result(ax_sigunblock(ax, AX_SIGHUP), 1);
        ck_assert_int_eq(handled.count, 1);
        /* and dropped by being ignored anew */
        assert_result(ax_sigblock(ax, AX_SIGHUP), 0);
        assert_result(ax_kill(ax, ax_getpid(ax), AX_SIGHUP), 0);
        assert_result(ax_signal(ax, AX_SIGHUP, AX_SIGNAL_IGNORE), AX_SIGNAL_HANDLE);
        assert_result(ax_sigpending(ax), 0);
}
END_TEST

START_TEST(test_S5_signals_come_in_the_order_they_were_sent) {
        static const int order[] = { AX_SIGUSR2, AX_SIGHUP, AX_SIGUSR1, AX_SIGTERM, AX_SIGINT, AX_SIGALRM, AX_SIGCHLD };
        enum { COUNT = sizeof(order) / sizeof(order[0]) };
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };
        ax_client *child;
        ax_pid pid;

        child = spawn_child(ax, &pid);
        for (int i = 0; i < COUNT; i++)
                assert_result(ax_signal_handle(child, order[i], note_signal, &handled), AX_SIGNAL_DEFAULT);
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        for (int i = 0; i < COUNT; i++)
                assert_result(ax_kill(ax, pid, order[i]), 0);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        ck_assert_int_gt(ax_getppid(child), 0);
        assert_handled(&handled, order, COUNT);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_S5_kill_comes_before_what_is_pending) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid;
        ax_client *child = spawn_child(ax, &pid);

        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, pid, AX_SIGTERM), 0);
        assert_state(ax, pid, "Stopped");
        assert_result(ax_kill(ax, pid, AX_SIGKILL), 0);
        assert_wait(ax, pid, AX_SIGNALED, AX_SIGKILL);
        ax_disconnect(child);
}
END_TEST

/* ---- what signals do ------------------------------------------------------------------------- */

START_TEST(test_default_actions) {
        _connected_ ax_client *ax = fixture_connect();

        for (int i = 0; i < N_SIGNALS; i++) {
                int signal = all_signals[i];
                ax_pid pid;
                ax_client *child = spawn_child(ax, &pid);

                assert_result(ax_kill(ax, pid, signal), 0);
                if (signal == AX_SIGCHLD || signal == AX_SIGCONT)
                        assert_result(ax_getppid(child), ax_getpid(ax));
                else
                        assert_wait(ax, pid, signal == AX_SIGSTOP ? AX_STOPPED : AX_SIGNALED, signal);
                if (signal == AX_SIGSTOP)
                        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
                ax_disconnect(child);
        }
}
END_TEST

START_TEST(test_actions_are_told_and_done) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid;
        ax_client *child = spawn_child(ax, &pid);

        assert_result(ax_signal(child, AX_SIGCHLD, AX_SIGNAL_TERMINATE), AX_SIGNAL_DEFAULT);
        assert_result(ax_signal(child, AX_SIGTERM, AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
        assert_result(ax_signal(child, AX_SIGTERM, AX_SIGNAL_IGNORE), AX_SIGNAL_IGNORE);
        assert_result(ax_kill(ax, pid, AX_SIGTERM), 0);
        assert_result(ax_getppid(child), ax_getpid(ax));
        assert_error(ax_signal(child, AX_SIGTERM, (enum ax_signal_action) 9), AX_EINVAL);
        assert_error(ax_signal(child, 0, AX_SIGNAL_IGNORE), AX_ESIG_INVALID);
        assert_error(ax_signal(child, 11, AX_SIGNAL_IGNORE), AX_ESIG_INVALID);
        assert_error(ax_sigblock(child, -1), AX_ESIG_INVALID);
        assert_error(ax_sigunblock(child, 64), AX_ESIG_INVALID);
        assert_error(ax_kill(child, pid, 1000), AX_ESIG_INVALID);
        assert_error(ax_signal_handle(child, AX_SIGTERM, NULL, NULL), AX_EINVAL);
        assert_result(ax_kill(ax, pid, AX_SIGCHLD), 0);
        assert_wait(ax, pid, AX_SIGNALED, AX_SIGCHLD);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_cont_continues_even_where_it_is_ignored_or_blocked) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid;
        ax_client *child = spawn_child(ax, &pid);

        assert_result(ax_signal(child, AX_SIGCONT, AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
        assert_result(ax_sigblock(child, AX_SIGCONT), 0);
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_state(ax, pid, "Running");
        assert_result(ax_sigpending(child), 1);
        /* STOP drops it */
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, pid, AX_SIGKILL), 0);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_stop_drops_a_pending_cont) {
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };
        ax_pid pid;
        ax_client *child = spawn_child(ax, &pid);

        assert_result(ax_signal_handle(child, AX_SIGCONT, note_signal, &handled), AX_SIGNAL_DEFAULT);
        assert_result(ax_sigblock(child, AX_SIGCONT), 0);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_result(ax_sigpending(child), 1);
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, pid, AX_SIGKILL), 0);
        ck_assert_int_eq(handled.count, 0);
        ax_disconnect(child);
}
END_TEST

/* ---- who ------------------------------------------------------------------------------------- */

static void kill_as_another(ax_client *ax, void *userdata) {
        assert_error(ax_kill(ax, *(ax_pid *) userdata, AX_SIGTERM), AX_EPERM);
        assert_error(ax_kill(ax, *(ax_pid *) userdata, 0), AX_EPERM);
        assert_error(ax_kill(ax, 1, AX_SIGTERM), AX_EPERM);
}

START_TEST(test_only_the_same_user_or_an_administrator_may_signal) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = ax_getpid(ax), other;
        ax_client *child;
        struct ax_spawn_options options = { .set_ids = true, .uid = FIXTURE_UID, .gid = FIXTURE_UID };

        fixture_as_uid(FIXTURE_UID, kill_as_another, &pid);
        assert_error(ax_kill(ax, 1, AX_SIGTERM), AX_EPERM);
        other = ax_spawn_client(ax, &options, &child);
        ck_assert_int_gt(other, 1);
        assert_error(ax_kill(child, pid, AX_SIGTERM), AX_EPERM);
        assert_result(ax_kill(ax, other, AX_SIGTERM), 0);
        assert_wait(ax, other, AX_SIGNALED, AX_SIGTERM);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_groups) {
        static const struct ax_spawn_options apart = { .new_group = true };
        _connected_ ax_client *ax = fixture_connect();
        struct handled handled = { 0 };
        ax_client *children[3], *other = fixture_connect();
        ax_pid pids[3];

        for (int i = 0; i < 2; i++)
                children[i] = spawn_child(ax, &pids[i]);
        pids[2] = ax_spawn_client(ax, &apart, &children[2]);
        ck_assert_int_gt(pids[2], 1);
        assert_result(ax_signal_handle(ax, AX_SIGUSR1, note_signal, &handled), AX_SIGNAL_DEFAULT);
        assert_result(ax_kill(ax, 0, AX_SIGUSR1), 0); /* its own group, itself included */
        ck_assert_int_eq(handled.count, 1);
        assert_wait(ax, pids[0], AX_SIGNALED, AX_SIGUSR1);
        assert_result(ax_wait(ax, 0, NULL, 0), pids[1]);
        assert_state(ax, pids[2], "Running");
        assert_error(ax_wait(ax, 0, NULL, 0), AX_ECHILD);
        assert_result(ax_kill(ax, -pids[2], AX_SIGTERM), 0);
        assert_result(ax_wait(ax, -pids[2], NULL, 0), pids[2]);
        assert_error(ax_kill(ax, -999999, AX_SIGTERM), AX_ESRCH);
        assert_result(ax_kill(ax, -1, AX_SIGHUP), 0); /* all but itself */
        assert_error(ax_getppid(other), AX_ESRCH);
        ck_assert_int_gt(ax_getppid(ax), 0);
        for (int i = 0; i < 3; i++)
                ax_disconnect(children[i]);
        ax_disconnect(other);
}
END_TEST

START_TEST(test_signal_zero_and_nobody) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid;
        ax_client *child = spawn_child(ax, &pid);

        assert_result(ax_kill(ax, pid, 0), 0);
        assert_error(ax_kill(ax, 4000000, 0), AX_ESRCH);
        assert_error(ax_kill(ax, 4000000, AX_SIGKILL), AX_ESRCH);
        ax_disconnect(child);
        wait_state(ax, pid, "Zombie");
        assert_result(ax_kill(ax, pid, AX_SIGKILL), 0); /* P2: nothing happens to a zombie */
        assert_wait(ax, pid, AX_EXITED, 0);
        assert_error(ax_kill(ax, pid, 0), AX_ESRCH);
}
END_TEST

START_TEST(test_names) {
        ck_assert_str_eq(ax_signal_name(AX_SIGTERM), "SIGTERM");
        ck_assert_ptr_null(ax_signal_name(0));
        ck_assert_ptr_null(ax_signal_name(11));
        ck_assert_ptr_null(ax_signal_name(-1));
        ck_assert_int_eq(ax_signal_number("9"), AX_SIGKILL);
        ck_assert_int_eq(ax_signal_number("kill"), AX_SIGKILL);
        ck_assert_int_eq(ax_signal_number("SIGUSR2"), AX_SIGUSR2);
        assert_error(ax_signal_number("11"), AX_ESIG_INVALID);
        assert_error(ax_signal_number("SIGFOO"), AX_ESIG_INVALID);
        assert_error(ax_signal_number(""), AX_ESIG_INVALID);
        assert_error(ax_signal_number(NULL), AX_ESIG_INVALID);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("signals");

        fixture_add(suite, test_S1_kill_always_ends, 0);
        fixture_add(suite, test_S2_stop_always_stops, 0);
        fixture_add(suite, test_S1_S2_kill_and_stop_are_not_blocked_ignored_or_caught, 0);
        fixture_add(suite, test_S2_a_stopped_process_makes_no_progress, 0);
        fixture_add(suite, test_S3_equal_pending_signals_coalesce, 0);
        fixture_add(suite, test_S4_blocked_signals_are_kept_and_delivered_on_unblock, 0);
        fixture_add(suite, test_S4_what_is_blocked_and_ignored_is_kept, 0);
        fixture_add(suite, test_S5_signals_come_in_the_order_they_were_sent, 0);
        fixture_add(suite, test_S5_kill_comes_before_what_is_pending, 0);
        fixture_add(suite, test_default_actions, 0);
        fixture_add(suite, test_actions_are_told_and_done, 0);
        fixture_add(suite, test_cont_continues_even_where_it_is_ignored_or_blocked, 0);
        fixture_add(suite, test_stop_drops_a_pending_cont, 0);
        fixture_add(suite, test_only_the_same_user_or_an_administrator_may_signal, FIXTURE_ROOT);
        fixture_add(suite, test_groups, 0);
        fixture_add(suite, test_signal_zero_and_nobody, 0);
        fixture_add(suite, test_names, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
