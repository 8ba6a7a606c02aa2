/* SPDX-License-Identifier: MIT */
/*
 * A process reaches only what it may: access is decided as the caller, and no path, however quickly
 * it changes under the walk, leads out of the namespace.
 */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* ---- access ---------------------------------------------------------------------------------- */

static void cannot_touch_private(ax_client *ax, void *userdata) {
        struct ax_stat stat;

        (void) userdata;
        assert_error(ax_open(ax, "/tmp/private", AX_READ), AX_EACCES);
        assert_error(ax_open(ax, "/tmp/private", AX_WRITE), AX_EACCES);
        assert_error(ax_open(ax, "/tmp/private", AX_APPEND), AX_EACCES);
        assert_error(ax_open(ax, "/tmp/private", AX_RDWR), AX_EACCES);
        assert_error(ax_open(ax, "/tmp/readable", AX_WRITE), AX_EACCES);
        assert_error(ax_open(ax, "/tmp/readable", AX_RDWR), AX_EACCES);
        assert_error(ax_open(ax, "/tmp/readable", AX_O_READ | AX_O_WRITE | AX_O_TRUNCATE), AX_EACCES);
        assert_text(ax, "/tmp/readable", "of root");
        assert_error(ax_chmod(ax, "/tmp/readable", 0777), AX_EPERM);
        assert_error(ax_chown(ax, "/tmp/readable", FIXTURE_UID, FIXTURE_UID), AX_EPERM);
        assert_error(ax_utimens(ax, "/tmp/readable", (struct timespec[2]){ { 1, 0 }, { 1, 0 } }), AX_EPERM);
        assert_error(ax_utimens(ax, "/tmp/readable", NULL), AX_EACCES);
        assert_ok(ax_stat(ax, "/tmp/private", &stat));
        ck_assert_uint_eq(stat.size, 6);
}

START_TEST(test_files_of_root_are_safe_from_others) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/private", "secret");
        assert_ok(ax_chmod(ax, "/tmp/private", 0600));
        put_text(ax, "/tmp/readable", "of root");
        fixture_as_uid(FIXTURE_UID, cannot_touch_private, NULL);
        assert_text(ax, "/tmp/private", "secret");
        assert_text(ax, "/tmp/readable", "of root");
}
END_TEST

static void cannot_enter_private(ax_client *ax, void *userdata) {
        struct ax_stat stat;
        char **names;

        (void) userdata;
        assert_error(ax_stat(ax, "/home/user/closed/f", &stat), AX_EACCES);
        assert_error(ax_exists(ax, "/home/user/closed/f"), AX_EACCES);
        assert_error(ax_exists(ax, "/home/user/closed/missing"), AX_EACCES);
        assert_error(ax_readdir(ax, "/home/user/closed", &names), AX_EACCES);
        assert_error(ax_chdir(ax, "/home/user/closed"), AX_EACCES);
        assert_error(ax_open(ax, "/home/user/closed", AX_READ), AX_EACCES);
        assert_error(ax_open(ax, "/home/user/closed/../closed/f", AX_READ), AX_EACCES);
        assert_error(ax_open(ax, "/home/user/link", AX_READ), AX_EACCES);
        assert_error(ax_mkdir(ax, "/home/user/closed/d"), AX_EACCES);
        assert_error(ax_link(ax, "/home/user/closed/f", "/home/user/closed/g"), AX_EACCES);
        assert_error(ax_rename(ax, "/home/user/closed/f", "/home/user/closed/g"), AX_EACCES);
        assert_error(ax_open(ax, "/root-only", AX_WRITE), AX_EACCES);
        assert_error(ax_mkdir(ax, "/d"), AX_EACCES);
        assert_error(ax_unlink(ax, "/home/user/link"), AX_EACCES);
        assert_error(ax_rename(ax, "/home/user/link", "/home/user/other"), AX_EACCES);
}

START_TEST(test_closed_directories_stay_closed) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_chown(ax, "/home/user", 0, 0));
        assert_ok(ax_chmod(ax, "/home/user", 0755));
        assert_ok(ax_mkdir(ax, "/home/user/closed"));
        put_text(ax, "/home/user/closed/f", "x");
        assert_ok(ax_chmod(ax, "/home/user/closed", 0700));
        assert_ok(ax_symlink(ax, "closed/f", "/home/user/link"));
        fixture_as_uid(FIXTURE_UID, cannot_enter_private, NULL);
}
END_TEST

