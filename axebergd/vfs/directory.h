/* SPDX-License-Identifier: MIT */
/*
 * A directory of the namespace that a process works in: an object that paths begin at.
 */
#pragma once

#include <stdbool.h>

#include "account/user.h"
#include "object/object.h"

struct mount;
struct vfs;

struct vfs_directory {
        struct object object;
        struct vfs *vfs;
        struct user *user; /* in whose turn the descriptor is closed */
        const struct mount *mount;
        int fd; /* in a store */
        bool owns_fd;
        struct user_charge fd_charge; /* of one that is owned */
        bool is_mount_root;
        char path[256]; /* in a synthetic mount: below it */
};

/* Makes one without a place in its mount. Returns 0 or -ENOMEM. */
int vfs_directory_new(struct vfs_directory **ret, struct vfs *vfs, const struct mount *mount);
/* The root directory. Returns 0 or -ENOMEM. */
int vfs_directory_root(struct vfs *vfs, struct object **ret);
/* `object` is a directory. */
const struct vfs_directory *vfs_directory_from_object(const struct object *object);
/* Whether it lies in a store: then telling its path may block. */
bool vfs_directory_is_in_store(const struct object *object);
