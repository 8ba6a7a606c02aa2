/* SPDX-License-Identifier: MIT */
/* mount_differ_tree.c - a tree as text, for comparing */
#include "mount_differ.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { CONTENT_MAX = 1 << 20 };

static bool same_time(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static const struct known *find_known(const struct tree *tree, const char *path) {
        for (unsigned i = 0; i < tree->n_known; i++)
                if (strcmp(tree->known[i].path, path) == 0)
                        return &tree->known[i];
        return NULL;
}

static void print_content(FILE *out, int directory, const char *name, off_t size) {
        static char data[CONTENT_MAX];
        int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOATIME);
        off_t at = 0;
        ssize_t n;

        if (fd < 0) {
                fprintf(out, " unreadable %d", errno);
                return;
        }
        n = pread(fd, data, size < CONTENT_MAX ? (size_t) size : CONTENT_MAX, 0);
        fprintf(out, " bytes %zd %016" PRIx64, n, n > 0 ? hash(data, (size_t) n) : 0);
        while (at < size && (at = lseek(fd, at, SEEK_DATA)) >= 0) {
                fprintf(out, " data %lld", (long long) at);
                at = lseek(fd, at, SEEK_HOLE);
                fprintf(out, "-%lld", (long long) at);
        }
        close(fd);
}

static void print_attributes(FILE *out, int directory, const char *name) {
        int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        char path[64], names[4096], value[4096];
        ssize_t n;
        uint64_t sum = 0;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = listxattr(path, names, sizeof(names));
        for (const char *at = names; n > 0 && at < names + n; at += strlen(at) + 1) {
                ssize_t length = getxattr(path, at, value, sizeof(value));

                sum += hash(at, strlen(at)) ^ (length > 0 ? hash(value, (size_t) length) : (uint64_t) length);
        }
        fprintf(out, " attributes %zd %016" PRIx64, n, sum);
        close(fd);
}

/* axfs(8): times of access are left out, as some reads do not change them. */
static void print_times(struct tree *tree, struct tree *before, const char *path, const struct stat *st) {
        const struct known *known = find_known(before, path);

        if (known)
                fprintf(tree->out, "%s%s", same_time(&known->modified, &st->st_mtim) ? "" : " modified",
                        same_time(&known->changed, &st->st_ctim) ? "" : " changed");
        if (tree->n_known < ENTRIES)
                tree->known[tree->n_known++] = (struct known){ strdup(path), st->st_mtim, st->st_ctim };
}

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void print_tree(struct tree *tree, struct tree *before, int directory, const char *prefix);

static void print_entry(struct tree *tree, struct tree *before, int directory, const char *name, const char *prefix) {
        struct outcome outcome = { .used = 0 };
        char path[PATH_MAX], target[PATH_MAX];
        struct stat st;

        snprintf(path, sizeof(path), "%s%s", prefix, name);
        if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                fprintf(tree->out, "%s: %s\n", path, strerror(errno));
                return;
        }
        say_stat(&outcome, &st);
        fprintf(tree->out, "%s: %s", path, outcome.text);
        print_times(tree, before, path, &st);
        print_attributes(tree->out, directory, name);
        if (S_ISREG(st.st_mode))
                print_content(tree->out, directory, name, st.st_size);
        if (S_ISLNK(st.st_mode) && readlinkat(directory, name, target, sizeof(target)) > 0)
                fprintf(tree->out, " -> %.*s", (int) st.st_size, target);
        fputc('\n', tree->out);
        if (S_ISDIR(st.st_mode)) {
                int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                strncat(path, "/", sizeof(path) - strlen(path) - 1);
                if (fd >= 0)
                        print_tree(tree, before, fd, path);
        }
}

static void print_tree(struct tree *tree, struct tree *before, int directory, const char *prefix) {
        struct dirent **names;
        int n = scandirat(directory, ".", &names, NULL, by_name);

        for (int i = 0; i < n; i++) {
                if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
                        print_entry(tree, before, directory, names[i]->d_name, prefix);
                free(names[i]);
        }
        if (n >= 0)
                free(names);
        close(directory);
}

void tree_free(struct tree *tree) {
        for (unsigned i = 0; i < tree->n_known; i++)
                free(tree->known[i].path);
        free(tree->text);
        *tree = (struct tree){ .n_known = 0 };
}

void tree_read(struct tree *tree, const struct side *side) {
        struct tree now = { .n_known = 0 };

        now.out = open_memstream(&now.text, &now.size);
        must(now.out ? 0 : -1, "open_memstream");
        print_tree(&now, tree, fcntl(side->root, F_DUPFD_CLOEXEC, 3), "");
        fclose(now.out);
        tree_free(tree);
        *tree = now;
}