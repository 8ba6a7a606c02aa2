/* SPDX-License-Identifier: MIT */
#include "exact_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LIST_SIZE = 1024, SHOWN_SIZE = 256, VALUE_SIZE = 64 };

/* What one side says of a file; without the access time, which a look may change. */
struct shown {
        int error;
        uint64_t ino, size;
        uint32_t mode, nlink, uid, gid;
        struct timespec mtime, ctime;
};

static struct shown shown_by_client(int result, const struct ax_stat *st) {
        if (result < 0)
                return (struct shown){ .error = ax_errno(result) };
        return (struct shown){ .ino = st->ino,
                               .size = st->size,
                               .mode = st->mode,
                               .nlink = st->nlink,
                               .uid = st->uid,
                               .gid = st->gid,
                               .mtime = st->mtime,
                               .ctime = st->ctime };
}

static struct shown shown_by_host(int result, const struct stat *st) {
        if (result < 0)
                return (struct shown){ .error = errno };
        return (struct shown){ .ino = st->st_ino,
                               .size = (uint64_t) st->st_size,
                               .mode = st->st_mode,
                               .nlink = (uint32_t) st->st_nlink,
                               .uid = st->st_uid,
                               .gid = st->st_gid,
                               .mtime = st->st_mtim,
                               .ctime = st->st_ctim };
}

