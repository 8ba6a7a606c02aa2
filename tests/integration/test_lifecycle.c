/* SPDX-License-Identifier: MIT */
/*
 * How clients come to their end – killed in the middle of a call, replaced by exec, copied by fork,
 * stopped – and that the daemon has afterwards what it had before; the fixture counts its
 * descriptors and children, this file its memory.
 */
#include "children.h"
#include "fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- killed in the middle of calls ----------------------------------------------------------- */

struct busy {
        int started; /* write end of a pipe: a byte when the calls have begun */
        int kind;
};

static void call_in_a_loop(ax_client *ax, int kind) {
        static char data[200000];
        char **names, path[64];
        int fd;

        snprintf(path, sizeof(path), "/tmp/busy-%d", getpid());
        fd = open_ok(ax, path, AX_WRITE | AX_O_READ);
        for (;;) {
                switch (kind % 5) {
                case 0:
                        (void) ax_pwrite(ax, fd, data, sizeof(data), 0);
                        break;
                case 1:
                        (void) ax_read(ax, AX_STDIN, data, sizeof(data));
                        break;
                case 2:
                        if (ax_readdir(ax, "/tmp", &names) >= 0)
                                ax_names_free(names);
                        break;
                case 3:
                        (void) ax_close(ax, ax_open(ax, "/proc/self/status", AX_READ));
                        (void) ax_dup(ax, fd);
                        break;
                default:
                        (void) ax_console_wait_output(ax, data, sizeof(data), NULL);
                        (void) ax_write(ax, AX_STDOUT, data, 5000);
                        break;
                }
        }
}

static void be_busy(void *userdata) {
        const struct busy *busy = userdata;
        ax_client *ax = fixture_connect();

        ck_assert_int_eq(write(busy->started, "", 1), 1);
        call_in_a_loop(ax, busy->kind);
}

static void kill_clients(ax_client *watcher, int n) {
        enum { AT_ONCE = 10 };
        int ends[2], done = 0;

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        while (done < n) {
                pid_t pids[AT_ONCE];
                char bytes[AT_ONCE];

                for (int i = 0; i < AT_ONCE; i++) {
                        struct busy busy = { .started = ends[1], .kind = done + i };

                        pids[i] = fixture_fork(be_busy, &busy);
                }
                for (int got = 0; got < AT_ONCE;)
                        got += (int) read(ends[0], bytes, (size_t) (AT_ONCE - got));
                /* let them come to different places; nothing depends on how far they get */
                for (int i = 0; i < AT_ONCE; i++) {
                        usleep((useconds_t) (i * 300));
                        fixture_kill(pids[i]);
                }
                done += AT_ONCE;
        }
        close(ends[0]);
        close(ends[1]);
        fixture_wait_sessions(watcher, 1);
}

START_TEST(test_a_hundred_killed_clients_leave_nothing) {
        _connected_ ax_client *watcher = fixture_connect();
        struct ax_status status;
        struct ax_process *list;
        long before, after;

        kill_clients(watcher, 100); /* what the daemon keeps for good, it has now */
        before = daemon_memory(&the_daemon);
        kill_clients(watcher, 100);
        after = daemon_memory(&the_daemon);
        assert_ok(ax_status(watcher, &status));
        ck_assert_uint_eq(status.sessions, 1);
        ck_assert_uint_eq(status.processes, 2);
        ck_assert_uint_eq(status.open_files, 3);
        assert_result(ax_process_list(watcher, &list), 2);
        free(list);
        ck_assert_int_gt(before, 0);
        if (slowness() == 1)
                ck_assert_msg(after < before + (1 << 20), "axebergd grew from %ld to %ld bytes", before, after);
}
END_TEST

