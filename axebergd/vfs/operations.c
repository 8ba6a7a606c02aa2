/* SPDX-License-Identifier: MIT */
#include "vfs/operations.h"

#include <errno.h>

#include "vfs/store_ops.h"
#include "vfs/synthetic.h"

const struct vfs_operation vfs_open = {
        .follow = true, .store = store_op_open, .synthetic = synthetic_op_open, .gives_fd = true
};
/* "x/" can only be a directory: it is never opened for creating. */
const struct vfs_operation vfs_create = {
        .follow = true, .keeps_last = { true }, .store = store_op_open, .synthetic = synthetic_op_open, .gives_fd = true
};
const struct vfs_operation vfs_stat = { .follow = true, .store = store_op_stat, .synthetic = synthetic_op_stat };
const struct vfs_operation vfs_lstat = { .store = store_op_lstat, .synthetic = synthetic_op_stat };
const struct vfs_operation vfs_mkdir = {
        .keeps_last = { true }, .store = store_op_mkdir, .synthetic = synthetic_op_exists, .creates = true
};
const struct vfs_operation vfs_mkfifo = {
        .keeps_last = { true }, .store = store_op_mkfifo, .synthetic = synthetic_op_exists, .creates = true
};
const struct vfs_operation vfs_readdir = {
        .follow = true, .store = store_op_readdir, .synthetic = synthetic_op_readdir, .lists = true, .gives_fd = true
};
const struct vfs_operation vfs_chdir = {
        .follow = true, .store = store_op_chdir, .synthetic = synthetic_op_chdir, .gives_fd = true
};
/* For a directory of a store. */
const struct vfs_operation vfs_getcwd = { .store = store_op_getcwd };
const struct vfs_operation vfs_unlink = { .keeps_last = { true }, .store = store_op_unlink, .root_error = -EISDIR };
const struct vfs_operation vfs_rmdir = { .keeps_last = { true }, .store = store_op_rmdir, .root_error = -EBUSY };
const struct vfs_operation vfs_rename = { .keeps_last = { true, true }, .store = store_op_rename, .creates = true };
const struct vfs_operation vfs_link = {
        .keeps_last = { false, true }, .needs_first = true, .store = store_op_link, .creates = true
};
const struct vfs_operation vfs_symlink = {
        .keeps_last = { true }, .store = store_op_symlink, .synthetic = synthetic_op_exists, .creates = true
};
const struct vfs_operation vfs_readlink = { .store = store_op_readlink, .synthetic = synthetic_op_readlink };
const struct vfs_operation vfs_chmod = { .follow = true, .store = store_op_chmod };
const struct vfs_operation vfs_chown = { .follow = true, .store = store_op_chown };
const struct vfs_operation vfs_lchown = { .store = store_op_lchown };
const struct vfs_operation vfs_utimens = { .follow = true, .store = store_op_utimens };
const struct vfs_operation vfs_lutimens = { .store = store_op_lutimens };
const struct vfs_operation vfs_getxattr = { .follow = true,
                                            .store = store_op_getxattr,
                                            .synthetic = synthetic_op_no_attribute };
const struct vfs_operation vfs_lgetxattr = { .store = store_op_getxattr, .synthetic = synthetic_op_no_attribute };
const struct vfs_operation vfs_setxattr = { .follow = true,
                                            .store = store_op_setxattr,
                                            .synthetic = synthetic_op_takes_none };
const struct vfs_operation vfs_lsetxattr = { .store = store_op_setxattr, .synthetic = synthetic_op_takes_none };
const struct vfs_operation vfs_listxattr = { .follow = true,
                                             .store = store_op_listxattr,
                                             .synthetic = synthetic_op_no_attributes };
const struct vfs_operation vfs_llistxattr = { .store = store_op_listxattr, .synthetic = synthetic_op_no_attributes };
const struct vfs_operation vfs_removexattr = { .follow = true,
                                               .store = store_op_removexattr,
                                               .synthetic = synthetic_op_takes_none };
const struct vfs_operation vfs_lremovexattr = { .store = store_op_removexattr, .synthetic = synthetic_op_takes_none };
const struct vfs_operation vfs_statvfs = { .follow = true,
                                           .store = store_op_statvfs,
                                           .synthetic = synthetic_op_statvfs };
