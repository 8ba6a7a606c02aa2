/* SPDX-License-Identifier: MIT */
#include "object/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "account/closer.h"
#include "account/user.h"
#include "axeberg.h"
#include "inode.h"
#include "util/cleanup.h"
#include "util/container.h"
#include "util/identity.h"

struct file {
        struct object object;
        int fd;
        struct user_charge charge; /* of it */
        int root_fd;
        const char *mount_point;
        uint32_t store;
        struct workers *workers;
        struct user *user;
        struct identity *identity;
};

static struct file *file_from_object(struct object *object) {
        return container_of(object, struct file, object);
}

static ssize_t file_read(struct object *object, void *buffer, size_t size) {
        ssize_t n = read(file_from_object(object)->fd, buffer, size);

        return n < 0 ? -errno : n;
}

static ssize_t file_write(struct object *object, const void *buffer, size_t size) {
        const struct file *file = file_from_object(object);
        ssize_t n = identity_assume(file->identity);

        if (n < 0)
                return n;
        n = write(file->fd, buffer, size);
        n = n < 0 ? -errno : n;
        identity_restore();
        return n;
}

static ssize_t file_pread(struct object *object, void *buffer, size_t size, int64_t offset) {
        ssize_t n = pread(file_from_object(object)->fd, buffer, size, offset);

        return n < 0 ? -errno : n;
}

static ssize_t file_pwrite(struct object *object, const void *buffer, size_t size, int64_t offset) {
        const struct file *file = file_from_object(object);
        ssize_t n = identity_assume(file->identity);

        if (n < 0)
                return n;
        n = pwrite(file->fd, buffer, size, offset);
        n = n < 0 ? -errno : n;
        identity_restore();
        return n;
}

static int64_t file_seek(struct object *object, int64_t offset, int whence) {
        off_t at = lseek(file_from_object(object)->fd, offset, whence);

        return at < 0 ? -errno : at;
}

static int file_truncate(struct object *object, int64_t size) {
        const struct file *file = file_from_object(object);
        int r = identity_assume(file->identity);

        if (r < 0)
                return r;
        r = ftruncate(file->fd, size) < 0 ? -errno : 0;
        identity_restore();
        return r;
}

static int file_sync(struct object *object) {
        return fsync(file_from_object(object)->fd) < 0 ? -errno : 0;
}

static int file_stat(struct object *object, struct statx *ret) {
        struct file *file = file_from_object(object);

        if (statx(file->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, ret) < 0)
                return -errno;
        ret->stx_ino = inode_shown(file->store, ret->stx_ino);
        return 0;
}

static int file_describe(struct object *object, char *buffer, size_t size) {
        struct file *file = file_from_object(object);
        int n = file_namespace_path(file->fd, file->root_fd, file->mount_point, buffer, size);

        return n >= 0 ? n : snprintf(buffer, size, "(deleted)");
}

static int file_host_fd(struct object *object, bool ends) {
        (void) ends;
        return file_from_object(object)->fd;
}

static void file_free(struct object *object) {
        struct file *file = file_from_object(object);

        close_later_charged(file->workers, &file->charge, file->fd);
        user_unref(file->user);
        identity_unref(file->identity);
        free(file);
}

static const struct object_ops file_ops = {
        .name = "file",
        .read = file_read,
        .write = file_write,
        .pread = file_pread,
        .pwrite = file_pwrite,
        .seek = file_seek,
        .truncate = file_truncate,
        .sync = file_sync,
        .stat = file_stat,
        .describe = file_describe,
        .host_fd = file_host_fd,
        .free = file_free,
};

int file_object_new(struct object **ret, int fd, const struct file_options *options, struct user_charge *charge) {
        struct file *file = malloc(sizeof(*file));

        if (!file)
                return -ENOMEM;
        *file = (struct file){
                .fd = fd,
                .root_fd = options->root_fd,
                .mount_point = options->mount_point,
                .store = options->store,
                .workers = options->workers,
                .user = user_ref(options->user),
                .identity = identity_ref(options->identity),
        };
        object_init(&file->object, &file_ops, options->flags & (AX_O_READ | AX_O_WRITE | AX_O_APPEND | AX_O_NONBLOCK));
        file->object.may_block = true;
        user_charge_move(&file->charge, charge);
        *ret = &file->object;
        return 0;
}

static int host_path(int fd, char path[static PATH_MAX]) {
        char link[32];
        ssize_t n;

        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, PATH_MAX - 1);
        if (n < 0)
                return -errno;
        path[n] = '\0';
        return (int) n;
}

/*
 * The kernel appends this to the path of what has no name any more; a real name that ends so has
 * links.
 */
static bool is_removed(int fd, const char *path, size_t length) {
        static const char mark[] = " (deleted)";
        struct statx status;

        if (length < sizeof(mark) || strcmp(path + length - (sizeof(mark) - 1), mark) != 0)
                return false;
        /* without asking a server: this is for the kernel's thread, too */
        if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_NLINK, &status) < 0)
                return true;
        return status.stx_nlink == 0 || S_ISDIR(status.stx_mode);
}

int file_namespace_path(int fd, int root_fd, const char *mount_point, char *buffer, size_t size) {
        char path[PATH_MAX], root[PATH_MAX];
        int n = host_path(fd, path), root_length = host_path(root_fd, root), written;
        const char *inside;

        if (n < 0 || root_length < 0)
                return n < 0 ? n : root_length;
        if (is_removed(fd, path, (size_t) n))
                return -ENOENT;
        if (strcmp(root, "/") == 0)
                root_length = 0; /* a detached filesystem: its paths begin at its own root */
        if (strncmp(path, root, (size_t) root_length) != 0 || (path[root_length] != '/' && path[root_length] != '\0'))
                return -ENOENT;
        inside = path + root_length;
        if (strcmp(inside, "/") == 0)
                inside = "";
        if (strcmp(mount_point, "/") == 0)
                mount_point = *inside ? "" : "/";
        written = snprintf(buffer, size, "%s%s", mount_point, inside);
        return written >= 0 && (size_t) written < size ? written : -ENAMETOOLONG;
}
