/* SPDX-License-Identifier: MIT */
/*
 * Connections: the process that each one is, how it ends, and what the daemon shows of it.
 */
#include "fixture.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

START_TEST(test_new_process_has_a_pid_of_its_own) {
        _connected_ ax_client *a = fixture_connect(), *b = fixture_connect();

        ck_assert_int_gt(ax_getpid(a), 1);
        ck_assert_int_gt(ax_getpid(b), 1);
        ck_assert_int_ne(ax_getpid(a), ax_getpid(b));
        ck_assert_int_eq(ax_getpid(a), ax_getpid(a));
}
END_TEST

START_TEST(test_pids_are_not_reused_at_once) {
        ax_pid last = 0;

        for (int i = 0; i < 50; i++) {
                _connected_ ax_client *ax = fixture_connect();

                ck_assert_int_ne(ax_getpid(ax), last);
                last = ax_getpid(ax);
        }
}
END_TEST

/* P3: a parent always exists. */
START_TEST(test_p3_parent_is_init) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_process *list = NULL;
        int n;

        assert_result(ax_getppid(ax), 1);
        n = ax_process_list(ax, &list);
        ck_assert_int_ge(n, 2);
        ck_assert_int_eq(list[0].pid, 1);
        for (int i = 0; i < n; i++) {
                bool found = list[i].pid == 1;

                for (int j = 0; j < n && !found; j++)
                        found = list[j].pid == list[i].ppid;
                ck_assert_msg(found, "process %d has no parent", list[i].pid);
        }
        free(list);
}
END_TEST

START_TEST(test_new_process_begins_at_home_with_the_console_open) {
        _connected_ ax_client *ax = fixture_connect();
        char cwd[64];

        assert_result(ax_getcwd(ax, cwd, sizeof(cwd)), (int64_t) strlen("/home/user"));
        ck_assert_str_eq(cwd, "/home/user");
        for (int fd = 0; fd < 3; fd++) {
                struct ax_stat stat;

                assert_ok(ax_fstat(ax, fd, &stat));
                ck_assert_uint_eq(stat.mode & S_IFMT, S_IFCHR);
        }
        assert_error(ax_close(ax, 3), AX_EBADF);
        assert_result(ax_umask(ax, 022), 022);
}
END_TEST

/* Hello stays as it is in all versions, so that each side can tell the other. */
START_TEST(test_other_protocol_versions_are_refused) {
        const uint32_t versions[] = { 0, AX_PROTOCOL_VERSION - 1, AX_PROTOCOL_VERSION + 1, UINT32_MAX };
        static const uint8_t reply_of_this_version[] = { 1 << 3, AX_PROTOCOL_VERSION };
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        struct wire_frame reply;

        for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
                _closed_ int fd = wire_connect(the_daemon.socket);

                request.version = versions[i];
                ck_assert_int_ge(fd, 0);
                assert_error(wire_call(fd, 1, 0, &request.base, &reply), AX_EPROTO);
                ck_assert_uint_eq(reply.message_size, sizeof(reply_of_this_version));
                ck_assert_mem_eq(reply.message, reply_of_this_version, sizeof(reply_of_this_version));
        }
}
END_TEST

START_TEST(test_hello_tells_version_pid_and_limits) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        _closed_ int fd = wire_connect(the_daemon.socket);
        Axeberg__HelloReply *answer;
        struct wire_frame reply;

        request.version = AX_PROTOCOL_VERSION;
        assert_ok(wire_call(fd, 1, wire_method("Hello"), &request.base, &reply));
        answer = axeberg__hello_reply__unpack(NULL, reply.message_size, reply.message);
        ck_assert_ptr_nonnull(answer);
        ck_assert_uint_eq(answer->version, AX_PROTOCOL_VERSION);
        ck_assert_int_gt(answer->pid, 1);
        axeberg__hello_reply__free_unpacked(answer, NULL);
}
END_TEST

static bool has_process(ax_client *ax, ax_pid pid) {
        struct ax_process *list;
        bool found = false;
        int n = ax_process_list(ax, &list);

        ck_assert_int_ge(n, 0);
        for (int i = 0; i < n; i++)
                found |= list[i].pid == pid;
        free(list);
        return found;
}

