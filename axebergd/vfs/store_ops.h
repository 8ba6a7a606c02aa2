/* SPDX-License-Identifier: MIT */
/*
 * Operations on a name in a store: the store side of every vfs_operation.
 *
 * They run as the caller, in whichever thread: they use the request's walks and arguments, and fill
 * its results. None follows a symlink by itself: one that finds a symlink at the end, and should
 * follow it, returns STORE_OP_FOLLOW. One that needs more memory than the request is charged for
 * returns STORE_OP_MORE, and goes on when it is called again.
 */
#pragma once

enum { STORE_OP_FOLLOW = 1 << 30, STORE_OP_MORE };

struct vfs_request;

int store_op_open(struct vfs_request *request);
int store_op_stat(struct vfs_request *request);
int store_op_lstat(struct vfs_request *request);
int store_op_mkdir(struct vfs_request *request);
int store_op_mkfifo(struct vfs_request *request);
int store_op_readdir(struct vfs_request *request);
int store_op_chdir(struct vfs_request *request);
int store_op_getcwd(struct vfs_request *request);
int store_op_unlink(struct vfs_request *request);
int store_op_rmdir(struct vfs_request *request);
int store_op_rename(struct vfs_request *request);
int store_op_link(struct vfs_request *request);
int store_op_symlink(struct vfs_request *request);
int store_op_readlink(struct vfs_request *request);
int store_op_chmod(struct vfs_request *request);
int store_op_chown(struct vfs_request *request);
int store_op_lchown(struct vfs_request *request);
int store_op_utimens(struct vfs_request *request);
int store_op_lutimens(struct vfs_request *request);
int store_op_statvfs(struct vfs_request *request);

/* In store_xattr.c. */
int store_op_getxattr(struct vfs_request *request);
int store_op_setxattr(struct vfs_request *request);
int store_op_listxattr(struct vfs_request *request);
int store_op_removexattr(struct vfs_request *request);
