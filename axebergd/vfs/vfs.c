/* SPDX-License-Identifier: MIT */
#include "vfs/vfs.h"

#include <assert.h>
#include <errno.h>
#include <sys/stat.h>

#include "util/log.h"
#include "vfs/store.h"

static void add_mount(struct vfs *vfs, struct mount mount) {
        assert(vfs->n_mounts < VFS_MAX_MOUNTS);
        vfs->mounts[vfs->n_mounts++] = mount;
}

static void mount_store(struct vfs *vfs, const char *path, struct store *store) {
        add_mount(vfs, (struct mount){ .path = path, .backend = "store", .store = store });
}

void vfs_mount_synthetic(struct vfs *vfs, const char *path, const char *backend, const struct synthetic_ops *ops,
                         void *userdata) {
        add_mount(vfs, (struct mount){ .path = path, .backend = backend, .synthetic = ops, .userdata = userdata });
}

static int make_tree(struct store *store) {
        static const struct {
                const char *path;
                unsigned mode;
        } tree[] = {
                { "home", 0755 }, { "home/user", 01777 }, { "tmp", 01777 }, { "dev", 0755 }, { "proc", 0555 },
        };

        for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++) {
                int r = store_make_directory(store, tree[i].path, tree[i].mode);

                if (r < 0)
                        return log_errno(LOG_ERR, r, "cannot create /%s in the store", tree[i].path);
        }
        return 0;
}

static int mount_root(struct vfs *vfs, const struct vfs_options *options) {
        const struct store_options root = {
                .index = 0,
                .exec = options->exec,
                .size = options->ephemeral_size,
                .size_per_user = options->ephemeral_size_per_user,
        };
        struct store *store;
        int r = options->store_path ? store_open_durable(&store, options->store_path, &root)
                                    : store_open_ephemeral(&store, &root);

        if (r < 0)
                return r;
        mount_store(vfs, "/", store);
        return make_tree(store);
}

static int mount_tmp(struct vfs *vfs, const struct vfs_options *options) {
        const struct store_options tmp = {
                .index = 1,
                .exec = options->exec,
                .size = options->tmp_size,
                .size_per_user = options->tmp_size_per_user,
        };
        struct store *store;
        int r = store_open_ephemeral(&store, &tmp);

        if (r < 0)
                return r;
        mount_store(vfs, "/tmp", store);
        return fchmod(store->root_fd, 01777) < 0 ? log_errno(LOG_ERR, errno, "cannot set the mode of /tmp") : 0;
}

int vfs_init(struct vfs *vfs, const struct vfs_options *options) {
        int r;

        *vfs = (struct vfs){ .workers = options->workers };
        r = handouts_init(&vfs->lists, options->event);
        if (r == 0)
                r = mount_root(vfs, options);
        return r < 0 ? r : mount_tmp(vfs, options);
}

void vfs_deinit(struct vfs *vfs) {
        for (size_t i = 0; i < vfs->n_mounts; i++)
                store_free(vfs->mounts[i].store);
        vfs->n_mounts = 0;
        handouts_deinit(&vfs->lists);
}
