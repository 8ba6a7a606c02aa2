/* SPDX-License-Identifier: MIT */
/*
 * Waiting for children, P1 to P3: states, how an end is reported, and orphans.
 */
#include "children.h"
#include "fixture.h"
#include "programs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

struct waiter {
        ax_client *ax;
        ax_pid pid;
};

static bool is_host_stopped(void *userdata) {
        return host_state(*(pid_t *) userdata) == 'T';
}

static bool is_host_going(void *userdata) {
        return host_state(*(pid_t *) userdata) != 'T';
}

/* ---- ending ---------------------------------------------------------------------------------- */

START_TEST(test_an_end_is_told_as_it_was) {
        _connected_ ax_client *ax = fixture_connect();
        char signal[8];

        assert_wait(ax, spawn_program(ax, NULL, "exit", "0"), AX_EXITED, 0);
        assert_wait(ax, spawn_program(ax, NULL, "exit", "42"), AX_EXITED, 42);
        assert_wait(ax, spawn_program(ax, NULL, "ax-exit", "7"), AX_EXITED, 7);
        snprintf(signal, sizeof(signal), "%d", SIGXCPU);
        assert_wait(ax, spawn_program(ax, NULL, "abort", signal), AX_SIGNALED, SIGXCPU);
        snprintf(signal, sizeof(signal), "%d", SIGKILL);
        assert_wait(ax, spawn_program(ax, NULL, "abort", signal), AX_SIGNALED, SIGKILL);
}
END_TEST

/* Whether the host's kernel tells how a process ended that has been reaped: since Linux 6.15. */
static bool host_tells_of_the_reaped(void) {
        unsigned version = 0, patch = 0;
        struct utsname host;

        uname(&host);
        sscanf(host.release, "%u.%u", &version, &patch);
        return version > 6 || (version == 6 && patch >= 15);
}

static void reap_all(int signal) {
        int error = errno;

        (void) signal;
        while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        errno = error;
}

/* Whoever reaps the caller's host children, ax_wait() knows how they ended. */
START_TEST(test_an_end_is_told_though_the_host_was_told_before) {
        const struct sigaction actions[] = {
                { .sa_handler = SIG_IGN },
                { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT },
                { .sa_handler = reap_all, .sa_flags = SA_RESTART },
        };
        _connected_ ax_client *ax = fixture_connect();

        if (!host_tells_of_the_reaped())
                return;
        for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
                sigaction(SIGCHLD, &actions[i], NULL);
                assert_wait(ax, spawn_program(ax, NULL, "exit", "0"), AX_EXITED, 0);
                assert_wait(ax, spawn_program(ax, NULL, "exit", "42"), AX_EXITED, 42);
                assert_wait(ax, spawn_program(ax, NULL, "ax-exit", "7"), AX_EXITED, 7);
                assert_wait(ax, spawn_program(ax, NULL, "abort", "9"), AX_SIGNALED, SIGKILL);
        }
        signal(SIGCHLD, SIG_DFL);
}
END_TEST

START_TEST(test_the_hosts_kill_ends_the_child) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = spawn_program(ax, NULL, "wait", NULL);

        wait_state(ax, pid, "Sleeping"); /* it waits in a system call */
        assert_result(kill(host_pid_of(ax, pid), SIGKILL), 0);
        assert_wait(ax, pid, AX_SIGNALED, SIGKILL);
}
END_TEST

START_TEST(test_a_lost_connection_ends_the_child_with_its_program) {
        static const char *const argv[] = { "sh", "-c", "eval \"exec $AXEBERG_FD>&-\"; exit 6", NULL };
        _connected_ ax_client *ax = fixture_connect();

        assert_wait(ax, (ax_pid) assert_ok(ax_spawn(ax, argv, NULL)), AX_EXITED, 6);
}
END_TEST

