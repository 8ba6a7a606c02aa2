/* SPDX-License-Identifier: MIT */
/*
 * Owners, modes and times, and what stat shows of them.
 */
#include "fixture.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

START_TEST(test_chmod_sets_all_twelve_bits) {
        static const uint32_t modes[] = { 0, 0644, 0777, 04755, 02755, 01777, 07777 };
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "");
        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
                assert_ok(ax_chmod(ax, "/tmp/f", modes[i]));
                ck_assert_uint_eq(stat_ok(ax, "/tmp/f").mode, S_IFREG | modes[i]);
        }
        assert_error(ax_chmod(ax, "/tmp/f", 010000), AX_EINVAL);
        assert_error(ax_chmod(ax, "/tmp/f", UINT32_MAX), AX_EINVAL);
        assert_error(ax_chmod(ax, "/tmp/missing", 0644), AX_ENOENT);
}
END_TEST

START_TEST(test_chmod_follows_symlinks) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "");
        assert_ok(ax_symlink(ax, "/tmp/f", "/home/user/link"));
        assert_ok(ax_chmod(ax, "/home/user/link", 0600));
        ck_assert_uint_eq(stat_ok(ax, "/tmp/f").mode, S_IFREG | 0600);
}
END_TEST

START_TEST(test_chown_sets_and_keeps) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        put_text(ax, "/tmp/f", "");
        assert_ok(ax_chown(ax, "/tmp/f", 1234, 5678));
        stat = stat_ok(ax, "/tmp/f");
        ck_assert_uint_eq(stat.uid, 1234);
        ck_assert_uint_eq(stat.gid, 5678);
        assert_ok(ax_chown(ax, "/tmp/f", UINT32_MAX, 1));
        assert_ok(ax_chown(ax, "/tmp/f", 2, UINT32_MAX));
        stat = stat_ok(ax, "/tmp/f");
        ck_assert_uint_eq(stat.uid, 2);
        ck_assert_uint_eq(stat.gid, 1);
}
END_TEST

START_TEST(test_lchown_changes_the_link_itself) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;

        put_text(ax, "/tmp/f", "");
        assert_ok(ax_symlink(ax, "f", "/tmp/link"));
        assert_ok(ax_lchown(ax, "/tmp/link", 7, 8));
        ck_assert_uint_eq(stat_ok(ax, "/tmp/f").uid, 0);
        assert_ok(ax_lstat(ax, "/tmp/link", &stat));
        ck_assert_uint_eq(stat.uid, 7);
        ck_assert_uint_eq(stat.gid, 8);
        assert_ok(ax_chown(ax, "/tmp/link", 9, 10));
        ck_assert_uint_eq(stat_ok(ax, "/tmp/f").uid, 9);
}
END_TEST

START_TEST(test_a_new_owner_clears_suid) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "x");
        assert_ok(ax_chmod(ax, "/tmp/f", 06777));
        assert_ok(ax_chown(ax, "/tmp/f", FIXTURE_UID, FIXTURE_UID));
        ck_assert_uint_eq(stat_ok(ax, "/tmp/f").mode, S_IFREG | 0777);
}
END_TEST

START_TEST(test_utimens_sets_omits_and_uses_now) {
        const struct timespec given[2] = { { .tv_sec = 1000000000, .tv_nsec = 123456789 },
                                           { .tv_sec = 2, .tv_nsec = 999999999 } };
        const struct timespec keep[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW } };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;
        time_t before = time(NULL);

        put_text(ax, "/tmp/f", "");
        assert_ok(ax_utimens(ax, "/tmp/f", given));
        stat = stat_ok(ax, "/tmp/f");
        ck_assert_int_eq(stat.atime.tv_sec, 1000000000);
        ck_assert_int_eq(stat.atime.tv_nsec, 123456789);
        ck_assert_int_eq(stat.mtime.tv_sec, 2);
        ck_assert_int_eq(stat.mtime.tv_nsec, 999999999);
        ck_assert_int_ge(stat.ctime.tv_sec, before - 1);
        assert_ok(ax_utimens(ax, "/tmp/f", keep));
        stat = stat_ok(ax, "/tmp/f");
        ck_assert_int_eq(stat.atime.tv_sec, 1000000000);
        ck_assert_int_ge(stat.mtime.tv_sec, before - 1);
        assert_ok(ax_utimens(ax, "/tmp/f", NULL));
        ck_assert_int_ge(stat_ok(ax, "/tmp/f").atime.tv_sec, before - 1);
}
END_TEST

START_TEST(test_utimens_takes_times_before_1970) {
        const struct timespec old[2] = { { .tv_sec = -5, .tv_nsec = 1 }, { .tv_sec = -1, .tv_nsec = 0 } };
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "");
        assert_ok(ax_utimens(ax, "/tmp/f", old));
        ck_assert_int_eq(stat_ok(ax, "/tmp/f").atime.tv_sec, -5);
        ck_assert_int_eq(stat_ok(ax, "/tmp/f").mtime.tv_sec, -1);
}
END_TEST