/*
 * The source is looked at first, as on Linux: what a closed directory has does not show in a
 * different error.
 */
static void cannot_link_from_private(ax_client *ax, void *userdata) {
        (void) userdata;
        assert_error(ax_link(ax, "/home/user/closed/f", "/tmp/f"), AX_EACCES);
        assert_error(ax_link(ax, "/home/user/closed/f", "/home/user/missing/f"), AX_EACCES);
}

START_TEST(test_closed_directories_give_no_links) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_mkdir(ax, "/home/user/closed"));
        put_text(ax, "/home/user/closed/f", "x");
        assert_ok(ax_chmod(ax, "/home/user/closed", 0700));
        fixture_as_uid(FIXTURE_UID, cannot_link_from_private, NULL);
}
END_TEST

static void owns_what_it_makes(ax_client *ax, void *userdata) {
        struct ax_stat stat;

        (void) userdata;
        put_text(ax, "/tmp/mine", "mine");
        assert_ok(ax_mkdir(ax, "/tmp/my-directory"));
        assert_ok(ax_symlink(ax, "mine", "/tmp/my-link"));
        stat = stat_ok(ax, "/tmp/mine");
        ck_assert_uint_eq(stat.uid, FIXTURE_UID);
        ck_assert_uint_eq(stat.gid, FIXTURE_OTHER_UID);
        ck_assert_uint_eq(stat_ok(ax, "/tmp/my-directory").uid, FIXTURE_UID);
        assert_ok(ax_lstat(ax, "/tmp/my-link", &stat));
        ck_assert_uint_eq(stat.uid, FIXTURE_UID);
        assert_ok(ax_chmod(ax, "/tmp/mine", 0600));
        assert_error(ax_chown(ax, "/tmp/mine", 0, UINT32_MAX), AX_EPERM);
        assert_error(ax_chown(ax, "/tmp/mine", UINT32_MAX, FIXTURE_GROUP + 1), AX_EPERM);
        assert_ok(ax_chown(ax, "/tmp/mine", UINT32_MAX, FIXTURE_GROUP));
}

START_TEST(test_new_files_belong_to_the_caller) {
        struct fixture_user user = {
                .uid = FIXTURE_UID, .gid = FIXTURE_OTHER_UID, .n_groups = 1, .groups = { FIXTURE_GROUP }
        };

        fixture_as(&user, owns_what_it_makes, NULL);
}
END_TEST

static void reads_as_group(ax_client *ax, void *userdata) {
        bool may = *(const bool *) userdata;

        if (may)
                assert_text(ax, "/tmp/of-the-group", "for members");
        else
                assert_error(ax_open(ax, "/tmp/of-the-group", AX_READ), AX_EACCES);
        assert_error(ax_open(ax, "/tmp/of-the-group", AX_RDWR), AX_EACCES);
}

START_TEST(test_supplementary_groups_count) {
        struct fixture_user member = {
                .uid = FIXTURE_UID, .gid = FIXTURE_UID, .n_groups = 2, .groups = { 7, FIXTURE_GROUP }
        };
        _connected_ ax_client *ax = fixture_connect();
        bool yes = true, no = false;

        put_text(ax, "/tmp/of-the-group", "for members");
        assert_ok(ax_chown(ax, "/tmp/of-the-group", 0, FIXTURE_GROUP));
        assert_ok(ax_chmod(ax, "/tmp/of-the-group", 0640));
        fixture_as(&member, reads_as_group, &yes);
        fixture_as_uid(FIXTURE_UID, reads_as_group, &no);
        member.n_groups = 0;
        member.gid = FIXTURE_GROUP;
        fixture_as(&member, reads_as_group, &yes);
}
END_TEST

/* Both users' calls run in the same workers; none may ever run with the other's identity. */
struct mixing {
        atomic_bool stop;
};

static void *read_as_root(void *userdata) {
        struct mixing *mixing = userdata;
        ax_client *ax = fixture_connect();

        while (!atomic_load(&mixing->stop)) {
                int fd = ax_open(ax, "/tmp/private", AX_READ);

                if (fd < 0)
                        return (void *) "root could not read its own file";
                (void) ax_close(ax, fd);
        }
        ax_disconnect(ax);
        return NULL;
}

