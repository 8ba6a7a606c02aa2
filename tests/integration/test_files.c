/* SPDX-License-Identifier: MIT */
/*
 * Open files: what each flag allows and does, who shares an offset, what sizes mean, and who sees
 * what.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- flags ----------------------------------------------------------------------------------- */

START_TEST(test_open_needs_an_access_mode_and_known_flags) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "x");
        assert_error(ax_open(ax, "/tmp/f", 0), AX_EINVAL);
        assert_error(ax_open(ax, "/tmp/f", AX_O_CREATE), AX_EINVAL);
        assert_error(ax_open(ax, "/tmp/f", AX_O_NONBLOCK), AX_EINVAL);
        assert_error(ax_open(ax, "/tmp/f", AX_O_READ | 128), AX_EINVAL);
        assert_error(ax_open(ax, "/tmp/f", AX_O_READ | 0x80000000u), AX_EINVAL);
        assert_text(ax, "/tmp/f", "x");
}
END_TEST

START_TEST(test_truncate_needs_write_access) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/f", "precious");
        assert_error(ax_open(ax, "/tmp/f", AX_O_READ | AX_O_TRUNCATE), AX_EINVAL);
        assert_text(ax, "/tmp/f", "precious");
}
END_TEST

/* What open must do for one combination of flags on a file that exists or not. */
static void check_combination(ax_client *ax, unsigned flags, bool exists) {
        const char *path = "/tmp/combination";
        bool creates = flags & AX_O_CREATE, truncates = flags & AX_O_TRUNCATE;
        bool reads = flags & AX_O_READ, writes = flags & AX_O_WRITE;
        char buf[16];
        int fd;

        (void) ax_unlink(ax, path);
        if (exists)
                put_text(ax, path, "0123");
        fd = ax_open(ax, path, flags);
        if (!exists && !creates) {
                assert_error(fd, AX_ENOENT);
                return;
        }
        if (exists && creates && flags & AX_O_EXCLUSIVE) {
                assert_error(fd, AX_EEXIST);
                assert_text(ax, path, "0123");
                return;
        }
        ck_assert_msg(fd >= 0, "flags %#x, exists %d: %s", flags, exists, ax_error_name(fd));
        if (reads)
                assert_result(ax_read(ax, fd, buf, sizeof(buf)), exists && !truncates ? 4 : 0);
        else
                assert_error(ax_read(ax, fd, buf, sizeof(buf)), AX_EBADF);
        if (writes)
                assert_result(ax_pwrite(ax, fd, "ab", 2, 0), 2);
        else
                assert_error(ax_write(ax, fd, "ab", 2), AX_EBADF);
        assert_ok(ax_close(ax, fd));
        if (writes && flags & AX_O_APPEND)
                assert_text(ax, path, exists && !truncates ? "0123ab" : "ab");
        else if (writes)
                assert_text(ax, path, exists && !truncates ? "ab23" : "ab");
}

START_TEST(test_every_combination_of_flags) {
        _connected_ ax_client *ax = fixture_connect();

        for (unsigned flags = 1; flags < 128; flags++) {
                if (!(flags & (AX_O_READ | AX_O_WRITE)) || (flags & AX_O_TRUNCATE && !(flags & AX_O_WRITE)))
                        continue;
                check_combination(ax, flags, false);
                check_combination(ax, flags, true);
        }
}
END_TEST

START_TEST(test_the_four_named_modes) {
        _connected_ ax_client *ax = fixture_connect();

        assert_error(ax_open(ax, "/tmp/new", AX_READ), AX_ENOENT);
        assert_error(ax_open(ax, "/tmp/new", AX_RDWR), AX_ENOENT);
        assert_ok(ax_close(ax, open_ok(ax, "/tmp/new", AX_APPEND)));
        assert_ok(ax_unlink(ax, "/tmp/new"));
        assert_ok(ax_close(ax, open_ok(ax, "/tmp/new", AX_WRITE)));
}
END_TEST

START_TEST(test_exclusive_refuses_a_dangling_symlink) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_symlink(ax, "/tmp/target", "/tmp/dangling"));
        assert_error(ax_open(ax, "/tmp/dangling", AX_WRITE | AX_O_EXCLUSIVE), AX_EEXIST);
        assert_result(ax_exists(ax, "/tmp/target"), 0);
        put_text(ax, "/tmp/dangling", "through the link");
        assert_text(ax, "/tmp/target", "through the link");
}
END_TEST