START_TEST(test_stop_and_continue_reach_the_program) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = spawn_program(ax, NULL, "spin", NULL);
        pid_t host = host_pid_of(ax, pid);
        struct ax_process before, after;
        uint64_t ticks;

        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_wait(ax, pid, AX_STOPPED, AX_SIGSTOP);
        fixture_wait(is_host_stopped, &host, "a stopped program");
        /* no progress, and no time used, however long others go on */
        ck_assert(find_process(ax, pid, &before));
        ticks = host_cpu_ticks(host);
        for (int i = 0; i < 3000; i++)
                ck_assert_int_gt(ax_getppid(ax), 0);
        ck_assert(find_process(ax, pid, &after));
        ck_assert_uint_eq(after.calls, before.calls);
        ck_assert_str_eq(after.state, "Stopped");
        ck_assert_uint_eq(host_cpu_ticks(host), ticks);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_wait(ax, pid, AX_CONTINUED, AX_SIGCONT);
        fixture_wait(is_host_going, &host, "a program that goes on");
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, pid, AX_SIGKILL), 0); /* a stopped program, too */
        assert_wait(ax, pid, AX_SIGNALED, AX_SIGKILL);
        ck_assert_int_eq(host_state(host), 0);
}
END_TEST

START_TEST(test_a_connected_program_is_not_touched) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *other = fixture_connect(); /* its host process is this test */

        assert_result(ax_kill(ax, ax_getpid(other), AX_SIGSTOP), 0);
        assert_result(ax_kill(ax, ax_getpid(other), AX_SIGCONT), 0);
        assert_result(ax_kill(ax, ax_getpid(other), AX_SIGTERM), 0);
        assert_error(ax_getppid(other), AX_ESRCH);
        assert_error(ax_open(other, "/tmp/x", AX_WRITE), AX_ESRCH);
        ax_disconnect(other);
}
END_TEST

/* ---- waiting --------------------------------------------------------------------------------- */

START_TEST(test_P1_states_as_they_are_shown) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = spawn_program(ax, NULL, "wait", NULL);

        wait_state(ax, pid, "Sleeping");
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        wait_state(ax, pid, "Stopped");
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        wait_state(ax, pid, "Sleeping");
        assert_result(ax_console_push_input(ax, "x", 1), 1);
        wait_state(ax, pid, "Zombie");
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0); /* P2 */
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        wait_state(ax, pid, "Zombie");
        assert_result(ax_wait(ax, pid, NULL, AX_WAIT_ENDED), pid);
        wait_state(ax, pid, "gone");
}
END_TEST

START_TEST(test_P2_a_zombie_makes_no_call) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status status;
        struct ax_process process;
        ax_client *child;
        ax_pid pid;

        child = spawn_child(ax, &pid);
        assert_result(ax_exit(child, 3), 0);
        assert_error(ax_getppid(child), AX_ESRCH);
        assert_error(ax_status(child, &status), AX_ESRCH);
        ck_assert(find_process(ax, pid, &process));
        ck_assert_str_eq(process.state, "Zombie");
        ck_assert_uint_eq(process.open_files, 0);
        assert_wait(ax, pid, AX_EXITED, 3);
        assert_error(ax_wait(ax, pid, NULL, 0), AX_ECHILD);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_P3_orphans_go_to_init_which_reaps_them) {
        _connected_ ax_client *ax = fixture_connect();
        ax_pid parent_pid, live_pid, zombie_pid;
        ax_client *parent = spawn_child(ax, &parent_pid), *live = spawn_child(parent, &live_pid),
                  *zombie = spawn_child(parent, &zombie_pid);

        ax_disconnect(zombie);
        wait_state(ax, zombie_pid, "Zombie");
        assert_result(ax_getppid(live), parent_pid);
        assert_result(ax_kill(ax, parent_pid, AX_SIGKILL), 0);
        assert_result(ax_getppid(live), 1);
        wait_state(ax, zombie_pid, "gone");
        assert_error(ax_wait(ax, live_pid, NULL, 0), AX_ECHILD);
        ax_disconnect(live);
        wait_state(ax, live_pid, "gone");
        ax_disconnect(parent);
}
END_TEST

