/* SPDX-License-Identifier: MIT */
/*
 * /proc: every process as a directory, for as long as it lives, and its private parts only for its
 * user.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The value behind "Name:" in a status file. */
static void get_field(ax_client *ax, const char *path, const char *name, char *value, size_t size) {
        char text[4096], *line, *save = NULL;

        get_text(ax, path, text, sizeof(text));
        for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                size_t length = strlen(name);

                if (strncmp(line, name, length) == 0 && line[length] == ':') {
                        snprintf(value, size, "%s", line + length + 1 + strspn(line + length + 1, " \t"));
                        return;
                }
        }
        ck_abort_msg("%s has no field %s", path, name);
}

static void assert_field(ax_client *ax, const char *path, const char *name, long expected) {
        char value[64];

        get_field(ax, path, name, value, sizeof(value));
        ck_assert_msg(strtol(value, NULL, 10) == expected, "%s of %s is %s, not %ld", name, path, value, expected);
}

static void assert_link(ax_client *ax, const char *path, const char *expected) {
        char buf[256];
        int n = ax_readlink(ax, path, buf, sizeof(buf) - 1);

        ck_assert_msg(n >= 0, "ax_readlink(%s): %s", path, ax_error_name(n));
        buf[n] = '\0';
        ck_assert_str_eq(buf, expected);
}

START_TEST(test_status_tells_pid_parent_user_and_state) {
        _connected_ ax_client *ax = fixture_connect();
        char path[64], value[64];

        snprintf(path, sizeof(path), "/proc/%d/status", ax_getpid(ax));
        assert_field(ax, path, "Pid", ax_getpid(ax));
        assert_field(ax, path, "PPid", 1);
        assert_field(ax, path, "Uid", (long) geteuid());
        assert_field(ax, path, "Gid", (long) getegid());
        get_field(ax, path, "State", value, sizeof(value));
        ck_assert_str_eq(value, "Running");
        assert_field(ax, "/proc/1/status", "Pid", 1);
        get_field(ax, "/proc/1/status", "Name", value, sizeof(value));
        ck_assert_str_eq(value, "init");
}
END_TEST

/* A process whose program calls itself so. */
static int connect_as(const char *argument) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        static struct wire_frame reply;
        int fd = wire_connect(the_daemon.socket);
        char *arguments[] = { (char *) argument };

        ck_assert_int_ge(fd, 0);
        request.version = AX_PROTOCOL_VERSION;
        request.argv = arguments;
        request.n_argv = 1;
        assert_result(wire_call(fd, 1, AX_METHOD(hello), &request.base, &reply), 0);
        wire_frame_close_fds(&reply);
        return fd;
}

START_TEST(test_no_name_forges_a_line) {
        _connected_ ax_client *ax = fixture_connect();
        _closed_ int fd = connect_as("/bin/evil\nUid:\t0\tX\\\033[31m\xff\u202e");
        char path[64], value[128], text[4096];
        struct ax_process *processes;
        int n = (int) assert_ok(ax_process_list(ax, &processes));

        ck_assert_str_eq(processes[n - 1].command, "evil\\nUid:\\t0\\tX\\\\\\x1b[31m\\xff\\u202e");
        snprintf(path, sizeof(path), "/proc/%d/status", processes[n - 1].pid);
        get_field(ax, path, "Name", value, sizeof(value));
        ck_assert_str_eq(value, processes[n - 1].command);
        assert_field(ax, path, "Uid", (long) geteuid());
        snprintf(path, sizeof(path), "/proc/%d/stat", processes[n - 1].pid);
        get_text(ax, path, text, sizeof(text));
        ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
        ck_assert_ptr_null(strchr(text, '\033'));
        /* arguments are what they are */
        snprintf(path, sizeof(path), "/proc/%d/cmdline", processes[n - 1].pid);
        get_text(ax, path, text, sizeof(text));
        ck_assert_str_eq(text, "/bin/evil\nUid:\t0\tX\\\033[31m\xff\u202e");
        free(processes);
}
END_TEST

START_TEST(test_names_do_not_fill_a_list) {
        enum { MANY = 300 };
        static char name[2041];
        _connected_ ax_client *ax = fixture_connect();
        int fds[MANY], before, after;
        struct ax_process *processes;

        memset(name, '\033', sizeof(name) - 1);
        before = (int) assert_ok(ax_process_list(ax, &processes));
        free(processes);
        for (int i = 0; i < MANY; i++)
                fds[i] = connect_as(name);
        after = (int) assert_ok(ax_process_list(ax, &processes));
        ck_assert_int_eq(after, before + MANY);
        ck_assert_str_eq(
                processes[after - 1].command,
                "\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b\\x1b"); /* cut behind an escape */
        free(processes);
        for (int i = 0; i < MANY; i++)
                close(fds[i]);
        fixture_wait_sessions(ax, 1);
}
END_TEST

