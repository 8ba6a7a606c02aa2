/* SPDX-License-Identifier: MIT */
/*
 * AXEBERG_DEBUG: what the library says on standard error, and when it keeps silent.
 */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callers.h"

enum { SAID_SIZE = 16384, MAX_LINE = 512, EXIT_NOT_SECURE = 77 };

/* Standard error while a case listens. */
struct listening {
        int fd, old;
};

static struct listening listen_begin(void) {
        struct listening listening = { memfd_create("stderr", MFD_CLOEXEC), dup(STDERR_FILENO) };

        ck_assert_int_ge(listening.fd, 0);
        ck_assert_int_ge(dup2(listening.fd, STDERR_FILENO), 0);
        return listening;
}

static void listen_end(struct listening listening, char said[static SAID_SIZE]) {
        ssize_t n = pread(listening.fd, said, SAID_SIZE - 1, 0);

        dup2(listening.old, STDERR_FILENO);
        close(listening.old);
        close(listening.fd);
        ck_assert_int_ge(n, 0);
        said[n] = '\0';
}

static void assert_says(const char *said, const char *text) {
        ck_assert_msg(strstr(said, text) != NULL, "\"%s\" is missing in: %s", text, said);
}

static void serve_a_parent_and_no_file(struct fake *fake) {
        if (fake_expect(fake, "Getppid"))
                fake_answer(fake, 5);
        if (fake_expect(fake, "Open"))
                fake_answer(fake, -AX_ENOENT);
        fake_serve(fake);
}

/* Makes a connection and two calls at a level; NULL for none. */
static void call_at(const char *level, char said[static SAID_SIZE]) {
        struct listening listening = listen_begin();
        struct fake fake;
        ax_client *ax;

        if (level)
                setenv("AXEBERG_DEBUG", level, 1);
        ax = connect_ok(&fake, serve_a_parent_and_no_file);
        assert_result(ax_getppid(ax), 5);
        assert_error(ax_open(ax, "/nothing", AX_READ), AX_ENOENT);
        ax_disconnect(ax);
        fake_end(&fake);
        listen_end(listening, said);
}

START_TEST(test_it_is_silent_unless_asked) {
        static const char *const off[] = { NULL, "", "0" };
        char said[SAID_SIZE];

        for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
                call_at(off[i], said);
                ck_assert_str_eq(said, "");
        }
}
END_TEST

START_TEST(test_level_1_is_connections) {
        static const char *const levels[] = { "1", "yes" };
        char said[SAID_SIZE];

        for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
                call_at(levels[i], said);
                assert_says(said, "]: taking the connection of AXEBERG_FD=");
                assert_says(said, "]: process 77: connected\n");
                assert_says(said, "]: process 77: disconnecting\n");
                ck_assert_ptr_null(strstr(said, "getppid"));
        }
}
END_TEST

START_TEST(test_level_2_is_every_call) {
        static const char *const levels[] = { "2", "9" };
        char said[SAID_SIZE];

        for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
                call_at(levels[i], said);
                assert_says(said, "]: process 77: connected\n");
                assert_says(said, "]: process 77: getppid: 5, ");
                assert_says(said, "]: process 77: open: NotFound, ");
                assert_says(said, " usec\n");
        }
}
END_TEST

START_TEST(test_it_says_why_there_is_no_connection) {
        struct listening listening = listen_begin();
        char said[SAID_SIZE];
        ax_client *ax;

        setenv("AXEBERG_DEBUG", "1", 1);
        assert_error(ax_connect(&ax, "/nonexistent/socket"), AX_ENOENT);
        listen_end(listening, said);
        assert_says(said, "]: connecting to /nonexistent/socket\n");
        assert_says(said, "]: not connected: No such file or directory (NotFound)\n");
}
END_TEST

static void serve_the_end(struct fake *fake) {
        fake_expect(fake, "Getppid");
        close(fake->fd);
        fake->fd = -1;
}

START_TEST(test_it_says_that_the_connection_is_lost) {
        struct listening listening = listen_begin();
        char said[SAID_SIZE];
        struct fake fake;
        ax_client *ax;

        setenv("AXEBERG_DEBUG", "1", 1);
        ax = connect_ok(&fake, serve_the_end);
        assert_error(ax_getppid(ax), AX_ESRCH);
        ax_disconnect(ax);
        fake_join(&fake);
        listen_end(listening, said);
        assert_says(said, "]: process 77: the connection is lost: ");
}
END_TEST

START_TEST(test_lines_are_printable_and_bounded) {
        struct listening listening = listen_begin();
        char said[SAID_SIZE], path[5000], *end;
        ax_client *ax;

        for (size_t i = 0; i < sizeof(path) - 1; i++)
                path[i] = "\033[31m\n\r\x9b\xff/"[i % 10];
        path[sizeof(path) - 1] = '\0';
        setenv("AXEBERG_DEBUG", "1", 1);
        assert_error(ax_connect(&ax, path), AX_ENAMETOOLONG);
        listen_end(listening, said);
        assert_says(said, "]: connecting to \\x1b[31m\\n\\r\\x9b\\xff/\\x1b");
        for (const char *line = said; *line; line = end + 1) {
                end = strchr(line, '\n');
                ck_assert_ptr_nonnull(end);
                ck_assert_int_le(end - line, MAX_LINE);
                for (const char *at = line; at < end; at++)
                        ck_assert(*at >= ' ' && *at <= '~');
        }
}
END_TEST

