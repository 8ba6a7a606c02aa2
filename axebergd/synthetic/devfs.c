/* SPDX-License-Identifier: MIT */
/*
 * /dev: the console and the stateless devices, as one flat directory.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "axeberg.h"
#include "kernel.h"
#include "object/console.h"
#include "object/device.h"
#include "synthetic/trees.h"
#include "util/string_list.h"
#include "vfs/synthetic.h"

static const struct device_type console_type = { .name = "console", .major = 5, .minor = 1 };

/*
 * Store inode numbers use the high byte for small indices; these trees take the top of its range.
 */
static const uint64_t ino_prefix = UINT64_C(0xFE) << 56;

static const struct device_type *device_at(size_t i) {
        return i == 0 ? &console_type : i <= n_device_types ? &device_types[i - 1] : NULL;
}

static uint64_t device_ino(const struct device_type *type) {
        return ino_prefix | (uint64_t) (type ? type->major << 8 | type->minor : 1);
}

static int devfs_lookup(void *userdata, const struct synthetic_node *directory, const char *name,
                        struct synthetic_node *ret) {
        const struct device_type *type;

        (void) userdata;
        (void) directory;
        for (size_t i = 0; (type = device_at(i)); i++)
                if (strcmp(type->name, name) == 0) {
                        *ret = (struct synthetic_node){ .row = type, .fd = -1 };
                        return 0;
                }
        return -ENOENT;
}

static int devfs_stat(void *userdata, const struct synthetic_node *node, struct statx *ret) {
        const struct kernel *kernel = userdata;
        const struct device_type *type = node->row;

        ret->stx_ino = device_ino(type);
        ret->stx_nlink = type ? 1 : 2;
        ret->stx_mode = !type ? S_IFDIR | 0755 : type == &console_type ? S_IFCHR | CONSOLE_MODE : S_IFCHR | 0666;
        ret->stx_uid = geteuid();
        ret->stx_rdev_major = type ? type->major : 0;
        ret->stx_rdev_minor = type ? type->minor : 0;
        ret->stx_mtime.tv_sec = kernel->started_realtime.tv_sec;
        ret->stx_atime = ret->stx_ctime = ret->stx_btime = ret->stx_mtime;
        return 0;
}

static int devfs_list(void *userdata, const struct synthetic_node *directory, struct string_list *names) {
        const struct device_type *type;
        int r = 0;

        (void) userdata;
        (void) directory;
        for (size_t i = 0; r == 0 && (type = device_at(i)); i++)
                r = string_list_add(names, type->name);
        return r;
}

static int devfs_open(void *userdata, const struct synthetic_node *node, const struct statx *status, unsigned flags,
                      struct user *user, struct object **ret) {
        struct kernel *kernel = userdata;

        (void) user;
        if (!node->row)
                return -EISDIR;
        if (node->row == &console_type) /* its mode lets administrators only read */
                return console_open(kernel->console, flags, true, ret);
        return device_open(node->row, status->stx_ino, flags, ret);
}

const struct synthetic_ops devfs_ops = {
        .lookup = devfs_lookup,
        .stat = devfs_stat,
        .list = devfs_list,
        .open = devfs_open,
};
