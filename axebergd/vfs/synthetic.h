/* SPDX-License-Identifier: MIT */
/*
 * Synthetic trees: directories whose files are made by the kernel.
 *
 * A tree is an operations table over small nodes. Nodes are values; they name a thing (row,
 * process, descriptor) and hold no reference, so every operation may find that the thing is gone
 * and says -ENOENT.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct string_list;
struct object;
struct process;
struct user;
struct vfs_request;

struct synthetic_node {
        const void *row; /* of the tree's own table; NULL: the root */
        int32_t pid;     /* in /proc/<pid>, else 0 */
        int fd;          /* in /proc/<pid>/fd, else -1 */
};

/* `userdata` is the mount's. All return 0 or a negative errno. */
struct synthetic_ops {
        int (*lookup)(void *userdata, const struct synthetic_node *directory, const char *name,
                      struct synthetic_node *ret);
        int (*stat)(void *userdata, const struct synthetic_node *node, struct statx *ret);
        int (*list)(void *userdata, const struct synthetic_node *directory, struct string_list *names);
        /* Returns the text's length. `viewer` is the process that asks. */
        int (*readlink)(void *userdata, const struct process *viewer, const struct synthetic_node *node, char *buffer,
                        size_t size);
        /* `user` pays for what the object holds. */
        int (*open)(void *userdata, const struct synthetic_node *node, const struct statx *status, unsigned flags,
                    struct user *user, struct object **ret);
};

enum { SYNTHETIC_WALK_ON = 1 << 30 };

/*
 * Resolves what the request's walk has left in a synthetic tree, and acts there. Returns the
 * result, or SYNTHETIC_WALK_ON if a walk goes on elsewhere. The request's process has not ended.
 */
int synthetic_run(struct vfs_request *request);

/* The synthetic side of operations. */
int synthetic_op_open(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_stat(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_readdir(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_chdir(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_exists(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_readlink(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_no_attribute(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_no_attributes(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_takes_none(struct vfs_request *request, const struct synthetic_node *node);
int synthetic_op_statvfs(struct vfs_request *request, const struct synthetic_node *node);