START_TEST(test_utimens_refuses_bad_nanoseconds) {
        const struct timespec bad[][2] = { { { .tv_nsec = 1000000000 }, { .tv_nsec = 0 } },
                                           { { .tv_nsec = 0 }, { .tv_nsec = -1 } },
                                           { { .tv_nsec = 0 }, { .tv_nsec = UTIME_NOW + 5 } } };
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "");
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_error(ax_utimens(ax, "/tmp/f", bad[i]), AX_EINVAL);
}
END_TEST

START_TEST(test_stat_tells_size_blocks_links_and_times) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat by_path, by_fd;
        time_t before = time(NULL) - 1;
        char data[10000];
        int fd;

        memset(data, 'x', sizeof(data));
        put_file(ax, "/home/user/f", data, sizeof(data));
        fd = open_ok(ax, "/home/user/f", AX_READ);
        by_path = stat_ok(ax, "/home/user/f");
        assert_ok(ax_fstat(ax, fd, &by_fd));
        ck_assert_mem_eq(&by_path, &by_fd, sizeof(by_path));
        ck_assert_uint_eq(by_path.size, sizeof(data));
        ck_assert_uint_ge(by_path.blocks * 512, sizeof(data));
        ck_assert_uint_eq(by_path.nlink, 1);
        ck_assert_uint_eq(by_path.uid, geteuid());
        ck_assert_int_ge(by_path.mtime.tv_sec, before);
        ck_assert_int_ge(by_path.btime.tv_sec, before);
}
END_TEST

START_TEST(test_inode_numbers_tell_stores_apart) {
        _connected_ ax_client *ax = fixture_connect();

        ck_assert_uint_ne(stat_ok(ax, "/").ino >> 28, stat_ok(ax, "/tmp").ino >> 28);
        ck_assert_uint_le(stat_ok(ax, "/tmp").ino, UINT32_MAX);
}
END_TEST

/* ---- extended attributes --------------------------------------------------------------------- */

/* Not every host's tmpfs has them. */
static bool has_attributes(ax_client *ax) {
        put_text(ax, "/tmp/f", "");
        return ax_setxattr(ax, "/tmp/f", "user.probe", "x", 1, 0) != -AX_EOPNOTSUPP &&
               ax_removexattr(ax, "/tmp/f", "user.probe") == 0;
}

START_TEST(test_attributes_are_set_listed_and_removed) {
        _connected_ ax_client *ax = fixture_connect();
        static char large[61441];
        char value[16];

        if (!has_attributes(ax))
                return;
        assert_ok(ax_setxattr(ax, "/tmp/f", "user.a", "value", 5, XATTR_CREATE));
        assert_error(ax_setxattr(ax, "/tmp/f", "user.a", "value", 5, XATTR_CREATE), AX_EEXIST);
        assert_error(ax_setxattr(ax, "/tmp/f", "user.b", "value", 5, XATTR_REPLACE), AX_ENODATA);
        assert_ok(ax_setxattr(ax, "/tmp/f", "user.empty", NULL, 0, 0));
        ck_assert_int_eq(ax_getxattr(ax, "/tmp/f", "user.a", NULL, 0), 5);
        ck_assert_int_eq(ax_getxattr(ax, "/tmp/f", "user.a", value, sizeof(value)), 5);
        ck_assert_mem_eq(value, "value", 5);
        ck_assert_int_eq(ax_getxattr(ax, "/tmp/f", "user.empty", value, sizeof(value)), 0);
        assert_error((int) ax_getxattr(ax, "/tmp/f", "user.a", value, 4), AX_ERANGE);
        ck_assert_int_eq(ax_listxattr(ax, "/tmp/f", NULL, 0), (int) sizeof("user.a\0user.empty"));
        assert_ok(ax_removexattr(ax, "/tmp/f", "user.a"));
        assert_error((int) ax_getxattr(ax, "/tmp/f", "user.a", value, sizeof(value)), AX_ENODATA);
        assert_error(ax_removexattr(ax, "/tmp/f", "user.a"), AX_ENODATA);
        assert_error(ax_setxattr(ax, "/tmp/f", "user.a", large, sizeof(large), 0), AX_E2BIG);
        assert_error(ax_setxattr(ax, "/tmp/f", "user.a", "x", 1, 8), AX_EINVAL);
        assert_error(ax_setxattr(ax, "/tmp/f", "", "x", 1, 0), AX_ERANGE);
        assert_error(ax_setxattr(ax, "/tmp/f", NULL, "x", 1, 0), AX_EINVAL);
        assert_error(ax_setxattr(ax, "/tmp/missing", "user.a", "x", 1, 0), AX_ENOENT);
}
END_TEST