/* Calls without the daemon are counted as ever, and not reported to it one by one. */
START_TEST(test_calls_without_the_daemon) {
        struct listening listening = listen_begin();
        struct ax_status before, after;
        char said[SAID_SIZE], expected[64];
        ax_client *ax;
        ax_pid pid;

        setenv("AXEBERG_DEBUG", "2", 1);
        ax = fixture_connect();
        assert_result(ax_status(ax, &before), 0);
        pid = ax_getpid(ax);
        assert_result(ax_sigpending(ax), 0);
        assert_result(ax_status(ax, &after), 0);
        ax_disconnect(ax);
        listen_end(listening, said);
        snprintf(expected, sizeof(expected), "]: process %d: getpid: %d, ", pid, pid);
        assert_says(said, expected);
        assert_says(said, ": sigpending: 0, ");
        ck_assert_ptr_null(strstr(said, "local_call"));
        ck_assert_uint_eq(after.local_calls - before.local_calls, 2);
}
END_TEST

START_TEST(test_programs_that_are_started) {
        const char *const good[] = { "true", NULL }, *const bad[] = { "no-such-program", NULL };
        struct listening listening = listen_begin();
        struct ax_wait_status status;
        char said[SAID_SIZE];
        ax_client *ax;
        ax_pid pid;

        setenv("PATH", "/usr/bin:/bin", 1); /* a directory that this user may not search is another error */
        setenv("AXEBERG_DEBUG", "1", 1);
        ax = fixture_connect();
        pid = ax_spawn(ax, good, NULL);
        ck_assert_int_gt(pid, 0);
        assert_result(ax_wait(ax, pid, &status, AX_WAIT_ENDED), pid);
        assert_error(ax_spawn(ax, bad, NULL), AX_ENOENT);
        ax_disconnect(ax);
        listen_end(listening, said);
        assert_says(said, "/true\n");
        assert_says(said, "]: not started: no-such-program: No such file or directory (NotFound)\n");
}
END_TEST

/* ---- programs with more rights than their user ----------------------------------------------- */

static const char connect_argument[] = "connect";

/* The program of the next case. */
static int fail_to_connect(void) {
        ax_client *ax;

        if (!getauxval(AT_SECURE))
                return EXIT_NOT_SECURE;
        return ax_connect(&ax, "/nonexistent") == -AX_ENOENT ? 0 : 1;
}

static void copy_this_program(const char *to) {
        int from_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        int to_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
        struct stat status;
        off_t done = 0;

        ck_assert_int_eq(fstat(from_fd, &status), 0);
        while (done < status.st_size) {
                ssize_t n = sendfile(to_fd, from_fd, &done, (size_t) (status.st_size - done));

                ck_assert_int_gt(n, 0);
        }
        ck_assert_int_eq(fchown(to_fd, 0, FIXTURE_GROUP), 0);
        ck_assert_int_eq(fchmod(to_fd, 02755), 0);
        close(from_fd);
        close(to_fd);
}

START_TEST(test_set_id_programs_ignore_it) {
        char directory[] = "/tmp/axeberg-debug-XXXXXX", path[64], said[SAID_SIZE];
        struct listening listening;
        int status;
        pid_t pid;

        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/program", directory);
        copy_this_program(path);
        setenv("AXEBERG_DEBUG", "2", 1);
        listening = listen_begin();
        pid = fork();
        if (pid == 0) {
                execl(path, path, connect_argument, (char *) NULL);
                _exit(1);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        listen_end(listening, said);
        unlink(path);
        rmdir(directory);
        ck_assert(WIFEXITED(status));
        if (WEXITSTATUS(status) == EXIT_NOT_SECURE) /* /tmp is mounted nosuid, for example */
                return;
        ck_assert_int_eq(WEXITSTATUS(status), 0);
        ck_assert_str_eq(said, "");
}
END_TEST

int main(int argc, char **argv) {
        Suite *suite = suite_create("debug");

        if (argc > 1 && strcmp(argv[1], connect_argument) == 0)
                _exit(fail_to_connect()); /* LeakSanitizer, at exit(3), cannot look into it */
        fixture_add(suite, test_it_is_silent_unless_asked, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_level_1_is_connections, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_level_2_is_every_call, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_it_says_why_there_is_no_connection, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_it_says_that_the_connection_is_lost, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_lines_are_printable_and_bounded, FIXTURE_NO_DAEMON);
        fixture_add(suite, test_calls_without_the_daemon, 0);
        fixture_add(suite, test_programs_that_are_started, 0);
        fixture_add(suite, test_set_id_programs_ignore_it, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        return fixture_main(suite);
}
