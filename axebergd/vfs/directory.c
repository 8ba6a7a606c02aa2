/* SPDX-License-Identifier: MIT */
#include "vfs/directory.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "account/closer.h"
#include "object/file.h"
#include "util/container.h"
#include "vfs/store.h"
#include "vfs/vfs.h"

static void directory_free(struct object *object) {
        struct vfs_directory *directory = container_of(object, struct vfs_directory, object);

        if (directory->owns_fd)
                close_later_charged(directory->vfs->workers, &directory->fd_charge, directory->fd);
        user_unref(directory->user);
        free(directory);
}

/* The path. Returns its length, -ENOENT (the directory was removed) or -ERANGE. */
static int directory_describe(struct object *object, char *buffer, size_t size) {
        const struct vfs_directory *directory = vfs_directory_from_object(object);
        const struct mount *mount = directory->mount;
        int n;

        if (mount->store)
                return file_namespace_path(directory->fd, mount->store->root_fd, mount->path, buffer, size);
        n = snprintf(buffer, size, "%s%s%s", mount->path, *directory->path ? "/" : "", directory->path);
        return (size_t) n < size ? n : -ERANGE;
}

static const struct object_ops directory_ops = {
        .name = "directory",
        .describe = directory_describe,
        .free = directory_free,
};

int vfs_directory_new(struct vfs_directory **ret, struct vfs *vfs, const struct mount *mount) {
        struct vfs_directory *directory = calloc(1, sizeof(*directory));

        if (!directory)
                return -ENOMEM;
        object_init(&directory->object, &directory_ops, 0);
        directory->vfs = vfs;
        directory->mount = mount;
        directory->fd = -1;
        *ret = directory;
        return 0;
}

int vfs_directory_root(struct vfs *vfs, struct object **ret) {
        struct vfs_directory *root;
        int r = vfs_directory_new(&root, vfs, &vfs->mounts[0]);

        if (r < 0)
                return r;
        root->fd = vfs->mounts[0].store->root_fd;
        root->is_mount_root = true;
        *ret = &root->object;
        return 0;
}

const struct vfs_directory *vfs_directory_from_object(const struct object *object) {
        assert(object->ops == &directory_ops);
        return container_of(object, const struct vfs_directory, object);
}

bool vfs_directory_is_in_store(const struct object *object) {
        return vfs_directory_from_object(object)->mount->store;
}
