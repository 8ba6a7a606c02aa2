/* SPDX-License-Identifier: MIT */
/*
 * How a request on a path runs: through stores (in a worker) and synthetic trees (in the kernel's
 * thread), back and forth as symlinks lead, until there is a result.
 */
#include "vfs/request.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>

#include "account/closer.h"
#include "frame.h"
#include "object/file.h"
#include "process/process.h"
#include "util/cleanup.h"
#include "util/container.h"
#include "util/identity.h"
#include "vfs/directory.h"
#include "vfs/store.h"
#include "vfs/store_ops.h"
#include "vfs/synthetic.h"
#include "vfs/vfs.h"

enum progress { FINISHED, IN_SYNTHETIC, IN_STORE, NEEDS_MEMORY };

/* The most memory that one list may take while it is read, and what it begins with. */
enum { LIST_MAX = 128 << 20, LIST_FIRST = 16 << 10 };

/* Charges what the request takes: memory, a descriptor for each walk, and one that stays. */
static int charge_request(struct vfs_request *request, unsigned n_walks) {
        if (user_charge(request->job.user, &request->buffer_charge, USER_BUFFERS, sizeof(*request)) < 0)
                return -EDQUOT;
        if (user_charge(request->job.user, &request->walks_charge, USER_HOST_FDS, n_walks) < 0)
                return -ENFILE;
        if (!request->operation->gives_fd)
                return 0;
        return user_charge(request->job.user, &request->fd_charge, USER_HOST_FDS, 1) < 0 ? -ENFILE : 0;
}

int vfs_request_new(struct vfs_request **ret, const struct vfs_operation *operation, struct process *const *process,
                    const char *path, const char *second) {
        const struct vfs_directory *cwd = vfs_directory_from_object((*process)->cwd);
        struct vfs_request *request = malloc(sizeof(*request));
        int r;

        if (!request)
                return -ENOMEM;
        /* not the walks' buffers: clearing 16 KiB would cost more than a call */
        memset(request, 0, offsetof(struct vfs_request, walks));
        memset(&request->n_walks, 0, offsetof(struct vfs_request, text) - offsetof(struct vfs_request, n_walks));
        request->vfs = cwd->vfs;
        request->operation = operation;
        request->process = process;
        request->job.user = user_ref((*process)->user);
        request->identity = identity_ref((*process)->identity);
        request->cwd = object_ref((*process)->cwd);
        request->fd = request->list_fd = -1;
        request->done = NULL;
        request->userdata = NULL;

        r = charge_request(request, second ? 2 : 1);
        if (r == 0)
                r = walk_init(&request->walks[request->n_walks++], request->vfs, cwd, path, operation->keeps_last[0]);
        if (r == 0 && second)
                r = walk_init(&request->walks[request->n_walks++], request->vfs, cwd, second, operation->keeps_last[1]);
        if (r < 0) {
                vfs_request_free(request);
                return r;
        }
        for (unsigned i = 0; i < request->n_walks; i++)
                request->walks[i].abandoned = &request->abandoned;
        *ret = request;
        return 0;
}

int vfs_request_take_attributes(struct vfs_request *request) {
        int r = user_charge(request->job.user, &request->attributes_charge, USER_BUFFERS, XATTR_SIZE_MAX);

        if (r < 0)
                return r;
        request->attributes = malloc(XATTR_SIZE_MAX);
        return request->attributes ? 0 : -ENOMEM;
}

/* The stream is closed here, and what it was a stream of by a worker. */
static void close_stream(struct vfs_request *request) {
        if (!request->stream)
                return;
        close_later(request->vfs->workers, request->job.user, fcntl(dirfd(request->stream), F_DUPFD_CLOEXEC, 0));
        closedir(request->stream);
}

struct vfs_request *vfs_request_free(struct vfs_request *request) {
        struct workers *workers;

