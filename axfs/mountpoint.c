/* SPDX-License-Identifier: MIT */
/* mountpoint.c - see mountpoint.h */
#include "mountpoint.h"

#include "util.h"

#include <libgen.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The most dead mounts that are removed from one another. */
enum { STALE_MAX = 16 };

static void cleanup_fclose(FILE **file) {
        if (*file)
                fclose(*file);
}

/* The kernel writes blanks and backslashes in paths as \ooo. */
static void unescape(char *text) {
        char *out = text;

        for (const char *in = text; *in; out++) {
                unsigned code;

                if (*in == '\\' && sscanf(in + 1, "%3o", &code) == 1) {
                        *out = (char) code;
                        in += 4;
                } else {
                        *out = *in++;
                }
        }
        *out = '\0';
}

bool mountpoint_is_ours(const char *path) {
        _cleanup_(cleanup_fclose) FILE *file = fopen("/proc/self/mountinfo", "re");
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        bool ours = false;

        while (file && getline(&line, &size, file) > 0) {
                char *separator = strstr(line, " - "), *at = line, *point;

                for (int i = 0; at && i < 4; i++)
                        point = strsep(&at, " ");
                point = at ? strsep(&at, " ") : NULL;
                if (!point || !separator)
                        continue;
                unescape(point);
                if (strcmp(point, path) == 0)
                        ours = strncmp(separator + 3, "fuse.axeberg ", 13) == 0;
        }
        return ours;
}

/* The path of a dead mount. Only its parent is resolved: the mount itself must not be touched. */
static char *path_of_dead(const char *directory) {
        _cleanup_free_ char *copy = strdup(directory), *copy2 = strdup(directory), *parent = NULL;
        char *path;

        parent = copy ? realpath(dirname(copy), NULL) : NULL;
        if (!parent || !copy2)
                return NULL;
        return asprintf(&path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, basename(copy2)) < 0 ? NULL : path;
}

static int unmount_by_helper(char *path) {
        char *argv[] = { "fusermount3", "-u", "-q", "-z", path, NULL };
        pid_t pid;
        int status;

        if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0)
                return -EPERM;
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return negative_errno();
        return status == 0 ? 0 : -EPERM;
}

static int remove_dead(char *path) {
        if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
                return 0;
        return errno == EPERM ? unmount_by_helper(path) : negative_errno();
}

int mountpoint_clear(const char *directory) {
        struct stat st;

        for (int i = 0; i < STALE_MAX && stat(directory, &st) < 0; i++) {
                _cleanup_free_ char *path = NULL;
                int r = negative_errno();

                if (r == -ECONNABORTED) /* its axfs has died just now */
                        continue;
                if (r != -ENOTCONN)
                        return r;
                path = path_of_dead(directory);
                r = path ? remove_dead(path) : -ENOMEM;
                if (r < 0)
                        return r;
        }
        return 0;
}

int mountpoint_prepare(const char *directory, char **ret) {
        _cleanup_free_ char *path = NULL;
        struct stat st;
        int r = mountpoint_clear(directory);

        if (r < 0)
                return r;
        path = realpath(directory, NULL);
        if (!path)
                return negative_errno();
        if (mountpoint_is_ours(path))
                return -EBUSY;
        if (stat(path, &st) < 0)
                return negative_errno();
        if (!S_ISDIR(st.st_mode))
                return -ENOTDIR;
        *ret = path;
        path = NULL;
        return 0;
}