START_TEST(test_self_is_the_reader) {
        _connected_ ax_client *a = fixture_connect(), *b = fixture_connect();
        char text[16];

        snprintf(text, sizeof(text), "%d", ax_getpid(a));
        assert_link(a, "/proc/self", text);
        snprintf(text, sizeof(text), "%d", ax_getpid(b));
        assert_link(b, "/proc/self", text);
        assert_field(a, "/proc/self/status", "Pid", ax_getpid(a));
        assert_field(b, "/proc/self/status", "Pid", ax_getpid(b));
}
END_TEST

START_TEST(test_cwd_and_fd_links) {
        _connected_ ax_client *ax = fixture_connect();
        char **names;

        put_text(ax, "/tmp/f", "through the link");
        ck_assert_int_eq(open_ok(ax, "/tmp/f", AX_READ), 3);
        ck_assert_int_eq(open_ok(ax, "/dev/null", AX_READ), 4);
        assert_ok(ax_close(ax, 1));
        assert_ok(ax_chdir(ax, "/tmp"));
        assert_link(ax, "/proc/self/cwd", "/tmp");
        assert_link(ax, "/proc/self/fd/3", "/tmp/f");
        assert_link(ax, "/proc/self/fd/4", "/dev/null");
        assert_link(ax, "/proc/self/fd/0", "/dev/console");
        assert_result(ax_readdir(ax, "/proc/self/fd", &names), 4);
        ck_assert_str_eq(names[0], "0");
        ck_assert_str_eq(names[1], "2");
        ck_assert_str_eq(names[3], "4");
        ax_names_free(names);
        assert_error(ax_readlink(ax, "/proc/self/fd/1", (char[8]){ 0 }, 8), AX_ENOENT);
        assert_error(ax_readlink(ax, "/proc/self/fd/03", (char[8]){ 0 }, 8), AX_ENOENT);
        assert_text(ax, "/proc/self/cwd/f", "through the link");
}
END_TEST

START_TEST(test_cmdline_is_what_the_program_said) {
        _connected_ ax_client *ax = fixture_connect();
        char text[4096];

        get_text(ax, "/proc/self/cmdline", text, sizeof(text));
        ck_assert_msg(strstr(text, "test_procfs"), "cmdline is \"%s\"", text);
}
END_TEST

START_TEST(test_general_files) {
        _connected_ ax_client *ax = fixture_connect();
        char text[4096], expected[64];
        double first, second;

        get_text(ax, "/proc/uptime", text, sizeof(text));
        first = strtod(text, NULL);
        ck_assert(first >= 0 && first < 1000);
        usleep(20000);
        get_text(ax, "/proc/uptime", text, sizeof(text));
        second = strtod(text, NULL);
        ck_assert(second > first);
        get_text(ax, "/proc/version", text, sizeof(text));
        snprintf(expected, sizeof(expected), "%s", AXEBERG_VERSION);
        ck_assert_ptr_nonnull(strstr(text, expected));
        get_text(ax, "/proc/mounts", text, sizeof(text));
        ck_assert_ptr_nonnull(strstr(text, " / store "));
        ck_assert_ptr_nonnull(strstr(text, " /tmp store "));
        ck_assert_ptr_nonnull(strstr(text, " /dev devfs "));
        ck_assert_ptr_nonnull(strstr(text, " /proc procfs "));
}
END_TEST

START_TEST(test_proc_lists_processes_and_files) {
        _connected_ ax_client *a = fixture_connect(), *b = fixture_connect();
        char **names, wanted[4][16] = { "1", "self" };
        int n = ax_readdir(a, "/proc", &names);

        ck_assert_int_ge(n, 7);
        snprintf(wanted[2], sizeof(wanted[2]), "%d", ax_getpid(a));
        snprintf(wanted[3], sizeof(wanted[3]), "%d", ax_getpid(b));
        for (int i = 0; i < 4; i++) {
                bool found = false;

                for (int j = 0; j < n; j++)
                        found |= strcmp(names[j], wanted[i]) == 0;
                ck_assert_msg(found, "/proc has no %s", wanted[i]);
        }
        ax_names_free(names);
}
END_TEST

START_TEST(test_odd_names_do_not_exist) {
        static const char *const odd[] = { "/proc/0",          "/proc/01",          "/proc/-1",
                                           "/proc/+1",         "/proc/1 ",          "/proc/99999999999999999999",
                                           "/proc/2147483648", "/proc/1x",          "/proc/self/fd/-1",
                                           "/proc/self/fd/99", "/proc/self/nothing" };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
                int r = ax_lstat(ax, odd[i], &stat);

                ck_assert_msg(r == -AX_ENOENT, "%s: %s", odd[i], r < 0 ? ax_error_name(r) : "exists");
        }
}
END_TEST

