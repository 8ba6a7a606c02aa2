/* SPDX-License-Identifier: MIT */
/*
 * Starting host programs: what they get, what is inherited, and what cannot be started.
 */
#include "children.h"
#include "fixture.h"
#include "programs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(test_a_program_becomes_a_child) {
        _connected_ ax_client *ax = fixture_connect();
        char expected[256], text[4096];
        ax_pid pid;

        assert_result(ax_mkdir(ax, "/tmp/here"), 0);
        assert_result(ax_chdir(ax, "/tmp/here"), 0);
        assert_result(ax_umask(ax, 0123), 022);
        setenv("VARIABLE", "inherited", 1);
        pid = spawn_program(ax, NULL, "report", "/tmp/report");
        assert_wait(ax, pid, AX_EXITED, 0);
        snprintf(expected, sizeof(expected), "pid=%d\nppid=%d\ncwd=/tmp/here\numask=123\nuid=%u\nvariable=inherited\n",
                 pid, ax_getpid(ax), (unsigned) getuid());
        get_text(ax, "/tmp/report", text, sizeof(text));
        ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(test_options_are_kept_to) {
        static const char *const environment[] = { "VARIABLE=given", NULL };
        struct ax_spawn_options options = { .path = PROGRAM_PATH, .cwd = "/tmp", .environment = environment };
        static const char *const argv[] = { "another name", "report", "report", NULL };
        _connected_ ax_client *ax = fixture_connect();
        char text[4096];
        ax_pid pid;

        pid = ax_spawn(ax, argv, &options);
        ck_assert_int_gt(pid, 1);
        assert_wait(ax, pid, AX_EXITED, 0);
        get_text(ax, "/tmp/report", text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, "cwd=/tmp\n"));
        ck_assert_ptr_nonnull(strstr(text, "variable=given\n"));
}
END_TEST

START_TEST(test_a_program_that_never_connects_is_a_process) {
        static const char *const argv[] = { "sleep", "1000", NULL };
        _connected_ ax_client *ax = fixture_connect();
        ax_pid pid = ax_spawn(ax, argv, NULL);
        pid_t host;

        ck_assert_int_gt(pid, 1);
        host = host_pid_of(ax, pid);
        assert_result(ax_kill(ax, pid, AX_SIGTERM), 0);
        assert_wait(ax, pid, AX_SIGNALED, AX_SIGTERM);
        ck_assert_int_eq(host_state(host), 0); /* gone, and reaped */
}
END_TEST

START_TEST(test_what_cannot_be_started) {
        static const char *const missing[] = { "/none", NULL }, *const nowhere[] = { "no-such-program", NULL },
                                 *const data[] = { "/etc/passwd", NULL }, *const directory[] = { "/tmp", NULL },
                                 *const nothing[] = { NULL }, *const fine[] = { "true", NULL };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_spawn_options options = { .cwd = "/none" };
        struct ax_spawn_fd fd = { .child_fd = 5, .fd = 77 };
        struct ax_status before, after;

        assert_result(ax_status(ax, &before), 0);
        assert_error(ax_spawn(ax, missing, NULL), AX_ENOENT);
        assert_error(ax_spawn(ax, nowhere, NULL), AX_ENOENT);
        assert_error(ax_spawn(ax, data, NULL), AX_EACCES);
        assert_error(ax_spawn(ax, directory, NULL), AX_EACCES);
        assert_error(ax_spawn(ax, nothing, NULL), AX_EINVAL);
        assert_error(ax_spawn(ax, NULL, NULL), AX_EINVAL);
        assert_error(ax_spawn(NULL, fine, NULL), AX_EINVAL);
        assert_error(ax_spawn(ax, fine, &options), AX_ENOENT);
        options = (struct ax_spawn_options){ .fds = &fd, .n_fds = 1 };
        assert_error(ax_spawn(ax, fine, &options), AX_EBADF);
        fd = (struct ax_spawn_fd){ .child_fd = -1, .fd = 0 };
        assert_error(ax_spawn(ax, fine, &options), AX_EBADF);
        assert_error(ax_wait(ax, -1, NULL, AX_WAIT_NOHANG), AX_ECHILD);
        assert_result(ax_status(ax, &after), 0);
        ck_assert_uint_eq(after.processes, before.processes);
        ck_assert_uint_eq(after.sessions, before.sessions);
        ck_assert_uint_eq(after.open_files, before.open_files);
}
END_TEST

/* The reason is the host kernel's, and nothing is left of the child that was made for it. */
static void assert_not_started(ax_client *ax, const char *const argv[], const struct ax_spawn_options *options,
                               int error) {
        struct ax_status before, after;

        assert_result(ax_status(ax, &before), 0);
        assert_error(ax_spawn(ax, argv, options), error);
        assert_error(ax_wait(ax, -1, NULL, 0), AX_ECHILD);
        ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0); /* the daemon goes on */
        assert_result(ax_status(ax, &after), 0);
        ck_assert_uint_eq(after.processes, before.processes);
        ck_assert_uint_eq(after.open_files, before.open_files);
        fixture_wait_sessions(ax, before.sessions);
}

