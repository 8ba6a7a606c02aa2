/* SPDX-License-Identifier: MIT */
/*
 * Names: each operation is one function of a directory, so that nothing but the file system
 * differs. All work below DIRECTORY/names, which has b/c/f three levels down and 500 files in
 * "many".
 */
#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAMES_LISTED = 500, NAMES_PATH = 192 };

static int make_file(const char *path) {
        int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0644);

        if (fd < 0)
                return -errno;
        close(fd);
        return 0;
}

static int make_tree(const char *directory) {
        static const char *const directories[] = { "names", "names/b", "names/b/c", "names/many" };
        char path[NAMES_PATH];
        int r;

        for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
                snprintf(path, sizeof(path), "%s/%s", directory, directories[i]);
                if (mkdir(path, 0755) < 0)
                        return -errno;
        }
        snprintf(path, sizeof(path), "%s/names/b/c/f", directory);
        r = make_file(path);
        for (unsigned i = 0; r == 0 && i < NAMES_LISTED; i++) {
                snprintf(path, sizeof(path), "%s/names/many/n%u", directory, i);
                r = make_file(path);
        }
        return r;
}

int bench_prepare_names(const struct bench_context *context) {
        int r = make_tree(context->tmpfs);

        if (r == 0 && context->mount[0])
                r = make_tree(context->mount);
        if (r == 0 && context->peer[0])
                r = make_tree(context->peer);
        return r;
}

static int deep_stat(const char *directory, unsigned n) {
        char path[NAMES_PATH];
        struct stat st;

        snprintf(path, sizeof(path), "%s/names/b/c/f", directory);
        while (n-- > 0)
                if (stat(path, &st) < 0)
                        return -errno;
        return 0;
}

static int absent(const char *directory, unsigned n) {
        char path[NAMES_PATH];
        struct stat st;

        snprintf(path, sizeof(path), "%s/names/b/nope", directory);
        while (n-- > 0)
                if (stat(path, &st) == 0 || errno != ENOENT)
                        return -EIO;
        return 0;
}

static int reopen(const char *directory, unsigned n) {
        char path[NAMES_PATH];

        snprintf(path, sizeof(path), "%s/names/b/c/f", directory);
        while (n-- > 0) {
                int fd = open(path, O_RDONLY | O_CLOEXEC);

                if (fd < 0)
                        return -errno;
                close(fd);
        }
        return 0;
}

static int create_many(const char *directory, unsigned n) {
        char path[NAMES_PATH];

        for (unsigned i = 0; i < n; i++) {
                int r;

                snprintf(path, sizeof(path), "%s/names/b/n%u", directory, i % NAMES_LISTED);
                r = make_file(path);
                if (r < 0)
                        return r;
                if (unlink(path) < 0)
                        return -errno;
        }
        return 0;
}

/* There and back, so that the file has its name again afterwards. */
static int rename_back(const char *directory, unsigned n) {
        char path[2][NAMES_PATH];

        snprintf(path[0], sizeof(path[0]), "%s/names/b/c/f", directory);
        snprintf(path[1], sizeof(path[1]), "%s/names/b/g", directory);
        for (unsigned i = 0; i < n + n % 2; i++)
                if (rename(path[i % 2], path[(i + 1) % 2]) < 0)
                        return -errno;
        return 0;
}

static int list_once(const char *path) {
        DIR *opened = opendir(path);
        const struct dirent *entry;
        struct stat st;
        int r = 0;

        if (!opened)
                return -errno;
        while (r == 0 && (entry = readdir(opened)))
                if (fstatat(dirfd(opened), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        r = -errno;
        closedir(opened);
        return r;
}

static int list(const char *directory, unsigned n) {
        char path[NAMES_PATH];
        int r = 0;

        snprintf(path, sizeof(path), "%s/names/many", directory);
        while (r == 0 && n-- > 0)
                r = list_once(path);
        return r;
}

#define IN_EACH(name, call)                                                                                            \
        int bench_tmpfs_##name(struct bench_context *context, unsigned n) {                                            \
                return call(context->tmpfs, n);                                                                        \
        }                                                                                                              \
        int bench_mount_##name(struct bench_context *context, unsigned n) {                                            \
                return call(context->mount, n);                                                                        \
        }                                                                                                              \
        int bench_peer_##name(struct bench_context *context, unsigned n) {                                             \
                return call(context->peer, n);                                                                         \
        }

IN_EACH(deep_stat, deep_stat)
IN_EACH(absent, absent)
IN_EACH(reopen, reopen)
IN_EACH(create_many, create_many)
IN_EACH(rename, rename_back)
IN_EACH(list, list)
