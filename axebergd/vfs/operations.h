/* SPDX-License-Identifier: MIT */
/*
 * What can be done to a path: one row for each operation.
 */
#pragma once

#include "vfs/request.h"

extern const struct vfs_operation vfs_open, vfs_create, vfs_stat, vfs_lstat, vfs_mkdir, vfs_mkfifo, vfs_readdir,
        vfs_chdir, vfs_getcwd, vfs_unlink, vfs_rmdir, vfs_rename, vfs_link, vfs_symlink, vfs_readlink, vfs_chmod,
        vfs_chown, vfs_lchown, vfs_utimens, vfs_lutimens, vfs_getxattr, vfs_lgetxattr, vfs_setxattr, vfs_lsetxattr,
        vfs_listxattr, vfs_llistxattr, vfs_removexattr, vfs_lremovexattr, vfs_statvfs;
