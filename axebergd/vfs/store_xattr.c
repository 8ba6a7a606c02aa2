/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes of what lies in a store.
 *
 * The host decides as the caller, but for two of its namespaces it looks at capabilities that
 * taking on an identity does not take away: "trusted" and "security" are administrators' here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/identity.h"
#include "vfs/request.h"
#include "vfs/store_ops.h"

/*
 * Opens what the request names, and gives a path to it that leads nowhere else. Returns a
 * descriptor, STORE_OP_FOLLOW, negative errno.
 */
static int open_node(const struct vfs_request *request, char path[static 32]) {
        const struct walk *walk = &request->walks[0];
        _cleanup_close_ int fd = openat(walk->dir, walk->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        if (S_ISLNK(status.st_mode) && request->operation->follow)
                return STORE_OP_FOLLOW;
        if (walk->trailing_slash && !S_ISDIR(status.st_mode))
                return -ENOTDIR;
        snprintf(path, 32, "/proc/self/fd/%d", fd);
        return steal_fd(&fd);
}

static bool is_in(const char *name, const char *space) {
        return strncmp(name, space, strlen(space)) == 0;
}

/* Only administrators change these: file capabilities, labels. */
static int check_change(const struct vfs_request *request) {
        const char *name = request->target;

        if (request->identity->uid == 0 || is_in(name, "user.") || is_in(name, "system."))
                return 0;
        return is_in(name, "trusted.") || is_in(name, "security.") ? -EPERM : -EOPNOTSUPP;
}

static bool is_shown(const struct vfs_request *request, const char *name) {
        return request->identity->uid == 0 || !is_in(name, "trusted.");
}

int store_op_getxattr(struct vfs_request *request) {
        char path[32];
        _cleanup_close_ int fd = -1;
        ssize_t n;
        int r = open_node(request, path);

        if (r < 0 || r == STORE_OP_FOLLOW)
                return r;
        fd = r;
        if (!is_shown(request, request->target))
                return -ENODATA;
        n = getxattr(path, request->target, request->attributes, XATTR_SIZE_MAX);
        return n < 0 ? -errno : (int) n;
}

/* As open_node(), of an attribute that the caller may change. */
static int open_for_change(const struct vfs_request *request, char path[static 32]) {
        _cleanup_close_ int fd = -1;
        int r = open_node(request, path);

        if (r < 0 || r == STORE_OP_FOLLOW)
                return r;
        fd = r;
        r = check_change(request);
        return r < 0 ? r : steal_fd(&fd);
}

int store_op_setxattr(struct vfs_request *request) {
        char path[32];
        _cleanup_close_ int fd = -1;
        int r = open_for_change(request, path);

        if (r < 0 || r == STORE_OP_FOLLOW)
                return r;
        fd = r;
        return setxattr(path, request->target, request->value, request->value_size, (int) request->flags) < 0 ? -errno
                                                                                                              : 0;
}

/* Takes out of a list what the caller does not see. Returns the new size. */
static size_t filter(const struct vfs_request *request, char *names, size_t size) {
        size_t kept = 0;

        for (size_t at = 0; at < size;) {
                size_t length = strnlen(names + at, size - at) + 1;

                if (is_shown(request, names + at)) {
                        memmove(names + kept, names + at, length);
                        kept += length;
                }
                at += length;
        }
        return kept;
}

int store_op_listxattr(struct vfs_request *request) {
        char path[32];
        _cleanup_close_ int fd = -1;
        ssize_t n;
        int r = open_node(request, path);

        if (r < 0 || r == STORE_OP_FOLLOW)
                return r;
        fd = r;
        n = listxattr(path, request->attributes, XATTR_LIST_MAX);
        return n < 0 ? -errno : (int) filter(request, request->attributes, (size_t) n);
}

int store_op_removexattr(struct vfs_request *request) {
        char path[32];
        _cleanup_close_ int fd = -1;
        int r = open_for_change(request, path);

        if (r < 0 || r == STORE_OP_FOLLOW)
                return r;
        fd = r;
        return removexattr(path, request->target) < 0 ? -errno : 0;
}