static void try_private_often(ax_client *ax, void *userdata) {
        (void) userdata;
        for (int i = 0; i < 1500; i++) {
                assert_error(ax_open(ax, "/tmp/private", AX_READ), AX_EACCES);
                assert_error(ax_unlink(ax, "/tmp/private"), AX_EPERM);
        }
}

START_TEST(test_identities_never_mix) {
        struct mixing mixing = { .stop = false };
        _connected_ ax_client *ax = fixture_connect();
        pthread_t threads[2];
        void *complaint;

        put_text(ax, "/tmp/private", "secret");
        assert_ok(ax_chmod(ax, "/tmp/private", 0600));
        for (int i = 0; i < 2; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, read_as_root, &mixing), 0);
        fixture_as_uid(FIXTURE_UID, try_private_often, NULL);
        atomic_store(&mixing.stop, true);
        for (int i = 0; i < 2; i++) {
                pthread_join(threads[i], &complaint);
                ck_assert_msg(!complaint, "%s", (const char *) complaint);
        }
}
END_TEST

static void cannot_remove_in_sticky(ax_client *ax, void *userdata) {
        (void) userdata;
        assert_error(ax_unlink(ax, "/tmp/of-root"), AX_EPERM);
        assert_error(ax_rename(ax, "/tmp/of-root", "/tmp/stolen"), AX_EPERM);
        put_text(ax, "/tmp/mine", "x");
        assert_error(ax_rename(ax, "/tmp/mine", "/tmp/of-root"), AX_EPERM);
        assert_ok(ax_unlink(ax, "/tmp/mine"));
}

START_TEST(test_sticky_directories) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/of-root", "x");
        assert_ok(ax_chmod(ax, "/tmp/of-root", 0666));
        fixture_as_uid(FIXTURE_UID, cannot_remove_in_sticky, NULL);
        assert_text(ax, "/tmp/of-root", "x");
}
END_TEST

static void is_not_administrator(ax_client *ax, void *userdata) {
        struct ax_mount_counters counters = { .requests = 1 };
        struct ax_mount *mounts;
        char byte;

        (void) userdata;
        assert_error(ax_mount_list(ax, &mounts), AX_EPERM);
        assert_error(ax_mount_report(ax, &counters), AX_EPERM);
        assert_error(ax_console_push_input(ax, "x", 1), AX_EPERM);
        assert_error(ax_console_take_output(ax, &byte, 1), AX_EPERM);
        assert_error(ax_console_wait_output(ax, &byte, 1, NULL), AX_EPERM);
}

START_TEST(test_administration_is_for_administrators) {
        fixture_as_uid(FIXTURE_UID, is_not_administrator, NULL);
}
END_TEST

static void is_administrator(ax_client *ax, void *userdata) {
        struct ax_mount *mounts;
        int n = ax_mount_list(ax, &mounts);

        (void) userdata;
        ck_assert_int_ge(n, 4);
        for (int i = 0; i < n; i++)
                if (mounts[i].fd >= 0)
                        close(mounts[i].fd);
        free(mounts);
        assert_result(ax_console_push_input(ax, "x", 1), 1);
}

START_TEST(test_a_daemon_s_own_user_administers_it) {
        fixture_as_uid(FIXTURE_UID, is_administrator, NULL);
}
END_TEST

/* ---- the walls ------------------------------------------------------------------------------- */

START_TEST(test_absolute_links_and_dots_end_in_the_namespace) {
        static const char *const targets[] = { "/etc/passwd", "../../../../../../etc/passwd",
                                               "/proc/self/root/etc/passwd", "/proc/1/root/etc/passwd",
                                               "/tmp/../../etc/passwd" };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
                assert_ok(ax_symlink(ax, targets[i], "/home/user/link"));
                ck_assert_int_lt(ax_open(ax, "/home/user/link", AX_READ), 0);
                ck_assert_int_lt(ax_stat(ax, "/home/user/link", &stat), 0);
                assert_ok(ax_unlink(ax, "/home/user/link"));
                ck_assert_int_lt(ax_open(ax, targets[i], AX_READ), 0);
        }
        assert_ok(ax_mkdir(ax, "/etc"));
        put_text(ax, "/etc/passwd", "of the namespace");
        assert_ok(ax_symlink(ax, "/etc/passwd", "/home/user/link"));
        assert_text(ax, "/home/user/link", "of the namespace");
        assert_text(ax, "/../../../etc/passwd", "of the namespace");
}
END_TEST

