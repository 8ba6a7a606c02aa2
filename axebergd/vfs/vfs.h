/* SPDX-License-Identifier: MIT */
/*
 * The namespace: a mount table.
 *
 * The table is "/" and mounts directly below it. It is made at start-up and never changes, so that
 * workers may read it. A mount is a store (store.h), whose files lie on the host, or a synthetic
 * tree (synthetic.h), whose files the kernel makes up. What is done to paths is a request
 * (request.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "vfs/handout.h"

struct store;
struct synthetic_ops;
struct workers;

struct mount {
        const char *path;    /* "/", "/tmp", … */
        const char *backend; /* "store", "devfs", "procfs" */
        struct store *store; /* NULL: the tree is synthetic */
        const struct synthetic_ops *synthetic;
        void *userdata; /* of its operations */
};

enum { VFS_MAX_MOUNTS = 8 };

struct vfs {
        struct workers *workers; /* they do what touches a store; NULL once they have ended */
        struct handouts lists;
        struct mount mounts[VFS_MAX_MOUNTS];
        size_t n_mounts;
};

struct vfs_options {
        struct workers *workers;
        sd_event *event;
        bool exec;              /* programs in the stores may be executed through the mount */
        const char *store_path; /* of "/"; NULL: it is ephemeral */
        uint64_t ephemeral_size, ephemeral_size_per_user, tmp_size, tmp_size_per_user;
};

/* Mounts "/" and "/tmp". Returns 0 or a negative errno (logged). */
int vfs_init(struct vfs *vfs, const struct vfs_options *options);
void vfs_deinit(struct vfs *vfs);
/* Mounts a synthetic tree, before anybody walks. */
void vfs_mount_synthetic(struct vfs *vfs, const char *path, const char *backend, const struct synthetic_ops *ops,
                         void *userdata);
