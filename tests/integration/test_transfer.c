/* SPDX-License-Identifier: MIT */
/*
 * Data of every size goes through whole: what fits a frame, what just does not, and megabytes.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint8_t *pattern(size_t size, uint32_t seed) {
        uint8_t *data = malloc(size + 1);
        uint32_t state = seed * 2654435761u + 1;

        ck_assert_ptr_nonnull(data);
        for (size_t i = 0; i < size; i++) {
                state = state * 1664525u + 1013904223u;
                data[i] = (uint8_t) (state >> 24);
        }
        return data;
}

START_TEST(test_sizes_around_the_frame_limit) {
        static const size_t limits[] = { AX_FRAME_MAX_DATA, AX_FRAME_MAX_PAYLOAD, AX_FRAME_MAX_SIZE,
                                         2 * AX_FRAME_MAX_DATA, 4096 };
        _connected_ ax_client *ax = fixture_connect();

        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                for (int delta = -33; delta <= 33; delta += 11) {
                        size_t size = (size_t) ((long) limits[i] + delta);
                        uint8_t *data = pattern(size, (uint32_t) size);

                        put_file(ax, "/tmp/f", data, size);
                        assert_content(ax, "/tmp/f", data, size);
                        free(data);
                }
        }
}
END_TEST

START_TEST(test_megabytes_in_one_call) {
        size_t size = (7u << 20) + 12345;
        _connected_ ax_client *ax = fixture_connect();
        uint8_t *data = pattern(size, 7);

        put_file(ax, "/home/user/big", data, size);
        ck_assert_uint_eq(stat_ok(ax, "/home/user/big").size, size);
        assert_content(ax, "/home/user/big", data, size);
        free(data);
}
END_TEST

START_TEST(test_megabytes_in_odd_pieces) {
        size_t size = (3u << 20) + 77, done = 0;
        _connected_ ax_client *ax = fixture_connect();
        uint8_t *data = pattern(size, 9), *back = calloc(1, size);
        int fd = open_ok(ax, "/tmp/pieces", AX_WRITE | AX_O_READ);

        for (size_t i = 1; done < size; i++) {
                size_t piece = i * 7919 % 131071 + 1;

                if (piece > size - done)
                        piece = size - done;
                assert_result(ax_write(ax, fd, data + done, piece), (int64_t) piece);
                done += piece;
        }
        assert_result(ax_seek(ax, fd, 0, SEEK_SET), 0);
        done = 0;
        for (size_t i = 1; done < size; i++) {
                size_t piece = i * 104729 % 99991 + 1;
                int64_t n = assert_ok(ax_read(ax, fd, back + done, piece < size - done ? piece : size - done));

                ck_assert_int_gt(n, 0);
                done += (size_t) n;
        }
        ck_assert_int_eq(memcmp(data, back, size), 0);
        free(data);
        free(back);
}
END_TEST

START_TEST(test_positioned_megabytes) {
        size_t size = (2u << 20) + 5;
        _connected_ ax_client *ax = fixture_connect();
        uint8_t *data = pattern(size, 11), *back = calloc(1, size);
        int fd = open_ok(ax, "/tmp/positioned", AX_WRITE | AX_O_READ);

        assert_result(ax_pwrite(ax, fd, data, size, 1000), (int64_t) size);
        assert_result(ax_seek(ax, fd, 0, SEEK_CUR), 0);
        assert_result(ax_pread(ax, fd, back, size, 1000), (int64_t) size);
        ck_assert_int_eq(memcmp(data, back, size), 0);
        assert_result(ax_pread(ax, fd, back, size, (int64_t) size), 1000);
        free(data);
        free(back);
}
END_TEST

/* A read that crosses the end returns what is there, and touches nothing behind it. */
START_TEST(test_read_writes_only_what_it_returns) {
        _connected_ ax_client *ax = fixture_connect();
        uint8_t buf[AX_FRAME_MAX_DATA + 64];
        uint8_t *data = pattern(AX_FRAME_MAX_DATA + 3, 13);
        int fd;

        put_file(ax, "/tmp/f", data, AX_FRAME_MAX_DATA + 3);
        memset(buf, 0xA5, sizeof(buf));
        fd = open_ok(ax, "/tmp/f", AX_READ);
        assert_result(ax_read(ax, fd, buf, sizeof(buf)), AX_FRAME_MAX_DATA + 3);
        ck_assert_mem_eq(buf, data, AX_FRAME_MAX_DATA + 3);
        for (size_t i = AX_FRAME_MAX_DATA + 3; i < sizeof(buf); i++)
                ck_assert_uint_eq(buf[i], 0xA5);
        free(data);
}
END_TEST

START_TEST(test_large_reads_of_devices) {
        size_t size = 300001;
        _connected_ ax_client *ax = fixture_connect();
        uint8_t *buf = malloc(size);
        int fd = open_ok(ax, "/dev/zero", AX_RDWR);
        int64_t done = 0;

        memset(buf, 0xFF, size);
        while (done < (int64_t) size) {
                int64_t n = assert_ok(ax_read(ax, fd, buf + done, size - (size_t) done));

                ck_assert_int_gt(n, 0);
                done += n;
        }
        for (size_t i = 0; i < size; i++)
                ck_assert_uint_eq(buf[i], 0);
        assert_result(ax_write(ax, fd, buf, size), (int64_t) size);
        free(buf);
}
END_TEST

/*
 * A write that meets the end of the space tells how far it came; the next one that there is none.
 */
START_TEST(test_a_full_store) {
        enum { SIZE = 1 << 20 };
        struct daemon_options options = { .small_store = 256 << 10 };
        uint8_t *data = pattern(SIZE, 3), *back = malloc(SIZE);
        ax_client *ax;
        int64_t n;
        int fd;

        fixture_start(&options);
        ax = fixture_connect();
        fd = open_ok(ax, "/home/user/f", AX_WRITE | AX_O_READ);
        n = assert_ok(ax_write(ax, fd, data, SIZE));
        ck_assert_msg(n > 100000 && n <= 256 << 10, "%lld bytes fit", (long long) n);
        assert_error(ax_write(ax, fd, data, SIZE), AX_ENOSPC);
        assert_result(ax_pread(ax, fd, back, SIZE, 0), n);
        ck_assert_int_eq(memcmp(data, back, (size_t) n), 0);
        assert_ok(ax_ftruncate(ax, fd, 0));
        assert_result(ax_write(ax, fd, data, 4096), 4096);
        put_text(ax, "/tmp/f", "another store");
        ax_disconnect(ax);
        free(data);
        free(back);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("transfer");

        fixture_add(suite, test_sizes_around_the_frame_limit, 0);
        fixture_add(suite, test_megabytes_in_one_call, 0);
        fixture_add(suite, test_megabytes_in_odd_pieces, 0);
        fixture_add(suite, test_positioned_megabytes, FIXTURE_DURABLE);
        fixture_add(suite, test_read_writes_only_what_it_returns, 0);
        fixture_add(suite, test_large_reads_of_devices, 0);
        fixture_add(suite, test_a_full_store, FIXTURE_NO_DAEMON | FIXTURE_ROOT);
        return fixture_main(suite);
}
