/* SPDX-License-Identifier: MIT */
#include "object/device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "axeberg.h"
#include "util/container.h"

struct device {
        struct object object;
        const struct device_type *type;
        uint64_t ino;
};

static ssize_t read_nothing(void *buffer, size_t size) {
        (void) buffer;
        (void) size;
        return 0;
}

static ssize_t read_zeros(void *buffer, size_t size) {
        memset(buffer, 0, size);
        return (ssize_t) size;
}

static ssize_t read_random(void *buffer, size_t size) {
        size_t filled = 0;

        while (filled < size) {
                ssize_t n = getrandom((char *) buffer + filled, size - filled, GRND_NONBLOCK);

                if (n < 0)
                        return -errno;
                filled += (size_t) n;
        }
        return (ssize_t) filled;
}

static ssize_t write_swallow(size_t size) {
        return (ssize_t) size;
}

static ssize_t write_no_space(size_t size) {
        return size > 0 ? -ENOSPC : 0;
}

const struct device_type device_types[] = {
        { "null", 1, 3, read_nothing, write_swallow },   { "zero", 1, 5, read_zeros, write_swallow },
        { "full", 1, 7, read_zeros, write_no_space },    { "random", 1, 8, read_random, write_swallow },
        { "urandom", 1, 9, read_random, write_swallow },
};
const size_t n_device_types = sizeof(device_types) / sizeof(device_types[0]);

static const struct device_type *type_from_object(struct object *object) {
        return container_of(object, struct device, object)->type;
}

static ssize_t device_read(struct object *object, void *buffer, size_t size) {
        return type_from_object(object)->read(buffer, size);
}

static ssize_t device_write(struct object *object, const void *buffer, size_t size) {
        (void) buffer;
        return type_from_object(object)->write(size);
}

static ssize_t device_pread(struct object *object, void *buffer, size_t size, int64_t offset) {
        (void) offset;
        return device_read(object, buffer, size);
}

static ssize_t device_pwrite(struct object *object, const void *buffer, size_t size, int64_t offset) {
        (void) offset;
        return device_write(object, buffer, size);
}

/* As Linux's drivers/char/mem.c: seeking succeeds and stays at 0. */
static int64_t device_seek(struct object *object, int64_t offset, int whence) {
        (void) object;
        (void) offset;
        return whence == SEEK_SET || whence == SEEK_CUR || whence == SEEK_END ? 0 : -EINVAL;
}

static int device_stat(struct object *object, struct statx *ret) {
        const struct device *device = container_of(object, struct device, object);

        ret->stx_mode = S_IFCHR | 0666;
        ret->stx_nlink = 1;
        ret->stx_ino = device->ino;
        ret->stx_rdev_major = device->type->major;
        ret->stx_rdev_minor = device->type->minor;
        return 0;
}

static int device_describe(struct object *object, char *buffer, size_t size) {
        return snprintf(buffer, size, "/dev/%s", type_from_object(object)->name);
}

static void device_free(struct object *object) {
        free(object);
}

static const struct object_ops device_ops = {
        .name = "device",
        .read = device_read,
        .write = device_write,
        .pread = device_pread,
        .pwrite = device_pwrite,
        .seek = device_seek,
        .stat = device_stat,
        .describe = device_describe,
        .free = device_free,
};

int device_open(const struct device_type *type, uint64_t ino, unsigned flags, struct object **ret) {
        struct device *device = malloc(sizeof(*device));

        if (!device)
                return -ENOMEM;
        object_init(&device->object, &device_ops, flags & (AX_O_READ | AX_O_WRITE | AX_O_APPEND | AX_O_NONBLOCK));
        device->type = type;
        device->ino = ino;
        *ret = &device->object;
        return 0;
}