/* A link that the host administrator, or an older program, put into a durable store. */
START_TEST(test_links_made_on_the_host_stay_inside_too) {
        char outside[160], path[160];
        _connected_ ax_client *ax = fixture_connect();
        FILE *file;

        snprintf(outside, sizeof(outside), "%s/outside", the_daemon.directory);
        file = fopen(outside, "w");
        ck_assert_ptr_nonnull(file);
        fputs("host secret", file);
        fclose(file);
        snprintf(path, sizeof(path), "%s/escape", the_daemon.store);
        ck_assert_int_eq(symlink(outside, path), 0);
        snprintf(path, sizeof(path), "%s/up", the_daemon.store);
        ck_assert_int_eq(symlink("../outside", path), 0);
        assert_error(ax_open(ax, "/escape", AX_READ), AX_ENOENT);
        assert_error(ax_open(ax, "/up", AX_READ), AX_ENOENT);
        assert_error(ax_open(ax, "/../outside", AX_READ), AX_ENOENT);
        assert_error(ax_open(ax, "/escape", AX_WRITE), AX_ENOENT);
        put_text(ax, "/up", "inside");
        assert_text(ax, "/outside", "inside");
}
END_TEST

START_TEST(test_host_devices_and_sockets_in_a_store_do_not_open) {
        char path[160];
        _connected_ ax_client *ax = fixture_connect();

        snprintf(path, sizeof(path), "%s/null", the_daemon.store);
        ck_assert_int_eq(mknod(path, S_IFCHR | 0666, makedev(1, 3)), 0);
        snprintf(path, sizeof(path), "%s/block", the_daemon.store);
        ck_assert_int_eq(mknod(path, S_IFBLK | 0666, makedev(7, 250)), 0);
        snprintf(path, sizeof(path), "%s/sock", the_daemon.store);
        ck_assert_int_eq(mknod(path, S_IFSOCK | 0666, 0), 0);
        assert_error(ax_open(ax, "/null", AX_RDWR), AX_EACCES);
        assert_error(ax_open(ax, "/block", AX_READ), AX_EACCES);
        assert_error(ax_open(ax, "/sock", AX_READ), AX_ENXIO);
}
END_TEST

/*
 * Opening a fifo waits for its other end; a client that does so must not hold up a worker forever,
 * nor anybody else.
 */
static void open_fifo(void *userdata) {
        ax_client *ax = fixture_connect();

        (void) userdata;
        (void) ax_open(ax, "/fifo", AX_READ);
        ax_disconnect(ax);
}

START_TEST(test_fifos_in_a_store_hold_up_nobody) {
        enum { OPENERS = 12 };
        _connected_ ax_client *ax = fixture_connect();
        pid_t pids[OPENERS];
        char path[160];

        snprintf(path, sizeof(path), "%s/fifo", the_daemon.store);
        ck_assert_int_eq(mkfifo(path, 0666), 0);
        for (int i = 0; i < OPENERS; i++)
                pids[i] = fixture_fork(open_fifo, NULL);
        for (int i = 0; i < 20; i++) {
                put_text(ax, "/tmp/f", "goes on");
                assert_text(ax, "/tmp/f", "goes on");
        }
        for (int i = 0; i < OPENERS; i++)
                fixture_kill(pids[i]);
}
END_TEST

/* ---- races ----------------------------------------------------------------------------------- */

static void *swap_directories(void *userdata) {
        struct mixing *mixing = userdata;
        ax_client *ax = fixture_connect();

        while (!atomic_load(&mixing->stop)) {
                (void) ax_rename(ax, "/home/user/a/b", "/home/user/moved");
                (void) ax_rename(ax, "/home/user/moved", "/home/user/a/b");
        }
        ax_disconnect(ax);
        return NULL;
}

/*
 * The classic escape: walk "b/../../../…" while b moves up and down, so that ".." counts more
 * levels than there were.
 */
