/* SPDX-License-Identifier: MIT */
/*
 * The socket: how a client finds it, whom it trusts, and whose it is.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

START_TEST(test_connect_finds_the_socket_by_the_environment) {
        ax_client *ax = NULL;

        setenv("AXEBERG_SOCKET", the_daemon.socket, 1);
        assert_ok(ax_connect(&ax, NULL));
        ck_assert_int_gt(ax_getpid(ax), 1);
        ax_disconnect(ax);
}
END_TEST

/* Root has one place only: become somebody else. */
static void connect_by_runtime_directory(void *userdata) {
        ax_client *ax = NULL;

        if (geteuid() == 0)
                ck_assert_int_eq(setresuid(FIXTURE_UID, FIXTURE_UID, FIXTURE_UID), 0);
        unsetenv("AXEBERG_SOCKET");
        setenv("XDG_RUNTIME_DIR", userdata, 1);
        assert_ok(ax_connect(&ax, NULL));
        ck_assert_int_gt(ax_getpid(ax), 1);
        ax_disconnect(ax);
}

START_TEST(test_connect_finds_the_socket_by_the_runtime_directory) {
        char run[100], path[160];

        snprintf(run, sizeof(run), "%s/run", the_daemon.directory);
        ck_assert_int_eq(mkdir(run, 0755), 0);
        snprintf(path, sizeof(path), "%s/axeberg", run);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        if (geteuid() == 0)
                ck_assert_int_eq(chown(path, FIXTURE_UID, FIXTURE_UID), 0);
        snprintf(path, sizeof(path), "%s/axeberg/axebergd.sock", run);
        ck_assert_int_eq(symlink(the_daemon.socket, path), 0);
        fixture_reap(fixture_fork(connect_by_runtime_directory, run));
}
END_TEST

/* The directory "axeberg" of a user, with a socket in it, as others may have prepared it. */
struct prepared {
        const char *link_to; /* NULL: a directory */
        uid_t uid;
        mode_t mode;
        bool is_used;
        char run[100];
};

static void find_socket(void *userdata) {
        const struct prepared *prepared = userdata;
        char path[160], own[160];

        ck_assert_int_eq(setresuid(FIXTURE_UID, FIXTURE_UID, FIXTURE_UID), 0);
        unsetenv("AXEBERG_SOCKET");
        setenv("XDG_RUNTIME_DIR", prepared->run, 1);
        snprintf(own, sizeof(own), "%s/axeberg/axebergd.sock", prepared->run);
        assert_ok(ax_socket_path(path, sizeof(path)));
        ck_assert_str_eq(path, prepared->is_used ? own : "/run/axeberg/axebergd.sock");
}

static void prepare(struct prepared *prepared, unsigned i) {
        char path[240], target[200];

        snprintf(prepared->run, sizeof(prepared->run), "%s/run%u", the_daemon.directory, i);
        ck_assert_int_eq(mkdir(prepared->run, 0755), 0);
        snprintf(path, sizeof(path), "%s/axeberg", prepared->run);
        snprintf(target, sizeof(target), "%s/%s", prepared->run, prepared->link_to ? prepared->link_to : "axeberg");
        ck_assert_int_eq(mkdir(target, 0700), 0);
        if (prepared->link_to)
                ck_assert_int_eq(symlink(prepared->link_to, path), 0);
        snprintf(path, sizeof(path), "%s/axebergd.sock", target);
        ck_assert_int_eq(symlink(the_daemon.socket, path), 0);
        ck_assert_int_eq(chown(target, prepared->uid, prepared->uid), 0);
        ck_assert_int_eq(chmod(target, prepared->mode), 0);
}

START_TEST(test_only_the_user_s_own_directory_is_trusted) {
        struct prepared all[] = {
                { .uid = FIXTURE_UID, .mode = 0700, .is_used = true },
                { .uid = FIXTURE_OTHER_UID, .mode = 0755 },
                { .uid = 0, .mode = 0755 },
                { .uid = FIXTURE_UID, .mode = 0755 },
                { .uid = FIXTURE_UID, .mode = 0730 },
                { .uid = FIXTURE_UID, .mode = 0777 },
                { .uid = FIXTURE_UID, .mode = 0700, .link_to = "elsewhere" },
        };

        for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
                prepare(&all[i], i);
                fixture_reap(fixture_fork(find_socket, &all[i]));
        }
}
END_TEST

/* Somebody else listens where the kernel's socket was looked for, and would answer Hello. */
static void impersonate(void *userdata) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);

        ck_assert_int_eq(setresuid(FIXTURE_OTHER_UID, FIXTURE_OTHER_UID, FIXTURE_OTHER_UID), 0);
        umask(0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", (char *) userdata);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        /* whoever connects and says anything has been taken in */
        fd = accept(fd, NULL, NULL);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(recv(fd, address.sun_path, 1, 0), 0);
}

static bool exists(void *path) {
        return access(path, W_OK) == 0;
}

