/*
 * Walking a path to the place that it names.
 *
 * A walk runs over stores with openat2(2) and never leaves them: runs of plain components are opened below the current directory with
 * RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS; "..", symlinks and mount points are taken by hand, because they can lead to another mount. It
 * ends at a directory of a store and a last name in it, or where it enters a mount that is no store, whose tree the kernel's
 * thread resolves. A walk may run in a worker: it touches the mount table, which never changes, and its own state.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

struct mount;
struct vfs;
struct vfs_directory;

enum { WALK_MAX_LINKS = 40 }; /* as Linux, path_resolution(7) */

/* What the path ends in (Linux's LAST_NORM and so on, fs/namei.c). */
enum walk_last { WALK_LAST_NAME, WALK_LAST_DOT, WALK_LAST_DOT_DOT, WALK_LAST_ROOT };

struct walk {
        const struct vfs *vfs;
        const struct mount *mount; /* where the walk is */
        int dir;                   /* in a store: the current directory */
        bool owns_dir;
        bool at_mount_root;
        unsigned links;      /* symlinks followed */
        char *rest;          /* what is still to be walked; in a synthetic mount, the path below it */
        bool keeps_last;     /* for operations on the name itself: it is not followed, even with a slash behind it */
        enum walk_last last; /* kind of the last component, where it is kept */
        char name[NAME_MAX + 1]; /* in a store, at the end: the last component; "." for the directory itself */
        bool trailing_slash;     /* the last component must be a directory */
        char text[2 * PATH_MAX]; /* holds `rest` at its end */
};

/* Return: 0, -ENOENT (empty), -ENAMETOOLONG, -EINVAL (not UTF-8). `cwd` outlives the walk. */
int walk_init(struct walk *walk, const struct vfs *vfs, const struct vfs_directory *cwd, const char *path,
              bool keeps_last);
void walk_deinit(struct walk *walk);

/*
 * Walks on, as the identity that the thread has taken on. Return: 0, at a name in a store (mount->store is set) or inside of a synthetic mount;
 * negative errno.
 */
int walk_run(struct walk *walk);

/* The last name is a symlink: walk on through it. Return: 0, -ELOOP, -EINVAL (it is none), other negative errno. */
int walk_follow(struct walk *walk);

/* Puts a symlink's text in front of what is left, starting over at "/" where it is absolute. Return: 0, -ELOOP, -ENAMETOOLONG, -ENOENT. */
int walk_substitute(struct walk *walk, const char *target);

/* Back to the root of the namespace, keeping what is left. */
void walk_restart(struct walk *walk);
