/* SPDX-License-Identifier: MIT */
/*
 * attributes.c - store operations on attributes: stat, chmod, chown, truncate, utimens, statfs,
 * extended attributes, ACLs
 *
 * The kernel has checked permissions (default_permissions), and the host checks ownership again,
 * because the thread stands for the caller (identity.h). That also clears set-id bits as it should.
 */
#include "identity.h"
#include "open_file.h"
#include "store.h"
#include "store_ops.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

enum {
        XATTR_MAX = 65536,
        SET_SOMETHING = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_SIZE |
                        FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW,
};

struct proc_path {
        char text[32];
};

/*
 * The calls for extended attributes take paths, and follow this one to the very file, be it a
 * symlink.
 */
static struct proc_path proc_path(int fd) {
        struct proc_path path;

        snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
        return path;
}

static int stat_descriptor(const struct node *node, int fd, struct stat *ret) {
        if (fstat(fd, ret) < 0)
                return negative_errno();
        ret->st_ino = store_ino(node->store, ret->st_ino);
        return 0;
}

int store_getattr(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        struct open_file *file = fi ? (struct open_file *) (uintptr_t) fi->fh : NULL;
        struct stat st;
        int r;

        if (!file) {
                r = pin_node(&fs->descriptors, &pin, node);
                if (r < 0)
                        return r;
        }
        r = stat_descriptor(node, file ? file->fd : pin.fd, &st);
        if (r < 0)
                return r;
        return answer_attributes(request, &st);
}

static int set_owner(int fd, const struct stat *attr, int to_set) {
        uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t) -1;
        gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t) -1;

        return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? negative_errno() : 0;
}

/* As the caller did: truncate(2) to the size that a file has changes no time, ftruncate(2) does. */
static int set_size(int fd, const struct open_file *file, off_t size) {
        int r = file ? ftruncate(file->fd, size) : truncate(proc_path(fd).text, size);

        return r < 0 ? negative_errno() : 0;
}

static struct timespec wanted_time(const struct timespec *time, bool set, bool now) {
        if (now)
                return (struct timespec){ .tv_nsec = UTIME_NOW };
        return set ? *time : (struct timespec){ .tv_nsec = UTIME_OMIT };
}

static int set_times(int fd, const struct stat *attr, int to_set) {
        struct timespec times[2] = {
                wanted_time(&attr->st_atim, to_set & FUSE_SET_ATTR_ATIME, to_set & FUSE_SET_ATTR_ATIME_NOW),
                wanted_time(&attr->st_mtim, to_set & FUSE_SET_ATTR_MTIME, to_set & FUSE_SET_ATTR_MTIME_NOW),
        };

        return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? negative_errno() : 0;
}

/*
 * A change of nothing is a chown(2) that changes neither owner nor group. Linux clears set-id bits
 * and sets the time of change all the same. The kernel also asks so before a write that has to
 * clear the bits. Then the host may refuse, because the caller is not the owner; the write will do
 * it.
 */
static int set_nothing(int fd) {
        const struct stat attr = { .st_mode = 0 };
        int r = set_owner(fd, &attr, 0);

        return r == -EPERM ? 0 : r;
}

/*
 * Owner first: changing it takes set-id bits away, which a mode in the same request may give back.
 */
static int set_attributes(struct axfs *fs, int fd, const struct open_file *file, const struct stat *attr, int to_set) {
        int r = 0;

        if ((to_set & SET_SOMETHING) == 0)
                return set_nothing(fd);
        if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
                r = set_owner(fd, attr, to_set);
        if (r == 0 && (to_set & FUSE_SET_ATTR_MODE) &&
            fchmodat(fs->descriptors.proc_fd, fd_path(fd).text, attr->st_mode & 07777, 0) < 0)
                r = negative_errno();
        if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
                r = set_size(fd, file, attr->st_size);
        if (r == 0 &&
            (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)))
                r = set_times(fd, attr, to_set);
        return r;
}

static void take_groups(const struct request *request) {
        identity_take_groups(request->caller.pid, request->caller.uid, request->caller.gid);
}

