/*
 * The namespace: a mount table, and operations on paths.
 *
 * The table is "/" and mounts directly below it; it is made at start-up and never changes. An operation is a request: it
 * walks its paths (walk.h), acts on the store as the caller, and calls back with the result; where a store may block on a disk that happens in
 * a worker, and everything else in the kernel's thread. The callback may come before vfs_submit() returns.
 */
#pragma once

#include <sys/stat.h>
#include <time.h>

#include "util/names.h"
#include "util/workers.h"
#include "vfs/walk.h"

struct config;
struct identity;
struct kernel;
struct object;
struct process;
struct store;
struct synthetic_node;
struct synthetic_ops;

struct mount {
        const char *path;    /* "/", "/tmp", … */
        const char *backend; /* "store", "devfs", "procfs" */
        struct store *store; /* or NULL */
        const struct synthetic_ops *synthetic;
};

enum { VFS_MAX_MOUNTS = 8 };

struct vfs {
        struct kernel *kernel;
        struct mount mounts[VFS_MAX_MOUNTS];
        size_t n_mounts;
};

int vfs_init(struct vfs *vfs, struct kernel *kernel, const struct config *config);
void vfs_deinit(struct vfs *vfs);

/* A working directory; counted by the kernel's thread. */
struct vfs_directory {
        unsigned refs;
        const struct mount *mount;
        int fd; /* in a store */
        bool owns_fd;
        bool is_mount_root;
        char path[256]; /* in a synthetic mount: below it */
};

struct vfs_directory *vfs_directory_ref(struct vfs_directory *directory);
struct vfs_directory *vfs_directory_unref(struct vfs_directory *directory);
/* The root directory. Return: 0, -ENOMEM. */
int vfs_directory_root(const struct vfs *vfs, struct vfs_directory **ret);
/* Length; -ENOENT where it was removed, -ERANGE. */
int vfs_directory_path(const struct vfs_directory *directory, char *buffer, size_t size);

struct vfs_request;

struct vfs_operation {
        const char *name;
        bool follow;        /* a symlink at the end */
        bool keeps_last[2]; /* for each path: the operation is on the name, see struct walk */
        bool needs_first;   /* of two paths, the first must lead to something before the second is looked at */
        int (*store)(struct vfs_request *request);
        int (*synthetic)(struct vfs_request *request, const struct synthetic_node *node); /* NULL: -EROFS */
        int root_error; /* for the root of a synthetic tree */
        bool creates;   /* in a synthetic tree: a missing last name is -EROFS, not -ENOENT */
        bool heavy;     /* takes long where there is much of it, on any store: always in a worker */
};

struct vfs_request {
        struct job job;
        struct vfs *vfs;
        const struct vfs_operation *operation;
        struct process *const *process; /* whose call it is; leads to NULL once that has ended. Kernel's thread only. */
        struct identity *identity;
        struct vfs_directory *cwd;
        struct walk walks[2];
        unsigned n_walks, walked;
        int progress;

        /* what is asked */
        unsigned flags;
        mode_t mode; /* with the umask taken off */
        uid_t uid;
        gid_t gid;
        struct timespec times[2];
        char *target; /* a symlink's text */

        /* what came of it */
        int result;
        int fd;
        bool is_fifo;   /* what was opened */
        bool no_reader; /* a FIFO that is to be written, and that nobody reads: fd only names it */
        struct object *object;
        struct vfs_directory *directory;
        struct statx status;
        struct names names;
        char text[PATH_MAX];

        void (*done)(struct vfs_request *request); /* owns the request from here */
        void *userdata;
};

extern const struct vfs_operation vfs_open, vfs_stat, vfs_lstat, vfs_mkdir, vfs_mkfifo, vfs_readdir, vfs_chdir,
        vfs_unlink, vfs_rmdir, vfs_rename, vfs_link, vfs_symlink, vfs_readlink, vfs_chmod, vfs_chown, vfs_lchown,
        vfs_utimens;

/* Prepares a request of `*process`, which stays readable until the request is freed. `second` may be NULL. Return: 0, negative errno; on error there is nothing to free. */
int vfs_request_new(struct vfs_request **ret, const struct vfs_operation *operation, struct process *const *process,
                    const char *path, const char *second);
/* Frees with everything in it that was not taken out. */
struct vfs_request *vfs_request_free(struct vfs_request *request);
/* Runs it; `done` is called exactly once. */
void vfs_request_submit(struct vfs_request *request);

/* After a successful open or chdir, in the kernel's thread: what it gave, as the caller's own. Return: 0, -ENOMEM. */
int vfs_request_take_object(struct vfs_request *request, struct object **ret);
int vfs_request_take_directory(struct vfs_request *request, struct vfs_directory **ret);