START_TEST(test_a_program_that_does_not_start_after_all_is_an_error) {
        _connected_ ax_client *ax = fixture_connect();
        char path[] = "/tmp/axeberg-bad-XXXXXX";
        const char *argv[] = { path, NULL };
        int fd = mkstemp(path);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "#!/no/such/interpreter\n", 23), 23);
        fchmod(fd, 0755);
        close(fd);
        assert_not_started(ax, argv, NULL, AX_ENOENT);
        unlink(path);
}
END_TEST

START_TEST(test_a_program_that_the_chosen_user_may_not_execute) {
        struct ax_spawn_options options = { .set_ids = true, .uid = FIXTURE_UID, .gid = FIXTURE_GROUP };
        _connected_ ax_client *ax = fixture_connect();
        char path[] = "/tmp/axeberg-own-XXXXXX";
        const char *argv[] = { path, NULL };
        int fd = mkstemp(path);

        ck_assert_int_ge(fd, 0);
        fchmod(fd, 0700);
        close(fd);
        assert_not_started(ax, argv, &options, AX_EACCES);
        unlink(path);
}
END_TEST

/* Of execve(2): a string has at most 32 pages, its end included. */
enum { LONGEST_STRING = 131071, MANY_ARGUMENTS = 50000 };

static char *long_text(const char *start, size_t size) {
        char *text = malloc(size + 1);

        ck_assert_ptr_nonnull(text);
        memset(text, 'x', size);
        memcpy(text, start, strlen(start));
        text[size] = '\0';
        return text;
}

START_TEST(test_arguments_may_be_as_long_as_the_host_takes) {
        static const char *argv[MANY_ARGUMENTS + 1] = {
                "sh", "-c", "[ ${#1} -eq 131071 ] && [ $# -eq 49996 ] && [ ${#VARIABLE} -eq 131062 ]", "sh"
        };
        _connected_ ax_client *ax = fixture_connect();
        char *argument = long_text("", LONGEST_STRING), *variable = long_text("VARIABLE=", LONGEST_STRING);

        argv[4] = argument;
        for (int i = 5; i < MANY_ARGUMENTS; i++)
                argv[i] = "";
        putenv(variable);
        assert_wait(ax, (ax_pid) assert_ok(ax_spawn(ax, argv, NULL)), AX_EXITED, 0);
        unsetenv("VARIABLE");
        free(argument);
        free(variable);
}
END_TEST

START_TEST(test_arguments_that_are_too_long) {
        char *text = long_text("VARIABLE=", LONGEST_STRING + 1);
        const char *const too_long[] = { "true", text, NULL }, *const fine[] = { "true", NULL };
        const char *const environment[] = { text, NULL };
        struct ax_spawn_options options = { .environment = environment };
        _connected_ ax_client *ax = fixture_connect();
        const char *together[101] = { "true" };

        assert_not_started(ax, too_long, NULL, AX_E2BIG);
        assert_not_started(ax, fine, &options, AX_E2BIG);
        text[LONGEST_STRING] = '\0';
        for (int i = 1; i < 100; i++)
                together[i] = text;
        assert_not_started(ax, together, NULL, AX_E2BIG);
        free(text);
        text = long_text("/", 100000);
        options = (struct ax_spawn_options){ .cwd = text };
        assert_not_started(ax, fine, &options, AX_ENAMETOOLONG);
        free(text);
}
END_TEST

START_TEST(test_descriptors_are_inherited_and_rearranged) {
        _connected_ ax_client *ax = fixture_connect();
        int a = open_ok(ax, "/tmp/a", AX_WRITE), b = open_ok(ax, "/tmp/b", AX_WRITE);
        struct ax_spawn_fd fds[] = { { a, b }, { b, a }, { 20, a }, { 0, -1 } };
        struct ax_spawn_options options = { .fds = fds, .n_fds = 4 };
        struct ax_process process;
        ax_client *child;
        ax_pid pid = ax_spawn_client(ax, &options, &child);

        ck_assert_int_gt(pid, 1);
        assert_result(ax_write(child, a, "to b", 4), 4);
        assert_result(ax_write(child, b, "to a", 4), 4);
        assert_result(ax_write(child, 20, "!", 1), 1);
        assert_error(ax_read(child, 0, NULL, 0), AX_EBADF);
        assert_text(ax, "/tmp/a", "to a!");
        assert_text(ax, "/tmp/b", "to b");
        ax_disconnect(child);
        options.close_others = true;
        pid = ax_spawn_client(ax, &options, &child);
        ck_assert_int_gt(pid, 1);
        ck_assert(find_process(ax, pid, &process));
        ck_assert_uint_eq(process.open_files, 3);
        assert_result(ax_dup(child, a), 0);
        ax_disconnect(child);
}
END_TEST

