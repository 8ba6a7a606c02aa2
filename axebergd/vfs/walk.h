/* SPDX-License-Identifier: MIT */
/*
 * Walking a path to the place that it names.
 *
 * A walk runs over stores with openat2(2) and never leaves them: runs of plain components are
 * opened below the current directory with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; "..", symlinks
 * and mount points are taken by hand, because they can lead to another mount. It ends at a
 * directory of a store and a last name in it, or where it enters a mount that is no store, whose
 * tree the kernel's thread resolves. A walk may run in a worker: it touches the mount table, which
 * never changes, and its own state.
 *
 * A walk is bounded: each component is a step, whether the path or a symlink's text has it, and a
 * walk has so many steps and no more. Whoever waits for it can abandon it between two steps.
 */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>

struct mount;
struct vfs;
struct vfs_directory;

enum {
        WALK_MAX_LINKS = 40,     /* as Linux, path_resolution(7) */
        WALK_MAX_STEPS = 4096,   /* twice what the longest path has */
        WALK_SYNTHETIC_STEP = 8, /* what one costs that runs in the kernel's thread */
        WALK_MAX_RUN = 64,       /* components that are opened at once */
};

/* What the path ends in (Linux's LAST_NORM and so on, fs/namei.c). */
enum walk_last { WALK_LAST_NAME, WALK_LAST_DOT, WALK_LAST_DOT_DOT, WALK_LAST_ROOT };

struct walk {
        const struct vfs *vfs;
        const struct mount *mount; /* where the walk is */
        int dir;                   /* in a store: the current directory */
        bool owns_dir;
        bool at_mount_root;
        unsigned links;               /* symlinks followed */
        unsigned steps;               /* taken */
        unsigned run;                 /* components that are tried at once; fewer while a symlink is searched for */
        const atomic_bool *abandoned; /* NULL: nobody can abandon it */
        char *rest;                   /* what is still to be walked; in a synthetic mount, the path below it */
        bool keeps_last;     /* for operations on the name itself: it is not followed, even with a slash behind it */
        enum walk_last last; /* kind of the last component, if it is kept */
        char name[NAME_MAX + 1]; /* in a store, at the end: the last component; "." for the directory itself */
        bool trailing_slash;     /* the last component must be a directory */
        char text[2 * PATH_MAX]; /* holds `rest` at its end */
};

/*
 * `cwd` outlives the walk. Returns 0, -ENOENT (the path is empty), -ENAMETOOLONG or -EINVAL (it is
 * not UTF-8).
 */
int walk_init(struct walk *walk, const struct vfs *vfs, const struct vfs_directory *cwd, const char *path,
              bool keeps_last);
/* Gives the directory's descriptor back. What the walk found stays. */
void walk_deinit(struct walk *walk);
/*
 * Takes the directory's descriptor out, for the caller to close. Returns -1 if the walk owns none.
 */
int walk_take_dir(struct walk *walk);

/*
 * Walks on, as the identity that the thread has taken on. Returns 0 at a name in a store,
 * WALK_SYNTHETIC where the walk enters a synthetic tree, or a negative errno.
 */
enum { WALK_SYNTHETIC = 1 };
int walk_run(struct walk *walk);
bool walk_is_synthetic(const struct walk *walk);

/*
 * The last name is a symlink: walk on through it. Returns 0, -ELOOP, -EINVAL (it is none) or
 * another negative errno.
 */
int walk_follow(struct walk *walk);

/*
 * Puts a symlink's text in front of what is left, and starts over at "/" if it is absolute. Returns
 * 0, -ELOOP, -ENAMETOOLONG or -ENOENT.
 */
int walk_substitute(struct walk *walk, const char *target);

/* Counts steps. Returns 0, -ELOOP (too many) or -EINTR (abandoned). */
int walk_take_steps(struct walk *walk, unsigned steps);

/* Goes back to the root of the namespace, keeping the rest of the path. */
void walk_restart(struct walk *walk);
