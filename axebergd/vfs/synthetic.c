/* SPDX-License-Identifier: MIT */
#include "vfs/synthetic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "axeberg.h"
#include "util/identity.h"
#include "vfs/request.h"
#include "vfs/vfs.h"

enum { SYNTHETIC_MAX_DEPTH = 8 };

/* Where a walk is. */
struct place {
        struct synthetic_node nodes[SYNTHETIC_MAX_DEPTH]; /* from the root to where we are */
        size_t lengths[SYNTHETIC_MAX_DEPTH];              /* of `path` at each */
        unsigned depth;
        char path[256]; /* below the mount */
        mode_t mode;    /* of the last node */
};

static const struct mount *mount_of(const struct vfs_request *request) {
        return request->walks[request->walked].mount;
}

/*
 * Whether the caller may do what `want` says (4 read, 2 write, 1 search), by the status read last.
 */
static bool may(const struct vfs_request *request, unsigned want) {
        return identity_may(request->identity, request->status.stx_uid, request->status.stx_gid,
                            request->status.stx_mode, want);
}

static int read_status(struct vfs_request *request, const struct synthetic_node *node) {
        const struct mount *mount = mount_of(request);

        request->status = (struct statx){ 0 };
        return mount->synthetic->stat(mount->userdata, node, &request->status);
}

/* ---- walking --------------------------------------------------------------------------------- */

/* Goes through the symlink `node`; the walk's rest is the path after it. */
static int follow(struct vfs_request *request, const struct synthetic_node *node, const char *parent) {
        struct walk *walk = &request->walks[request->walked];
        char target[PATH_MAX], joined[PATH_MAX + 256];
        const struct mount *mount = walk->mount;
        int n = mount->synthetic->readlink(mount->userdata, *request->process, node, target, sizeof(target) - 1);

        if (n < 0)
                return n;
        target[n] = '\0';
        if (target[0] == '/')
                return walk_substitute(walk, target);
        snprintf(joined, sizeof(joined), "%s%s%s", parent, *parent ? "/" : "", target);
        return walk_substitute(walk, joined);
}

/* Looks one component up in the directory where the walk is. */
static int descend(struct vfs_request *request, struct place *at, const char *name) {
        const struct mount *mount = request->walks[request->walked].mount;
        size_t length = at->lengths[at->depth];
        int r = read_status(request, &at->nodes[at->depth]);

        if (r < 0)
                return r;
        if (!S_ISDIR(request->status.stx_mode))
                return -ENOTDIR;
        if (!may(request, 1))
                return -EACCES;
        if (at->depth + 1 >= SYNTHETIC_MAX_DEPTH || length + strlen(name) + 2 > sizeof(at->path))
                return -ENOENT;
        r = mount->synthetic->lookup(mount->userdata, &at->nodes[at->depth], name, &at->nodes[at->depth + 1]);
        if (r < 0)
                return r;
        at->lengths[at->depth + 1] = length + (size_t) sprintf(at->path + length, "%s%s", length ? "/" : "", name);
        at->depth++;
        r = read_status(request, &at->nodes[at->depth]);
        at->mode = request->status.stx_mode;
        return r;
}

/*
 * Takes the next name from the rest of the walk. Returns its length, 0 at the end, or a negative
 * errno.
 */
static int take_name(struct walk *walk, char name[static NAME_MAX + 1], bool *ret_last) {
        size_t length;
        int r;

        walk->rest += strspn(walk->rest, "/");
        length = strcspn(walk->rest, "/");
        if (length == 0)
                return 0;
        if (length > NAME_MAX)
                return -ENAMETOOLONG;
        r = walk_take_steps(walk, WALK_SYNTHETIC_STEP);
        if (r < 0)
                return r;
        memcpy(name, walk->rest, length);
        name[length] = '\0';
        walk->rest += length;
        *ret_last = walk->rest[strspn(walk->rest, "/")] == '\0';
        walk->trailing_slash = *walk->rest == '/';
        return (int) length;
}

/* Goes one step up. Returns SYNTHETIC_WALK_ON if that leaves the tree. */
static int ascend(struct walk *walk, struct place *at) {
        if (at->depth == 0) {
                walk_restart(walk);
                return SYNTHETIC_WALK_ON;
        }
        at->depth--;
        at->path[at->lengths[at->depth]] = '\0';
        at->mode = S_IFDIR;
        return 0;
}

/*
 * Walks the rest. Returns 0 at the end, SYNTHETIC_WALK_ON if a symlink or ".." leads elsewhere, or
 * a negative errno; `*ret_last`: of the last name.
 */
