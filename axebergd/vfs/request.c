/*
 * How a request on a path runs: through stores (in a worker, where one may block) and synthetic trees (in the kernel's thread), back
 * and forth as symlinks lead, until there is a result.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "axeberg.h"
#include "kernel.h"
#include "object/object.h"
#include "process/process.h"
#include "util/cleanup.h"
#include "util/identity.h"
#include "vfs/store.h"
#include "vfs/store_ops.h"
#include "vfs/synthetic.h"
#include "vfs/vfs.h"

enum { SYNTHETIC_MAX_DEPTH = 8 };

enum progress { FINISHED, IN_SYNTHETIC, IN_STORE };

int vfs_request_new(struct vfs_request **ret, const struct vfs_operation *operation, struct process *const *process,
                    const char *path, const char *second) {
        struct vfs_request *request = malloc(sizeof(*request));
        int r;

        if (!request)
                return -ENOMEM;
        /* not the walks' buffers: clearing 16 KiB would cost more than a call */
        memset(request, 0, offsetof(struct vfs_request, walks));
        memset(&request->n_walks, 0, offsetof(struct vfs_request, text) - offsetof(struct vfs_request, n_walks));
        request->vfs = &(*process)->kernel->vfs;
        request->operation = operation;
        request->process = process;
        request->identity = identity_ref((*process)->identity);
        request->cwd = vfs_directory_ref((*process)->cwd);
        request->fd = -1;
        request->done = NULL;
        request->userdata = NULL;

        r = walk_init(&request->walks[request->n_walks++], request->vfs, request->cwd, path, operation->keeps_last[0]);
        if (r == 0 && second)
                r = walk_init(&request->walks[request->n_walks++], request->vfs, request->cwd, second,
                              operation->keeps_last[1]);
        if (r < 0) {
                vfs_request_free(request);
                return r;
        }
        *ret = request;
        return 0;
}

struct vfs_request *vfs_request_free(struct vfs_request *request) {
        if (!request)
                return NULL;
        for (unsigned i = 0; i < request->n_walks; i++)
                walk_deinit(&request->walks[i]);
        identity_unref(request->identity);
        vfs_directory_unref(request->cwd);
        vfs_directory_unref(request->directory);
        object_unref(request->object);
        cleanup_close(&request->fd);
        names_deinit(&request->names);
        free(request->target);
        free(request);
        return NULL;
}

static enum progress finish(struct vfs_request *request, int result) {
        request->result = result;
        return FINISHED;
}

/* Of two paths, one that is not in a store settles it: nothing can be moved or linked there. */
static int check_same_tree(const struct vfs_request *request) {
        const struct walk *from = &request->walks[0], *to = &request->walks[1];

        if (request->n_walks < 2 || (from->mount->store && to->mount->store))
                return 0;
        if (request->operation->keeps_last[0] && (from->last != WALK_LAST_NAME || to->last != WALK_LAST_NAME))
                return -EBUSY;
        return from->mount == to->mount ? -EROFS : -EXDEV;
}

