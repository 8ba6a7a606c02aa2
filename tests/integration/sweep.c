/* SPDX-License-Identifier: MIT */
/*
 * Mounts below a directory are detached, innermost first; then everything in it is removed by
 * moving what lies deep up to the top, level by level, so that a tree may be deeper than a path is
 * long or descriptors reach.
 */
#include "sweep.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* The mount point in a line of /proc/self/mountinfo, its fifth field. */
static char *mount_point_of(char *line) {
        char *field = line, *end;

        for (int i = 0; i < 4 && field; i++) {
                field = strchr(field, ' ');
                if (field)
                        field++;
        }
        if (!field)
                return NULL;
        end = strchr(field, ' ');
        if (end)
                *end = '\0';
        return field;
}

static bool is_below(const char *path, const char *directory) {
        size_t length = strlen(directory);

        return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* Count the mounts below a directory; the last one's path goes to @last, unless that is NULL. */
static size_t scan_mounts(const char *directory, char *last, size_t size) {
        FILE *file = fopen("/proc/self/mountinfo", "re");
        char *line = NULL;
        size_t line_size = 0, n = 0;

        if (!file)
                return 0;
        while (getline(&line, &line_size, file) > 0) {
                const char *point = mount_point_of(line);

                if (!point || !is_below(point, directory))
                        continue;
                n++;
                if (last)
                        snprintf(last, size, "%s", point);
        }
        free(line);
        fclose(file);
        return n;
}

size_t count_mounts_below(const char *directory) {
        return scan_mounts(directory, NULL, 0);
}

static bool is_dot(const char *name) {
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/*
 * Remove what is in a directory; directories in it move up to @root instead, so that no depth is
 * too deep.
 */
static void empty_into(int root, int fd) {
        static unsigned serial;
        DIR *directory = fdopendir(fd);
        const struct dirent *entry;
        char name[32];

        if (!directory) {
                close(fd);
                return;
        }
        while ((entry = readdir(directory))) {
                if (is_dot(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0)
                        continue;
                (void) fchmodat(fd, entry->d_name, 0700, 0);
                snprintf(name, sizeof(name), ".moved-%u", serial++);
                (void) renameat(fd, entry->d_name, root, name);
        }
        closedir(directory);
}

/* One pass over the directory @root; whether anything could be removed. */
static bool sweep(int root) {
        int copy = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
        DIR *directory = copy < 0 ? NULL : fdopendir(copy);
        const struct dirent *entry;
        bool progress = false;

        if (!directory)
                return false;
        while ((entry = readdir(directory))) {
                if (is_dot(entry->d_name))
                        continue;
                if (unlinkat(root, entry->d_name, 0) == 0) {
                        progress = true;
                        continue;
                }
                fd = openat(root, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd >= 0)
                        empty_into(root, fd);
                progress |= unlinkat(root, entry->d_name, AT_REMOVEDIR) == 0;
        }
        closedir(directory);
        return progress;
}

void sweep_tree(const char *directory) {
        char point[4096];
        int root;

        while (scan_mounts(directory, point, sizeof(point)) > 0)
                if (umount2(point, MNT_DETACH) < 0)
                        break;
        root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return;
        while (sweep(root))
                ;
        close(root);
        (void) rmdir(directory);
}