START_TEST(test_a_directory_opens_for_reading_only) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;
        char byte;
        int fd = open_ok(ax, "/home", AX_READ);

        assert_error(ax_read(ax, fd, &byte, 1), AX_EISDIR);
        assert_ok(ax_fstat(ax, fd, &stat));
        ck_assert(S_ISDIR(stat.mode));
        assert_error(ax_open(ax, "/home", AX_RDWR), AX_EISDIR);
        assert_error(ax_open(ax, "/home", AX_WRITE), AX_EISDIR);
        assert_error(ax_open(ax, "/home", AX_O_WRITE), AX_EISDIR);
        assert_error(ax_open(ax, "/tmp", AX_APPEND), AX_EISDIR);
}
END_TEST

START_TEST(test_new_files_obey_the_umask) {
        _connected_ ax_client *ax = fixture_connect();

        put_text(ax, "/tmp/default", "");
        ck_assert_uint_eq(stat_ok(ax, "/tmp/default").mode, S_IFREG | 0644);
        assert_result(ax_umask(ax, 077), 022);
        put_text(ax, "/tmp/private", "");
        ck_assert_uint_eq(stat_ok(ax, "/tmp/private").mode, S_IFREG | 0600);
        assert_result(ax_umask(ax, 0), 077);
        put_text(ax, "/tmp/public", "");
        ck_assert_uint_eq(stat_ok(ax, "/tmp/public").mode, S_IFREG | 0666);
        assert_error(ax_umask(ax, 01000), AX_EINVAL);
        assert_result(ax_umask(ax, 0777), 0);
}
END_TEST

/* ---- offsets --------------------------------------------------------------------------------- */

START_TEST(test_dup_shares_offset) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[4];
        int a, b;

        put_text(ax, "/tmp/f", "abcdef");
        a = open_ok(ax, "/tmp/f", AX_RDWR);
        b = (int) assert_ok(ax_dup(ax, a));
        ck_assert_int_ne(a, b);
        assert_result(ax_read(ax, a, buf, 2), 2);
        assert_result(ax_read(ax, b, buf, 2), 2);
        ck_assert_mem_eq(buf, "cd", 2);
        assert_result(ax_seek(ax, b, 1, SEEK_SET), 1);
        assert_result(ax_seek(ax, a, 0, SEEK_CUR), 1);
        assert_ok(ax_close(ax, a));
        assert_result(ax_read(ax, b, buf, 1), 1);
        ck_assert_int_eq(buf[0], 'b');
}
END_TEST

START_TEST(test_two_opens_have_two_offsets) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[2];
        int a, b;

        put_text(ax, "/tmp/f", "abcdef");
        a = open_ok(ax, "/tmp/f", AX_READ);
        b = open_ok(ax, "/tmp/f", AX_READ);
        assert_result(ax_read(ax, a, buf, 2), 2);
        assert_result(ax_read(ax, b, buf, 2), 2);
        ck_assert_mem_eq(buf, "ab", 2);
}
END_TEST

START_TEST(test_positioned_calls_leave_the_offset) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[8];
        int fd;

        put_text(ax, "/tmp/f", "abcdef");
        fd = open_ok(ax, "/tmp/f", AX_RDWR);
        assert_result(ax_pread(ax, fd, buf, 3, 2), 3);
        ck_assert_mem_eq(buf, "cde", 3);
        assert_result(ax_pread(ax, fd, buf, 3, 5), 1);
        assert_result(ax_pread(ax, fd, buf, 3, 6), 0);
        assert_result(ax_pread(ax, fd, buf, 3, INT64_C(1) << 40), 0);
        assert_result(ax_pwrite(ax, fd, "XY", 2, 4), 2);
        assert_result(ax_seek(ax, fd, 0, SEEK_CUR), 0);
        assert_text(ax, "/tmp/f", "abcdXY");
        assert_error(ax_pread(ax, fd, buf, 1, -1), AX_EINVAL);
        assert_error(ax_pwrite(ax, fd, buf, 1, -1), AX_EINVAL);
        assert_error(ax_pread(ax, fd, buf, 1, INT64_MIN), AX_EINVAL);
}
END_TEST

