/* SPDX-License-Identifier: MIT */
/*
 * The namespace as a side of a copy: the library's calls, on one connection.
 */
#include <sys/stat.h>

#include "side.h"

static int go(struct side *side, const char *path) {
        return ax_chdir(side->ax, path);
}

static int get_cwd(struct side *side, char *path, size_t size) {
        return ax_getcwd(side->ax, path, size);
}

static int node_lstat(struct side *side, const char *name, struct ax_stat *ret) {
        return ax_lstat(side->ax, name, ret);
}

static int file_stat(struct side *side, int fd, struct ax_stat *ret) {
        return ax_fstat(side->ax, fd, ret);
}

static int list(struct side *side, char ***ret) {
        return ax_readdir(side->ax, ".", ret);
}

static int file_open(struct side *side, const char *name) {
        return ax_open(side->ax, name, AX_READ);
}

static int create(struct side *side, const char *name) {
        return ax_open(side->ax, name, AX_O_WRITE | AX_O_CREATE | AX_O_EXCLUSIVE);
}

static int overwrite(struct side *side, const char *path) {
        return ax_open(side->ax, path, AX_WRITE);
}

static ssize_t file_read(struct side *side, int fd, void *data, size_t size) {
        return ax_read(side->ax, fd, data, size);
}

static ssize_t file_write(struct side *side, int fd, const void *data, size_t size) {
        return ax_write(side->ax, fd, data, size);
}

static int64_t seek(struct side *side, int fd, int64_t offset, int whence) {
        return ax_seek(side->ax, fd, offset, whence);
}

static int set_size(struct side *side, int fd, int64_t size) {
        return ax_ftruncate(side->ax, fd, size);
}

static int file_close(struct side *side, int fd) {
        return ax_close(side->ax, fd);
}

static int make_directory(struct side *side, const char *name) {
        return ax_mkdir(side->ax, name);
}

static int make_fifo(struct side *side, const char *name) {
        return ax_mkfifo(side->ax, name);
}

static int make_symlink(struct side *side, const char *target, const char *name) {
        return ax_symlink(side->ax, target, name);
}

static int read_link(struct side *side, const char *name, char *target, size_t size) {
        return ax_readlink(side->ax, name, target, size);
}

static int make_link(struct side *side, const char *from, const char *to) {
        return ax_link(side->ax, from, to);
}

static int node_rename(struct side *side, const char *from, const char *to) {
        return ax_rename(side->ax, from, to);
}

static int remove_file(struct side *side, const char *name) {
        return ax_unlink(side->ax, name);
}

static int remove_directory(struct side *side, const char *name) {
        return ax_rmdir(side->ax, name);
}

static int set_mode(struct side *side, const char *name, uint32_t mode) {
        return ax_chmod(side->ax, name, mode);
}

static int set_owner(struct side *side, const char *name, uint32_t uid, uint32_t gid) {
        return ax_lchown(side->ax, name, uid, gid);
}

static int set_times(struct side *side, const char *name, const struct timespec times[2]) {
        return ax_lutimens(side->ax, name, times);
}

static uint32_t set_umask(struct side *side, uint32_t mask) {
        int old = ax_umask(side->ax, mask);

        return old < 0 ? 022 : (uint32_t) old;
}

static ssize_t list_attributes(struct side *side, const char *name, char *names, size_t size) {
        return ax_llistxattr(side->ax, name, names, size);
}

static ssize_t get_attribute(struct side *side, const char *name, const char *attribute, void *value, size_t size) {
        return ax_lgetxattr(side->ax, name, attribute, value, size);
}

static int set_attribute(struct side *side, const char *name, const char *attribute, const void *value, size_t size) {
        return ax_lsetxattr(side->ax, name, attribute, value, size, 0);
}

static int remove_attribute(struct side *side, const char *name, const char *attribute) {
        return ax_lremovexattr(side->ax, name, attribute);
}

const struct side_ops side_namespace = {
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
