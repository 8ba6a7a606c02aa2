/* SPDX-License-Identifier: MIT */
/*
 * axfs.h - the whole program as one value, and how its parts answer requests
 *
 * A request enters in ops.c, which finds the node and calls the function that its kind has for it.
 * Such a function fills in the answer and returns 0, or it returns a negative errno, which is the
 * answer. If it hands the request on, somebody else will end it, and it returns REQUEST_TAKEN. It
 * never answers itself (request.h).
 *
 * Nothing that this header includes includes it in turn: those parts know only what they need.
 */
#pragma once

#include "counters.h"
#include "descriptors.h"
#include "ending.h"
#include "janitor.h"
#include "link.h"
#include "namespace.h"
#include "nodes.h"
#include "opened.h"
#include "passthrough.h"
#include "pool.h"
#include "report.h"
#include "request.h"
#include "store.h"
#include "tracing.h"
#include "turns.h"
#include "watch.h"

struct options;

struct axfs {
        const struct options *options;
        struct requests requests;
        struct fuse_session *session;
        const char *directory; /* where it is mounted; NULL: not yet */
        struct node_table nodes;
        struct descriptors descriptors;
        struct opened_list opened;
        struct passthrough passthrough;
        struct namespace namespace;
        struct counters counters;
        struct tracing tracing;
        struct report report;
        struct pool pool;
        struct turns turns;
        struct watch watch;
        struct link link;
        struct janitor janitor;
        struct ending ending;
        void (*on_ready)(struct axfs *fs); /* the kernel has begun to talk to us */
        int ready_fd;                      /* of the process that waits for that; -1: none */
        bool want_passthrough;
        atomic_bool maps_direct; /* the kernel maps files that are open in direct-I/O mode */
};

static inline struct axfs *axfs_from_request(fuse_req_t req) {
        return ((struct requests *) fuse_req_userdata(req))->fs;
}

/**
 * What can be asked of a node. NULL: ops.c has the answer for kinds that do not know such a thing.
 */
struct node_operations {
        int (*lookup)(struct axfs *fs, struct request *request, struct node *parent, const char *name);
        int (*getattr)(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
        int (*setattr)(struct axfs *fs, struct request *request, struct node *node, struct stat *attr, int to_set,
                       struct fuse_file_info *fi);
        int (*readlink)(struct axfs *fs, struct request *request, struct node *node);
        int (*mknod)(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode,
                     dev_t device);
        int (*mkdir)(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode);
        int (*symlink)(struct axfs *fs, struct request *request, const char *target, struct node *parent,
                       const char *name);
        int (*unlink)(struct axfs *fs, struct request *request, struct node *parent, const char *name);
        int (*rmdir)(struct axfs *fs, struct request *request, struct node *parent, const char *name);
        int (*rename)(struct axfs *fs, struct request *request, struct node *from, const char *name, struct node *to,
                      const char *new_name, unsigned flags);
        int (*link)(struct axfs *fs, struct request *request, struct node *node, struct node *parent, const char *name);
        int (*open)(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
        int (*create)(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi);
        int (*read)(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
                    struct fuse_file_info *fi);
        int (*write)(struct axfs *fs, struct request *request, struct node *node, const char *data, size_t size,
                     off_t offset, struct fuse_file_info *fi);
        int (*flush)(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
        int (*release)(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
        int (*fsync)(struct axfs *fs, struct request *request, struct node *node, int datasync,
                     struct fuse_file_info *fi);
        int (*opendir)(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
        int (*readdir)(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
                       struct fuse_file_info *fi);
        int (*releasedir)(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi);
        int (*fsyncdir)(struct axfs *fs, struct request *request, struct node *node, int datasync,
                        struct fuse_file_info *fi);
        int (*statfs)(struct axfs *fs, struct request *request, struct node *node);
        int (*setxattr)(struct axfs *fs, struct request *request, struct node *node, const char *name,
                        const char *value, size_t size, int flags);
        int (*getxattr)(struct axfs *fs, struct request *request, struct node *node, const char *name, size_t size);
        int (*listxattr)(struct axfs *fs, struct request *request, struct node *node, size_t size);
        int (*removexattr)(struct axfs *fs, struct request *request, struct node *node, const char *name);
        int (*fallocate)(struct axfs *fs, struct request *request, struct node *node, int mode, off_t offset,
                         off_t length, struct fuse_file_info *fi);
        int (*lseek)(struct axfs *fs, struct request *request, struct node *node, off_t offset, int whence,
                     struct fuse_file_info *fi);
        int (*poll)(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi,
                    struct fuse_pollhandle *handle);
        int (*copy_file_range)(struct axfs *fs, struct request *request, struct node *from, off_t from_offset,
                               struct fuse_file_info *from_fi, struct node *to, off_t to_offset,
                               struct fuse_file_info *to_fi, size_t size, int flags);
};

extern const struct node_operations store_operations;
extern const struct node_operations synth_operations;
extern const struct fuse_lowlevel_ops axfs_operations;