START_TEST(test_signals_are_inherited_as_by_exec) {
        _connected_ ax_client *ax = fixture_connect();
        ax_client *child;
        ax_pid pid;

        assert_result(ax_signal(ax, AX_SIGHUP, AX_SIGNAL_IGNORE), 0);
        assert_result(ax_signal(ax, AX_SIGUSR1, AX_SIGNAL_HANDLE), 0);
        assert_result(ax_sigblock(ax, AX_SIGTERM), 0);
        assert_result(ax_kill(ax, ax_getpid(ax), AX_SIGTERM), 0);
        child = spawn_child(ax, &pid);
        assert_result(ax_signal(child, AX_SIGHUP, AX_SIGNAL_DEFAULT), AX_SIGNAL_IGNORE);
        assert_result(ax_signal(child, AX_SIGUSR1, AX_SIGNAL_DEFAULT), AX_SIGNAL_DEFAULT);
        assert_result(ax_sigblock(child, AX_SIGTERM), 1);
        assert_result(ax_sigpending(child), 0);
        assert_result(ax_sigunblock(ax, AX_SIGHUP), 0);
        ax_disconnect(child);
        assert_result(ax_signal(ax, AX_SIGTERM, AX_SIGNAL_IGNORE), 0);
}
END_TEST

static void spawn_as_another(ax_client *ax, void *userdata) {
        struct ax_spawn_options options = { .set_ids = true };
        static const char *const argv[] = { "true", NULL };

        (void) userdata;
        assert_error(ax_spawn(ax, argv, &options), AX_EPERM);
        assert_error(ax_wait(ax, -1, NULL, 0), AX_ECHILD);
}

START_TEST(test_administrators_choose_the_user) {
        struct ax_spawn_options options = { .set_ids = true, .uid = FIXTURE_UID, .gid = FIXTURE_GROUP };
        _connected_ ax_client *ax = fixture_connect();
        char text[4096];
        struct ax_stat status;
        ax_pid pid;

        fixture_as_uid(FIXTURE_UID, spawn_as_another, NULL);
        pid = spawn_program(ax, &options, "report", "/tmp/report");
        assert_wait(ax, pid, AX_EXITED, 0);
        get_text(ax, "/tmp/report", text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, "uid=1000\n"));
        assert_result(ax_stat(ax, "/tmp/report", &status), 0);
        ck_assert_uint_eq(status.uid, FIXTURE_UID);
        ck_assert_uint_eq(status.gid, FIXTURE_GROUP);
}
END_TEST

START_TEST(test_limits_leave_nothing_behind) {
        struct daemon_options options = { .settings = "ProcessesPerUser = 2" };
        static const char *const argv[] = { "true", NULL };
        struct ax_status status;
        ax_client *ax;
        ax_pid pid;

        fixture_start(&options);
        ax = fixture_connect();
        pid = spawn_program(ax, NULL, "exit", "0");
        assert_error(ax_spawn(ax, argv, NULL), AX_EDQUOT); /* a zombie counts, too */
        assert_wait(ax, pid, AX_EXITED, 0);
        assert_wait(ax, (ax_pid) assert_ok(ax_spawn(ax, argv, NULL)), AX_EXITED, 0);
        assert_result(ax_status(ax, &status), 0);
        ck_assert_uint_eq(status.processes, 2);
        fixture_wait_sessions(ax, 1);
        ax_disconnect(ax);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("spawn");

        fixture_add(suite, test_a_program_becomes_a_child, 0);
        fixture_add(suite, test_options_are_kept_to, 0);
        fixture_add(suite, test_a_program_that_never_connects_is_a_process, 0);
        fixture_add(suite, test_what_cannot_be_started, 0);
        fixture_add(suite, test_a_program_that_does_not_start_after_all_is_an_error, 0);
        fixture_add(suite, test_a_program_that_the_chosen_user_may_not_execute, FIXTURE_ROOT);
        fixture_add(suite, test_arguments_may_be_as_long_as_the_host_takes, 0);
        fixture_add(suite, test_arguments_that_are_too_long, 0);
        fixture_add(suite, test_descriptors_are_inherited_and_rearranged, 0);
        fixture_add(suite, test_signals_are_inherited_as_by_exec, 0);
        fixture_add(suite, test_administrators_choose_the_user, FIXTURE_ROOT);
        fixture_add(suite, test_limits_leave_nothing_behind, FIXTURE_NO_DAEMON);
        return fixture_main(suite);
}