static bool asks_for_groups(const struct stat *attr, int to_set) {
        return (to_set & SET_SOMETHING) == 0 || (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)) ||
               ((to_set & FUSE_SET_ATTR_MODE) && (attr->st_mode & S_ISGID));
}

int store_setattr(struct axfs *fs, struct request *request, struct node *node, struct stat *attr, int to_set,
                  struct fuse_file_info *fi) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        struct stat st;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        if (asks_for_groups(attr, to_set))
                take_groups(request);
        else if (to_set & FUSE_SET_ATTR_SIZE)
                identity_for_change(pin.fd, request->caller.pid, request->caller.uid, request->caller.gid);
        r = set_attributes(fs, pin.fd, fi ? (struct open_file *) (uintptr_t) fi->fh : NULL, attr, to_set);
        if (r < 0)
                return r;
        r = stat_descriptor(node, pin.fd, &st);
        if (r < 0)
                return r;
        return answer_attributes(request, &st);
}

int store_statfs(struct axfs *fs, struct request *request, struct node *node) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        struct statvfs statistics;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        if (fstatvfs(pin.fd, &statistics) < 0)
                return negative_errno();
        return answer_filesystem(request, &statistics);
}

int store_setxattr(struct axfs *fs, struct request *request, struct node *node, const char *name, const char *value,
                   size_t size, int flags) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        /*
         * As chmod(2): it clears the set-group-id bit of a file whose group the caller is not in.
         */
        if (strcmp(name, "system.posix_acl_access") == 0)
                take_groups(request);
        return setxattr(proc_path(pin.fd).text, name, value, size, flags) < 0 ? negative_errno() : 0;
}

/* Takes the buffer over if that is the answer. */
static int answer_xattr(struct request *request, char **buffer, ssize_t length, size_t size) {
        char *data = *buffer;

        if (length < 0)
                return negative_errno();
        if (size == 0)
                return answer_size(request, (size_t) length);
        if ((size_t) length > size)
                return -ERANGE;
        *buffer = NULL;
        return answer_data(request, data, (size_t) length);
}

/*
 * Before the kernel lets in anybody but a file's owner it asks for the file's access control list,
 * and hands every error but ENODATA on to the caller. So on a filesystem without such lists, files
 * have none.
 */
static int xattr_error(const char *name, int error) {
        return error == -EOPNOTSUPP && strncmp(name, "system.posix_acl_", 17) == 0 ? -ENODATA : error;
}

int store_getxattr(struct axfs *fs, struct request *request, struct node *node, const char *name, size_t size) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        _cleanup_free_ char *buffer = NULL;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        if (size > XATTR_MAX)
                size = XATTR_MAX;
        buffer = malloc(size + 1);
        if (!buffer)
                return -ENOMEM;
        r = answer_xattr(request, &buffer, getxattr(proc_path(pin.fd).text, name, buffer, size), size);
        return xattr_error(name, r);
}

/* The host shows trusted attributes to the privileged only, and axfs is. */
static ssize_t hide_trusted(char *names, ssize_t length) {
        ssize_t kept = 0;

        for (ssize_t i = 0; i < length;) {
                size_t size = strlen(names + i) + 1;

                if (strncmp(names + i, "trusted.", strlen("trusted.")) != 0) {
                        memmove(names + kept, names + i, size);
                        kept += (ssize_t) size;
                }
                i += (ssize_t) size;
        }
        return kept;
}

int store_listxattr(struct axfs *fs, struct request *request, struct node *node, size_t size) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        _cleanup_free_ char *names = malloc(XATTR_MAX);
        ssize_t length;
        int r;

        if (!names)
                return -ENOMEM;
        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        length = listxattr(proc_path(pin.fd).text, names, XATTR_MAX);
        if (request->caller.uid != 0)
                length = length < 0 ? length : hide_trusted(names, length);
        return answer_xattr(request, &names, length, size);
}

int store_removexattr(struct axfs *fs, struct request *request, struct node *node, const char *name) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r;

        (void) request;
        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        return removexattr(proc_path(pin.fd).text, name) < 0 ? negative_errno() : 0;
}