/* The peer's death while its reply is on the way, hundreds of times, with raw frames for speed. */
START_TEST(test_closing_with_calls_in_flight) {
        _connected_ ax_client *watcher = fixture_connect();
        Axeberg__ReadRequest parked = AXEBERG__READ_REQUEST__INIT;
        Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;
        Axeberg__PathRequest list = AXEBERG__PATH_REQUEST__INIT;

        parked.size = 100;
        open.path = (char *) "/tmp/in-flight";
        open.flags = AX_WRITE;
        list.path = (char *) "/dev";
        for (int i = 0; i < 300; i++) {
                int fd = fixture_wire();

                ck_assert_int_eq(wire_send(fd, 2, wire_method("Read"), &parked.base), 0);
                ck_assert_int_eq(wire_send(fd, 3, wire_method("Open"), &open.base), 0);
                ck_assert_int_eq(wire_send(fd, 4, wire_method("Readdir"), &list.base), 0);
                ck_assert_int_eq(wire_send(fd, 5, wire_method("Open"), &open.base), 0);
                close(fd);
        }
        fixture_wait_sessions(watcher, 1);
}
END_TEST

/* ---- exec, fork, stop ------------------------------------------------------------------------ */

static void connect_and_exec(void *userdata) {
        ax_client *ax = fixture_connect();

        (void) userdata;
        open_ok(ax, "/tmp/f", AX_WRITE);
        execlp("sleep", "sleep", "1000", (char *) NULL);
        _exit(1);
}

START_TEST(test_exec_ends_the_process) {
        _connected_ ax_client *watcher = fixture_connect();
        pid_t pid = fixture_fork(connect_and_exec, NULL);

        fixture_wait_sessions(watcher, 1);
        fixture_kill(pid);
}
END_TEST

/*
 * A forked child holds a copy of its parent's socket; only the parent's own end can tell the
 * daemon.
 */
static void connect_fork_and_end(void *userdata) {
        int ready = *(const int *) userdata;
        ax_client *ax = fixture_connect();
        pid_t pid = fork();

        if (pid == 0) {
                ck_assert_int_eq(write(ready, &(pid_t){ getpid() }, sizeof(pid_t)), (int) sizeof(pid_t));
                pause();
        }
        assert_result(ax_getppid(ax), 1);
        pause();
}

START_TEST(test_the_end_of_the_host_process_ends_it_though_a_copy_of_the_socket_lives) {
        _connected_ ax_client *watcher = fixture_connect();
        pid_t pid, grandchild;
        int ends[2];

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        pid = fixture_fork(connect_fork_and_end, &ends[1]);
        ck_assert_int_eq(read(ends[0], &grandchild, sizeof(grandchild)), (int) sizeof(grandchild));
        fixture_wait_sessions(watcher, 2);
        fixture_kill(pid);
        fixture_wait_sessions(watcher, 1);
        ck_assert_int_eq(kill(grandchild, SIGKILL), 0);
}
END_TEST

