/* SPDX-License-Identifier: MIT */
#include "util/remove_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Directories are flattened: a directory in the top one has its own directories moved up into the
 * top one, under new names, until it is empty and goes. So no more than two are open at a time.
 */
struct removal {
        int top;
        unsigned long moved; /* numbers the new names */
};

static void cleanup_closedir(DIR **directory) {
        if (*directory)
                closedir(*directory);
}

static DIR *open_directory(int at, const char *name) {
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *directory = fd < 0 ? NULL : fdopendir(fd);

        if (!directory && fd >= 0)
                close(fd);
        return directory;
}

static bool is_dots(const char *name) {
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int move_up(struct removal *removal, int from, const char *name) {
        char new_name[32];

        do
                snprintf(new_name, sizeof(new_name), ".removed-%lu", removal->moved++);
        while (faccessat(removal->top, new_name, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
        return renameat(from, name, removal->top, new_name) < 0 ? -errno : 0;
}

/* Empties a directory of the top one by moving its directories up. */
static int flatten(struct removal *removal, const char *name) {
        __attribute__((cleanup(cleanup_closedir))) DIR *directory = NULL;
        struct dirent *entry;
        int r = 0;

        (void) !fchmodat(removal->top, name, 0700, 0); /* its owner may have closed it to himself */
        directory = open_directory(removal->top, name);
        if (!directory)
                return -errno;
        while (r == 0 && (entry = readdir(directory))) {
                if (is_dots(entry->d_name) || unlinkat(dirfd(directory), entry->d_name, 0) == 0)
                        continue;
                if (unlinkat(dirfd(directory), entry->d_name, AT_REMOVEDIR) < 0)
                        r = move_up(removal, dirfd(directory), entry->d_name);
        }
        if (r == 0 && unlinkat(removal->top, name, AT_REMOVEDIR) < 0)
                r = -errno;
        return r;
}

/*
 * One round over the top directory. Returns how many entries were removed, or the negative errno of
 * the first that did not.
 */
static int remove_round(struct removal *removal) {
        __attribute__((cleanup(cleanup_closedir))) DIR *directory = open_directory(removal->top, ".");
        struct dirent *entry;
        int removed = 0, error = 0;

        if (!directory)
                return -errno;
        while ((entry = readdir(directory))) {
                int r;

                if (is_dots(entry->d_name))
                        continue;
                r = unlinkat(removal->top, entry->d_name, 0) == 0 ? 0 : flatten(removal, entry->d_name);
                if (r == 0)
                        removed++;
                else if (error == 0)
                        error = r;
        }
        return error < 0 && removed == 0 ? error : removed;
}

int remove_tree(int directory_fd) {
        struct removal removal = { .top = directory_fd };
        int r;

        do
                r = remove_round(&removal);
        while (r > 0);
        return r;
}
