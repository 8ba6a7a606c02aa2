#include "vfs/vfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "axeberg.h"
#include "config.h"
#include "kernel.h"
#include "object/file.h"
#include "object/object.h"
#include "util/cleanup.h"
#include "util/identity.h"
#include "util/log.h"
#include "vfs/store.h"
#include "vfs/store_ops.h"
#include "vfs/synthetic.h"

static void vfs_mount(struct vfs *vfs, const char *path, const char *backend, struct store *store,
                      const struct synthetic_ops *synthetic) {
        vfs->mounts[vfs->n_mounts++] =
                (struct mount){ .path = path, .backend = backend, .store = store, .synthetic = synthetic };
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

int vfs_init(struct vfs *vfs, struct kernel *kernel, const struct config *config) {
        struct store *store;
        int r;

        *vfs = (struct vfs){ .kernel = kernel };
        r = config->ephemeral ? store_open_ephemeral(&store, 0) : store_open_durable(&store, config->store_path, 0);
        if (r < 0)
                return r;
        vfs_mount(vfs, "/", "store", store, NULL);
        r = make_tree(store);
        if (r < 0)
                return r;
        r = store_open_ephemeral(&store, 1);
        if (r < 0)
                return r;
        vfs_mount(vfs, "/tmp", "store", store, NULL);
        if (fchmod(store->root_fd, 01777) < 0)
                return log_errno(LOG_ERR, errno, "cannot set the mode of /tmp");
        vfs_mount(vfs, "/dev", "devfs", NULL, &devfs_ops);
        vfs_mount(vfs, "/proc", "procfs", NULL, &procfs_ops);
        return 0;
}

void vfs_deinit(struct vfs *vfs) {
        for (size_t i = 0; i < vfs->n_mounts; i++)
                store_free(vfs->mounts[i].store);
        vfs->n_mounts = 0;
}

static int directory_new(struct vfs_directory **ret, const struct mount *mount) {
        struct vfs_directory *directory = calloc(1, sizeof(*directory));

        if (!directory)
                return -ENOMEM;
        directory->refs = 1;
        directory->mount = mount;
        directory->fd = -1;
        *ret = directory;
        return 0;
}

struct vfs_directory *vfs_directory_ref(struct vfs_directory *directory) {
        directory->refs++;
        return directory;
}

struct vfs_directory *vfs_directory_unref(struct vfs_directory *directory) {
        if (!directory || --directory->refs > 0)
                return NULL;
        if (directory->owns_fd)
                close(directory->fd);
        free(directory);
        return NULL;
}

int vfs_directory_root(const struct vfs *vfs, struct vfs_directory **ret) {
        int r = directory_new(ret, &vfs->mounts[0]);

        if (r < 0)
                return r;
        (*ret)->fd = vfs->mounts[0].store->root_fd;
        (*ret)->is_mount_root = true;
        return 0;
}

int vfs_directory_path(const struct vfs_directory *directory, char *buffer, size_t size) {
        const struct mount *mount = directory->mount;
        int n;

        if (mount->store)
                return file_namespace_path(directory->fd, mount->store->root_fd, mount->path, buffer, size);
        n = snprintf(buffer, size, "%s%s%s", mount->path, *directory->path ? "/" : "", directory->path);
        return (size_t) n < size ? n : -ERANGE;
}

/* The results that need the kernel's thread: a host descriptor becomes an object or a working directory. */
int vfs_request_take_object(struct vfs_request *request, struct object **ret) {
        const struct store *store = request->walks[0].mount->store;
        int r;

        if (!request->object) {
                r = file_object_new(&request->object, request->fd, request->flags, store_ino_prefix(store),
                                    store->root_fd, request->walks[0].mount->path, store->may_block);
                if (r < 0)
                        return r;
                steal_fd(&request->fd);
        }
        *ret = steal_pointer(&request->object);
        return 0;
}

int vfs_request_take_directory(struct vfs_request *request, struct vfs_directory **ret) {
        const struct walk *walk = &request->walks[0];
        int r = directory_new(ret, walk->mount);

        if (r < 0)
                return r;
        if (!walk->mount->store) {
                if (strlen(request->text) >= sizeof((*ret)->path)) {
                        vfs_directory_unref(*ret);
                        return -ENAMETOOLONG;
                }
                strcpy((*ret)->path, request->text);
                return 0;
        }
        (*ret)->fd = steal_fd(&request->fd);
        (*ret)->owns_fd = true;
        (*ret)->is_mount_root = walk->at_mount_root && strcmp(walk->name, ".") == 0;
        return 0;
}

static bool may(const struct vfs_request *request, unsigned want) {
        return identity_may(request->identity, request->status.stx_uid, request->status.stx_gid,
                            request->status.stx_mode, want);
}

static const struct synthetic_ops *tree_of(const struct vfs_request *request) {
        return request->walks[0].mount->synthetic;
}

static int synthetic_open(struct vfs_request *request, const struct synthetic_node *node) {
        unsigned flags = request->flags, want = 0;

        if (flags & AX_O_CREATE && flags & AX_O_EXCLUSIVE)
                return -EEXIST;
        if (S_ISDIR(request->status.stx_mode) && flags & AX_O_WRITE)
                return -EISDIR;
        if (S_ISLNK(request->status.stx_mode))
                return -ELOOP;
        if (flags & AX_O_READ)
                want |= 4;
        if (flags & AX_O_WRITE)
                want |= 2;
        if (!may(request, want))
                return -EACCES;
        return tree_of(request)->open(request->vfs->kernel, node, &request->status, flags, &request->object);
}

/* request_act() has filled the status already. */
static int synthetic_stat(struct vfs_request *request, const struct synthetic_node *node) {
        (void) request;
        (void) node;
        return 0;
}

static int synthetic_readdir(struct vfs_request *request, const struct synthetic_node *node) {
        int r;

        if (!S_ISDIR(request->status.stx_mode))
                return -ENOTDIR;
        if (!may(request, 4))
                return -EACCES;
        r = tree_of(request)->list(request->vfs->kernel, node, &request->names);
        return r < 0 ? r : names_sort(&request->names);
}

static int synthetic_chdir(struct vfs_request *request, const struct synthetic_node *node) {
        (void) node;
        if (!S_ISDIR(request->status.stx_mode))
                return -ENOTDIR;
        return may(request, 1) ? 0 : -EACCES;
}

static int synthetic_exists(struct vfs_request *request, const struct synthetic_node *node) {
        (void) request;
        (void) node;
        return -EEXIST;
}

static int synthetic_readlink(struct vfs_request *request, const struct synthetic_node *node) {
        int n;

        if (!S_ISLNK(request->status.stx_mode))
                return -EINVAL;
        n = tree_of(request)->readlink(request->vfs->kernel, *request->process, node, request->text,
                                       sizeof(request->text) - 1);
        if (n >= 0)
                request->text[n] = '\0';
        return n;
}

const struct vfs_operation vfs_open = {
        .name = "open", .follow = true, .store = store_op_open, .synthetic = synthetic_open
};
const struct vfs_operation vfs_stat = {
        .name = "stat", .follow = true, .store = store_op_stat, .synthetic = synthetic_stat
};
const struct vfs_operation vfs_lstat = { .name = "lstat", .store = store_op_lstat, .synthetic = synthetic_stat };
const struct vfs_operation vfs_mkdir = {
        .name = "mkdir", .keeps_last = { true }, .store = store_op_mkdir, .synthetic = synthetic_exists, .creates = true
};
const struct vfs_operation vfs_mkfifo = { .name = "mkfifo",
                                          .keeps_last = { true },
                                          .store = store_op_mkfifo,
                                          .synthetic = synthetic_exists,
                                          .creates = true };
const struct vfs_operation vfs_readdir = {
        .name = "readdir", .follow = true, .store = store_op_readdir, .synthetic = synthetic_readdir, .heavy = true
};
const struct vfs_operation vfs_chdir = {
        .name = "chdir", .follow = true, .store = store_op_chdir, .synthetic = synthetic_chdir
};
const struct vfs_operation vfs_unlink = {
        .name = "unlink", .keeps_last = { true }, .store = store_op_unlink, .root_error = -EISDIR
};
const struct vfs_operation vfs_rmdir = {
        .name = "rmdir", .keeps_last = { true }, .store = store_op_rmdir, .root_error = -EBUSY
};
const struct vfs_operation vfs_rename = {
        .name = "rename", .keeps_last = { true, true }, .store = store_op_rename, .creates = true
};
const struct vfs_operation vfs_link = {
        .name = "link", .keeps_last = { false, true }, .needs_first = true, .store = store_op_link, .creates = true
};
const struct vfs_operation vfs_symlink = { .name = "symlink",
                                           .keeps_last = { true },
                                           .store = store_op_symlink,
                                           .synthetic = synthetic_exists,
                                           .creates = true };
const struct vfs_operation vfs_readlink = { .name = "readlink",
                                            .store = store_op_readlink,
                                            .synthetic = synthetic_readlink };
const struct vfs_operation vfs_chmod = { .name = "chmod", .follow = true, .store = store_op_chmod };
const struct vfs_operation vfs_chown = { .name = "chown", .follow = true, .store = store_op_chown };
const struct vfs_operation vfs_lchown = { .name = "lchown", .store = store_op_lchown };
const struct vfs_operation vfs_utimens = { .name = "utimens", .follow = true, .store = store_op_utimens };
