/*
 * cat, put and get. What goes to a regular file is written beside it first and renamed into its place, so that nobody ever sees half of it.
 */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"

enum { BUFFER_SIZE = 1 << 20 };

static char buffer[BUFFER_SIZE];

static int write_local(int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, data, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        data += n;
                        size -= (size_t) n;
                }
        }
        return 0;
}

static int write_remote(ax_client *ax, int fd, const char *data, size_t size) {
        while (size > 0) {
                ssize_t n = ax_write(ax, fd, data, size);

                if (n <= 0)
                        return n < 0 ? (int) n : -AX_EIO;
                data += n;
                size -= (size_t) n;
        }
        return 0;
}

/* Copies from the namespace to a local descriptor. Return: 0, negative error; `*local`: it is the local side's. */
static int download(struct axctl *axctl, int from, int to, bool *local) {
        ssize_t n;
        int r = 0;

        *local = false;
        while (r == 0 && (n = ax_read(axctl->ax, from, buffer, sizeof(buffer))) != 0) {
                if (n < 0)
                        return (int) n;
                r = write_local(to, buffer, (size_t) n);
        }
        *local = r < 0;
        return r;
}

static int upload(struct axctl *axctl, int from, int to, bool *local) {
        ssize_t n;
        int r = 0;

        *local = false;
        while (r == 0 && (n = read(from, buffer, sizeof(buffer))) != 0) {
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0) {
                        *local = true;
                        return -errno;
                }
                r = write_remote(axctl->ax, to, buffer, (size_t) n);
        }
        return r;
}

static int cat_one(struct axctl *axctl, const char *path) {
        int fd = ax_open(axctl->ax, path, AX_READ), r;
        bool local;

        if (fd < 0)
                return complain(axctl, path, fd);
        r = download(axctl, fd, STDOUT_FILENO, &local);
        ax_close(axctl->ax, fd);
        return r < 0 ? complain(axctl, local ? "standard output" : path, r) : STATUS_OK;
}

int cat_run(struct axctl *axctl) {
        int status = STATUS_OK;

        for (int i = 0; i < axctl->n_operands; i++)
                if (cat_one(axctl, axctl->operands[i]) != STATUS_OK)
                        status = STATUS_FAILED;
        return status;
}

/* Where a new version of a file is written until it is whole. */
struct replacement {
        const char *path;         /* what will be replaced */
        char temporary[PATH_MAX]; /* "" where it is written directly */
        struct ax_stat old;       /* of an existing regular file */
        bool exists;
        int fd;
};

/* Return: 0, negative error. */
static int replacement_open(ax_client *ax, struct replacement *replacement, const char *path) {
        int r;

        *replacement = (struct replacement){ .path = path };
        r = ax_lstat(ax, path, &replacement->old);
        replacement->exists = r == 0;
        if (r == 0 && S_ISDIR(replacement->old.mode))
                return -AX_EISDIR;
        if (r == 0 && !S_ISREG(replacement->old.mode)) {
                /* devices, and files behind a symlink, which must stay one */
                replacement->fd = ax_open(ax, path, AX_WRITE);
                return replacement->fd < 0 ? replacement->fd : 0;
        }
        if (snprintf(replacement->temporary, PATH_MAX, "%s.axctl-%d", path, ax_getpid(ax)) >= PATH_MAX)
                return -AX_ENAMETOOLONG;
        replacement->fd = ax_open(ax, replacement->temporary, AX_O_WRITE | AX_O_CREATE | AX_O_EXCLUSIVE);
        return replacement->fd < 0 ? replacement->fd : 0;
}

static int replacement_finish(ax_client *ax, struct replacement *replacement, int r) {
        const struct ax_stat *old = &replacement->old;
        int close_result = ax_close(ax, replacement->fd);

        if (r == 0)
                r = close_result;
        if (!*replacement->temporary)
                return r;
        if (r == 0 && replacement->exists) {
                ax_chown(ax, replacement->temporary, old->uid,
                         old->gid); /* root keeps the owner; others own it anyway */
                r = ax_chmod(ax, replacement->temporary, old->mode & 07777);
        }
        if (r == 0)
                r = ax_rename(ax, replacement->temporary, replacement->path);
        if (r < 0)
                ax_unlink(ax, replacement->temporary);
        return r;
}

