/* SPDX-License-Identifier: MIT */
/*
 * store_ops.h - the operations of stores, each described by its type in struct node_operations
 *
 * names.c works on names, attributes.c on attributes, files.c on open files, directories.c on open
 * directories.
 */
#pragma once

#include "axfs.h"

/* names.c */
int store_lookup(struct axfs *fs, struct request *request, struct node *parent, const char *name);
int store_readlink(struct axfs *fs, struct request *request, struct node *node);
int store_mknod(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode,
                dev_t device);
int store_mkdir(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode);
int store_symlink(struct axfs *fs, struct request *request, const char *target, struct node *parent, const char *name);
int store_unlink(struct axfs *fs, struct request *request, struct node *parent, const char *name);
int store_rmdir(struct axfs *fs, struct request *request, struct node *parent, const char *name);
int store_rename(struct axfs *fs, struct request *request, struct node *from, const char *name, struct node *to,
                 const char *new_name, unsigned flags);
int store_link(struct axfs *fs, struct request *request, struct node *node, struct node *parent, const char *name);

/* attributes.c */
int store_getattr(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int store_setattr(struct axfs *fs, struct request *request, struct node *node, struct stat *attr, int to_set,
                  struct fuse_file_info *fi);
int store_statfs(struct axfs *fs, struct request *request, struct node *node);
int store_setxattr(struct axfs *fs, struct request *request, struct node *node, const char *name, const char *value,
                   size_t size, int flags);
int store_getxattr(struct axfs *fs, struct request *request, struct node *node, const char *name, size_t size);
int store_listxattr(struct axfs *fs, struct request *request, struct node *node, size_t size);
int store_removexattr(struct axfs *fs, struct request *request, struct node *node, const char *name);

/* files.c */
int store_open(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int store_create(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode,
                 struct fuse_file_info *fi);
int store_read(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
               struct fuse_file_info *fi);
int store_write(struct axfs *fs, struct request *request, struct node *node, const char *data, size_t size,
                off_t offset, struct fuse_file_info *fi);
int store_flush(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int store_release(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int store_fsync(struct axfs *fs, struct request *request, struct node *node, int datasync, struct fuse_file_info *fi);
int store_fallocate(struct axfs *fs, struct request *request, struct node *node, int mode, off_t offset, off_t length,
                    struct fuse_file_info *fi);
int store_lseek(struct axfs *fs, struct request *request, struct node *node, off_t offset, int whence,
                struct fuse_file_info *fi);
int store_copy_file_range(struct axfs *fs, struct request *request, struct node *from, off_t from_offset,
                          struct fuse_file_info *from_fi, struct node *to, off_t to_offset,
                          struct fuse_file_info *to_fi, size_t size, int flags);

/* directories.c */
int store_opendir(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int store_readdir(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
                  struct fuse_file_info *fi);
int store_releasedir(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int store_fsyncdir(struct axfs *fs, struct request *request, struct node *node, int datasync,
                   struct fuse_file_info *fi);
