/*
 * The mount and the library show one world. Workloads on the mount are tested from the shell; this is the seam between the two.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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
        fixture_add(suite, test_the_mount_outlives_a_killed_daemon, FIXTURE_MOUNT | FIXTURE_DURABLE);
        return fixture_main(suite);
}
