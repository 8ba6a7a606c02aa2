/* SPDX-License-Identifier: MIT */
/*
 * The host's files as a side of a copy: system calls, in axctl's own working directory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "side.h"

static int result(int r) {
        return r < 0 ? -errno : r;
}

static int go(struct side *side, const char *path) {
        (void) side;
        return result(chdir(path));
}

static int get_cwd(struct side *side, char *path, size_t size) {
        (void) side;
        return getcwd(path, size) ? (int) strlen(path) : -errno;
}

/* An inode number is unique on its device only. */
static void fill(const struct stat *status, struct ax_stat *ret) {
        *ret = (struct ax_stat){
                .ino = (uint64_t) status->st_ino ^ (uint64_t) status->st_dev << 40,
                .size = (uint64_t) status->st_size,
                .blocks = (uint64_t) status->st_blocks,
                .mode = status->st_mode,
                .nlink = (uint32_t) status->st_nlink,
                .uid = status->st_uid,
                .gid = status->st_gid,
                .atime = status->st_atim,
                .mtime = status->st_mtim,
                .ctime = status->st_ctim,
        };
}

static int node_lstat(struct side *side, const char *name, struct ax_stat *ret) {
        struct stat status;

        (void) side;
        if (lstat(name, &status) < 0)
                return -errno;
        fill(&status, ret);
        return 0;
}

static int file_stat(struct side *side, int fd, struct ax_stat *ret) {
        struct stat status;

        (void) side;
        if (fstat(fd, &status) < 0)
                return -errno;
        fill(&status, ret);
        return 0;
}

static int skip_dots(const struct dirent *entry) {
        return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Makes one block, like the library's: the pointers, then the names. */
static int list(struct side *side, char ***ret) {
        struct dirent **entries;
        int n = scandir(".", &entries, skip_dots, alphasort);
        size_t size = 0;
        char **names, *at;

        (void) side;
        if (n < 0)
                return -errno;
        for (int i = 0; i < n; i++)
                size += strlen(entries[i]->d_name) + 1;
        names = malloc(((size_t) n + 1) * sizeof(*names) + size);
        at = names ? (char *) (names + n + 1) : NULL;
        for (int i = 0; i < n; i++) {
                if (names) {
                        names[i] = at;
                        at = stpcpy(at, entries[i]->d_name) + 1;
                }
                free(entries[i]);
        }
        free(entries);
        if (!names)
                return -ENOMEM;
        names[n] = NULL;
        *ret = names;
        return n;
}

static int file_open(struct side *side, const char *name) {
        (void) side;
        return result(open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY));
}

static int create(struct side *side, const char *name) {
        (void) side;
        return result(open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
}

static int overwrite(struct side *side, const char *path) {
        (void) side;
        return result(open(path, O_WRONLY | O_TRUNC | O_NOCTTY | O_CLOEXEC));
}

static ssize_t file_read(struct side *side, int fd, void *data, size_t size) {
        ssize_t n = read(fd, data, size);

        (void) side;
        return n < 0 ? -errno : n;
}

static ssize_t file_write(struct side *side, int fd, const void *data, size_t size) {
        ssize_t n = write(fd, data, size);

        (void) side;
        return n < 0 ? -errno : n;
}

static int64_t seek(struct side *side, int fd, int64_t offset, int whence) {
        int64_t at = lseek(fd, offset, whence);

        (void) side;
        return at < 0 ? -errno : at;
}

static int set_size(struct side *side, int fd, int64_t size) {
        (void) side;
        return result(ftruncate(fd, size));
}

static int file_close(struct side *side, int fd) {
        (void) side;
        return result(close(fd));
}

static int make_directory(struct side *side, const char *name) {
        (void) side;
        return result(mkdir(name, 0777));
}

static int make_fifo(struct side *side, const char *name) {
        (void) side;
        return result(mkfifo(name, 0666));
}

static int make_symlink(struct side *side, const char *target, const char *name) {
        (void) side;
        return result(symlink(target, name));
}

static int read_link(struct side *side, const char *name, char *target, size_t size) {
        (void) side;
        return result((int) readlink(name, target, size));
}

static int make_link(struct side *side, const char *from, const char *to) {
        (void) side;
        return result(link(from, to));
}

static int node_rename(struct side *side, const char *from, const char *to) {
        (void) side;
        return result(rename(from, to));
}

static int remove_file(struct side *side, const char *name) {
        (void) side;
        return result(unlink(name));
}

static int remove_directory(struct side *side, const char *name) {
        (void) side;
        return result(rmdir(name));
}

static int set_mode(struct side *side, const char *name, uint32_t mode) {
        (void) side;
        return result(chmod(name, mode));
}

static int set_owner(struct side *side, const char *name, uint32_t uid, uint32_t gid) {
        (void) side;
        return result(lchown(name, uid, gid));
}

static int set_times(struct side *side, const char *name, const struct timespec times[2]) {
        (void) side;
        return result(utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW));
}

static uint32_t set_umask(struct side *side, uint32_t mask) {
        (void) side;
        return umask(mask);
}

static ssize_t list_attributes(struct side *side, const char *name, char *names, size_t size) {
        ssize_t n = llistxattr(name, names, size);

        (void) side;
        return n < 0 ? -errno : n;
}

static ssize_t get_attribute(struct side *side, const char *name, const char *attribute, void *value, size_t size) {
        ssize_t n = lgetxattr(name, attribute, value, size);

        (void) side;
        return n < 0 ? -errno : n;
}

static int set_attribute(struct side *side, const char *name, const char *attribute, const void *value, size_t size) {
        (void) side;
        return result(lsetxattr(name, attribute, value, size, 0));
}

static int remove_attribute(struct side *side, const char *name, const char *attribute) {
        (void) side;
        return result(lremovexattr(name, attribute));
}

const struct side_ops side_host = {
        .go = go,
        .getcwd = get_cwd,
        .lstat = node_lstat,
        .fstat = file_stat,
        .list = list,
        .open = file_open,
        .create = create,
        .overwrite = overwrite,
        .read = file_read,
        .write = file_write,
        .seek = seek,
        .truncate = set_size,
        .close = file_close,
        .mkdir = make_directory,
        .mkfifo = make_fifo,
        .symlink = make_symlink,
        .readlink = read_link,
        .link = make_link,
        .rename = node_rename,
        .unlink = remove_file,
        .rmdir = remove_directory,
        .chmod = set_mode,
        .chown = set_owner,
        .utimens = set_times,
        .umask = set_umask,
        .listxattr = list_attributes,
        .getxattr = get_attribute,
        .setxattr = set_attribute,
        .removexattr = remove_attribute,
};
