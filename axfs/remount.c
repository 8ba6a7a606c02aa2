/* SPDX-License-Identifier: MIT */
/* remount.c - see remount.h */
#include "remount.h"

#include "mountpoint.h"
#include "options.h"
#include "util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

/* `sets` and `clears` are flags of mount(2). */
static const struct {
        const char *word;
        unsigned long sets, clears;
} flags[] = {
        { "remount", 0, 0 },
        { "ro", MS_RDONLY, 0 },
        { "rw", 0, MS_RDONLY },
        { "suid", 0, MS_NOSUID },
        { "nosuid", MS_NOSUID, 0 },
        { "dev", 0, MS_NODEV },
        { "nodev", MS_NODEV, 0 },
        { "exec", 0, MS_NOEXEC },
        { "noexec", MS_NOEXEC, 0 },
        { "sync", MS_SYNCHRONOUS, 0 },
        { "async", 0, MS_SYNCHRONOUS },
        { "dirsync", MS_DIRSYNC, 0 },
        { "noatime", MS_NOATIME, MS_RELATIME },
        { "atime", 0, MS_NOATIME },
        { "relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME },
        { "strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME },
        { "nodiratime", MS_NODIRATIME, 0 },
        { "diratime", 0, MS_NODIRATIME },
};

/*
 * Words that mean nothing to the kernel, or hold on each of our mounts. A word that ends in '-'
 * or '=' is a beginning.
 */
static const char *const without_meaning[] = {
        "defaults",
        "auto",
        "noauto",
        "nofail",
        "_netdev",
        "user",
        "nouser",
        "users",
        "nousers",
        "owner",
        "group",
        "x-",
        "X-",
        "loud",
        "silent",
        "lazytime",
        "nolazytime",
        "norelatime",
        "comment=",
        "user=",
        "nostrictatime",
        "allow_other",
        "default_permissions",
        "subtype=axeberg",
};

static bool word_is(const char *word, const char *option) {
        size_t length = strlen(word);
        bool is_beginning = length > 0 && (word[length - 1] == '-' || (word[length - 1] == '='));

        return is_beginning ? strncmp(word, option, length) == 0 : strcmp(word, option) == 0;
}

static bool list_names(const char *list, const char *wanted) {
        size_t length = strlen(wanted);

        for (const char *at = list; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
                if (strncmp(at, wanted, length) == 0 && (at[length] == ',' || at[length] == '\0'))
                        return true;
        return false;
}

/* The next list of options, in either form: -o LIST, -oLIST. */
static const char *options_at(int argc, char **argv, int *at) {
        for (; *at < argc; (*at)++) {
                if (strncmp(argv[*at], "-o", 2) != 0)
                        continue;
                if (argv[*at][2])
                        return argv[(*at)++] + 2;
                if (*at + 1 < argc) {
                        *at += 2;
                        return argv[*at - 1];
                }
        }
        return NULL;
}

bool remount_wanted(int argc, char **argv) {
        const char *list;

        for (int at = 1; (list = options_at(argc, argv, &at));)
                if (list_names(list, "remount"))
                        return true;
        return false;
}

/* The last word that is not an option: mount(8) puts the source before it. */
static const char *directory_of(int argc, char **argv) {
        const char *directory = NULL;

        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "-t") == 0)
                        i++;
                else if (argv[i][0] != '-')
                        directory = argv[i];
        }
        return directory;
}

static unsigned long current_flags(const char *directory) {
        static const struct {
                unsigned long shown, flag;
        } pairs[] = {
                { ST_RDONLY, MS_RDONLY },         { ST_NOSUID, MS_NOSUID },           { ST_NODEV, MS_NODEV },
                { ST_NOEXEC, MS_NOEXEC },         { ST_SYNCHRONOUS, MS_SYNCHRONOUS }, { ST_NOATIME, MS_NOATIME },
                { ST_NODIRATIME, MS_NODIRATIME }, { ST_RELATIME, MS_RELATIME },
        };
        struct statvfs statistics;
        unsigned long result = 0;

        if (statvfs(directory, &statistics) < 0)
                return MS_NOSUID | MS_NODEV;
        for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
                if (statistics.f_flag & pairs[i].shown)
                        result |= pairs[i].flag;
        return result;
}

static int apply(const char *option, unsigned long *wanted) {
        for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
                if (strcmp(flags[i].word, option) != 0)
                        continue;
                *wanted = (*wanted & ~flags[i].clears) | flags[i].sets;
                return 0;
        }
        for (size_t i = 0; i < sizeof(without_meaning) / sizeof(*without_meaning); i++)
                if (word_is(without_meaning[i], option))
                        return 0;
        fprintf(stderr, "axfs: a remount cannot change '%s': unmount, and mount with it\n", option);
        return -EINVAL;
}

static int apply_list(const char *list, unsigned long *wanted) {
        _cleanup_free_ char *copy = strdup(list);
        char *rest = copy, *option;
        int r = copy ? 0 : -ENOMEM;

        while (r == 0 && (option = strsep(&rest, ",")))
                if (*option)
                        r = apply(option, wanted);
        return r;
}

int remount_run(int argc, char **argv) {
        const char *given = directory_of(argc, argv), *list;
        _cleanup_free_ char *directory = given ? realpath(given, NULL) : NULL;
        unsigned long wanted;

        if (!directory || !mountpoint_is_ours(directory)) {
                fprintf(stderr, "axfs: %s is not an axeberg mount\n", given ? given : "(no directory)");
                return given ? EXIT_MOUNT : EXIT_USAGE;
        }
        wanted = current_flags(directory);
        for (int at = 1; (list = options_at(argc, argv, &at));)
                if (apply_list(list, &wanted) < 0)
                        return EXIT_USAGE;
        if (mount(NULL, directory, NULL, MS_REMOUNT | wanted, NULL) == 0)
                return 0;
        fprintf(stderr, "axfs: cannot remount %s: %s\n", directory, strerror(errno));
        return EXIT_MOUNT;
}
