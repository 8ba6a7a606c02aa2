/* SPDX-License-Identifier: MIT */
/*
 * The mount and the library show one world. Workloads on the mount are tested from the shell; this
 * is the seam between the two.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name on the mount; static, overwritten by the next call. */
static const char *on_mount(const char *path) {
        static char text[256];

        snprintf(text, sizeof(text), "%s%s", the_daemon.mount, path);
        return text;
}

static void assert_host_text(const char *path, const char *expected) {
        char buf[256];
        int fd = open(on_mount(path), O_RDONLY | O_CLOEXEC);
        ssize_t n;

        ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
        n = read(fd, buf, sizeof(buf));
        ck_assert_msg(n == (ssize_t) strlen(expected) && memcmp(buf, expected, (size_t) n) == 0, "%s has other content",
                      path);
        close(fd);
}

static void host_write(const char *path, const char *text) {
        int fd = open(on_mount(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
        ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t) strlen(text));
        ck_assert_int_eq(close(fd), 0);
}

START_TEST(test_changes_show_at_once_in_both_directions) {
        static const char *const paths[] = { "/home/user/f", "/tmp/f" };
        _connected_ ax_client *ax = fixture_connect();
        char text[32];

        for (int i = 0; i < 60; i++) {
                const char *path = paths[i % 2];

                snprintf(text, sizeof(text), "from the library, %d", i);
                put_text(ax, path, text);
                assert_host_text(path, text);
                snprintf(text, sizeof(text), "%*d", 1 + i % 13, i);
                host_write(path, text);
                assert_text(ax, path, text);
        }
}
END_TEST

START_TEST(test_names_show_at_once_in_both_directions) {
        _connected_ ax_client *ax = fixture_connect();

        for (int i = 0; i < 30; i++) {
                struct stat host;

                ck_assert_int_lt(stat(on_mount("/tmp/name"), &host), 0);
                put_text(ax, "/tmp/name", "x");
                ck_assert_int_eq(stat(on_mount("/tmp/name"), &host), 0);
                ck_assert_uint_eq(host.st_ino, stat_ok(ax, "/tmp/name").ino);
                assert_ok(ax_chmod(ax, "/tmp/name", i % 2 ? 0600 : 0640));
                ck_assert_int_eq(stat(on_mount("/tmp/name"), &host), 0);
                ck_assert_uint_eq(host.st_mode & 0777, i % 2 ? 0600 : 0640);
                ck_assert_int_eq(unlink(on_mount("/tmp/name")), 0);
                assert_result(ax_exists(ax, "/tmp/name"), 0);
                ck_assert_int_eq(mkdir(on_mount("/tmp/name"), 0755), 0);
                assert_result(ax_exists(ax, "/tmp/name"), 1);
                assert_ok(ax_rmdir(ax, "/tmp/name"));
                ck_assert_msg(rmdir(on_mount("/tmp/name")) < 0 && errno == ENOENT, "rmdir: %s", strerror(errno));
        }
}
END_TEST

START_TEST(test_a_mapping_on_the_mount_shows_what_the_library_writes) {
        _connected_ ax_client *ax = fixture_connect();
        char page[4096] = "first", *map;
        int fd, host;

        put_file(ax, "/tmp/mapped", page, sizeof(page));
        host = open(on_mount("/tmp/mapped"), O_RDWR | O_CLOEXEC);
        ck_assert_int_ge(host, 0);
        map = mmap(NULL, sizeof(page), PROT_READ | PROT_WRITE, MAP_SHARED, host, 0);
        ck_assert_ptr_ne(map, MAP_FAILED);
        ck_assert_str_eq(map, "first");
        memcpy(map, "mapped", 7);
        ck_assert_int_eq(msync(map, sizeof(page), MS_SYNC), 0);
        fd = open_ok(ax, "/tmp/mapped", AX_RDWR);
        assert_result(ax_pread(ax, fd, page, 7, 0), 7);
        ck_assert_str_eq(page, "mapped");
        assert_result(ax_pwrite(ax, fd, "library", 8, 0), 8);
        ck_assert_str_eq(map, "library");
        munmap(map, sizeof(page));
        close(host);
}
END_TEST

START_TEST(test_proc_and_dev_on_the_mount) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[64], path[64];
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/status", ax_getpid(ax));
        fd = open(on_mount(path), O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_gt(read(fd, buf, sizeof(buf)), 5);
        ck_assert_mem_eq(buf, "Name:", 5);
        close(fd);
        fd = open(on_mount("/dev/zero"), O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(read(fd, buf, 16), 16);
        ck_assert_int_eq(buf[7], 0);
        close(fd);
        fd = open(on_mount("/dev/console"), O_WRONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "hi\n", 3), 3);
        close(fd);
        assert_result(ax_console_take_output(ax, buf, sizeof(buf)), 3);
        ck_assert_mem_eq(buf, "hi\n", 3);
}
END_TEST

