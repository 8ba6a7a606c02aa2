/* SPDX-License-Identifier: MIT */
/* mount_differ_modes.c - attributes: modes with their set-id bits, owners, times */
#include "mount_differ.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

static long do_stat(struct side *side, const struct step *step, struct outcome *outcome) {
        struct stat st;

        if (fstatat(side->root, step->name, &st, step->bits & 1 ? AT_SYMLINK_NOFOLLOW : 0) < 0)
                return -errno;
        say_stat(outcome, &st);
        return 0;
}

static long do_fstat(struct side *side, const struct step *step, struct outcome *outcome) {
        struct stat st;

        if (fstat(side->slots[step->slot], &st) < 0)
                return -errno;
        say_stat(outcome, &st);
        return 0;
}

/* axfs(8): set-id bits that an open file gets. */
static bool adds_setid(const struct side *side, int fd, mode_t mode) {
        struct stat st, open_st;

        if (!passthrough || !(mode & 06000) || fd < 0 || fstat(fd, &st) < 0)
                return false;
        for (unsigned i = 0; i < SLOTS; i++)
                if (side->slots[i] >= 0 && fstat(side->slots[i], &open_st) == 0 && open_st.st_ino == st.st_ino)
                        return true;
        return false;
}

static long do_chmod(struct side *side, const struct step *step, struct outcome *outcome) {
        int fd = openat(side->root, step->name, O_PATH | O_CLOEXEC);
        bool adds = adds_setid(side, fd, step->mode);

        (void) outcome;
        if (fd >= 0)
                close(fd);
        return adds ? 0 : error_or(fchmodat(side->root, step->name, step->mode, 0));
}

static long do_fchmod(struct side *side, const struct step *step, struct outcome *outcome) {
        (void) outcome;
        if (adds_setid(side, side->slots[step->slot], step->mode))
                return 0;
        return error_or(fchmod(side->slots[step->slot], step->mode));
}

/*
 * axfs(8): somebody who does not own a file with set-id bits is not refused if he changes neither
 * its owner nor its group.
 */
static bool changes_nothing(const struct step *step, const struct stat *st) {
        return as_root && step->actor != 0 && step->uid == UINT_MAX && step->gid == UINT_MAX && (st->st_mode & 06000) &&
               st->st_uid != actors[step->actor].uid;
}

static long do_chown(struct side *side, const struct step *step, struct outcome *outcome) {
        int flags = step->bits & 1 ? AT_SYMLINK_NOFOLLOW : 0;
        struct stat st;

        (void) outcome;
        if (fstatat(side->root, step->name, &st, flags) == 0 && changes_nothing(step, &st))
                return 0;
        return error_or(fchownat(side->root, step->name, step->uid, step->gid, flags));
}

static long do_fchown(struct side *side, const struct step *step, struct outcome *outcome) {
        struct stat st;

        (void) outcome;
        if (fstat(side->slots[step->slot], &st) == 0 && changes_nothing(step, &st))
                return 0;
        return error_or(fchown(side->slots[step->slot], step->uid, step->gid));
}

static long do_utimens(struct side *side, const struct step *step, struct outcome *outcome) {
        static const long nanoseconds[] = { 0, 123456789, UTIME_NOW, UTIME_OMIT, 999999999, 1000000000 };
        struct timespec times[2] = {
                { .tv_sec = (time_t) (step->bits % 2000000000), .tv_nsec = nanoseconds[step->number % 6] },
                { .tv_sec = 1000000000, .tv_nsec = nanoseconds[step->number / 6 % 6] },
        };
        struct stat st;

        if (utimensat(side->root, step->name, times, step->bits & 1 ? AT_SYMLINK_NOFOLLOW : 0) < 0)
                return -errno;
        if (fstatat(side->root, step->name, &st, step->bits & 1 ? AT_SYMLINK_NOFOLLOW : 0) < 0)
                return 0;
        if (times[0].tv_nsec < 1000000000)
                say(outcome, "%lld.%09ld ", (long long) st.st_atim.tv_sec, st.st_atim.tv_nsec);
        if (times[1].tv_nsec < 1000000000)
                say(outcome, "%lld.%09ld", (long long) st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
        return 0;
}
const struct operation mode_operations[] = {
        { "stat", 10, do_stat },      { "fstat", 6, do_fstat },  { "chmod", 24, do_chmod },
        { "fchmod", 10, do_fchmod },  { "chown", 20, do_chown }, { "fchown", 8, do_fchown },
        { "utimens", 8, do_utimens }, { NULL, 0, NULL },
};