START_TEST(test_seek_knows_every_whence) {
        _connected_ ax_client *ax = fixture_connect();
        int fd;

        put_text(ax, "/tmp/f", "abcdef");
        fd = open_ok(ax, "/tmp/f", AX_RDWR);
        assert_result(ax_seek(ax, fd, 4, SEEK_SET), 4);
        assert_result(ax_seek(ax, fd, -1, SEEK_CUR), 3);
        assert_result(ax_seek(ax, fd, -2, SEEK_END), 4);
        assert_result(ax_seek(ax, fd, 100, SEEK_END), 106);
        assert_result(ax_seek(ax, fd, 0, SEEK_DATA), 0);
        assert_result(ax_seek(ax, fd, 0, SEEK_HOLE), 6);
        assert_error(ax_seek(ax, fd, 6, SEEK_DATA), AX_ENXIO);
        assert_result(ax_seek(ax, fd, 2, SEEK_SET), 2);
}
END_TEST

START_TEST(test_seek_refuses_nonsense_and_stays) {
        _connected_ ax_client *ax = fixture_connect();
        int fd;

        put_text(ax, "/tmp/f", "abcdef");
        fd = open_ok(ax, "/tmp/f", AX_RDWR);
        assert_result(ax_seek(ax, fd, 2, SEEK_SET), 2);
        assert_error(ax_seek(ax, fd, -1, SEEK_SET), AX_EINVAL);
        assert_error(ax_seek(ax, fd, -3, SEEK_CUR), AX_EINVAL);
        assert_error(ax_seek(ax, fd, -7, SEEK_END), AX_EINVAL);
        assert_error(ax_seek(ax, fd, 0, 99), AX_EINVAL);
        assert_error(ax_seek(ax, fd, 0, -1), AX_EINVAL);
        assert_error(ax_seek(ax, fd, INT64_MIN, SEEK_CUR), AX_EINVAL);
        ck_assert_int_lt(ax_seek(ax, fd, INT64_MAX, SEEK_CUR), 0);
        ck_assert_int_lt(ax_seek(ax, fd, INT64_MAX, SEEK_END), 0);
        assert_result(ax_seek(ax, fd, 0, SEEK_CUR), 2);
}
END_TEST

START_TEST(test_devices_and_console_do_not_seek) {
        _connected_ ax_client *ax = fixture_connect();
        char byte = 'x';

        assert_error(ax_seek(ax, AX_STDIN, 0, SEEK_SET), AX_ESPIPE);
        assert_error(ax_pread(ax, AX_STDIN, &byte, 1, 0), AX_ESPIPE);
        assert_error(ax_pwrite(ax, AX_STDOUT, &byte, 1, 0), AX_ESPIPE);
}
END_TEST

/* ---- append ---------------------------------------------------------------------------------- */

START_TEST(test_append_ignores_the_offset) {
        _connected_ ax_client *ax = fixture_connect();
        int fd;

        put_text(ax, "/tmp/log", "one\n");
        fd = open_ok(ax, "/tmp/log", AX_APPEND | AX_O_READ);
        assert_result(ax_seek(ax, fd, 0, SEEK_SET), 0);
        assert_result(ax_write(ax, fd, "two\n", 4), 4);
        assert_result(ax_seek(ax, fd, 0, SEEK_CUR), 8);
        assert_result(ax_pwrite(ax, fd, "three\n", 6, 0), 6);
        assert_text(ax, "/tmp/log", "one\ntwo\nthree\n");
}
END_TEST

enum { APPENDS = 400, RECORD = 32, NAMES = 100 };

static void append_records(void *userdata) {
        const char *letter = userdata;
        ax_client *ax = fixture_connect();
        int fd = open_ok(ax, "/tmp/log", AX_APPEND);
        char record[RECORD];

        memset(record, *letter, sizeof(record));
        record[RECORD - 1] = '\n';
        for (int i = 0; i < APPENDS; i++)
                assert_result(ax_write(ax, fd, record, sizeof(record)), RECORD);
        ax_disconnect(ax);
}

START_TEST(test_appends_of_two_clients_never_tear) {
        static char all[2 * APPENDS * RECORD + 1];
        _connected_ ax_client *ax = fixture_connect();
        pid_t a = fixture_fork(append_records, (void *) "a"), b = fixture_fork(append_records, (void *) "b");
        int fd, counts[2] = { 0 };

        fixture_reap(a);
        fixture_reap(b);
        fd = open_ok(ax, "/tmp/log", AX_READ);
        assert_result(ax_read(ax, fd, all, sizeof(all)), 2 * APPENDS * RECORD);
        for (int i = 0; i < 2 * APPENDS; i++) {
                const char *record = all + i * RECORD;

                ck_assert(record[0] == 'a' || record[0] == 'b');
                for (int j = 1; j < RECORD - 1; j++)
                        ck_assert_int_eq(record[j], record[0]);
                ck_assert_int_eq(record[RECORD - 1], '\n');
                counts[record[0] - 'a']++;
        }
        ck_assert_int_eq(counts[0], APPENDS);
        ck_assert_int_eq(counts[1], APPENDS);
}
END_TEST

