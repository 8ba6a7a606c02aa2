/*
 * attributes.c - store operations on attributes: stat, chmod, chown, truncate, utimens, statfs, extended attributes, ACLs
 *
 * The kernel has decided who may (default_permissions), so the host is asked with axfs' own rights. What the host then would do for an
 * unprivileged caller only - clearing set-id bits, hiding trusted attributes - is done here.
 */
#include "open_file.h"
#include "store.h"
#include "store_ops.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#define XATTR_MAX 65536
#define GROUPS_MAX 65536

struct proc_path {
        char text[32];
};

/* The calls for extended attributes take paths, and follow this one to the very file, be it a symlink. */
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

int store_getattr(struct axfs *fs, fuse_req_t req, struct node *node, struct fuse_file_info *fi) {
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
        fuse_reply_attr(req, &st, 0);
        return 0;
}

int clear_setid(struct axfs *fs, int fd) {
        mode_t mode;
        struct stat st;

        if (fstat(fd, &st) < 0)
                return negative_errno();
        mode = st.st_mode & ~(mode_t) S_ISUID;
        if (mode & S_IXGRP)
                mode &= ~(mode_t) S_ISGID;
        if (!S_ISREG(st.st_mode) || mode == st.st_mode)
                return 0;
        return fchmodat(fs->descriptors.proc_fd, fd_path(fd).text, mode & 07777, 0) < 0 ? negative_errno() : 0;
}

static int set_owner(int fd, const struct stat *attr, int to_set) {
        uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t) -1;
        gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t) -1;

        return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? negative_errno() : 0;
}

static int set_size(struct axfs *fs, int fd, const struct open_file *file, off_t size) {
        _cleanup_close_ int writable = -1;

        if (!file) {
                writable = descriptors_reopen(&fs->descriptors, fd, O_WRONLY | O_NONBLOCK);
                if (writable < 0)
                        return writable;
        }
        return ftruncate(file ? file->fd : writable, size) < 0 ? negative_errno() : 0;
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

/* Owner first: changing it takes set-id bits away, which a mode in the same request may give back. */
static int set_attributes(struct axfs *fs, int fd, const struct open_file *file, const struct stat *attr, int to_set) {
        int r = 0;

        if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
                r = set_owner(fd, attr, to_set);
        if (r == 0 && (to_set & FUSE_SET_ATTR_MODE) &&
            fchmodat(fs->descriptors.proc_fd, fd_path(fd).text, attr->st_mode & 07777, 0) < 0)
                r = negative_errno();
        if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE)) {
                r = request_kills_setid() ? clear_setid(fs, fd) : 0;
                if (r == 0)
                        r = set_size(fs, fd, file, attr->st_size);
        }
        if (r == 0 &&
            (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)))
                r = set_times(fd, attr, to_set);
        return r;
}

int store_setattr(struct axfs *fs, fuse_req_t req, struct node *node, struct stat *attr, int to_set,
                  struct fuse_file_info *fi) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        struct stat st;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        r = set_attributes(fs, pin.fd, fi ? (struct open_file *) (uintptr_t) fi->fh : NULL, attr, to_set);
        if (r < 0)
                return r;
        r = stat_descriptor(node, pin.fd, &st);
        if (r < 0)
                return r;
        fuse_reply_attr(req, &st, 0);
        return 0;
}

int store_statfs(struct axfs *fs, fuse_req_t req, struct node *node) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        struct statvfs statistics;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        if (fstatvfs(pin.fd, &statistics) < 0)
                return negative_errno();
        fuse_reply_statfs(req, &statistics);
        return 0;
}

static bool caller_is_in_group(fuse_req_t req, gid_t gid) {
        _cleanup_free_ gid_t *groups = NULL;
        int count;

        if (fuse_req_ctx(req)->uid == 0 || fuse_req_ctx(req)->gid == gid)
                return true;
        groups = calloc(GROUPS_MAX, sizeof(*groups));
        count = groups ? fuse_req_getgroups(req, GROUPS_MAX, groups) : 0;
        for (int i = 0; i < count && i < GROUPS_MAX; i++)
                if (groups[i] == gid)
                        return true;
        return false;
}

/* As chmod(2): whoever sets the access ACL of a file of a group that is not theirs loses its set-group-id bit. */
static int drop_foreign_setgid(struct axfs *fs, fuse_req_t req, int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return negative_errno();
        if (!(st.st_mode & S_ISGID) || S_ISDIR(st.st_mode) || caller_is_in_group(req, st.st_gid))
                return 0;
        return fchmodat(fs->descriptors.proc_fd, fd_path(fd).text, st.st_mode & (07777 & ~(mode_t) S_ISGID), 0) < 0
                       ? negative_errno()
                       : 0;
}

int store_setxattr(struct axfs *fs, fuse_req_t req, struct node *node, const char *name, const char *value, size_t size,
                   int flags) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        if (setxattr(proc_path(pin.fd).text, name, value, size, flags) < 0)
                return negative_errno();
        if (strcmp(name, "system.posix_acl_access") == 0) {
                r = drop_foreign_setgid(fs, req, pin.fd);
                if (r < 0)
                        return r;
        }
        fuse_reply_err(req, 0);
        return 0;
}

static int reply_xattr(fuse_req_t req, const char *buffer, ssize_t length, size_t size) {
        if (length < 0)
                return negative_errno();
        if (size == 0)
                fuse_reply_xattr(req, (size_t) length);
        else if ((size_t) length > size)
                return -ERANGE;
        else
                fuse_reply_buf(req, buffer, (size_t) length);
        return 0;
}

/*
 * Before the host's kernel lets in anybody but a file's owner it asks for the file's access control list, and hands every error but
 * ENODATA on to the caller: a filesystem without such lists must be one whose files have none.
 */
static int xattr_error(const char *name, int error) {
        return error == -EOPNOTSUPP && strncmp(name, "system.posix_acl_", 17) == 0 ? -ENODATA : error;
}

int store_getxattr(struct axfs *fs, fuse_req_t req, struct node *node, const char *name, size_t size) {
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
        r = reply_xattr(req, buffer, getxattr(proc_path(pin.fd).text, name, buffer, size), size);
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

int store_listxattr(struct axfs *fs, fuse_req_t req, struct node *node, size_t size) {
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
        if (fuse_req_ctx(req)->uid != 0)
                length = length < 0 ? length : hide_trusted(names, length);
        return reply_xattr(req, names, length, size);
}

int store_removexattr(struct axfs *fs, fuse_req_t req, struct node *node, const char *name) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        if (removexattr(proc_path(pin.fd).text, name) < 0)
                return negative_errno();
        fuse_reply_err(req, 0);
        return 0;
}