START_TEST(test_attributes_follow_symlinks_or_not) {
        _connected_ ax_client *ax = fixture_connect();

        if (!has_attributes(ax))
                return;
        assert_ok(ax_symlink(ax, "/tmp/f", "/home/user/link"));
        assert_ok(ax_setxattr(ax, "/home/user/link", "user.a", "x", 1, 0));
        ck_assert_int_eq(ax_getxattr(ax, "/tmp/f", "user.a", NULL, 0), 1);
        assert_error((int) ax_lgetxattr(ax, "/home/user/link", "user.a", NULL, 0), AX_ENODATA);
        ck_assert_int_lt(ax_lsetxattr(ax, "/home/user/link", "user.a", "y", 1, 0), 0);
        ck_assert_int_lt(ax_lremovexattr(ax, "/home/user/link", "user.a"), 0);
        assert_ok(ax_removexattr(ax, "/home/user/link", "user.a"));
        assert_ok(ax_lutimens(ax, "/home/user/link", (struct timespec[2]){ { 1, 0 }, { 2, 0 } }));
        ck_assert_int_ne(stat_ok(ax, "/tmp/f").mtime.tv_sec, 2);
}
END_TEST

START_TEST(test_synthetic_files_have_no_attributes) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_statvfs room;

        assert_error((int) ax_getxattr(ax, "/dev/null", "user.a", NULL, 0), AX_ENODATA);
        assert_error(ax_setxattr(ax, "/dev/null", "user.a", "x", 1, 0), AX_EOPNOTSUPP);
        assert_error(ax_removexattr(ax, "/proc/version", "user.a"), AX_EOPNOTSUPP);
        ck_assert_int_eq(ax_listxattr(ax, "/proc", NULL, 0), 0);
        assert_ok(ax_statvfs(ax, "/proc", &room));
        ck_assert_uint_eq(room.blocks, 0);
        assert_ok(ax_statvfs(ax, "/tmp", &room));
        ck_assert_uint_gt(room.blocks, 0);
        ck_assert_uint_ge(room.blocks, room.blocks_free);
        ck_assert_uint_eq(room.name_max, 255);
        assert_error(ax_statvfs(ax, "/missing", &room), AX_ENOENT);
        assert_error(ax_statvfs(ax, "/tmp", NULL), AX_EINVAL);
}
END_TEST

/* The daemon has the capabilities that the host asks for, and the caller has not. */
static void cannot_change_privileged(ax_client *ax, void *userdata) {
        char names[256];
        ssize_t n;

        (void) userdata;
        put_text(ax, "/tmp/mine", "");
        assert_error(ax_setxattr(ax, "/tmp/mine", "trusted.a", "x", 1, 0), AX_EPERM);
        assert_error(ax_setxattr(ax, "/tmp/mine", "security.a", "x", 1, 0), AX_EPERM);
        assert_error(
                ax_setxattr(ax, "/tmp/mine", "security.capability", "\1\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0),
                AX_EPERM);
        assert_error(ax_removexattr(ax, "/tmp/f", "trusted.secret"), AX_EPERM);
        assert_error((int) ax_getxattr(ax, "/tmp/f", "trusted.secret", names, sizeof(names)), AX_ENODATA);
        assert_error(ax_setxattr(ax, "/tmp/f", "user.a", "x", 1, 0), AX_EACCES);
        n = ax_listxattr(ax, "/tmp/f", names, sizeof(names));
        ck_assert_int_eq(n, (int) sizeof("user.open"));
        ck_assert_str_eq(names, "user.open");
}

START_TEST(test_privileged_attributes_are_administrators) {
        _connected_ ax_client *ax = fixture_connect();

        if (!has_attributes(ax) || ax_setxattr(ax, "/tmp/f", "trusted.secret", "x", 1, 0) < 0)
                return;
        assert_ok(ax_setxattr(ax, "/tmp/f", "user.open", "x", 1, 0));
        fixture_as_uid(FIXTURE_UID, cannot_change_privileged, NULL);
        ck_assert_int_eq(ax_getxattr(ax, "/tmp/f", "trusted.secret", NULL, 0), 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("attributes");

        fixture_add(suite, test_chmod_sets_all_twelve_bits, FIXTURE_ROOT);
        fixture_add(suite, test_chmod_follows_symlinks, 0);
        fixture_add(suite, test_chown_sets_and_keeps, FIXTURE_ROOT);
        fixture_add(suite, test_lchown_changes_the_link_itself, FIXTURE_ROOT);
        fixture_add(suite, test_a_new_owner_clears_suid, FIXTURE_ROOT);
        fixture_add(suite, test_utimens_sets_omits_and_uses_now, 0);
        fixture_add(suite, test_utimens_takes_times_before_1970, 0);
        fixture_add(suite, test_utimens_refuses_bad_nanoseconds, 0);
        fixture_add(suite, test_stat_tells_size_blocks_links_and_times, 0);
        fixture_add(suite, test_inode_numbers_tell_stores_apart, 0);
        fixture_add(suite, test_attributes_are_set_listed_and_removed, 0);
        fixture_add(suite, test_attributes_follow_symlinks_or_not, 0);
        fixture_add(suite, test_synthetic_files_have_no_attributes, 0);
        fixture_add(suite, test_privileged_attributes_are_administrators, FIXTURE_ROOT);
        return fixture_main(suite);
}