START_TEST(test_a_forked_handle_is_dead_and_harmless) {
        ax_client *ax = fixture_connect();
        ax_pid pid = ax_getpid(ax);
        int fd = open_ok(ax, "/tmp/f", AX_WRITE), status;
        pid_t child = fork();

        if (child == 0) {
                char buf[8], **names;
                struct ax_stat stat;
                bool dead = ax_getpid(ax) == -AX_ESRCH && ax_getppid(ax) == -AX_ESRCH &&
                            ax_write(ax, fd, "x", 1) == -AX_ESRCH && ax_close(ax, fd) == -AX_ESRCH &&
                            ax_readdir(ax, "/", &names) == -AX_ESRCH && ax_getcwd(ax, buf, sizeof(buf)) == -AX_ESRCH &&
                            ax_stat(ax, "/", &stat) == -AX_ESRCH && ax_exit(ax, 0) == -AX_ESRCH;

                ax_disconnect(ax);
                _exit(dead ? 0 : 2);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        ck_assert_int_eq(ax_getpid(ax), pid);
        assert_result(ax_getppid(ax), 1);
        assert_result(ax_write(ax, fd, "still mine", 10), 10);
        ax_disconnect(ax);
}
END_TEST

START_TEST(test_a_forked_child_can_connect_by_itself) {
        _connected_ ax_client *ax = fixture_connect();
        int status;
        pid_t child = fork();

        if (child == 0) {
                ax_client *own = NULL;
                bool fine = ax_connect(&own, the_daemon.socket) == 0 && ax_getppid(own) == 1 && ax_getpid(own) > 1;

                ax_disconnect(own);
                _exit(fine ? 0 : 2);
        }
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        assert_result(ax_getppid(ax), 1);
}
END_TEST

START_TEST(test_a_stopped_client_holds_up_nobody) {
        _connected_ ax_client *ax = fixture_connect();
        int ends[2], status;
        struct busy busy;
        pid_t pid;
        char byte;

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        busy = (struct busy){ .started = ends[1], .kind = 2 };
        pid = fixture_fork(be_busy, &busy);
        ck_assert_int_eq(read(ends[0], &byte, 1), 1);
        ck_assert_int_eq(kill(pid, SIGSTOP), 0);
        ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
        for (int i = 0; i < 100; i++) {
                put_text(ax, "/tmp/f", "going on");
                assert_text(ax, "/tmp/f", "going on");
        }
        fixture_kill(pid);
        fixture_wait_sessions(ax, 1);
}
END_TEST

/* ---- the daemon's own end -------------------------------------------------------------------- */

static void *wait_for_input(void *userdata) {
        ax_client *ax = userdata;
        char byte;

        return (void *) (intptr_t) ax_read(ax, AX_STDIN, &byte, 1);
}

START_TEST(test_shutdown_with_clients_and_waiting_calls) {
        ax_client *clients[5];
        pthread_t thread;
        void *result;

        for (int i = 0; i < 5; i++)
                clients[i] = fixture_connect();
        open_ok(clients[1], "/tmp/f", AX_WRITE);
        ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_input, clients[0]), 0);
        wait_sleeping(clients[1], clients[0]);
        ck_assert_int_eq(daemon_stop(&the_daemon), 0);
        pthread_join(thread, &result);
        assert_error((intptr_t) result, AX_ESRCH);
        for (int i = 0; i < 5; i++) {
                assert_error(ax_getppid(clients[i]), AX_ESRCH);
                ax_disconnect(clients[i]);
        }
        ck_assert_int_lt(access(the_daemon.socket, F_OK), 0);
        ck_assert(!daemon_has_sanitizer_report(&the_daemon));
}
END_TEST

START_TEST(test_sigint_ends_the_daemon_too) {
        int status;

        ck_assert_int_eq(kill(the_daemon.pid, SIGINT), 0);
        ck_assert_int_eq(waitpid(the_daemon.pid, &status, 0), the_daemon.pid);
        ck_assert_int_eq(status, 0);
        the_daemon.pid = -1;
}
END_TEST

START_TEST(test_connecting_and_leaving_many_times) {
        _connected_ ax_client *watcher = fixture_connect();

        for (int i = 0; i < 500; i++)
                ax_disconnect(fixture_connect());
        fixture_wait_sessions(watcher, 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("lifecycle");

        fixture_add(suite, test_a_hundred_killed_clients_leave_nothing, 0);
        fixture_add(suite, test_closing_with_calls_in_flight, 0);
        fixture_add(suite, test_closing_with_calls_in_flight, FIXTURE_DURABLE);
        fixture_add(suite, test_exec_ends_the_process, 0);
        fixture_add(suite, test_the_end_of_the_host_process_ends_it_though_a_copy_of_the_socket_lives, 0);
        fixture_add(suite, test_a_forked_handle_is_dead_and_harmless, 0);
        fixture_add(suite, test_a_forked_child_can_connect_by_itself, 0);
        fixture_add(suite, test_a_stopped_client_holds_up_nobody, 0);
        fixture_add(suite, test_shutdown_with_clients_and_waiting_calls, 0);
        fixture_add(suite, test_sigint_ends_the_daemon_too, 0);
        fixture_add(suite, test_connecting_and_leaving_many_times, 0);
        return fixture_main(suite);
}
