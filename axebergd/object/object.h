/* SPDX-License-Identifier: MIT */
/*
 * An open file description: what a descriptor refers to.
 *
 * Objects are counted; descriptors of several processes, and calls in flight, may refer to the same
 * one. The count is changed by the kernel's thread only. An object's abilities are its operations
 * table; an operation that is missing gives the error that POSIX has for it.
 *
 * Operations never wait. One that would have to returns -EAGAIN, and the caller parks on the wait
 * queue that `readable` or `writable` names. Objects with `may_block` set are held by others, too,
 * or lie on a disk: their operations run as jobs, and touch only the host's descriptor.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "util/cleanup.h"

struct object;
struct wait_queue;

struct object_ops {
        const char *name; /* "file", "console", … */
        ssize_t (*read)(struct object *object, void *buffer, size_t size);
        ssize_t (*write)(struct object *object, const void *buffer, size_t size);
        ssize_t (*pread)(struct object *object, void *buffer, size_t size, int64_t offset);
        ssize_t (*pwrite)(struct object *object, const void *buffer, size_t size, int64_t offset);
        int64_t (*seek)(struct object *object, int64_t offset, int whence);
        int (*truncate)(struct object *object, int64_t size);
        int (*sync)(struct object *object);
        int (*stat)(struct object *object, struct statx *ret);
        int (*describe)(struct object *object, char *buffer, size_t size); /* what /proc/<pid>/fd shows; length */
        /*
         * The host's descriptor, for a program to read and write by itself; it stays the object's.
         * `ends`: the program ends when its process does. Negative: not for this one.
         */
        int (*host_fd)(struct object *object, bool ends);
        struct wait_queue *(*readable)(struct object *object);
        struct wait_queue *(*writable)(struct object *object);
        void (*free)(struct object *object);
};

struct object {
        const struct object_ops *ops;
        unsigned refs;
        unsigned flags; /* AX_O_READ, AX_O_WRITE, AX_O_APPEND, AX_O_NONBLOCK */
        bool may_block;
};

void object_init(struct object *object, const struct object_ops *ops, unsigned flags);
struct object *object_ref(struct object *object);
struct object *object_unref(struct object *object);
DEFINE_CLEANUP(object, object_unref)

/*
 * The operations, with the checks that are the same for every type. They return a negative errno on
 * error.
 */
ssize_t object_read(struct object *object, void *buffer, size_t size);
ssize_t object_write(struct object *object, const void *buffer, size_t size);
ssize_t object_pread(struct object *object, void *buffer, size_t size, int64_t offset);
ssize_t object_pwrite(struct object *object, const void *buffer, size_t size, int64_t offset);
int64_t object_seek(struct object *object, int64_t offset, int whence);
int object_truncate(struct object *object, int64_t size);
int object_sync(struct object *object);
int object_stat(struct object *object, struct statx *ret);
int object_describe(struct object *object, char *buffer, size_t size);