START_TEST(test_mount_requests_are_counted) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_status before, after;

        assert_ok(ax_status(ax, &before));
        host_write("/tmp/f", "0123456789");
        for (int i = 0; i < 5000; i++) {
                assert_ok(ax_status(ax, &after));
                if (after.mount_requests > before.mount_requests)
                        return;
                usleep(2000);
        }
        ck_abort_msg("requests on the mount are not counted");
}
END_TEST

/* ---- users ----------------------------------------------------------------------------------- */

static mode_t mode_of(const char *path) {
        struct stat st;

        ck_assert_int_eq(lstat(on_mount(path), &st), 0);
        return st.st_mode & 07777;
}

struct former_owner {
        int ready[2], go[2];
};

static void change_what_was_ours(ax_client *ax, void *userdata) {
        const struct former_owner *pipes = userdata;
        const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
        char byte = 0;
        int fd;

        (void) ax;
        umask(022);
        fd = open(on_mount("/tmp/f"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(pipes->ready[1], &byte, 1), 1);
        ck_assert_int_eq(read(pipes->go[0], &byte, 1), 1);
        ck_assert_msg(fchmod(fd, 06777) < 0 && errno == EPERM, "fchmod: %s", strerror(errno));
        ck_assert_msg(fchown(fd, (uid_t) -1, FIXTURE_UID) < 0 && errno == EPERM, "fchown: %s", strerror(errno));
        ck_assert_msg(futimens(fd, times) < 0 && errno == EPERM, "futimens: %s", strerror(errno));
        close(fd);
}

static void run_former_owner(void *userdata) {
        fixture_as_uid(FIXTURE_UID, change_what_was_ours, userdata);
}

/*
 * The kernel checks an open file against the owner that it has seen last, which may have changed
 * since.
 */
START_TEST(test_a_former_owner_changes_no_attributes) {
        _connected_ ax_client *ax = fixture_connect();
        struct former_owner pipes;
        struct stat st;
        char byte = 0;
        pid_t pid;

        ck_assert_int_eq(pipe2(pipes.ready, O_CLOEXEC), 0);
        ck_assert_int_eq(pipe2(pipes.go, O_CLOEXEC), 0);
        pid = fixture_fork(run_former_owner, &pipes);
        ck_assert_int_eq(read(pipes.ready[0], &byte, 1), 1);
        assert_ok(ax_chown(ax, "/tmp/f", 0, 0));
        ck_assert_int_eq(write(pipes.go[1], &byte, 1), 1);
        fixture_reap(pid);
        ck_assert_int_eq(stat(on_mount("/tmp/f"), &st), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        ck_assert_uint_eq(st.st_uid, 0);
        ck_assert_uint_eq(st.st_gid, 0);
        ck_assert_int_gt(st.st_mtime, 1);
}
END_TEST

/* Renames over a name as often as it is free when the kernel looks. */
static void attack(ax_client *ax, void *userdata) {
        const atomic_bool *over = userdata;
        char lock[256], mine[256];

        (void) ax;
        snprintf(lock, sizeof(lock), "%s", on_mount("/tmp/lock"));
        snprintf(mine, sizeof(mine), "%s", on_mount("/tmp/mine"));
        while (!atomic_load(over)) {
                int fd = open(mine, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);

                if (fd >= 0)
                        close(fd);
                if (rename(mine, lock) == 0)
                        unlink(lock);
        }
}

static void run_attack(void *userdata) {
        fixture_as_uid(FIXTURE_UID, attack, userdata);
}

/* Makes what is its own as often as it can, and expects that nobody takes it away. */
static void defend(ax_client *ax, void *userdata) {
        (void) userdata;
        for (int made = 0, tries = 0; made < 1500 && tries < 200000; tries++) {
                int fd = ax_open(ax, "/tmp/lock", AX_O_WRITE | AX_O_CREATE | AX_O_EXCLUSIVE);

                if (fd < 0)
                        continue;
                made++;
                usleep(100);
                ck_assert_uint_eq(stat_ok(ax, "/tmp/lock").uid, FIXTURE_OTHER_UID);
                assert_ok(ax_close(ax, fd));
                assert_ok(ax_unlink(ax, "/tmp/lock"));
        }
}

/* The kernel looks who owns a name before it asks axfs, and then another file may have it. */
START_TEST(test_what_others_own_in_a_sticky_directory_stays) {
        atomic_bool *over = mmap(NULL, sizeof(*over), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t pid;

        ck_assert_ptr_ne(over, MAP_FAILED);
        pid = fixture_fork(run_attack, over);
        fixture_as_uid(FIXTURE_OTHER_UID, defend, NULL);
        atomic_store(over, true);
        fixture_reap(pid);
        munmap(over, sizeof(*over));
}
END_TEST

static void use_groups(ax_client *ax, void *userdata) {
        bool member = userdata;
        struct stat st;
        int fd;

        (void) ax;
        umask(0);
        fd = open(on_mount("/tmp/own"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fchown(fd, (uid_t) -1, FIXTURE_GROUP), member ? 0 : -1);
        ck_assert_int_eq(fchmod(fd, 02755), 0);
        close(fd);
        ck_assert_uint_eq(mode_of("/tmp/own"), 02755);
        ck_assert_int_eq(stat(on_mount("/tmp/own"), &st), 0);
        ck_assert_uint_eq(st.st_gid, member ? FIXTURE_GROUP : FIXTURE_UID);
        ck_assert_int_eq(unlink(on_mount("/tmp/own")), 0);
        fd = open(on_mount("/tmp/shared/f"), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 02755);
        ck_assert_int_ge(fd, 0);
        close(fd);
        ck_assert_uint_eq(mode_of("/tmp/shared/f"), member ? 02755 : 0755);
        ck_assert_int_eq(chmod(on_mount("/tmp/shared/f"), 02750), 0);
        ck_assert_uint_eq(mode_of("/tmp/shared/f"), member ? 02750 : 0750);
        ck_assert_int_eq(unlink(on_mount("/tmp/shared/f")), 0);
}

START_TEST(test_supplementary_groups_of_the_caller_count) {
        static const struct fixture_user member = {
                .uid = FIXTURE_UID, .gid = FIXTURE_UID, .n_groups = 2, .groups = { 7, FIXTURE_GROUP }
        };
        static bool yes = true;

        ck_assert_int_eq(mkdir(on_mount("/tmp/shared"), 0777), 0);
        ck_assert_int_eq(chown(on_mount("/tmp/shared"), 0, FIXTURE_GROUP), 0);
        ck_assert_int_eq(chmod(on_mount("/tmp/shared"), 02777), 0);
        fixture_as(&member, use_groups, &yes);
        fixture_as_uid(FIXTURE_UID, use_groups, NULL);
        fixture_as(&member, use_groups, &yes);
}
END_TEST

static const char *process_path(int pid, const char *name) {
        static char path[64];

        snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
        return path;
}

static void look_at_others(ax_client *ax, void *userdata) {
        static const char *const links[] = { "cwd", "fd/0" };
        int pid = *(int *) userdata, own = ax_getpid(ax), fd;
        char text[64];

        for (size_t i = 0; i < 2; i++) {
                ck_assert_int_gt(readlink(on_mount(process_path(own, links[i])), text, sizeof(text)), 0);
                ck_assert_msg(readlink(on_mount(process_path(pid, links[i])), text, sizeof(text)) < 0 &&
                                      errno == EACCES,
                              "%s of another user: %s", links[i], strerror(errno));
                assert_result(ax_readlink(ax, process_path(pid, links[i]), text, sizeof(text)), -AX_EACCES);
        }
        fd = open(on_mount(process_path(own, "maps")), O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        close(fd);
        ck_assert_msg(open(on_mount(process_path(pid, "maps")), O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES,
                      "maps of another user: %s", strerror(errno));
        assert_result(ax_open(ax, process_path(pid, "maps"), AX_READ), -AX_EACCES);
}

START_TEST(test_what_a_process_has_is_for_its_user_and_root) {
        _connected_ ax_client *ax = fixture_connect();
        int pid = ax_getpid(ax);
        char text[64];

        fixture_as_uid(FIXTURE_UID, look_at_others, &pid);
        ck_assert_int_gt(readlink(on_mount(process_path(pid, "cwd")), text, sizeof(text)), 0);
}
END_TEST

START_TEST(test_the_mount_outlives_a_killed_daemon) {
        ax_client *ax = fixture_connect();

        put_text(ax, "/home/user/f", "still served");
        daemon_kill(&the_daemon);
        ax_disconnect(ax);
        assert_host_text("/home/user/f", "still served");
        host_write("/home/user/g", "written meanwhile");
        ck_assert_int_eq(umount2(the_daemon.mount, MNT_DETACH), 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("mount");

        fixture_add(suite, test_changes_show_at_once_in_both_directions, FIXTURE_MOUNT);
        fixture_add(suite, test_changes_show_at_once_in_both_directions, FIXTURE_MOUNT | FIXTURE_DURABLE);
        fixture_add(suite, test_names_show_at_once_in_both_directions, FIXTURE_MOUNT);
        fixture_add(suite, test_a_mapping_on_the_mount_shows_what_the_library_writes, FIXTURE_MOUNT);
        fixture_add(suite, test_proc_and_dev_on_the_mount, FIXTURE_MOUNT);
        fixture_add(suite, test_mount_requests_are_counted, FIXTURE_MOUNT);
        fixture_add(suite, test_a_former_owner_changes_no_attributes, FIXTURE_MOUNT);
        fixture_add(suite, test_supplementary_groups_of_the_caller_count, FIXTURE_MOUNT);
        fixture_add(suite, test_what_a_process_has_is_for_its_user_and_root, FIXTURE_MOUNT);
        fixture_add(suite, test_what_others_own_in_a_sticky_directory_stays, FIXTURE_MOUNT);
        fixture_add(suite, test_the_mount_outlives_a_killed_daemon, FIXTURE_MOUNT | FIXTURE_DURABLE);
        return fixture_main(suite);
}
