/* SPDX-License-Identifier: MIT */
/*
 * The two sides of a copy: the namespace, and the host's files.
 *
 * A side is a current directory and operations on names in it. Only side_go() and side_find()
 * follow symlinks, for paths of the command line. Below that, side_enter() goes into the directory
 * that was looked at, or fails. So a tree may be of any depth, and somebody who exchanges a
 * directory for a symlink cannot redirect a copy.
 *
 * The namespace's current directory belongs to a connection, so two sides there need two
 * connections. Results are 0 or positive, or a negative AX_E…, which is also an errno of the host.
 */
#pragma once

#include <axeberg.h>
#include <limits.h>

struct side;

struct side_ops {
        int (*go)(struct side *side, const char *path);
        int (*getcwd)(struct side *side, char *path, size_t size);
        int (*lstat)(struct side *side, const char *name, struct ax_stat *ret);
        int (*fstat)(struct side *side, int fd, struct ax_stat *ret);
        int (*list)(struct side *side, char ***ret);           /* of the current directory */
        int (*open)(struct side *side, const char *name);      /* to read */
        int (*create)(struct side *side, const char *name);    /* to write; the name must not exist */
        int (*overwrite)(struct side *side, const char *path); /* not a regular file, or behind a symlink */
        ssize_t (*read)(struct side *side, int fd, void *data, size_t size);
        ssize_t (*write)(struct side *side, int fd, const void *data, size_t size);
        int64_t (*seek)(struct side *side, int fd, int64_t offset, int whence);
        int (*truncate)(struct side *side, int fd, int64_t size);
        int (*close)(struct side *side, int fd);
        int (*mkdir)(struct side *side, const char *name);
        int (*mkfifo)(struct side *side, const char *name);
        int (*symlink)(struct side *side, const char *target, const char *name);
        int (*readlink)(struct side *side, const char *name, char *target, size_t size);
        int (*link)(struct side *side, const char *from, const char *to);
        int (*rename)(struct side *side, const char *from, const char *to);
        int (*unlink)(struct side *side, const char *name);
        int (*rmdir)(struct side *side, const char *name);
        int (*chmod)(struct side *side, const char *name,
                     uint32_t mode); /* follows symlinks, so never call it for one */
        int (*chown)(struct side *side, const char *name, uint32_t uid, uint32_t gid);
        int (*utimens)(struct side *side, const char *name, const struct timespec times[2]);
        uint32_t (*umask)(struct side *side, uint32_t mask);
        ssize_t (*listxattr)(struct side *side, const char *name, char *names, size_t size);
        ssize_t (*getxattr)(struct side *side, const char *name, const char *attribute, void *value, size_t size);
        int (*setxattr)(struct side *side, const char *name, const char *attribute, const void *value, size_t size);
        int (*removexattr)(struct side *side, const char *name, const char *attribute);
};

struct side {
        const struct side_ops *ops;
        ax_client *ax; /* NULL for the host's side */
};

extern const struct side_ops side_namespace, side_host;

/* Goes to a directory by its path, through symlinks. */
int side_go(struct side *side, const char *path);
/* Gets the inode number of the current directory. Returns 0 or a negative error. */
int side_here(struct side *side, uint64_t *ret);
/*
 * Goes to the directory in which a path's last name lies, and gets both. A path that ends in "." or
 * ".." stands for the name of that directory. Returns 0 or a negative error: -AX_EBUSY for the
 * root.
 */
int side_find(struct side *side, const char *path, char directory[static PATH_MAX], char name[static NAME_MAX + 1]);
/*
 * Goes into a directory by its name. Returns 0, or -AX_ESTALE if it is not the directory of
 * `status`.
 */
int side_enter(struct side *side, const char *name, const struct ax_stat *status);
/* Goes up. Returns 0, or -AX_ESTALE if that is not the directory `parent`, an inode number. */
int side_leave(struct side *side, uint64_t parent);
/* Returns 0, or -AX_ESTALE if a descriptor is not the file of `status`. */
int side_check(struct side *side, int fd, const struct ax_stat *status);
/* Writes all data. Returns 0 or a negative error. */
int side_write(struct side *side, int fd, const char *data, size_t size);
