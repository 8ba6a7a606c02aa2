/* SPDX-License-Identifier: MIT */
#include "vfs/store_ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "axeberg.h"
#include "inode.h"
#include "object/file.h"
#include "util/cleanup.h"
#include "vfs/request.h"
#include "vfs/store.h"
#include "vfs/vfs.h"

/*
 * Operations on names cannot work on ".", ".." or a root; Linux has an error for each (fs/namei.c).
 * Returns 0 for a name.
 */
static int check_last(const struct walk *walk, int dot, int dot_dot, int root) {
        const int errors[] = {
                [WALK_LAST_NAME] = 0, [WALK_LAST_DOT] = dot, [WALK_LAST_DOT_DOT] = dot_dot, [WALK_LAST_ROOT] = root
        };

        return -errors[walk->last];
}

/* A new name: not one of those, and with a slash behind it only for a directory. */
static int check_new_name(const struct walk *walk, bool directory) {
        struct stat status;
        int r = check_last(walk, EEXIST, EEXIST, EEXIST);

        if (r < 0 || !walk->trailing_slash || directory)
                return r;
        return fstatat(walk->dir, walk->name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? -EEXIST : -ENOENT;
}

static int open_flags(const struct vfs_request *request) {
        static const int access_modes[4] = { -1, O_RDONLY, O_WRONLY, O_RDWR };
        unsigned flags = request->flags;

        return access_modes[flags & (AX_O_READ | AX_O_WRITE)] | (flags & AX_O_CREATE ? O_CREAT : 0) |
               (flags & AX_O_TRUNCATE ? O_TRUNC : 0) | (flags & AX_O_APPEND ? O_APPEND : 0) |
               (flags & AX_O_EXCLUSIVE ? O_EXCL : 0);
}

/*
 * Only files, directories and FIFOs are opened: host devices and sockets in a store are other
 * kernels' objects.
 */
static int check_openable(struct vfs_request *request, int fd) {
        struct stat status;

        if (fstat(fd, &status) < 0)
                return -errno;
        request->is_fifo = S_ISFIFO(status.st_mode);
        return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || request->is_fifo ? 0 : -ENXIO;
}

/*
 * The host opens no FIFO for writing that nobody reads, unless it may wait: we do that, on a
 * descriptor of the inode.
 */
static int open_without_reader(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        _cleanup_close_ int fd = openat(walk->dir, walk->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int r = fd < 0 ? -errno : check_openable(request, fd);

        if (r < 0)
                return r;
        if (!request->is_fifo || request->flags & AX_O_NONBLOCK)
                return -ENXIO;
        /* the name may be another file's by now */
        if (faccessat(fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
                return -errno;
        request->no_reader = true;
        request->fd = steal_fd(&fd);
        return 0;
}

int store_op_open(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        _cleanup_close_ int fd = -1;
        struct stat status;
        int r;

        if (walk->trailing_slash && (request->flags & AX_O_CREATE))
                return -EISDIR;
        /* O_NONBLOCK: a FIFO or device that somebody put here must not hold the opener up */
        fd = openat(walk->dir, walk->name, open_flags(request) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                    request->mode);
        if (fd < 0) {
                r = -errno;
                if (r == -ENXIO)
                        return open_without_reader(request);
                if (r != -ELOOP)
                        return r;
                if (fstatat(walk->dir, walk->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                        return -errno;
                return S_ISLNK(status.st_mode) ? STORE_OP_FOLLOW : -ELOOP;
        }
        r = check_openable(request, fd);
        if (r < 0)
                return r;
        request->fd = steal_fd(&fd);
        return 0;
}

int store_op_mkfifo(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        int r = check_new_name(walk, false);

        if (r < 0)
                return r;
        return mkfifoat(walk->dir, walk->name, request->mode) < 0 ? -errno : 0;
}

int store_op_lstat(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];

        if (statx(walk->dir, walk->name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &request->status) < 0)
                return -errno;
        request->status.stx_ino = inode_shown(walk->mount->store->index, request->status.stx_ino);
        return 0;
}

int store_op_stat(struct vfs_request *request) {
        int r = store_op_lstat(request);

        return r == 0 && S_ISLNK(request->status.stx_mode) ? STORE_OP_FOLLOW : r;
}

int store_op_mkdir(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        int r = check_new_name(walk, true);

        if (r < 0)
                return r;
        return mkdirat(walk->dir, walk->name, request->mode) < 0 ? -errno : 0;
}

/* What an operation on a directory got with O_NOFOLLOW: a symlink is to be followed. */
static int not_a_directory(const struct walk *walk, int error) {
        struct stat status;

        if ((error == ENOTDIR || error == ELOOP) && fstatat(walk->dir, walk->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISLNK(status.st_mode))
                return STORE_OP_FOLLOW;
        return -error;
}

/*
 * Reads on. Returns 0 at the end, negative errno. Room comes first: an entry that was read must not
 * be lost.
 */
static int list_directory(struct vfs_request *request) {
        struct string_list *names = &request->names;
        const struct dirent *entry;
        int r;

        for (;;) {
                if (atomic_load_explicit(&request->abandoned, memory_order_relaxed))
                        return -EINTR;
                r = string_list_reserve(names, NAME_MAX + 1);
                if (r < 0)
                        return r;
                errno = 0;
                entry = readdir(request->stream);
                if (!entry)
                        return -errno;
                if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
                        continue;
                r = string_list_add(names, entry->d_name);
                if (r < 0)
                        return r;
        }
}

static int open_stream(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        _cleanup_close_ int fd = openat(walk->dir, walk->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        if (fd < 0)
                return not_a_directory(walk, errno);
        request->stream = fdopendir(fd);
        if (!request->stream)
                return -errno;
        steal_fd(&fd);
        return 0;
}

int store_op_readdir(struct vfs_request *request) {
        int r = request->stream ? 0 : open_stream(request);

        if (r == 0)
                r = list_directory(request);
        return r == -ENOBUFS ? STORE_OP_MORE : r;
}

int store_op_chdir(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        _cleanup_close_ int fd = openat(walk->dir, walk->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;

        if (fd < 0)
                return not_a_directory(walk, errno);
        /*
         * The right to search it: looking "." up inside needs it, and openat() of the directory
         * itself does not.
         */
        if (fstatat(fd, ".", &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        request->fd = steal_fd(&fd);
        return 0;
}

/*
 * The host may have moved the directory out of the store: it has no path then, and ".." leads
 * nowhere.
 */
int store_op_getcwd(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        const struct mount *mount = walk->mount;
        _cleanup_close_ int parent = openat(walk->dir, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (parent < 0 && errno == ENOENT)
                return -ENOENT;
        return file_namespace_path(walk->dir, mount->store->root_fd, mount->path, request->text, sizeof(request->text));
}

int store_op_unlink(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];

        struct stat status;
        int r = check_last(walk, EISDIR, EISDIR, EISDIR);

        if (r < 0)
                return r;
        if (!walk->trailing_slash)
                return unlinkat(walk->dir, walk->name, 0) < 0 ? -errno : 0;
        if (fstatat(walk->dir, walk->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return S_ISDIR(status.st_mode) ? -EISDIR : -ENOTDIR;
}

int store_op_rmdir(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        int r = check_last(walk, EINVAL, ENOTEMPTY, EBUSY);

        if (r < 0)
                return r;
        return unlinkat(walk->dir, walk->name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* Names with a trailing slash are a directory's, before and after. */
static int check_trailing_slash(const struct walk *source, const struct walk *target) {
        struct stat status;

        if (!source->trailing_slash && !target->trailing_slash)
                return 0;
        if (fstatat(source->dir, source->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

int store_op_rename(struct vfs_request *request) {
        const struct walk *from = &request->walks[0], *to = &request->walks[1];
        int r;

        r = check_last(from, EBUSY, EBUSY, EBUSY);
        if (r == 0)
                r = check_last(to, EBUSY, EBUSY, EBUSY);
        if (r < 0)
                return r;
        if (from->mount != to->mount)
                return -EXDEV;
        r = check_trailing_slash(from, to);
        if (r < 0)
                return r;
        return renameat(from->dir, from->name, to->dir, to->name) < 0 ? -errno : 0;
}

int store_op_link(struct vfs_request *request) {
        const struct walk *from = &request->walks[0], *to = &request->walks[1];

        int r = check_new_name(to, false);

        if (r < 0)
                return r;
        if (from->mount != to->mount)
                return -EXDEV;
        return linkat(from->dir, from->name, to->dir, to->name, 0) < 0 ? -errno : 0;
}

int store_op_symlink(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        int r = check_new_name(walk, false);

        if (r < 0)
                return r;
        return symlinkat(request->target, walk->dir, walk->name) < 0 ? -errno : 0;
}

int store_op_readlink(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        ssize_t n = readlinkat(walk->dir, walk->name, request->text, sizeof(request->text) - 1);

        if (n < 0)
                return -errno;
        request->text[n] = '\0';
        return (int) n;
}

int store_op_chmod(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        _cleanup_close_ int fd = openat(walk->dir, walk->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;
        char path[32];

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        if (S_ISLNK(status.st_mode))
                return STORE_OP_FOLLOW;
        /*
         * fchmodat2(2) is newer than the kernels we run on; this is the way that works on an O_PATH
         * descriptor
         */
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return chmod(path, request->mode) < 0 ? -errno : 0;
}

int store_op_lchown(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];

        return fchownat(walk->dir, walk->name, request->uid, request->gid, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int follow_if_symlink(struct vfs_request *request, int (*operation)(struct vfs_request *)) {
        const struct walk *walk = &request->walks[0];
        struct stat status;

        if (fstatat(walk->dir, walk->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return S_ISLNK(status.st_mode) ? STORE_OP_FOLLOW : operation(request);
}

int store_op_chown(struct vfs_request *request) {
        return follow_if_symlink(request, store_op_lchown);
}

int store_op_lutimens(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];

        return utimensat(walk->dir, walk->name, request->times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

int store_op_utimens(struct vfs_request *request) {
        return follow_if_symlink(request, store_op_lutimens);
}

int store_op_statvfs(struct vfs_request *request) {
        const struct walk *walk = &request->walks[0];
        _cleanup_close_ int fd = openat(walk->dir, walk->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        if (S_ISLNK(status.st_mode))
                return STORE_OP_FOLLOW;
        return fstatvfs(fd, &request->filesystem) < 0 ? -errno : 0;
}
