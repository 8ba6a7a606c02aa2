/* SPDX-License-Identifier: MIT */
/*
 * An operation on paths: it walks them (walk.h), acts on the store as the caller, and calls back
 * with the result.
 *
 * What touches a store is a job of its user's for the workers, whatever the store: somebody else
 * may hold a lock that it waits for. Synthetic trees are the kernel's thread's. The callback may
 * come before vfs_request_submit() returns.
 */
#pragma once

#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "account/user.h"
#include "util/string_list.h"
#include "util/workers.h"
#include "vfs/walk.h"

struct identity;
struct object;
struct process;
struct synthetic_node;
struct vfs;
struct vfs_request;

struct vfs_operation {
        bool follow;        /* a symlink at the end */
        bool keeps_last[2]; /* for each path: the operation is on the name, see struct walk */
        bool needs_first;   /* of two paths, the first must lead to something before the second is walked */
        int (*store)(struct vfs_request *request);
        int (*synthetic)(struct vfs_request *request, const struct synthetic_node *node); /* NULL: -EROFS */
        int root_error; /* for the root of a synthetic tree */
        bool creates;   /* in a synthetic tree: a missing last name is -EROFS, not -ENOENT */
        bool gives_fd;  /* a descriptor stays: an open file, a working directory */
        bool lists;     /* names: they are charged for while they are read, and sorted at the end */
};

struct vfs_request {
        struct job job;
        struct vfs *vfs;
        const struct vfs_operation *operation;
        struct process *const *process; /* that made the call; NULL once it has ended. For the kernel's thread only. */
        struct user_charge buffer_charge; /* of the request itself: there may be many in flight */
        struct user_charge walks_charge;  /* of the descriptors that the walks hold */
        struct user_charge fd_charge;     /* of `fd`, taken before it is opened; goes to what comes of it */
        struct identity *identity;
        struct object *cwd; /* a vfs_directory */
        atomic_bool abandoned;
        struct walk walks[2];
        unsigned n_walks, walked;
        int progress;

        /* the arguments */
        unsigned flags;
        mode_t mode; /* with the umask taken off */
        uid_t uid;
        gid_t gid;
        struct timespec times[2];
        char *target;         /* a symlink's text, an extended attribute's name */
        const uint8_t *value; /* to give an attribute; belongs to the call */
        size_t value_size;

        /* the results */
        int result;
        int fd;
        bool is_fifo;   /* what was opened */
        bool no_reader; /* a FIFO that is to be written, and that nobody reads: fd only names it */
        struct object *object;
        struct statx status;
        struct statvfs filesystem;
        char *attributes;                     /* an attribute's value, or the names of them */
        struct user_charge attributes_charge; /* for XATTR_SIZE_MAX of it */
        struct string_list names;             /* a list, or: */
        int list_fd;                          /* one that is too long for a frame, with so many bytes */
        size_t list_size;
        struct user_charge list_charge; /* for either */
        DIR *stream;                    /* of the directory that is being read */
        char text[PATH_MAX];

        void (*done)(struct vfs_request *request); /* owns the request from here */
        void *userdata;
};

/*
 * Prepares a request of `*process`, which stays readable until the request is freed. `second` may
 * be NULL. Returns 0, -EDQUOT, -ENFILE or another negative errno; on error there is nothing to
 * free.
 */
int vfs_request_new(struct vfs_request **ret, const struct vfs_operation *operation, struct process *const *process,
                    const char *path, const char *second);
/*
 * Charges and makes room for what a call on extended attributes gives. Returns 0, -EDQUOT, -ENOMEM.
 */
int vfs_request_take_attributes(struct vfs_request *request);
/* Frees with everything in it that was not taken out. */
struct vfs_request *vfs_request_free(struct vfs_request *request);
/* Runs it; `done` is called exactly once. */
void vfs_request_submit(struct vfs_request *request);
/*
 * Nobody waits for the result any more: a walk or a list that a worker makes ends early, with
 * -EINTR.
 */
void vfs_request_abandon(struct vfs_request *request);

/*
 * After a successful open or chdir, in the kernel's thread: what it gave, as the caller's own.
 * Returns 0 or -ENOMEM.
 */
int vfs_request_take_object(struct vfs_request *request, struct object **ret);
int vfs_request_take_directory(struct vfs_request *request, struct object **ret);