/* Of many who create a name exclusively, one does. */
static void create_exclusively(void *userdata) {
        int result = *(const int *) userdata, made = 0;
        ax_client *ax = fixture_connect();
        char path[32];

        for (int i = 0; i < NAMES; i++) {
                int fd;

                snprintf(path, sizeof(path), "/tmp/name-%d", i);
                fd = ax_open(ax, path, AX_WRITE | AX_O_EXCLUSIVE);
                ck_assert_msg(fd >= 0 || fd == -AX_EEXIST, "ax_open: %s", ax_error_name(fd));
                if (fd >= 0) {
                        made++;
                        assert_ok(ax_close(ax, fd));
                }
        }
        ck_assert_int_eq(write(result, &made, sizeof(made)), (int) sizeof(made));
        ax_disconnect(ax);
}

START_TEST(test_exclusive_creation_has_one_winner) {
        int ends[2], made, all = 0;
        pid_t pids[4];

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        for (int i = 0; i < 4; i++)
                pids[i] = fixture_fork(create_exclusively, &ends[1]);
        for (int i = 0; i < 4; i++) {
                fixture_reap(pids[i]);
                ck_assert_int_eq(read(ends[0], &made, sizeof(made)), (int) sizeof(made));
                all += made;
        }
        ck_assert_int_eq(all, NAMES);
}
END_TEST

/* ---- sizes ----------------------------------------------------------------------------------- */

START_TEST(test_ftruncate_grows_with_zeros_and_shrinks) {
        _connected_ ax_client *ax = fixture_connect();
        char buf[16];
        int fd;

        put_text(ax, "/tmp/f", "abcdef");
        fd = open_ok(ax, "/tmp/f", AX_RDWR);
        assert_ok(ax_ftruncate(ax, fd, 2));
        assert_ok(ax_ftruncate(ax, fd, 5));
        assert_result(ax_read(ax, fd, buf, sizeof(buf)), 5);
        ck_assert_mem_eq(buf, "ab\0\0\0", 5);
        assert_error(ax_ftruncate(ax, fd, -1), AX_EINVAL);
        assert_error(ax_ftruncate(ax, fd, INT64_MIN), AX_EINVAL);
        assert_error(ax_ftruncate(ax, open_ok(ax, "/tmp/f", AX_READ), 0), AX_EINVAL);
        assert_error(ax_ftruncate(ax, AX_STDOUT, 0), AX_EINVAL);
        assert_error(ax_ftruncate(ax, open_ok(ax, "/home", AX_READ), 0), AX_EINVAL);
        ck_assert_uint_eq(stat_ok(ax, "/tmp/f").size, 5);
}
END_TEST

START_TEST(test_holes_read_as_zeros_and_take_no_space) {
        enum { AT = 8 << 20 };
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;
        char buf[8];
        int fd = open_ok(ax, "/tmp/sparse", AX_WRITE | AX_O_READ);

        assert_result(ax_pwrite(ax, fd, "end", 3, AT), 3);
        assert_ok(ax_fstat(ax, fd, &stat));
        ck_assert_uint_eq(stat.size, AT + 3);
        ck_assert_uint_lt(stat.blocks * 512, 1 << 20);
        assert_result(ax_pread(ax, fd, buf, 4, AT - 1), 4);
        ck_assert_mem_eq(buf, "\0end", 4);
        assert_result(ax_seek(ax, fd, 0, SEEK_HOLE), 0);
        ck_assert_int_gt(ax_seek(ax, fd, 0, SEEK_DATA), 0);
}
END_TEST

START_TEST(test_enormous_offsets_are_refused) {
        _connected_ ax_client *ax = fixture_connect();
        int64_t r;
        int fd = open_ok(ax, "/tmp/f", AX_WRITE | AX_O_READ);

        r = ax_pwrite(ax, fd, "x", 1, INT64_MAX);
        ck_assert_msg(r == -AX_EFBIG || r == -AX_EINVAL || r == -AX_EOVERFLOW, "pwrite: %s", ax_error_name((int) r));
        r = ax_ftruncate(ax, fd, INT64_MAX);
        ck_assert_msg(r == 0 || r == -AX_EFBIG || r == -AX_EINVAL, "ftruncate: %s", ax_error_name((int) r));
        assert_ok(ax_ftruncate(ax, fd, 0));
        ck_assert_uint_eq(stat_ok(ax, "/tmp/f").size, 0);
}
END_TEST