static bool is_equal_time(const struct timespec *a, const struct timespec *b) {
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_equal(const struct shown *a, const struct shown *b) {
        return a->error == b->error && a->ino == b->ino && a->size == b->size && a->mode == b->mode &&
               a->nlink == b->nlink && a->uid == b->uid && a->gid == b->gid && is_equal_time(&a->mtime, &b->mtime) &&
               is_equal_time(&a->ctime, &b->ctime);
}

static void print_shown(const struct shown *shown, char *buf, size_t size) {
        if (shown->error) {
                snprintf(buf, size, "%s", strerrorname_np(shown->error));
                return;
        }
        snprintf(buf, size, "ino %llu size %llu mode %o nlink %u owner %u:%u mtime %lld.%09ld ctime %lld.%09ld",
                 (unsigned long long) shown->ino, (unsigned long long) shown->size, shown->mode, shown->nlink,
                 shown->uid, shown->gid, (long long) shown->mtime.tv_sec, shown->mtime.tv_nsec,
                 (long long) shown->ctime.tv_sec, shown->ctime.tv_nsec);
}

static void compare(const struct exact_tree *tree, const char *what, const char *place, const char *other_side,
                    const struct shown *mount, const struct shown *other) {
        char on_mount[SHOWN_SIZE], there[SHOWN_SIZE];

        if (is_equal(mount, other))
                return;
        print_shown(mount, on_mount, sizeof(on_mount));
        print_shown(other, there, sizeof(there));
        exact_fail(tree, "%s %s:\n  mount:  %s\n  %s: %s", what, place, on_mount, other_side, there);
}

static bool has_store(const struct exact_tree *tree) {
        return the_daemon.options.durable && strncmp(tree->directory, "/tmp/", 5) != 0;
}

static void look_at_attributes(const struct exact_tree *tree, const char *place, bool follow) {
        struct exact_paths paths = exact_paths(tree, place);
        const char *what = follow ? "stat" : "lstat";
        struct shown mount, other;
        struct ax_stat ax_st;
        struct stat st;

        mount = shown_by_host(follow ? stat(paths.mount, &st) : lstat(paths.mount, &st), &st);
        other = shown_by_client(follow ? ax_stat(tree->ax, paths.namespace, &ax_st)
                                       : ax_lstat(tree->ax, paths.namespace, &ax_st),
                                &ax_st);
        compare(tree, what, place, "client", &mount, &other);
        if (!has_store(tree))
                return;
        other = shown_by_host(follow ? stat(paths.store, &st) : lstat(paths.store, &st), &st);
        compare(tree, what, place, "store ", &mount, &other);
}

static void look_at_link(const struct exact_tree *tree, const char *place) {
        struct exact_paths paths = exact_paths(tree, place);
        char mount[EXACT_PATH_SIZE] = "", client[EXACT_PATH_SIZE] = "";
        ssize_t n = readlink(paths.mount, mount, sizeof(mount) - 1);
        int error = n < 0 ? errno : 0, r = ax_readlink(tree->ax, paths.namespace, client, sizeof(client));

        if (error != (r < 0 ? ax_errno(r) : 0) || (n >= 0 && strcmp(mount, client) != 0))
                exact_fail(tree, "readlink %s: mount: %s '%s', client: %s '%s'", place, strerrorname_np(error), mount,
                           r < 0 ? ax_error_name(r) : "0", client);
}

static void look_at_value(const struct exact_tree *tree, const char *place) {
        struct exact_paths paths = exact_paths(tree, place);
        char mount[VALUE_SIZE] = "", client[VALUE_SIZE] = "";
        ssize_t n = lgetxattr(paths.mount, "user.exact", mount, sizeof(mount)), r;
        int error = n < 0 ? errno : 0;

        r = ax_lgetxattr(tree->ax, paths.namespace, "user.exact", client, sizeof(client));
        if (error != (r < 0 ? ax_errno((int) r) : 0) || (n >= 0 && (n != r || memcmp(mount, client, (size_t) n) != 0)))
                exact_fail(tree, "lgetxattr %s: mount: %zd %s, client: %zd", place, n, strerrorname_np(error), r);
}

static void look_at_access(const struct exact_tree *tree, const char *place) {
        struct exact_paths paths = exact_paths(tree, place);
        int mount = access(paths.mount, F_OK) == 0, client = ax_exists(tree->ax, paths.namespace);

        if (mount != (client > 0))
                exact_fail(tree, "access %s: mount: %d, client: %d", place, mount, client);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static void join(char **names, int count, char *buf) {
        size_t used = 0;

        qsort(names, (size_t) count, sizeof(*names), compare_names);
        buf[0] = '\0';
        for (int i = 0; i < count; i++)
                used += (size_t) snprintf(buf + used, LIST_SIZE - used, "%s ", names[i]);
}

/* Returns 0 or an errno. */
static int list_mount(const char *path, char *buf) {
        char *names[64];
        int count = 0;
        struct dirent *entry;
        DIR *dir = opendir(path);

        if (!dir)
                return errno;
        while ((entry = readdir(dir)) && count < 64)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        names[count++] = strdup(entry->d_name);
        closedir(dir);
        join(names, count, buf);
        while (count > 0)
                free(names[--count]);
        return 0;
}

void exact_look_into(struct exact_tree *tree, const char *place) {
        struct exact_paths paths = exact_paths(tree, place);
        char mount[LIST_SIZE] = "", client[LIST_SIZE] = "", **names;
        int error = list_mount(paths.mount, mount), count = ax_readdir(tree->ax, paths.namespace, &names);

        if (count >= 0) {
                join(names, count, client);
                ax_names_free(names);
        }
        if (error != (count < 0 ? ax_errno(count) : 0) || strcmp(mount, client) != 0)
                exact_fail(tree, "readdir %s:\n  mount:  %s %s\n  client: %s %s", place, strerrorname_np(error), mount,
                           count < 0 ? ax_error_name(count) : "0", client);
}

void exact_look(struct exact_tree *tree, const char *place) {
        switch (exact_draw(&tree->random, 8)) {
        case 0:
                look_at_attributes(tree, place, true);
                break;
        case 1:
                look_at_link(tree, place);
                break;
        case 2:
                look_at_value(tree, place);
                break;
        case 3:
                look_at_access(tree, place);
                break;
        default:
                look_at_attributes(tree, place, false);
                break;
        }
}

void exact_look_held(struct exact_tree *tree) {
        struct shown mount, client;
        struct ax_stat ax_st;
        struct stat st;

        if (tree->held.host < 0)
                return;
        mount = shown_by_host(fstat(tree->held.host, &st), &st);
        client = shown_by_client(ax_fstat(tree->ax, tree->held.fd, &ax_st), &ax_st);
        compare(tree, "fstat of what is held open", "", "client", &mount, &client);
}