/* A target that is a directory takes the file under its own name. */
static int target_path(ax_client *ax, const char *from, const char *to, char ret[static PATH_MAX]) {
        struct ax_stat status;

        if (ax_stat(ax, to, &status) == 0 && S_ISDIR(status.mode))
                return path_join(ret, to, path_base(from)) < 0 ? -AX_ENAMETOOLONG : 0;
        return snprintf(ret, PATH_MAX, "%s", to) < PATH_MAX ? 0 : -AX_ENAMETOOLONG;
}

static int open_local(const char *path) {
        struct stat status;
        int fd;

        if (strcmp(path, "-") == 0)
                return STDIN_FILENO;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
                close(fd);
                errno = EISDIR;
                return -1;
        }
        return fd;
}

int put_run(struct axctl *axctl) {
        const char *from = axctl->n_operands == 2 ? axctl->operands[0] : "-";
        const char *to = axctl->operands[axctl->n_operands - 1];
        struct replacement replacement;
        char path[PATH_MAX];
        bool local = false;
        int fd = open_local(from), r;

        if (fd < 0)
                return complain(axctl, from, -errno);
        r = target_path(axctl->ax, from, to, path);
        if (r == 0)
                r = replacement_open(axctl->ax, &replacement, path);
        if (r == 0) {
                r = upload(axctl, fd, replacement.fd, &local);
                r = replacement_finish(axctl->ax, &replacement, r);
        }
        if (fd != STDIN_FILENO)
                close(fd);
        return r < 0 ? complain(axctl, local ? from : to, r) : STATUS_OK;
}

/* Writes the local file beside its place, and moves it there. */
static int get_to_file(struct axctl *axctl, int from, const char *to, bool *local) {
        char temporary[PATH_MAX];
        mode_t mask = umask(0);
        struct stat old;
        bool exists = stat(to, &old) == 0;
        int fd, r;

        umask(mask);
        *local = true;
        if (exists && !S_ISREG(old.st_mode)) {
                fd = open(to, O_WRONLY | O_CLOEXEC);
                r = fd < 0 ? -errno : download(axctl, from, fd, local);
                if (fd >= 0)
                        close(fd);
                return r;
        }
        if (snprintf(temporary, sizeof(temporary), "%s.axctl-XXXXXX", to) >= PATH_MAX)
                return -ENAMETOOLONG;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = download(axctl, from, fd, local);
        if (r == 0 && (fchmod(fd, exists ? old.st_mode & 07777 : 0666 & ~mask) < 0 || rename(temporary, to) < 0)) {
                *local = true;
                r = -errno;
        }
        close(fd);
        if (r < 0)
                unlink(temporary);
        return r;
}

static const char *local_target(const char *from, const char *to, char joined[static PATH_MAX]) {
        struct stat status;

        if (stat(to, &status) < 0 || !S_ISDIR(status.st_mode))
                return to;
        return path_join(joined, to, path_base(from)) < 0 ? to : joined;
}

int get_run(struct axctl *axctl) {
        const char *from = axctl->operands[0], *to = axctl->n_operands == 2 ? axctl->operands[1] : path_base(from);
        int fd = ax_open(axctl->ax, from, AX_READ), r;
        char joined[PATH_MAX];
        bool local;

        if (fd < 0)
                return complain(axctl, from, fd);
        if (strcmp(to, "-") == 0)
                r = download(axctl, fd, STDOUT_FILENO, &local);
        else
                r = get_to_file(axctl, fd, to = local_target(from, to, joined), &local);
        ax_close(axctl->ax, fd);
        return r < 0 ? complain(axctl, local ? to : from, r) : STATUS_OK;
}

int copy_within(struct axctl *axctl, const char *from, const char *to, const struct ax_stat *status) {
        const struct timespec times[2] = { status->atime, status->mtime };
        struct replacement replacement;
        int fd = ax_open(axctl->ax, from, AX_READ), r;
        ssize_t n;

        if (fd < 0)
                return fd;
        r = replacement_open(axctl->ax, &replacement, to);
        if (r == 0) {
                while (r == 0 && (n = ax_read(axctl->ax, fd, buffer, sizeof(buffer))) != 0)
                        r = n < 0 ? (int) n : write_remote(axctl->ax, replacement.fd, buffer, (size_t) n);
                replacement.old = *status; /* it takes over what the source had */
                replacement.exists = true;
                r = replacement_finish(axctl->ax, &replacement, r);
        }
        ax_close(axctl->ax, fd);
        return r == 0 ? ax_utimens(axctl->ax, to, times) : r;
}
