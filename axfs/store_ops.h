/*
 * store_ops.h - the operations of stores, each described by its type in struct node_operations
 *
 * names.c has what works on names, attributes.c on attributes, files.c on open files, directories.c on open directories.
 */
#pragma once

#include "axfs.h"

/* names.c */
int store_lookup(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name);
int store_readlink(struct axfs *fs, fuse_req_t req, struct node *node);
int store_mknod(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode, dev_t device);
int store_mkdir(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode);
int store_symlink(struct axfs *fs, fuse_req_t req, const char *target, struct node *parent, const char *name);
int store_unlink(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name);
int store_rmdir(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name);
int store_rename(struct axfs *fs, fuse_req_t req, struct node *from, const char *name, struct node *to,
                 const char *new_name, unsigned flags);
int store_link(struct axfs *fs, fuse_req_t req, struct node *node, struct node *parent, const char *name);

/* attributes.c */
int store_getattr(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
int store_setattr(struct axfs *fs, fuse_req_t req, struct node *node, struct stat *attr, int to_set,
                  struct fuse_file_info *fi);
int store_statfs(struct axfs *fs, fuse_req_t req, struct node *node);
int store_setxattr(struct axfs *fs, fuse_req_t req, struct node *node, const char *name, const char *value, size_t size,
                   int flags);
int store_getxattr(struct axfs *fs, fuse_req_t req, struct node *node, const char *name, size_t size);
int store_listxattr(struct axfs *fs, fuse_req_t req, struct node *node, size_t size);
int store_removexattr(struct axfs *fs, fuse_req_t req, struct node *node, const char *name);

/** clear_setid() - take the set-user-id bit, and the set-group-id bit where it means that, from the file behind @fd (O_PATH included) */
int clear_setid(struct axfs *fs, int fd);

/* files.c */
int store_open(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
int store_create(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode,
                 struct fuse_file_info *fi);
int store_read(struct axfs *fs, fuse_req_t req, struct node *node, size_t size, off_t offset,
               struct fuse_file_info *fi);
int store_write(struct axfs *fs, fuse_req_t req, struct node *node, const char *data, size_t size, off_t offset,
                struct fuse_file_info *fi);
int store_flush(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
int store_release(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
int store_fsync(struct axfs *fs, fuse_req_t req, struct node *node, int datasync, struct fuse_file_info *fi);
int store_fallocate(struct axfs *fs, fuse_req_t req, struct node *node, int mode, off_t offset, off_t length,
                    struct fuse_file_info *fi);
int store_lseek(struct axfs *fs, fuse_req_t req, struct node *node, off_t offset, int whence,
                struct fuse_file_info *fi);
int store_copy_file_range(struct axfs *fs, fuse_req_t req, struct node *from, off_t from_offset,
                          struct fuse_file_info *from_fi, struct node *to, off_t to_offset,
                          struct fuse_file_info *to_fi, size_t size, int flags);

/* directories.c */
int store_opendir(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
int store_readdir(struct axfs *fs, fuse_req_t req, struct node *node, size_t size, off_t offset,
                  struct fuse_file_info *fi);
int store_releasedir(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
int store_fsyncdir(struct axfs *fs, fuse_req_t req, struct node *node, int datasync, struct fuse_file_info *fi);