static int check_exists(const struct walk *walk) {
        struct stat status;

        return fstatat(walk->dir, walk->name, &status, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

/* Runs through stores as the caller. In a worker, or inline where no store of the namespace can block. */
static enum progress run_in_stores(struct vfs_request *request) {
        int r;

        for (;;) {
                while (request->walked < request->n_walks) {
                        struct walk *walk = &request->walks[request->walked];

                        r = walk_run(walk);
                        if (r < 0)
                                return finish(request, r);
                        if (!walk->mount->store)
                                return IN_SYNTHETIC;
                        if (request->operation->needs_first && request->walked == 0 && (r = check_exists(walk)) < 0)
                                return finish(request, r);
                        request->walked++;
                }
                r = check_same_tree(request);
                if (r == 0)
                        r = request->operation->store(request);
                if (r != STORE_OP_FOLLOW)
                        return finish(request, r);
                r = walk_follow(&request->walks[0]);
                if (r < 0)
                        return finish(request, r);
                request->walked = 0;
        }
}

static enum progress run_as_caller(struct vfs_request *request) {
        int r = identity_assume(request->identity);
        enum progress progress;

        if (r < 0)
                return finish(request, r);
        progress = run_in_stores(request);
        identity_restore();
        return progress;
}

/* Goes through the symlink `node`; the walk's rest is what comes after it. */
static int synthetic_follow(struct vfs_request *request, const struct synthetic_node *node, const char *parent) {
        struct walk *walk = &request->walks[request->walked];
        char target[PATH_MAX], joined[PATH_MAX + 256];
        int n = walk->mount->synthetic->readlink(request->vfs->kernel, *request->process, node, target,
                                                 sizeof(target) - 1);

        if (n < 0)
                return n;
        target[n] = '\0';
        if (target[0] == '/')
                return walk_substitute(walk, target);
        snprintf(joined, sizeof(joined), "%s%s%s", parent, *parent ? "/" : "", target);
        return walk_substitute(walk, joined);
}

struct synthetic_walk {
        struct synthetic_node nodes[SYNTHETIC_MAX_DEPTH]; /* from the root to where we are */
        size_t lengths[SYNTHETIC_MAX_DEPTH];              /* of `path` at each */
        unsigned depth;
        char path[256]; /* below the mount */
        mode_t mode;    /* of the last node */
};

static int synthetic_stat(struct vfs_request *request, const struct synthetic_node *node) {
        const struct mount *mount = request->walks[request->walked].mount;
        int r;

        request->status = (struct statx){ 0 };
        r = mount->synthetic->stat(request->vfs->kernel, node, &request->status);
        return r;
}

static bool status_may(const struct vfs_request *request, unsigned want) {
        return identity_may(request->identity, request->status.stx_uid, request->status.stx_gid,
                            request->status.stx_mode, want);
}

/* Looks one component up in the directory where the walk is. */
static int synthetic_descend(struct vfs_request *request, struct synthetic_walk *at, const char *name) {
        const struct mount *mount = request->walks[request->walked].mount;
        size_t length = at->lengths[at->depth];
        int r = synthetic_stat(request, &at->nodes[at->depth]);

        if (r < 0)
                return r;
        if (!S_ISDIR(request->status.stx_mode))
                return -ENOTDIR;
        if (!status_may(request, 1))
                return -EACCES;
        if (at->depth + 1 >= SYNTHETIC_MAX_DEPTH || length + strlen(name) + 2 > sizeof(at->path))
                return -ENOENT;
        r = mount->synthetic->lookup(request->vfs->kernel, *request->process, &at->nodes[at->depth], name,
                                     &at->nodes[at->depth + 1]);
        if (r < 0)
                return r;
        at->lengths[at->depth + 1] = length + (size_t) sprintf(at->path + length, "%s%s", length ? "/" : "", name);
        at->depth++;
        r = synthetic_stat(request, &at->nodes[at->depth]);
        at->mode = request->status.stx_mode;
        return r;
}

/* Walks the rest. Return: 0 at the end, 1 where a symlink or ".." leads elsewhere, negative errno (`*last`: for the last name). */
static int synthetic_walk(struct vfs_request *request, struct synthetic_walk *at, bool *last) {
        struct walk *walk = &request->walks[request->walked];

        for (;;) {
                char name[NAME_MAX + 1], parent[sizeof(at->path)];
                size_t length;
                int r;

                walk->rest += strspn(walk->rest, "/");
                length = strcspn(walk->rest, "/");
                if (length == 0)
                        return 0;
                if (length > NAME_MAX)
                        return -ENAMETOOLONG;
                memcpy(name, walk->rest, length);
                name[length] = '\0';
                walk->rest += length;
                *last = walk->rest[strspn(walk->rest, "/")] == '\0';
                walk->trailing_slash = *walk->rest == '/';
                if (strcmp(name, ".") == 0)
                        continue;
                if (strcmp(name, "..") == 0) {
                        if (at->depth == 0) {
                                walk_restart(walk);
                                return 1;
                        }
                        at->depth--;
                        at->path[at->lengths[at->depth]] = '\0';
                        continue;
                }
                memcpy(parent, at->path, at->lengths[at->depth] + 1);
                r = synthetic_descend(request, at, name);
                if (r < 0)
                        return r;
                if (S_ISLNK(at->mode) && (!*last || walk->trailing_slash || request->operation->follow)) {
                        r = synthetic_follow(request, &at->nodes[at->depth], parent);
                        return r < 0 ? r : 1;
                }
        }
}

static int synthetic_act(struct vfs_request *request, const struct synthetic_walk *at) {
        struct walk *walk = &request->walks[request->walked];
        const struct synthetic_node *node = &at->nodes[at->depth];
        int r = synthetic_stat(request, node);

        if (r < 0)
                return r;
        if (walk->trailing_slash && !S_ISDIR(request->status.stx_mode))
                return -ENOTDIR;
        snprintf(request->text, sizeof(request->text), "%s", at->path);
        if (request->operation->synthetic)
                return request->operation->synthetic(request, node);
        if (at->depth == 0 && request->operation->keeps_last[0])
                return request->operation->root_error;
        return -EROFS;
}

/* Resolves what a walk has left inside of a synthetic mount. */
static enum progress run_in_synthetic(struct vfs_request *request) {
        struct synthetic_walk at = { .nodes = { { .fd = -1 } } };
        bool last = true;
        int r;

        if (!*request->process)
                return finish(request, -ESRCH);
        r = synthetic_walk(request, &at, &last);
        if (r == 1)
                return request->walks[request->walked].mount->store ? IN_STORE : IN_SYNTHETIC;
        if (request->n_walks > 1 && (r == 0 || (r == -ENOENT && last && request->walked == 1))) {
                request->walks[request->walked++].last = at.depth > 0 || r < 0 ? WALK_LAST_NAME : WALK_LAST_ROOT;
                return IN_STORE; /* for the other path */
        }
        if (r == -ENOENT && last && (request->operation->creates || (request->flags & AX_O_CREATE)))
                r = -EROFS;
        return finish(request, r < 0 ? r : synthetic_act(request, &at));
}

static void request_run(struct vfs_request *request, enum progress progress);

static void request_on_worker(struct job *job) {
        struct vfs_request *request = (struct vfs_request *) job;

        request->progress = (int) run_as_caller(request);
}

static void request_on_done(struct job *job) {
        struct vfs_request *request = (struct vfs_request *) job;

        request_run(request, (enum progress) request->progress);
}

static bool vfs_may_block(const struct vfs *vfs) {
        for (size_t i = 0; i < vfs->n_mounts; i++)
                if (vfs->mounts[i].store && vfs->mounts[i].store->may_block)
                        return true;
        return false;
}

static void request_run(struct vfs_request *request, enum progress progress) {
        while (progress != FINISHED) {
                if (progress == IN_SYNTHETIC) {
                        progress = run_in_synthetic(request);
                        continue;
                }
                if (request->operation->heavy || vfs_may_block(request->vfs)) {
                        request->job = (struct job){ .run = request_on_worker, .done = request_on_done };
                        if (workers_submit(request->vfs->kernel->workers, &request->job) == 0)
                                return;
                }
                progress = run_as_caller(request);
        }
        request->done(request);
}

void vfs_request_submit(struct vfs_request *request) {
        request_run(request, request->walks[0].mount->store ? IN_STORE : IN_SYNTHETIC);
}