        if (!request)
                return NULL;
        workers = request->vfs->workers;
        for (unsigned i = 0; i < request->n_walks; i++)
                close_later(workers, request->job.user, walk_take_dir(&request->walks[i]));
        close_later_charged(workers, &request->fd_charge, request->fd);
        close_later(workers, request->job.user, request->list_fd);
        close_stream(request);
        identity_unref(request->identity);
        object_unref(request->cwd);
        object_unref(request->object);
        string_list_deinit(&request->names);
        user_charge_deinit(&request->walks_charge);
        user_charge_deinit(&request->buffer_charge);
        user_charge_deinit(&request->list_charge);
        user_charge_deinit(&request->attributes_charge);
        user_unref(request->job.user);
        free(request->target);
        free(request->attributes);
        free(request);
        return NULL;
}

void vfs_request_abandon(struct vfs_request *request) {
        atomic_store_explicit(&request->abandoned, true, memory_order_relaxed);
}

static enum progress finish(struct vfs_request *request, int result) {
        request->result = result;
        return FINISHED;
}

/* Of two paths, one that is not in a store settles it: nothing can be moved or linked there. */
static int check_same_tree(const struct vfs_request *request) {
        const struct walk *from = &request->walks[0], *to = &request->walks[1];

        if (request->n_walks < 2 || (!walk_is_synthetic(from) && !walk_is_synthetic(to)))
                return 0;
        if (request->operation->keeps_last[0] && (from->last != WALK_LAST_NAME || to->last != WALK_LAST_NAME))
                return -EBUSY;
        return from->mount == to->mount ? -EROFS : -EXDEV;
}

