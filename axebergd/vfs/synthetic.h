/*
 * Synthetic trees: directories whose files are made by the kernel.
 *
 * A tree is an operations table over small nodes. Nodes are values; they name a thing (row, process, descriptor) and hold no reference, so
 * every operation may find that the thing is gone and says -ENOENT.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct kernel;
struct names;
struct object;
struct process;

struct synthetic_node {
        const void *row; /* of the tree's own table; NULL: the root */
        int32_t pid;     /* in /proc/<pid>, else 0 */
        int fd;          /* in /proc/<pid>/fd, else -1 */
};

struct synthetic_ops {
        /* `viewer` is who asks; it may be NULL only where a tree does not need it. All: 0 or a negative errno. */
        int (*lookup)(struct kernel *kernel, const struct process *viewer, const struct synthetic_node *directory,
                      const char *name, struct synthetic_node *ret);
        int (*stat)(struct kernel *kernel, const struct synthetic_node *node, struct statx *ret);
        int (*list)(struct kernel *kernel, const struct synthetic_node *directory, struct names *names);
        int (*readlink)(struct kernel *kernel, const struct process *viewer, const struct synthetic_node *node,
                        char *buffer, size_t size); /* length */
        int (*open)(struct kernel *kernel, const struct synthetic_node *node, const struct statx *status,
                    unsigned flags, struct object **ret);
};

extern const struct synthetic_ops devfs_ops;
extern const struct synthetic_ops procfs_ops;