START_TEST(test_nothing_is_said_to_another_user_s_socket) {
        char directory[100], path[107];
        pid_t impostor;

        snprintf(directory, sizeof(directory), "%s/open", the_daemon.directory);
        ck_assert_int_eq(mkdir(directory, 0700), 0);
        ck_assert_int_eq(chmod(directory, 01777), 0);
        snprintf(path, sizeof(path), "%.90s/axebergd.sock", directory);
        impostor = fixture_fork(impersonate, path);
        fixture_wait(exists, path, "the impostor's socket");
        for (int r = -AX_ECONNREFUSED; r == -AX_ECONNREFUSED;) { /* bound, and not listening yet */
                ax_client *ax = NULL;

                r = ax_connect(&ax, path);
                ck_assert_msg(r == -AX_ECONNREFUSED || r == -AX_EACCES, "ax_connect: %s", ax_error_name(r));
        }
        fixture_reap(impostor);
}
END_TEST

static int connect_error(const char *path) {
        ax_client *marker = (ax_client *) &connect_error, *ax = marker;
        int r = ax_connect(&ax, path);

        ck_assert_ptr_eq(ax, marker);
        return r;
}

START_TEST(test_connect_errors_leave_the_handle_untouched) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char path[100], long_path[300];
        int fd;

        snprintf(path, sizeof(path), "%s/nothing", the_daemon.directory);
        assert_error(connect_error(path), AX_ENOENT);

        snprintf(path, sizeof(path), "%s/deaf", the_daemon.directory);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
        ck_assert_int_eq(bind(fd, (struct sockaddr *) &address, sizeof(address)), 0);
        assert_error(connect_error(path), AX_ECONNREFUSED);
        close(fd);

        memset(long_path, 'x', sizeof(long_path) - 1);
        long_path[0] = '/';
        long_path[sizeof(long_path) - 1] = '\0';
        assert_error(connect_error(long_path), AX_ENAMETOOLONG);
}
END_TEST

START_TEST(test_stale_socket_is_replaced) {
        ax_client *ax = NULL;

        daemon_kill(&the_daemon);
        assert_error(connect_error(the_daemon.socket), AX_ECONNREFUSED);
        ck_assert_int_eq(daemon_restart(&the_daemon), 0);
        assert_ok(ax_connect(&ax, the_daemon.socket));
        ax_disconnect(ax);
        ck_assert_int_eq(daemon_stop(&the_daemon), 0);
}
END_TEST

START_TEST(test_two_daemons_do_not_share_a_socket) {
        struct daemon other = the_daemon;
        _connected_ ax_client *ax = fixture_connect();

        ck_assert_int_lt(daemon_restart(&other), 0);
        if (other.pid > 0 && other.pid != the_daemon.pid)
                daemon_kill(&other);
        assert_result(ax_getppid(ax), 1);
        assert_error(connect_error("/nonexistent"), AX_ENOENT);
        ax_disconnect(fixture_connect());
}
END_TEST

static void check_served(ax_client *ax, void *userdata) {
        (void) userdata;
        put_text(ax, "/home/user/f", "mine");
        assert_text(ax, "/home/user/f", "mine");
        assert_result(ax_write(ax, AX_STDOUT, "x", 1), 1);
}

START_TEST(test_daemon_of_a_user_serves_that_user) {
        struct fixture_user user = { .uid = FIXTURE_UID, .gid = FIXTURE_UID };

        fixture_as(&user, check_served, NULL);
}
END_TEST

static void connect_as_stranger(void *userdata) {
        const uid_t *uid = userdata;
        ax_client *ax = NULL;
        int r;

        ck_assert_int_eq(setresuid(*uid, *uid, *uid), 0);
        r = ax_connect(&ax, the_daemon.socket);
        ck_assert_msg(r == -AX_EACCES || r == -AX_EPERM, "ax_connect: %s", r < 0 ? ax_error_name(r) : "success");
}

START_TEST(test_daemon_of_a_user_refuses_others) {
        uid_t uid = FIXTURE_OTHER_UID;

        fixture_reap(fixture_fork(connect_as_stranger, &uid));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("socket");

        fixture_add(suite, test_connect_finds_the_socket_by_the_environment, 0);
        fixture_add(suite, test_connect_finds_the_socket_by_the_runtime_directory, 0);
        fixture_add(suite, test_only_the_user_s_own_directory_is_trusted, FIXTURE_ROOT);
        fixture_add(suite, test_nothing_is_said_to_another_user_s_socket, FIXTURE_ROOT);
        fixture_add(suite, test_connect_errors_leave_the_handle_untouched, 0);
        fixture_add(suite, test_stale_socket_is_replaced, 0);
        fixture_add(suite, test_two_daemons_do_not_share_a_socket, 0);
        fixture_add(suite, test_daemon_of_a_user_serves_that_user, FIXTURE_USER);
        fixture_add(suite, test_daemon_of_a_user_refuses_others, FIXTURE_USER);
        return fixture_main(suite);
}