static int walk_tree(struct vfs_request *request, struct place *at, bool *ret_last) {
        struct walk *walk = &request->walks[request->walked];
        char name[NAME_MAX + 1], parent[sizeof(at->path)];
        int r;

        while ((r = take_name(walk, name, ret_last)) > 0) {
                if (strcmp(name, ".") == 0)
                        continue;
                memcpy(parent, at->path, at->lengths[at->depth] + 1);
                r = strcmp(name, "..") == 0 ? ascend(walk, at) : descend(request, at, name);
                if (r != 0)
                        return r;
                if (S_ISLNK(at->mode) && (!*ret_last || walk->trailing_slash || request->operation->follow)) {
                        r = follow(request, &at->nodes[at->depth], parent);
                        return r < 0 ? r : SYNTHETIC_WALK_ON;
                }
        }
        return r;
}

static int act(struct vfs_request *request, const struct place *at) {
        struct walk *walk = &request->walks[request->walked];
        const struct synthetic_node *node = &at->nodes[at->depth];
        int r = read_status(request, node);

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

int synthetic_run(struct vfs_request *request) {
        struct place at = { .nodes = { { .fd = -1 } } };
        bool last = true;
        int r = walk_tree(request, &at, &last);

        if (r == SYNTHETIC_WALK_ON)
                return r;
        if (request->n_walks > 1 && (r == 0 || (r == -ENOENT && last && request->walked == 1))) {
                request->walks[request->walked++].last = at.depth > 0 || r < 0 ? WALK_LAST_NAME : WALK_LAST_ROOT;
                return SYNTHETIC_WALK_ON; /* for the other path */
        }
        if (r == -ENOENT && last && (request->operation->creates || (request->flags & AX_O_CREATE)))
                r = -EROFS;
        return r < 0 ? r : act(request, &at);
}

/* ---- acting ---------------------------------------------------------------------------------- */

int synthetic_op_open(struct vfs_request *request, const struct synthetic_node *node) {
        const struct mount *mount = mount_of(request);
        unsigned flags = request->flags, want = 0;

        if (flags & AX_O_CREATE && flags & AX_O_EXCLUSIVE)
                return -EEXIST;
        if (S_ISDIR(request->status.stx_mode) && flags & AX_O_WRITE)
                return -EISDIR;
        if (S_ISLNK(request->status.stx_mode))
                return -ELOOP;
        if (flags & AX_O_READ)
                want |= 4;
        if (flags & AX_O_WRITE)
                want |= 2;
        if (!may(request, want))
                return -EACCES;
        return mount->synthetic->open(mount->userdata, node, &request->status, flags, request->job.user,
                                      &request->object);
}

/* act() has read the status. */
int synthetic_op_stat(struct vfs_request *request, const struct synthetic_node *node) {
        (void) request;
        (void) node;
        return 0;
}

int synthetic_op_readdir(struct vfs_request *request, const struct synthetic_node *node) {
        if (!S_ISDIR(request->status.stx_mode))
                return -ENOTDIR;
        if (!may(request, 4))
                return -EACCES;
        request->names.limit = 0; /* it is small, and gone with this event */
        return mount_of(request)->synthetic->list(mount_of(request)->userdata, node, &request->names);
}

int synthetic_op_chdir(struct vfs_request *request, const struct synthetic_node *node) {
        (void) node;
        if (!S_ISDIR(request->status.stx_mode))
                return -ENOTDIR;
        return may(request, 1) ? 0 : -EACCES;
}

int synthetic_op_exists(struct vfs_request *request, const struct synthetic_node *node) {
        (void) request;
        (void) node;
        return -EEXIST;
}

int synthetic_op_readlink(struct vfs_request *request, const struct synthetic_node *node) {
        const struct mount *mount = mount_of(request);
        int n;

        if (!S_ISLNK(request->status.stx_mode))
                return -EINVAL;
        n = mount->synthetic->readlink(mount->userdata, *request->process, node, request->text,
                                       sizeof(request->text) - 1);
        if (n >= 0)
                request->text[n] = '\0';
        return n;
}

/* Synthetic files have no extended attributes, and take none. */
int synthetic_op_no_attribute(struct vfs_request *request, const struct synthetic_node *node) {
        (void) request;
        (void) node;
        return -ENODATA;
}

int synthetic_op_no_attributes(struct vfs_request *request, const struct synthetic_node *node) {
        (void) request;
        (void) node;
        return 0;
}

int synthetic_op_takes_none(struct vfs_request *request, const struct synthetic_node *node) {
        (void) request;
        (void) node;
        return -EOPNOTSUPP;
}

/* A synthetic tree takes no room. */
int synthetic_op_statvfs(struct vfs_request *request, const struct synthetic_node *node) {
        (void) node;
        request->filesystem = (struct statvfs){ .f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX };
        return 0;
}
