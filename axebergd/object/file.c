#include "object/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "axeberg.h"
#include "util/cleanup.h"

struct file {
        struct object object;
        int fd;
        int root_fd;
        const char *mount_point;
        uint64_t ino_prefix;
};

static struct file *file_from_object(struct object *object) {
        return (struct file *) object;
}

static ssize_t file_read(struct object *object, void *buffer, size_t size) {
        ssize_t n = read(file_from_object(object)->fd, buffer, size);

        return n < 0 ? -errno : n;
}

static ssize_t file_write(struct object *object, const void *buffer, size_t size) {
        ssize_t n = write(file_from_object(object)->fd, buffer, size);

        return n < 0 ? -errno : n;
}

static ssize_t file_pread(struct object *object, void *buffer, size_t size, int64_t offset) {
        ssize_t n = pread(file_from_object(object)->fd, buffer, size, offset);

        return n < 0 ? -errno : n;
}

static ssize_t file_pwrite(struct object *object, const void *buffer, size_t size, int64_t offset) {
        ssize_t n = pwrite(file_from_object(object)->fd, buffer, size, offset);

        return n < 0 ? -errno : n;
}

static int64_t file_seek(struct object *object, int64_t offset, int whence) {
        off_t at = lseek(file_from_object(object)->fd, offset, whence);

        return at < 0 ? -errno : at;
}

static int file_truncate(struct object *object, int64_t size) {
        return ftruncate(file_from_object(object)->fd, size) < 0 ? -errno : 0;
}

static int file_sync(struct object *object) {
        return fsync(file_from_object(object)->fd) < 0 ? -errno : 0;
}

static int file_stat(struct object *object, struct statx *ret) {
        struct file *file = file_from_object(object);

        if (statx(file->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, ret) < 0)
                return -errno;
        ret->stx_ino |= file->ino_prefix;
        return 0;
}

static int file_describe(struct object *object, char *buffer, size_t size) {
        struct file *file = file_from_object(object);
        int n = file_namespace_path(file->fd, file->root_fd, file->mount_point, buffer, size);

        return n >= 0 ? n : snprintf(buffer, size, "(deleted)");
}

static int file_host_fd(struct object *object, const struct process *process) {
        (void) process;
        return file_from_object(object)->fd;
}

static void file_free(struct object *object) {
        struct file *file = file_from_object(object);

        close(file->fd);
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

int file_object_new(struct object **ret, int fd, unsigned flags, uint64_t ino_prefix, int root_fd,
                    const char *mount_point, bool may_block) {
        struct file *file = malloc(sizeof(*file));

        if (!file)
                return -ENOMEM;
        *file = (struct file){ .fd = fd, .root_fd = root_fd, .mount_point = mount_point, .ino_prefix = ino_prefix };
        object_init(&file->object, &file_ops, flags & (AX_O_READ | AX_O_WRITE | AX_O_APPEND | AX_O_NONBLOCK));
        file->object.may_block = may_block;
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

/* The kernel appends this to the path of what has no name any more; a real name that ends so has links. */
static bool is_removed(int fd, const char *path, size_t length) {
        static const char mark[] = " (deleted)";
        struct stat status;

        if (length < sizeof(mark) || strcmp(path + length - (sizeof(mark) - 1), mark) != 0)
                return false;
        return fstat(fd, &status) < 0 || status.st_nlink == 0 || S_ISDIR(status.st_mode);
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
