/* SPDX-License-Identifier: MIT */
/* handle.c - see handle.h */
#include "handle.h"

#include "util.h"

#include <string.h>

static int handle_get(struct file_handle **ret, int fd, const char *name, int flags) {
        union {
                struct file_handle handle;
                char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
        } buffer;
        struct file_handle *copy;
        size_t size;
        int mount_id;

        buffer.handle.handle_bytes = MAX_HANDLE_SZ;
        if (name_to_handle_at(fd, name, &buffer.handle, &mount_id, flags) < 0)
                return negative_errno();
        size = sizeof(struct file_handle) + buffer.handle.handle_bytes;
        copy = malloc(size);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, &buffer, size);
        *ret = copy;
        return 0;
}

int handle_from_fd(struct file_handle **ret, int fd) {
        return handle_get(ret, fd, "", AT_EMPTY_PATH);
}

int handle_from_name(struct file_handle **ret, int dir_fd, const char *name) {
        return handle_get(ret, dir_fd, name, AT_EMPTY_PATH);
}

bool handle_equal(const struct file_handle *a, const struct file_handle *b) {
        return a->handle_type == b->handle_type && a->handle_bytes == b->handle_bytes &&
               memcmp(a->f_handle, b->f_handle, a->handle_bytes) == 0;
}