START_TEST(test_only_the_latest_change_is_told) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_wait_status status;
        ax_client *child;
        ax_pid pid;

        child = spawn_child(ax, &pid);
        assert_result(ax_wait(ax, pid, &status, AX_WAIT_NOHANG), 0);
        assert_result(ax_kill(ax, pid, AX_SIGSTOP), 0);
        assert_result(ax_wait(ax, pid, &status, AX_WAIT_NOHANG | AX_WAIT_ENDED), 0);
        assert_result(ax_kill(ax, pid, AX_SIGCONT), 0);
        assert_wait(ax, pid, AX_CONTINUED, AX_SIGCONT);
        assert_result(ax_wait(ax, pid, &status, AX_WAIT_NOHANG), 0);
        ax_disconnect(child);
}
END_TEST

static void *wait_any(void *userdata) {
        struct waiter *waiter = userdata;

        return (void *) (intptr_t) ax_wait(waiter->ax, waiter->pid, NULL, 0);
}

START_TEST(test_threads_wait_for_children_of_their_own) {
        enum { CHILDREN = 6 };
        _connected_ ax_client *ax = fixture_connect();
        ax_client *children[CHILDREN];
        pthread_t threads[CHILDREN];
        struct waiter waiters[CHILDREN];

        for (int i = 0; i < CHILDREN; i++) {
                waiters[i].ax = ax;
                children[i] = spawn_child(ax, &waiters[i].pid);
                assert_result(pthread_create(&threads[i], NULL, wait_any, &waiters[i]), 0);
        }
        wait_state(children[0], ax_getpid(ax), "Sleeping");
        for (int i = CHILDREN - 1; i >= 0; i--) {
                void *result;

                ax_disconnect(children[i]);
                assert_result(pthread_join(threads[i], &result), 0);
                ck_assert_int_eq((intptr_t) result, waiters[i].pid);
        }
}
END_TEST

START_TEST(test_a_parent_that_ignores_sigchld_has_no_zombies) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *child;
        struct waiter waiter = { .ax = ax, .pid = -1 };
        pthread_t thread;
        void *result;
        ax_pid pid;

        assert_result(ax_signal(ax, AX_SIGCHLD, AX_SIGNAL_IGNORE), AX_SIGNAL_DEFAULT);
        child = spawn_child(ax, &pid);
        assert_result(pthread_create(&thread, NULL, wait_any, &waiter), 0);
        wait_state(child, ax_getpid(ax), "Sleeping");
        ax_disconnect(child);
        assert_result(pthread_join(thread, &result), 0);
        ck_assert_int_eq((intptr_t) result, -AX_ECHILD);
        wait_state(ax, pid, "gone");
}
END_TEST

START_TEST(test_bad_waits) {
        _connected_ ax_client *ax = fixture_connect();

        assert_error(ax_wait(ax, -1, NULL, 0), AX_ECHILD);
        assert_error(ax_wait(ax, 1, NULL, 0), AX_ECHILD);
        assert_error(ax_wait(ax, ax_getpid(ax), NULL, 0), AX_ECHILD);
        assert_error(ax_wait(ax, -1, NULL, 64), AX_EINVAL);
        assert_error(ax_wait(ax, INT32_MIN, NULL, 0), AX_EINVAL);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("wait");

        fixture_add(suite, test_an_end_is_told_as_it_was, 0);
        fixture_add(suite, test_an_end_is_told_though_the_host_was_told_before, 0);
        fixture_add(suite, test_the_hosts_kill_ends_the_child, 0);
        fixture_add(suite, test_a_lost_connection_ends_the_child_with_its_program, 0);
        fixture_add(suite, test_stop_and_continue_reach_the_program, 0);
        fixture_add(suite, test_a_connected_program_is_not_touched, 0);
        fixture_add(suite, test_P1_states_as_they_are_shown, 0);
        fixture_add(suite, test_P2_a_zombie_makes_no_call, 0);
        fixture_add(suite, test_P3_orphans_go_to_init_which_reaps_them, 0);
        fixture_add(suite, test_only_the_latest_change_is_told, 0);
        fixture_add(suite, test_threads_wait_for_children_of_their_own, 0);
        fixture_add(suite, test_a_parent_that_ignores_sigchld_has_no_zombies, 0);
        fixture_add(suite, test_bad_waits, 0);
        return fixture_main(suite);
}