static int check_exists(const struct walk *walk) {
        struct stat status;

        return fstatat(walk->dir, walk->name, &status, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Runs through stores as the caller, in a worker. */
static enum progress run_in_stores(struct vfs_request *request) {
        int r;

        for (;;) {
                while (request->walked < request->n_walks) {
                        struct walk *walk = &request->walks[request->walked];

                        r = walk_run(walk);
                        if (r < 0)
                                return finish(request, r);
                        if (r == WALK_SYNTHETIC)
                                return IN_SYNTHETIC;
                        if (request->operation->needs_first && request->walked == 0 && (r = check_exists(walk)) < 0)
                                return finish(request, r);
                        request->walked++;
                }
                r = check_same_tree(request);
                if (r == 0)
                        r = request->operation->store(request);
                if (r == STORE_OP_MORE)
                        return NEEDS_MEMORY;
                if (r != STORE_OP_FOLLOW)
                        return finish(request, r);
                r = walk_follow(&request->walks[0]);
                if (r < 0)
                        return finish(request, r);
                request->walked = 0;
        }
}

/* Gives back what only the run needs: a close may be a directory's last. */
static void end_run(struct vfs_request *request) {
        for (unsigned i = 0; i < request->n_walks; i++)
                walk_deinit(&request->walks[i]);
        if (request->stream)
                closedir(request->stream);
        request->stream = NULL;
}

/*
 * A list is sorted; one that is too long for a frame becomes a file. The result is how many names
 * there are.
 */
static int finish_list(struct vfs_request *request) {
        int count = (int) request->names.count, r;

        if (request->names.size <= AX_FRAME_MAX_DATA) {
                r = string_list_sort(&request->names);
                return r < 0 ? r : count;
        }
        request->list_fd = handouts_make(&request->vfs->lists, &request->names);
        if (request->list_fd < 0)
                return request->list_fd;
        request->list_size = request->names.size;
        string_list_deinit(&request->names);
        return count;
}

static enum progress run_as_caller(struct vfs_request *request) {
        int r = identity_assume(request->identity);
        enum progress progress;

        if (r < 0)
                return finish(request, r);
        progress = run_in_stores(request);
        identity_restore();
        if (progress != FINISHED)
                return progress;
        end_run(request);
        if (request->operation->lists && request->result == 0)
                request->result = finish_list(request);
        return progress;
}

/* Where the current walk goes on; once both have ended, the store side decides. */
static enum progress next_progress(const struct vfs_request *request) {
        return request->walked < request->n_walks && walk_is_synthetic(&request->walks[request->walked]) ? IN_SYNTHETIC
                                                                                                         : IN_STORE;
}

static enum progress run_in_synthetic(struct vfs_request *request) {
        int r = *request->process ? synthetic_run(request) : -ESRCH;

        if (r == SYNTHETIC_WALK_ON)
                return next_progress(request);
        if (r == 0 && request->operation->lists)
                r = finish_list(request);
        return finish(request, r);
}

static void request_run(struct vfs_request *request, enum progress progress);

static void request_on_worker(struct job *job) {
        struct vfs_request *request = container_of(job, struct vfs_request, job);

        request->progress = (int) run_as_caller(request);
}

static void request_on_done(struct job *job) {
        struct vfs_request *request = container_of(job, struct vfs_request, job);

        request_run(request, (enum progress) request->progress);
}

/* What a list may take grows by half each time, and is charged before. */
static int charge_list(struct vfs_request *request) {
        size_t limit = request->names.limit > 0 ? request->names.limit / 2 * 3 : LIST_FIRST;
        int r;

        if (limit > LIST_MAX)
                return -EOVERFLOW;
        user_charge_deinit(&request->list_charge);
        r = user_charge(request->job.user, &request->list_charge, USER_BUFFERS, limit);
        if (r == 0)
                request->names.limit = limit;
        return r;
}

/* From now on the file of a list is charged for, and not the memory that the list took. */
static int charge_list_file(struct vfs_request *request) {
        int r;

        if (request->list_fd < 0)
                return 0;
        user_charge_deinit(&request->list_charge);
        r = user_charge(request->job.user, &request->list_charge, USER_BUFFERS, request->list_size);
        return r < 0 ? r : handouts_track(&request->vfs->lists, request->list_fd, &request->list_charge);
}

static void request_finish(struct vfs_request *request) {
        int r = charge_list_file(request);

        if (r < 0)
                request->result = r;
        request->done(request);
}

/* Returns 0 if a worker has it now, else why not. */
static int request_submit(struct vfs_request *request) {
        request->job.run = request_on_worker;
        request->job.done = request_on_done;
        request->job.slow = request->operation->lists || identity_is_slow(request->identity);
        return workers_submit(request->vfs->workers, &request->job);
}

static void request_run(struct vfs_request *request, enum progress progress) {
        int r = 0;

        while (progress == IN_SYNTHETIC)
                progress = run_in_synthetic(request);
        if (progress == NEEDS_MEMORY)
                r = charge_list(request);
        if (progress != FINISHED && r == 0 && (r = request_submit(request)) == 0)
                return;
        if (r < 0)
                request->result = r;
        request_finish(request);
}

void vfs_request_submit(struct vfs_request *request) {
        int r = request->operation->lists ? charge_list(request) : 0;

        if (r < 0) {
                request->result = r;
                request_finish(request);
                return;
        }
        request_run(request, next_progress(request));
}

/*
 * The results that need the kernel's thread: a host descriptor becomes an object or a working
 * directory.
 */
int vfs_request_take_object(struct vfs_request *request, struct object **ret) {
        const struct mount *mount = request->walks[0].mount;
        int r;

        if (!request->object) {
                struct file_options options = {
                        .flags = request->flags,
                        .store = mount->store->index,
                        .root_fd = mount->store->root_fd,
                        .mount_point = mount->path,
                        .workers = request->vfs->workers,
                        .user = request->job.user,
                        .identity = request->identity,
                };

                r = file_object_new(&request->object, request->fd, &options, &request->fd_charge);
                if (r < 0)
                        return r;
                steal_fd(&request->fd);
        }
        *ret = steal_pointer(&request->object);
        return 0;
}

int vfs_request_take_directory(struct vfs_request *request, struct object **ret) {
        const struct walk *walk = &request->walks[0];
        struct vfs_directory *directory;
        int r;

        if (walk_is_synthetic(walk) && strlen(request->text) >= sizeof(directory->path))
                return -ENAMETOOLONG;
        r = vfs_directory_new(&directory, request->vfs, walk->mount);
        if (r < 0)
                return r;
        *ret = &directory->object;
        if (walk_is_synthetic(walk)) {
                strcpy(directory->path, request->text);
                return 0;
        }
        directory->fd = steal_fd(&request->fd);
        user_charge_move(&directory->fd_charge, &request->fd_charge);
        directory->owns_fd = true;
        directory->user = user_ref(request->job.user);
        directory->is_mount_root = walk->at_mount_root && strcmp(walk->name, ".") == 0;
        return 0;
}