struct gone {
        ax_client *ax;
        ax_pid pid;
};

static bool is_gone(void *userdata) {
        struct gone *gone = userdata;

        return !has_process(gone->ax, gone->pid);
}

START_TEST(test_disconnect_ends_the_process) {
        _connected_ ax_client *watcher = fixture_connect();
        ax_client *ax = fixture_connect();
        struct gone gone = { watcher, ax_getpid(ax) };

        ck_assert(has_process(watcher, gone.pid));
        ax_disconnect(ax);
        fixture_wait(is_gone, &gone, "the end of a disconnected process");
        ax_disconnect(NULL);
}
END_TEST

/* P2: a zombie makes no call. */
START_TEST(test_p2_calls_after_exit_fail) {
        _connected_ ax_client *watcher = fixture_connect();
        _connected_ ax_client *ax = fixture_connect();
        struct gone gone = { watcher, ax_getpid(ax) };
        char byte;

        assert_result(ax_exit(ax, 3), 0);
        assert_error(ax_getppid(ax), AX_ESRCH);
        assert_error(ax_open(ax, "/tmp/after-exit", AX_WRITE), AX_ESRCH);
        assert_error(ax_read(ax, 0, &byte, 1), AX_ESRCH);
        assert_error(ax_close(ax, 0), AX_ESRCH);
        assert_error(ax_mkdir(ax, "/tmp/after-exit"), AX_ESRCH);
        assert_result(ax_exists(watcher, "/tmp/after-exit"), 0);
        fixture_wait(is_gone, &gone, "the end of a process that has exited");
}
END_TEST

START_TEST(test_exit_frees_open_files) {
        _connected_ ax_client *watcher = fixture_connect();
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status before, after;

        assert_ok(ax_status(watcher, &before));
        for (int i = 0; i < 20; i++)
                open_ok(ax, "/dev/null", AX_RDWR);
        assert_ok(ax_exit(ax, 0));
        assert_ok(ax_status(watcher, &after));
        ck_assert_uint_le(after.open_files, before.open_files);
}
END_TEST

START_TEST(test_calls_fail_when_the_daemon_is_gone) {
        _connected_ ax_client *ax = fixture_connect();
        struct pollfd poller = { .fd = ax_fileno(ax), .events = POLLIN };

        daemon_kill(&the_daemon);
        ck_assert_int_eq(poll(&poller, 1, 10000), 1);
        assert_error(ax_getppid(ax), AX_ESRCH);
        assert_error(ax_mkdir(ax, "/tmp/x"), AX_ESRCH);
}
END_TEST

START_TEST(test_many_connections_of_one_program) {
        enum { CLIENTS = 60 };
        ax_client *clients[CLIENTS];

        for (int i = 0; i < CLIENTS; i++)
                clients[i] = fixture_connect();
        for (int i = 0; i < CLIENTS; i++) {
                assert_result(ax_getppid(clients[i]), 1);
                for (int j = 0; j < i; j++)
                        ck_assert_int_ne(ax_getpid(clients[i]), ax_getpid(clients[j]));
        }
        for (int i = 0; i < CLIENTS; i++)
                ax_disconnect(clients[i]);
}
END_TEST

START_TEST(test_status_describes_the_daemon) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status status;

        assert_ok(ax_status(ax, &status));
        ck_assert_str_eq(status.version, AXEBERG_VERSION);
        ck_assert_str_eq(status.store, "ephemeral");
        ck_assert_uint_eq(status.host_pid, (unsigned) the_daemon.pid);
        ck_assert_uint_eq(status.sessions, 1);
        ck_assert_uint_ge(status.processes, 2);
        ck_assert_uint_gt(status.uptime_usec, 0);
}
END_TEST

