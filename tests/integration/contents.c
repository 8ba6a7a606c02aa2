/* SPDX-License-Identifier: MIT */
/*
 * Whole files, read and written through the library.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

int open_ok(ax_client *ax, const char *path, unsigned flags) {
        int fd = ax_open(ax, path, flags);

        ck_assert_msg(fd >= 0, "ax_open(%s, %#x): %s", path, flags, ax_error_name(fd));
        return fd;
}

struct ax_stat stat_ok(ax_client *ax, const char *path) {
        struct ax_stat stat;
        int r = ax_stat(ax, path, &stat);

        ck_assert_msg(r == 0, "ax_stat(%s): %s", path, ax_error_name(r));
        return stat;
}

void put_file(ax_client *ax, const char *path, const void *data, size_t size) {
        int fd = open_ok(ax, path, AX_WRITE);

        assert_result(ax_write(ax, fd, data, size), (int64_t) size);
        assert_ok(ax_close(ax, fd));
}

void put_text(ax_client *ax, const char *path, const char *text) {
        put_file(ax, path, text, strlen(text));
}

void assert_content(ax_client *ax, const char *path, const void *data, size_t size) {
        int fd = open_ok(ax, path, AX_READ);
        uint8_t *buf = malloc(size + 1);

        ck_assert_ptr_nonnull(buf);
        assert_result(ax_read(ax, fd, buf, size + 1), (int64_t) size);
        ck_assert_msg(size == 0 || memcmp(buf, data, size) == 0, "%s has other content", path);
        free(buf);
        assert_ok(ax_close(ax, fd));
}

void assert_text(ax_client *ax, const char *path, const char *text) {
        assert_content(ax, path, text, strlen(text));
}

void get_text(ax_client *ax, const char *path, char *buf, size_t size) {
        int fd = open_ok(ax, path, AX_READ);
        ssize_t n = ax_read(ax, fd, buf, size - 1);

        ck_assert_msg(n >= 0, "ax_read(%s): %s", path, ax_error_name((int) n));
        buf[n] = '\0';
        assert_ok(ax_close(ax, fd));
}
