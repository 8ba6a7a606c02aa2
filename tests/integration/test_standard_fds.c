/* SPDX-License-Identifier: MIT */
/*
 * A program may close its standard descriptors, before it connects or after: the host then gives
 * their numbers out again, and none of them may become the library's.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SAVED = 200, DIRECT_READS = 4, NAMES = 3000, FEW = 64 };

static int saved[3];

static void close_standard(void) {
        fflush(NULL);
        for (int fd = 0; fd <= 2; fd++) {
                saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, SAVED);
                ck_assert_int_ge(saved[fd], SAVED);
                ck_assert_int_eq(close(fd), 0);
        }
}

static void restore_standard(void) {
        for (int fd = 0; fd <= 2; fd++) {
                ck_assert_int_eq(dup2(saved[fd], fd), fd);
                close(saved[fd]);
        }
}

static void check_closed(const char *after) {
        for (int fd = 0; fd <= 2; fd++) {
                ck_assert_msg(fcntl(fd, F_GETFD) < 0, "after %s descriptor %d is the library's", after, fd);
                ck_assert_int_eq(errno, EBADF);
        }
}

/* What the program prints goes nowhere, and not to the daemon. */
static void check_output_harms_nobody(ax_client *ax) {
        for (int fd = 1; fd <= 2; fd++)
                ck_assert_int_lt(write(fd, "not a request\n", 14), 0);
        assert_result(ax_getppid(ax), 1);
}

static void check_files(ax_client *ax) {
        int fd = open_ok(ax, "/tmp/file", AX_RDWR);
        char byte;

        for (int i = 0; i < DIRECT_READS; i++)
                assert_result(ax_pread(ax, fd, &byte, 1, 0), 1);
        check_closed("a file that is read directly");
        assert_ok(ax_close(ax, fd));
}

static void check_pipes(ax_client *ax) {
        char byte;
        int fds[2];

        assert_ok(ax_pipe(ax, fds));
        for (int i = 0; i < DIRECT_READS; i++) {
                assert_result(ax_write(ax, fds[1], "x", 1), 1);
                assert_result(ax_read(ax, fds[0], &byte, 1), 1);
        }
        check_closed("a pipe");
}

static void check_memory(ax_client *ax) {
        ax_region_id region;
        ax_shm_id shm;

        assert_ok(ax_mem_alloc(ax, 4096, AX_PROT_READ_WRITE, &region));
        assert_ok(ax_shmget(ax, 4096, &shm));
        assert_ok(ax_shmat(ax, shm, AX_PROT_READ_WRITE, &region));
        check_closed("regions");
}

static void check_names(ax_client *ax) {
        char path[32], **names;

        assert_ok(ax_mkdir(ax, "/tmp/many"));
        for (int i = 0; i < NAMES; i++) {
                snprintf(path, sizeof(path), "/tmp/many/a-name-of-%04d", i);
                assert_ok(ax_mkdir(ax, path));
        }
        assert_result(ax_readdir(ax, "/tmp/many", &names), NAMES);
        ax_names_free(names);
        check_closed("a long list");
}

static void check_mounts(ax_client *ax) {
        struct ax_mount *mounts;
        int n = ax_mount_list(ax, &mounts);

        ck_assert_int_ge(n, 4);
        for (int i = 0; i < n; i++) {
                ck_assert_msg(mounts[i].fd < 0 || mounts[i].fd > 2, "descriptor %d of %s", mounts[i].fd,
                              mounts[i].path);
                if (mounts[i].fd > 2)
                        close(mounts[i].fd);
        }
        free(mounts);
        check_closed("the mount table");
}

static void check_children(ax_client *ax) {
        const char *argv[] = { PROGRAM_PATH, "closed", NULL };
        struct ax_wait_status status;
        ax_client *child = NULL;
        ax_pid pid = ax_spawn_client(ax, NULL, &child);

        ck_assert_int_gt(pid, 1);
        check_closed("ax_spawn_client()");
        ax_disconnect(child);
        pid = ax_spawn(ax, argv, NULL);
        check_closed("ax_spawn()");
        assert_result(ax_wait(ax, pid, &status, 0), pid);
        /* the program has nothing there either */
        ck_assert_int_eq(status.kind, AX_EXITED);
        ck_assert_int_eq(status.code, 0);
}

static void check_all(ax_client *ax) {
        check_closed("ax_connect()");
        check_output_harms_nobody(ax);
        ck_assert_int_gt(ax_fileno(ax), 2);
        check_closed("ax_fileno()");
        check_files(ax);
        check_pipes(ax);
        check_memory(ax);
        check_names(ax);
        check_mounts(ax);
        check_children(ax);
        check_output_harms_nobody(ax);
}

START_TEST(test_standard_descriptors_closed_before_connecting) {
        _connected_ ax_client *other = fixture_connect();
        ax_client *ax;

        put_text(other, "/tmp/file", "text");
        close_standard();
        ax = fixture_connect();
        check_all(ax);
        ax_disconnect(ax);
        check_closed("ax_disconnect()");
        restore_standard();
}
END_TEST

START_TEST(test_standard_descriptors_closed_after_connecting) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/file", "text");
        close_standard();
        check_all(ax);
        restore_standard();
}
END_TEST

/* A connection whose number somebody else has chosen. */
START_TEST(test_an_inherited_connection_is_moved) {
        ax_client *ax = NULL;
        int fd = wire_connect(the_daemon.socket);

        ck_assert_int_gt(fd, 2);
        close_standard();
        ck_assert_int_eq(dup2(fd, 1), 1);
        close(fd);
        setenv("AXEBERG_FD", "1", 1);
        unsetenv("AXEBERG_PID");
        assert_ok(ax_connect(&ax, NULL));
        check_closed("ax_connect()");
        check_output_harms_nobody(ax);
        ax_disconnect(ax);
        restore_standard();
}
END_TEST

/* Only a standard descriptor is free: that is as good as none. */
START_TEST(test_without_room_above_nothing_is_taken) {
        const struct rlimit few = { FEW, FEW };
        _connected_ ax_client *ax = fixture_connect();
        ax_client *second = NULL;
        ax_region_id region = 0;
        int taken[FEW], n = 0;

        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        while (n < FEW && (taken[n] = dup(0)) >= 0)
                n++;
        ck_assert_int_gt(n, 0);
        close(0);
        assert_error(ax_connect(&second, the_daemon.socket), AX_EMFILE);
        ck_assert_ptr_null(second);
        ck_assert_int_lt(fcntl(0, F_GETFD), 0);
        assert_error(ax_mem_alloc(ax, 4096, AX_PROT_READ, &region), AX_EMFILE);
        ck_assert_int_lt(fcntl(0, F_GETFD), 0);
        assert_error(ax_fileno(ax), AX_EMFILE);
        ck_assert_int_lt(fcntl(0, F_GETFD), 0);
        assert_result(ax_getppid(ax), 1);
        ck_assert_int_eq(dup2(taken[0], 0), 0);
        while (n > 0)
                close(taken[--n]);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("standard descriptors");

        fixture_add(suite, test_standard_descriptors_closed_before_connecting, 0);
        fixture_add(suite, test_standard_descriptors_closed_after_connecting, 0);
        fixture_add(suite, test_an_inherited_connection_is_moved, 0);
        fixture_add(suite, test_without_room_above_nothing_is_taken, 0);
        return fixture_main(suite);
}
