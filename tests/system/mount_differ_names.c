/* SPDX-License-Identifier: MIT */
/* mount_differ_names.c - make, list, rename, link and remove names */
#include "mount_differ.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const link_targets[] = { "a", "b", "d", "d/e", "g/a", "missing", "b", "e", ".", "link" };
static long do_mkdir(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(mkdirat(side->root, step->name, step->mode));
}

static long do_rmdir(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(unlinkat(side->root, step->name, AT_REMOVEDIR));
}

static long do_unlink(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(unlinkat(side->root, step->name, 0));
}

static long do_rename(struct side *side, const struct step *step, struct outcome *outcome) {
        static const unsigned flags[] = { 0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT, 3 };

        (void) outcome;
        return error_or(renameat2(side->root, step->name, side->root, step->name2,
                                  flags[step->number % (sizeof(flags) / sizeof(*flags))]));
}

static long do_link(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(
                linkat(side->root, step->name, side->root, step->name2, step->bits & 1 ? AT_SYMLINK_FOLLOW : 0));
}

/* A file without a name gets one, or an open one another. */
static long do_link_slot(struct side *side, const struct step *step, struct outcome *outcome) {
        char path[32];

        (void) outcome;
        if (side->slots[step->slot] < 0)
                return 0;
        snprintf(path, sizeof(path), "/proc/self/fd/%d", side->slots[step->slot]);
        return error_or(linkat(AT_FDCWD, path, side->root, step->name, AT_SYMLINK_FOLLOW));
}

static long do_symlink(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(symlinkat(link_targets[step->number % (sizeof(link_targets) / sizeof(*link_targets))],
                                  side->root, step->name));
}

static long do_readlink(struct side *side, const struct step *step, struct outcome *outcome) {
        char target[PATH_MAX];
        ssize_t n = readlinkat(side->root, step->name, target, (step->number % 3 ? sizeof(target) : 2));

        if (n >= 0)
                say(outcome, "%.*s", (int) n, target);
        return error_or(n);
}

static long do_mknod(struct side *side, const struct step *step, struct outcome *outcome) {
        static const mode_t types[] = { S_IFREG, S_IFIFO, S_IFSOCK, 0, S_IFCHR, S_IFDIR };

        (void) outcome;
        return error_or(mknodat(side->root, step->name, types[step->number % 6] | (step->mode & 07777), 0));
}

static long do_access(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        return error_or(faccessat(side->root, step->name, (int) (step->bits & 7), AT_EACCESS));
}

static long do_list(struct side *side, const struct step *step, struct outcome *outcome) {
        char *names[ENTRIES];
        unsigned n = 0;
        int fd = openat(side->root, step->name, O_RDONLY | O_DIRECTORY);
        DIR *directory = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!directory)
                return -errno;
        while ((entry = readdir(directory)) && n < ENTRIES) {
                struct stat st;

                if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && entry->d_ino != st.st_ino)
                        say(outcome, "d_ino differs from st_ino ");
                if (asprintf(&names[n], "%u %s", entry->d_type, entry->d_name) > 0)
                        n++;
        }
        closedir(directory);
        for (unsigned done = 0; done < n; done++) {
                unsigned first = 0;

                for (unsigned i = 1; i < n; i++)
                        if (!names[first] || (names[i] && strcmp(names[i], names[first]) < 0))
                                first = i;
                say(outcome, "%s, ", names[first]);
                free(names[first]);
                names[first] = NULL;
        }
        return n;
}
const struct operation name_operations[] = {
        { "mkdir", 20, do_mkdir },    { "rmdir", 4, do_rmdir },       { "unlink", 8, do_unlink },
        { "rename", 14, do_rename },  { "link", 8, do_link },         { "link_slot", 4, do_link_slot },
        { "symlink", 6, do_symlink }, { "readlink", 4, do_readlink }, { "mknod", 6, do_mknod },
        { "access", 8, do_access },   { "list", 6, do_list },         { NULL, 0, NULL },
};
