/* SPDX-License-Identifier: MIT */
#include "object/object.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "axeberg.h"

void object_init(struct object *object, const struct object_ops *ops, unsigned flags) {
        *object = (struct object){ .ops = ops, .refs = 1, .flags = flags };
}

struct object *object_ref(struct object *object) {
        assert(object->refs > 0); /* F1 */
        object->refs++;
        return object;
}

struct object *object_unref(struct object *object) {
        if (!object)
                return NULL;
        assert(object->refs > 0); /* F1 */
        if (--object->refs == 0)
                object->ops->free(object); /* F2 */
        return NULL;
}

ssize_t object_read(struct object *object, void *buffer, size_t size) {
        if (!(object->flags & AX_O_READ))
                return -EBADF;
        return object->ops->read ? object->ops->read(object, buffer, size) : -EINVAL;
}

ssize_t object_write(struct object *object, const void *buffer, size_t size) {
        if (!(object->flags & AX_O_WRITE))
                return -EBADF;
        return object->ops->write ? object->ops->write(object, buffer, size) : -EINVAL;
}

ssize_t object_pread(struct object *object, void *buffer, size_t size, int64_t offset) {
        if (!(object->flags & AX_O_READ))
                return -EBADF;
        if (!object->ops->pread)
                return -ESPIPE;
        return offset < 0 ? -EINVAL : object->ops->pread(object, buffer, size, offset);
}

ssize_t object_pwrite(struct object *object, const void *buffer, size_t size, int64_t offset) {
        if (!(object->flags & AX_O_WRITE))
                return -EBADF;
        if (!object->ops->pwrite)
                return -ESPIPE;
        return offset < 0 ? -EINVAL : object->ops->pwrite(object, buffer, size, offset);
}

int64_t object_seek(struct object *object, int64_t offset, int whence) {
        return object->ops->seek ? object->ops->seek(object, offset, whence) : -ESPIPE;
}

int object_truncate(struct object *object, int64_t size) {
        if (!(object->flags & AX_O_WRITE) || !object->ops->truncate || size < 0)
                return -EINVAL;
        return object->ops->truncate(object, size);
}

int object_sync(struct object *object) {
        return object->ops->sync ? object->ops->sync(object) : -EINVAL;
}

int object_stat(struct object *object, struct statx *ret) {
        *ret = (struct statx){ 0 };
        return object->ops->stat(object, ret);
}

int object_describe(struct object *object, char *buffer, size_t size) {
        if (object->ops->describe)
                return object->ops->describe(object, buffer, size);
        return snprintf(buffer, size, "%s:", object->ops->name);
}