START_TEST(test_proc_is_read_only) {
        _connected_ ax_client *ax = fixture_connect();
        int r = ax_open(ax, "/proc/uptime", AX_RDWR);

        ck_assert_msg(r == -AX_EACCES || r == -AX_EROFS, "ax_open: %s", ax_error_name(r));
        r = ax_chmod(ax, "/proc/uptime", 0777);
        ck_assert_msg(r == -AX_EPERM || r == -AX_EROFS, "ax_chmod: %s", ax_error_name(r));
        ck_assert_uint_eq(stat_ok(ax, "/proc/uptime").mode, S_IFREG | 0444);
}
END_TEST

START_TEST(test_a_file_shows_one_moment) {
        _connected_ ax_client *ax = fixture_connect();
        char whole[4096], pieces[4096];
        int64_t n, total = 0;
        int fd = open_ok(ax, "/proc/self/status", AX_READ);

        n = assert_ok(ax_pread(ax, fd, whole, sizeof(whole), 0));
        while ((total += assert_ok(ax_read(ax, fd, pieces + total, 7))) < n)
                ;
        ck_assert_int_eq(total, n);
        ck_assert_mem_eq(whole, pieces, (size_t) n);
        assert_result(ax_read(ax, fd, pieces, 7), 0);
        assert_result(ax_seek(ax, fd, 0, SEEK_SET), 0);
        assert_result(ax_read(ax, fd, pieces, 4), 4);
        ck_assert_mem_eq(pieces, whole, 4);
}
END_TEST

START_TEST(test_the_end_of_a_process_ends_its_directory) {
        _connected_ ax_client *watcher = fixture_connect();
        ax_client *ax = fixture_connect();
        char path[64], status[80], byte;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d", ax_getpid(ax));
        snprintf(status, sizeof(status), "%s/status", path);
        assert_result(ax_exists(watcher, path), 1);
        fd = open_ok(watcher, status, AX_READ);
        assert_ok(ax_chdir(watcher, path));
        ax_disconnect(ax);
        fixture_wait_sessions(watcher, 1);
        assert_result(ax_exists(watcher, path), 0);
        assert_error(ax_open(watcher, status, AX_READ), AX_ENOENT);
        assert_error(ax_open(watcher, "status", AX_READ), AX_ENOENT);
        (void) ax_read(watcher, fd, &byte, 1);
        assert_ok(ax_close(watcher, fd));
}
END_TEST

static void looks_at_another(ax_client *ax, void *userdata) {
        const char *directory = userdata;
        char path[80], buf[64], **names;

        snprintf(path, sizeof(path), "%s/status", directory);
        assert_field(ax, path, "Uid", 0);
        snprintf(path, sizeof(path), "%s/fd", directory);
        assert_error(ax_readdir(ax, path, &names), AX_EACCES);
        snprintf(path, sizeof(path), "%s/fd/3", directory);
        assert_error(ax_readlink(ax, path, buf, sizeof(buf)), AX_EACCES);
        assert_error(ax_open(ax, path, AX_READ), AX_EACCES);
        snprintf(path, sizeof(path), "%s/cwd", directory);
        assert_error(ax_readlink(ax, path, buf, sizeof(buf)), AX_EACCES);
        assert_error(ax_chdir(ax, path), AX_EACCES);
        assert_result(ax_readdir(ax, "/proc/self/fd", &names), 3);
        ax_names_free(names);
}

START_TEST(test_descriptors_of_other_users_are_hidden) {
        _connected_ ax_client *ax = fixture_connect();
        char path[64];

        put_text(ax, "/tmp/secret", "x");
        assert_ok(ax_chmod(ax, "/tmp/secret", 0600));
        ck_assert_int_eq(open_ok(ax, "/tmp/secret", AX_READ), 3);
        snprintf(path, sizeof(path), "/proc/%d", ax_getpid(ax));
        fixture_as_uid(FIXTURE_UID, looks_at_another, path);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("procfs");

        fixture_add(suite, test_status_tells_pid_parent_user_and_state, 0);
        fixture_add(suite, test_no_name_forges_a_line, 0);
        fixture_add(suite, test_names_do_not_fill_a_list, 0);
        fixture_add(suite, test_self_is_the_reader, 0);
        fixture_add(suite, test_cwd_and_fd_links, 0);
        fixture_add(suite, test_cmdline_is_what_the_program_said, 0);
        fixture_add(suite, test_general_files, 0);
        fixture_add(suite, test_proc_lists_processes_and_files, 0);
        fixture_add(suite, test_odd_names_do_not_exist, 0);
        fixture_add(suite, test_proc_is_read_only, 0);
        fixture_add(suite, test_a_file_shows_one_moment, 0);
        fixture_add(suite, test_the_end_of_a_process_ends_its_directory, 0);
        fixture_add(suite, test_descriptors_of_other_users_are_hidden, FIXTURE_ROOT);
        return fixture_main(suite);
}