START_TEST(test_dotdot_races_do_not_leave_the_store) {
        struct mixing mixing = { .stop = false };
        _connected_ ax_client *ax = fixture_connect();
        char outside[160];
        pthread_t thread;
        FILE *file;

        snprintf(outside, sizeof(outside), "%s/outside", the_daemon.directory);
        file = fopen(outside, "w");
        ck_assert_ptr_nonnull(file);
        fclose(file);
        assert_ok(ax_mkdir(ax, "/home/user/a"));
        assert_ok(ax_mkdir(ax, "/home/user/a/b"));
        assert_ok(ax_mkdir(ax, "/home/user/a/b/c"));
        ck_assert_int_eq(pthread_create(&thread, NULL, swap_directories, &mixing), 0);
        for (int i = 0; i < 3000; i++) {
                int64_t r = ax_exists(ax, i % 2 ? "/home/user/a/b/c/../../../../../outside"
                                                : "/home/user/a/b/c/../../../../../../../../outside");

                ck_assert_msg(r <= 0, "the walk left the store in round %d", i);
                ck_assert_msg(r == 0 || r == -AX_ENOENT || r == -AX_EAGAIN, "%s", ax_error_name((int) r));
                ck_assert_msg(r != -AX_EAGAIN, "a race reached the caller as WouldBlock");
        }
        atomic_store(&mixing.stop, true);
        pthread_join(thread, NULL);
}
END_TEST

static void *swap_link(void *userdata) {
        struct mixing *mixing = userdata;
        ax_client *ax = fixture_connect();

        while (!atomic_load(&mixing->stop)) {
                (void) ax_mkdir(ax, "/home/user/flip");
                (void) ax_rmdir(ax, "/home/user/flip");
                (void) ax_symlink(ax, "../../../../../../../../..", "/home/user/flip");
                (void) ax_unlink(ax, "/home/user/flip");
        }
        ax_disconnect(ax);
        return NULL;
}

/*
 * A directory that turns into a link to the host's root and back, under a walk that creates files.
 */
START_TEST(test_symlink_races_do_not_leave_the_store) {
        struct mixing mixing = { .stop = false };
        _connected_ ax_client *ax = fixture_connect();
        char marker[64], path[200];
        pthread_t thread;

        snprintf(marker, sizeof(marker), "axeberg-escaped-%d", getpid());
        snprintf(path, sizeof(path), "/home/user/flip/%s", marker);
        ck_assert_int_eq(pthread_create(&thread, NULL, swap_link, &mixing), 0);
        for (int i = 0; i < 3000; i++) {
                int fd = ax_open(ax, path, AX_WRITE);

                if (fd >= 0)
                        assert_ok(ax_close(ax, fd));
                (void) ax_unlink(ax, path);
        }
        atomic_store(&mixing.stop, true);
        pthread_join(thread, NULL);
        snprintf(path, sizeof(path), "/%s", marker);
        ck_assert_msg(access(path, F_OK) < 0, "%s exists on the host", path);
        snprintf(path, sizeof(path), "%s/%s", the_daemon.directory, marker);
        ck_assert_msg(access(path, F_OK) < 0, "%s exists on the host", path);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("isolation");

        fixture_add(suite, test_files_of_root_are_safe_from_others, FIXTURE_ROOT);
        fixture_add(suite, test_files_of_root_are_safe_from_others, FIXTURE_ROOT | FIXTURE_DURABLE);
        fixture_add(suite, test_closed_directories_stay_closed, FIXTURE_ROOT);
        fixture_add(suite, test_closed_directories_give_no_links, FIXTURE_ROOT);
        fixture_add(suite, test_new_files_belong_to_the_caller, FIXTURE_ROOT);
        fixture_add(suite, test_supplementary_groups_count, FIXTURE_ROOT);
        fixture_add(suite, test_identities_never_mix, FIXTURE_ROOT);
        fixture_add(suite, test_sticky_directories, FIXTURE_ROOT);
        fixture_add(suite, test_administration_is_for_administrators, FIXTURE_ROOT);
        fixture_add(suite, test_a_daemon_s_own_user_administers_it, FIXTURE_USER);
        fixture_add(suite, test_absolute_links_and_dots_end_in_the_namespace, 0);
        fixture_add(suite, test_links_made_on_the_host_stay_inside_too, FIXTURE_DURABLE);
        fixture_add(suite, test_host_devices_and_sockets_in_a_store_do_not_open, FIXTURE_ROOT | FIXTURE_DURABLE);
        fixture_add(suite, test_fifos_in_a_store_hold_up_nobody, FIXTURE_DURABLE);
        fixture_add(suite, test_dotdot_races_do_not_leave_the_store, FIXTURE_DURABLE);
        fixture_add(suite, test_symlink_races_do_not_leave_the_store, FIXTURE_DURABLE);
        return fixture_main(suite);
}