START_TEST(test_status_counts_calls_errors_and_bytes) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status before, after;

        assert_ok(ax_status(ax, &before));
        put_text(ax, "/tmp/counted", "0123456789");
        assert_text(ax, "/tmp/counted", "0123456789");
        assert_error(ax_chdir(ax, "/missing"), AX_ENOENT);
        assert_ok(ax_status(ax, &after));
        ck_assert_uint_ge(after.calls, before.calls + 7);
        ck_assert_uint_eq(after.call_errors, before.call_errors + 1);
        ck_assert_uint_eq(after.bytes_written, before.bytes_written + 10);
        ck_assert_uint_eq(after.bytes_read, before.bytes_read + 10);
}
END_TEST

START_TEST(test_process_list_tells_what_a_process_is) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_process *list;
        int n = ax_process_list(ax, &list);

        ck_assert_int_ge(n, 2);
        for (int i = 1; i < n; i++)
                ck_assert_int_gt(list[i].pid, list[i - 1].pid);
        ck_assert_int_eq(list[n - 1].pid, ax_getpid(ax));
        ck_assert_int_eq(list[n - 1].ppid, 1);
        ck_assert_uint_eq(list[n - 1].uid, geteuid());
        ck_assert_int_eq(list[n - 1].host_pid, getpid());
        ck_assert_str_eq(list[n - 1].state, "Running");
        ck_assert_uint_eq(list[n - 1].open_files, 3);
        ck_assert_msg(strstr(list[n - 1].command, "test_connection"), "command is \"%s\"", list[n - 1].command);
        free(list);
}
END_TEST

START_TEST(test_durable_store_keeps_files_over_a_restart) {
        ax_client *ax = fixture_connect();

        put_text(ax, "/home/user/kept", "still here");
        put_text(ax, "/tmp/lost", "gone");
        ax_disconnect(ax);
        ck_assert_int_eq(daemon_stop(&the_daemon), 0);
        ck_assert_int_eq(daemon_restart(&the_daemon), 0);
        ax = fixture_connect();
        assert_text(ax, "/home/user/kept", "still here");
        assert_result(ax_exists(ax, "/tmp/lost"), 0);
        ax_disconnect(ax);
        ck_assert_int_eq(daemon_stop(&the_daemon), 0);
}
END_TEST

START_TEST(test_durable_store_keeps_files_over_a_kill) {
        ax_client *ax = fixture_connect();
        int fd = open_ok(ax, "/home/user/kept", AX_WRITE);

        assert_result(ax_write(ax, fd, "synced", 6), 6);
        assert_ok(ax_fsync(ax, fd));
        daemon_kill(&the_daemon);
        ax_disconnect(ax);
        ck_assert_int_eq(daemon_restart(&the_daemon), 0);
        ax = fixture_connect();
        assert_text(ax, "/home/user/kept", "synced");
        ax_disconnect(ax);
        ck_assert_int_eq(daemon_stop(&the_daemon), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("connection");

        fixture_add(suite, test_new_process_has_a_pid_of_its_own, 0);
        fixture_add(suite, test_pids_are_not_reused_at_once, 0);
        fixture_add(suite, test_p3_parent_is_init, 0);
        fixture_add(suite, test_new_process_begins_at_home_with_the_console_open, 0);
        fixture_add(suite, test_other_protocol_versions_are_refused, 0);
        fixture_add(suite, test_hello_tells_version_pid_and_limits, 0);
        fixture_add(suite, test_disconnect_ends_the_process, 0);
        fixture_add(suite, test_p2_calls_after_exit_fail, 0);
        fixture_add(suite, test_exit_frees_open_files, 0);
        fixture_add(suite, test_calls_fail_when_the_daemon_is_gone, 0);
        fixture_add(suite, test_many_connections_of_one_program, 0);
        fixture_add(suite, test_status_describes_the_daemon, FIXTURE_ROOT);
        fixture_add(suite, test_status_counts_calls_errors_and_bytes, 0);
        fixture_add(suite, test_process_list_tells_what_a_process_is, 0);
        fixture_add(suite, test_durable_store_keeps_files_over_a_restart, FIXTURE_DURABLE);
        fixture_add(suite, test_durable_store_keeps_files_over_a_kill, FIXTURE_DURABLE);
        return fixture_main(suite);
}
