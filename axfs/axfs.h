/*
 * axfs.h - the whole program as one value, and how its parts answer requests
 *
 * A request enters in ops.c, which finds the node and calls the function that its kind has for it. Such a function either answers the
 * request, or hands it on to somebody who will, and returns 0; or it returns a negative errno, and ops.c answers with that.
 */
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include "counters.h"
#include "descriptors.h"
#include "janitor.h"
#include "link.h"
#include "namespace.h"
#include "nodes.h"
#include "opened.h"
#include "passthrough.h"
#include "pool.h"
#include "tracing.h"

struct options;

struct axfs {
        const struct options *options;
        struct fuse_session *session;
        struct node_table nodes;
        struct descriptors descriptors;
        struct opened_list opened;
        struct passthrough passthrough;
        struct namespace namespace;
        struct counters counters;
        struct tracing tracing;
        struct pool pool;
        struct link link;
        struct janitor janitor;
        void (*on_ready)(struct axfs *fs); /* the kernel has begun to talk to us */
        int ready_fd;                      /* who waits for that; -1: nobody */
        bool want_passthrough;
};

static inline struct axfs *axfs_from_request(fuse_req_t req) {
        return fuse_req_userdata(req);
}

/** What can be asked of a node; NULL: what its kind answers with otherwise, see ops.c. */
struct node_operations {
        int (*lookup)(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name);
        int (*getattr)(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
        int (*setattr)(struct axfs *fs, fuse_req_t req, struct node *node, struct stat *attr, int to_set,
                       struct fuse_file_info *fi);
        int (*readlink)(struct axfs *fs, fuse_req_t req, struct node *node);
        int (*mknod)(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode, dev_t device);
        int (*mkdir)(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode);
        int (*symlink)(struct axfs *fs, fuse_req_t req, const char *target, struct node *parent, const char *name);
        int (*unlink)(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name);
        int (*rmdir)(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name);
        int (*rename)(struct axfs *fs, fuse_req_t req, struct node *from, const char *name, struct node *to,
                      const char *new_name, unsigned flags);
        int (*link)(struct axfs *fs, fuse_req_t req, struct node *node, struct node *parent, const char *name);
        int (*open)(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
        int (*create)(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode,
                      struct fuse_file_info *fi);
        int (*read)(struct axfs *fs, fuse_req_t req, struct node *node, size_t size, off_t offset,
                    struct fuse_file_info *fi);
        int (*write)(struct axfs *fs, fuse_req_t req, struct node *node, const char *data, size_t size, off_t offset,
                     struct fuse_file_info *fi);
        int (*flush)(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
        int (*release)(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
        int (*fsync)(struct axfs *fs, fuse_req_t req, struct node *node, int datasync, struct fuse_file_info *fi);
        int (*opendir)(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
        int (*readdir)(struct axfs *fs, fuse_req_t req, struct node *node, size_t size, off_t offset,
                       struct fuse_file_info *fi);
        int (*releasedir)(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi);
        int (*fsyncdir)(struct axfs *fs, fuse_req_t req, struct node *node, int datasync, struct fuse_file_info *fi);
        int (*statfs)(struct axfs *fs, fuse_req_t req, struct node *node);
        int (*setxattr)(struct axfs *fs, fuse_req_t req, struct node *node, const char *name, const char *value,
                        size_t size, int flags);
        int (*getxattr)(struct axfs *fs, fuse_req_t req, struct node *node, const char *name, size_t size);
        int (*listxattr)(struct axfs *fs, fuse_req_t req, struct node *node, size_t size);
        int (*removexattr)(struct axfs *fs, fuse_req_t req, struct node *node, const char *name);
        int (*fallocate)(struct axfs *fs, fuse_req_t req, struct node *node, int mode, off_t offset, off_t length,
                         struct fuse_file_info *fi);
        int (*lseek)(struct axfs *fs, fuse_req_t req, struct node *node, off_t offset, int whence,
                     struct fuse_file_info *fi);
        int (*copy_file_range)(struct axfs *fs, fuse_req_t req, struct node *from, off_t from_offset,
                               struct fuse_file_info *from_fi, struct node *to, off_t to_offset,
                               struct fuse_file_info *to_fi, size_t size, int flags);
};

extern const struct node_operations store_operations;
extern const struct node_operations synth_operations;
extern const struct fuse_lowlevel_ops axfs_operations;

/** reply_entry() - answer with a node that has been counted for the kernel; gives the lookup back where nobody takes the answer */
void reply_entry(struct axfs *fs, fuse_req_t req, struct node *node, const struct stat *st);

/** request_kills_setid() - whether the request that this thread serves must clear set-user-id and set-group-id bits (session.c) */
bool request_kills_setid(void);
