/* SPDX-License-Identifier: MIT */
/*
 * synth_ops.h - the operations of /dev and /proc, each described by its type in struct
 * node_operations
 *
 * Only the daemon can answer for these. A node is a path in its namespace, and each operation a
 * call of the library, done by the pool. To the daemon axfs is an administrator; the kernel checks
 * permissions, from the modes and owners that the daemon tells.
 *
 * synth.c works on names and attributes, synth_files.c on open files, synth_directories.c on open
 * directories.
 */
#pragma once

#include "axfs.h"

/**
 * synth_error() - returns the negative errno for a negative error of the library
 *
 * ESRCH is passed on, unless the daemon has gone: then the error is EIO.
 */
int synth_error(struct axfs *fs, struct connection *connection, ssize_t error);

/* synth_files.c */
int synth_open(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int synth_read(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
               struct fuse_file_info *fi);
int synth_write(struct axfs *fs, struct request *request, struct node *node, const char *data, size_t size,
                off_t offset, struct fuse_file_info *fi);
int synth_poll(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi,
               struct fuse_pollhandle *handle);
int synth_flush(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int synth_release(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);

/* synth_directories.c */
int synth_opendir(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
int synth_readdir(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
                  struct fuse_file_info *fi);
int synth_releasedir(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