START_TEST(test_zero_bytes_are_a_fine_size) {
        _connected_ ax_client *ax = fixture_connect();
        char byte = 'x';
        int fd = open_ok(ax, "/tmp/f", AX_WRITE | AX_O_READ);

        assert_result(ax_write(ax, fd, &byte, 0), 0);
        assert_result(ax_read(ax, fd, &byte, 0), 0);
        ck_assert_uint_eq(stat_ok(ax, "/tmp/f").size, 0);
        assert_error(ax_read(ax, fd, NULL, 1), AX_EINVAL);
        assert_error(ax_write(ax, fd, NULL, 1), AX_EINVAL);
}
END_TEST

START_TEST(test_fsync_is_for_store_files) {
        _connected_ ax_client *ax = fixture_connect();

        assert_ok(ax_fsync(ax, open_ok(ax, "/home/user/f", AX_WRITE)));
        assert_ok(ax_fsync(ax, open_ok(ax, "/home", AX_READ)));
        assert_error(ax_fsync(ax, AX_STDOUT), AX_EINVAL);
        assert_error(ax_fsync(ax, open_ok(ax, "/dev/null", AX_RDWR)), AX_EINVAL);
}
END_TEST

/* ---- two views ------------------------------------------------------------------------------- */

START_TEST(test_writes_are_seen_by_others_at_once) {
        _connected_ ax_client *a = fixture_connect(), *b = fixture_connect();
        char buf[16];
        int writer = open_ok(a, "/home/user/shared", AX_WRITE), reader = open_ok(b, "/home/user/shared", AX_READ);

        for (int i = 0; i < 50; i++) {
                char text[16];
                int n = snprintf(text, sizeof(text), "round %d", i);

                assert_result(ax_pwrite(a, writer, text, (size_t) n, 0), n);
                assert_result(ax_pread(b, reader, buf, sizeof(buf), 0), n);
                ck_assert_mem_eq(buf, text, (size_t) n);
        }
}
END_TEST

START_TEST(test_an_unlinked_file_lives_while_open) {
        _connected_ ax_client *ax = fixture_connect();
        struct ax_stat stat;
        char buf[4];
        int fd;

        put_text(ax, "/tmp/f", "abc");
        fd = open_ok(ax, "/tmp/f", AX_RDWR);
        assert_ok(ax_unlink(ax, "/tmp/f"));
        assert_result(ax_exists(ax, "/tmp/f"), 0);
        assert_result(ax_read(ax, fd, buf, 4), 3);
        assert_ok(ax_fstat(ax, fd, &stat));
        ck_assert_uint_eq(stat.nlink, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("files");

        fixture_add(suite, test_open_needs_an_access_mode_and_known_flags, 0);
        fixture_add(suite, test_truncate_needs_write_access, 0);
        fixture_add(suite, test_every_combination_of_flags, 0);
        fixture_add(suite, test_the_four_named_modes, 0);
        fixture_add(suite, test_exclusive_refuses_a_dangling_symlink, 0);
        fixture_add(suite, test_a_directory_opens_for_reading_only, 0);
        fixture_add(suite, test_new_files_obey_the_umask, 0);
        fixture_add(suite, test_dup_shares_offset, 0);
        fixture_add(suite, test_two_opens_have_two_offsets, 0);
        fixture_add(suite, test_positioned_calls_leave_the_offset, 0);
        fixture_add(suite, test_seek_knows_every_whence, 0);
        fixture_add(suite, test_seek_refuses_nonsense_and_stays, 0);
        fixture_add(suite, test_devices_and_console_do_not_seek, 0);
        fixture_add(suite, test_append_ignores_the_offset, 0);
        fixture_add(suite, test_appends_of_two_clients_never_tear, 0);
        fixture_add(suite, test_exclusive_creation_has_one_winner, 0);
        fixture_add(suite, test_ftruncate_grows_with_zeros_and_shrinks, 0);
        fixture_add(suite, test_holes_read_as_zeros_and_take_no_space, 0);
        fixture_add(suite, test_enormous_offsets_are_refused, 0);
        fixture_add(suite, test_zero_bytes_are_a_fine_size, 0);
        fixture_add(suite, test_fsync_is_for_store_files, 0);
        fixture_add(suite, test_writes_are_seen_by_others_at_once, 0);
        fixture_add(suite, test_an_unlinked_file_lives_while_open, 0);
        return fixture_main(suite);
}
