/* SPDX-License-Identifier: MIT */
/*
 * names.c - store operations on names: look up, create, link, rename, remove
 *
 * A look-up asks the host once for the file's attributes and finds the node by device and inode.
 * The host uses numbers again after a file's end. A descriptor would keep the inode alive, so a
 * node without one is compared by file handle, or if there are none by type and time of birth. If
 * it is a different file now, the old node is detached and a new one made.
 */
#include "names.h"

#include "handle.h"
#include "identity.h"
#include "store_ops.h"
#include "synth_nodes.h"
#include "util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/*
 * How often a look-up starts anew because others create and remove the same name meanwhile. Then it
 * holds the file first.
 */
enum { LOOKUP_TRIES = 16 };

/* Each of these is lost to a different thread that found, or forgot, the same file. */
enum { ADOPT_TRIES = 10000 };

static int same_birth(const struct node *node, int dir_fd, const char *name) {
        struct statx stx;

        if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, STATX_TYPE | STATX_BTIME, &stx) < 0)
                return negative_errno();
        if ((stx.stx_mode & S_IFMT) != node->type)
                return 0;
        return !(stx.stx_mask & STATX_BTIME) ||
               (stx.stx_btime.tv_sec == node->btime.tv_sec && stx.stx_btime.tv_nsec == (unsigned) node->btime.tv_nsec);
}

/*
 * Returns 1 if the name (or the descriptor, if the name is "") leads to the node's file, 0 if a
 * different file has the same number, or a negative errno.
 */
static int node_is(struct node *node, int dir_fd, const char *name) {
        _cleanup_free_ struct file_handle *handle = NULL;
        const struct file_handle *known;
        bool alive;
        int r;

        pthread_mutex_lock(&node->lock);
        alive = node->fd >= 0 || node->opens;
        known = node->handle;
        pthread_mutex_unlock(&node->lock);
        if (alive)
                return 1;
        if (!known)
                return node->by_path ? same_birth(node, dir_fd, name) : 0;
        r = handle_from_name(&handle, dir_fd, name);
        return r < 0 ? r : handle_equal(known, handle);
}

static int node_from_host(struct axfs *fs, struct store *store, int fd, const struct stat *st, struct node *parent,
                          const char *name, struct node **ret) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        _cleanup_close_ int owned = fd;
        int r;

        r = node_new_store(&node, store, st);
        if (r < 0)
                return r;
        node_set_name(node, parent, name);
        descriptors_offer(&fs->descriptors, node, take_fd(&owned));
        r = node_table_add(&fs->nodes, node);
        if (r < 0)
                return r;
        *ret = node;
        node = NULL;
        return 0;
}

/* -EAGAIN: start anew. */
static int lookup_new(struct axfs *fs, const struct pin *parent, const char *name, struct node **ret,
                      struct stat *ret_st) {
        _cleanup_close_ int fd = openat(parent->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int r;

        if (fd < 0 || fstat(fd, ret_st) < 0)
                return negative_errno();
        r = node_from_host(fs, parent->node->store, take_fd(&fd), ret_st, parent->node, name, ret);
        return r == -EEXIST ? -EAGAIN : r;
}

/* The file that has the name is held, so nobody can exchange it any more. */
static int lookup_held(struct axfs *fs, const struct pin *parent, const char *name, struct node **ret,
                       struct stat *ret_st) {
        _cleanup_close_ int fd = openat(parent->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? negative_errno() : store_adopt(fs, parent, name, fd, ret, ret_st);
}

static int lookup_once(struct axfs *fs, const struct pin *parent, const char *name, struct node **ret,
                       struct stat *ret_st) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct node_key key;
        int r;

        if (fstatat(parent->fd, name, ret_st, AT_SYMLINK_NOFOLLOW) < 0)
                return negative_errno();
        key = (struct node_key){ .store = parent->node->store->serial, .dev = ret_st->st_dev, .ino = ret_st->st_ino };
        node = node_from_key(&fs->nodes, &key);
        if (!node)
                return lookup_new(fs, parent, name, ret, ret_st);
        r = node_is(node, parent->fd, name);
        if (r < 0)
                return r;
        if (r == 0 || node_is_moved(node, parent->node))
                return lookup_held(fs, parent, name, ret, ret_st);
        if (!node_table_count(&fs->nodes, node))
                return -EAGAIN;
        node_set_name(node, parent->node, name);
        *ret = node;
        node = NULL;
        return 0;
}

int store_find(struct axfs *fs, const struct pin *parent, const char *name, struct node **ret, struct stat *ret_st) {
        int r = -EAGAIN;

        for (unsigned i = 0; i < LOOKUP_TRIES && r == -EAGAIN; i++)
                r = lookup_once(fs, parent, name, ret, ret_st);
        return r == -EAGAIN ? lookup_held(fs, parent, name, ret, ret_st) : r;
}

int store_adopt(struct axfs *fs, const struct pin *parent, const char *name, int fd, struct node **ret,
                struct stat *ret_st) {
        struct node *node;
        int r;

        if (fstat(fd, ret_st) < 0)
                return negative_errno();
        for (unsigned i = 0; i < ADOPT_TRIES; i++) {
                _cleanup_close_ int path_fd = descriptors_reopen(&fs->descriptors, fd, O_PATH);
                struct node_key key = { .store = parent->node->store->serial,
                                        .dev = ret_st->st_dev,
                                        .ino = ret_st->st_ino };

                if (path_fd < 0)
                        return path_fd;
                r = node_from_host(fs, parent->node->store, take_fd(&path_fd), ret_st, parent->node, name, ret);
                if (r != -EEXIST)
                        return r;
                /* Somebody looked the new file up already, or an old node still has its number. */
                node = node_from_key(&fs->nodes, &key);
                if (!node)
                        continue;
                r = node_is(node, fd, "");
                if (r > 0 && node_is_moved(node, parent->node))
                        r = 0;
                if (r > 0 && node_table_count(&fs->nodes, node)) {
                        node_set_name(node, parent->node, name);
                        *ret = node;
                        return 0;
                }
                if (r == 0)
                        node_table_detach(&fs->nodes, node);
                node_unref(node);
                if (r < 0)
                        return r;
        }
        return -ENOENT;
}

int store_root_node(struct axfs *fs, struct store *store, struct node **ret, struct stat *ret_st) {
        struct node_key key = { .store = store->serial, .dev = store->dev, .ino = store->ino };

        if (fstat(store->root_fd, ret_st) < 0)
                return negative_errno();
        for (unsigned i = 0; i < LOOKUP_TRIES; i++) {
                _cleanup_(node_unrefp) struct node *node = node_from_key(&fs->nodes, &key);
                int r;

                if (node && node_table_count(&fs->nodes, node)) {
                        *ret = node_ref(node);
                        return 0;
                }
                if (node)
                        continue;
                r = node_new_store_root(&node, store, ret_st);
                if (r < 0)
                        return r;
                r = node_table_add(&fs->nodes, node);
                if (r == 0)
                        *ret = node_ref(node);
                if (r != -EEXIST)
                        return r;
        }
        return -ESTALE;
}

static int lookup_mount(struct axfs *fs, struct request *request, const char *name) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct store *store;
        struct stat st;
        int r;

        if (!namespace_find(&fs->namespace, name, &store, &st))
                return -ENOENT;
        if (store) {
                r = store_root_node(fs, store, &node, &st);
                store_unref(store);
        } else {
                char path[NAME_MAX + 2];

                snprintf(path, sizeof(path), "/%s", name);
                r = synth_find(&fs->nodes, path, S_IFDIR, &node);
                st.st_ino = synth_ino(path);
        }
        if (r < 0)
                return r;
        return answer_entry(request, node, &st);
}

int store_lookup(struct axfs *fs, struct request *request, struct node *parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        struct stat st;
        int r;

        if (namespace_is_mount_point(&fs->namespace, parent, name))
                return lookup_mount(fs, request, name);
        r = pin_node(&fs->descriptors, &pin, parent);
        if (r < 0)
                return r;
        r = store_find(fs, &pin, name, &node, &st);
        if (r < 0)
                return r;
        return answer_entry(request, node, &st);
}

int store_prepare_creation(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode,
                           struct pin *ret) {
        int r;

        if (namespace_is_mount_point(&fs->namespace, parent, name))
                return -EEXIST;
        r = identity_umask(request->caller.umask);
        if (mode & S_ISGID)
                identity_take_groups(request->caller.pid, request->caller.uid, request->caller.gid);
        return r < 0 ? r : pin_node(&fs->descriptors, ret, parent);
}

/*
 * The new file has gone again before anybody could look. The answer is a file that nobody can
 * reach.
 */
static int answer_gone(struct axfs *fs, struct request *request, struct store *store, mode_t type) {
        static atomic_uint_least64_t last;
        _cleanup_(node_unrefp) struct node *node = NULL;
        const struct stat st = { .st_mode = type, .st_uid = request->caller.uid, .st_gid = request->caller.gid };
        int r = node_new_store(&node, store, &st);

        if (r < 0)
                return r;
        node->key = (struct node_key){ .store = store->serial, .dev = UINT64_MAX, .ino = atomic_fetch_add(&last, 1) };
        r = node_table_add(&fs->nodes, node);
        return r < 0 ? r : answer_entry(request, node, &st);
}

/*
 * Somebody else may have removed the new file and given its name to a different one. The kernel
 * takes an answer of a different type for a broken server's, and gives its caller EIO.
 */
static int answer_made(struct axfs *fs, struct request *request, const struct pin *parent, const char *name,
                       mode_t type) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct stat st;
        int r = store_find(fs, parent, name, &node, &st);

        if (r == 0 && (st.st_mode & S_IFMT) == type)
                return answer_entry(request, node, &st);
        if (r == 0)
                node_table_forget(&fs->nodes, node->id, 1);
        return r == 0 || r == -ENOENT ? answer_gone(fs, request, parent->node->store, type) : r;
}

int store_mknod(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode,
                dev_t device) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r = store_prepare_creation(fs, request, parent, name, mode, &pin);

        if (r < 0)
                return r;
        if (mknodat(pin.fd, name, mode, device) < 0)
                return negative_errno();
        return answer_made(fs, request, &pin, name, mode & S_IFMT ? mode & S_IFMT : S_IFREG);
}

int store_mkdir(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r = store_prepare_creation(fs, request, parent, name, 0, &pin);

        if (r < 0)
                return r;
        if (mkdirat(pin.fd, name, mode) < 0)
                return negative_errno();
        return answer_made(fs, request, &pin, name, S_IFDIR);
}

int store_symlink(struct axfs *fs, struct request *request, const char *target, struct node *parent, const char *name) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r = store_prepare_creation(fs, request, parent, name, 0, &pin);

        if (r < 0)
                return r;
        if (symlinkat(target, pin.fd, name) < 0)
                return negative_errno();
        return answer_made(fs, request, &pin, name, S_IFLNK);
}

static struct node *node_from_name(struct axfs *fs, const struct pin *parent, const char *name, struct stat *ret_st) {
        struct node_key key;

        if (fstatat(parent->fd, name, ret_st, AT_SYMLINK_NOFOLLOW) < 0)
                return NULL;
        key = (struct node_key){ .store = parent->node->store->serial, .dev = ret_st->st_dev, .ino = ret_st->st_ino };
        return node_from_key(&fs->nodes, &key);
}

/*
 * The file is about to lose its name, perhaps its last one. Those who hold it must reach it
 * nevertheless, so its descriptor stays.
 */
static void hold_removed(struct axfs *fs, const struct pin *parent, const char *name, struct pin *ret) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct stat st;

        node = node_from_name(fs, parent, name, &st);
        if (!node || pin_node(&fs->descriptors, ret, node) < 0)
                return;
        if (fstat(ret->fd, &st) == 0 && (st.st_nlink <= 1 || S_ISDIR(st.st_mode)))
                atomic_store(&node->removed, true);
}

static int store_remove(struct axfs *fs, struct request *request, struct node *parent, const char *name, int flags) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE, held = PIN_NONE;
        int r;

        (void) request;
        if (namespace_is_mount_point(&fs->namespace, parent, name))
                return -EBUSY;
        r = pin_node(&fs->descriptors, &pin, parent);
        if (r < 0)
                return r;
        hold_removed(fs, &pin, name, &held);
        if (unlinkat(pin.fd, name, flags) < 0)
                return negative_errno();
        return 0;
}

int store_unlink(struct axfs *fs, struct request *request, struct node *parent, const char *name) {
        return store_remove(fs, request, parent, name, 0);
}

int store_rmdir(struct axfs *fs, struct request *request, struct node *parent, const char *name) {
        return store_remove(fs, request, parent, name, AT_REMOVEDIR);
}

static bool follows_renames(const struct node *from, const struct node *to) {
        return from != to || from->store->handle_fd < 0;
}

/*
 * A node that is reopened by its path must follow a rename, else those who stand in a renamed
 * directory lose it. And the kernel knows a directory in its new place now. If somebody else has
 * renamed, too, nobody is sure what the kernel knows.
 */
static void learn_new_name(struct axfs *fs, struct node *before, const struct pin *parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct stat st;

        node = node_from_name(fs, parent, name, &st);
        if (node)
                node_set_name(node, parent->node, name);
        if (node == before)
                return;
        if (before)
                node_set_unknown(before);
        if (node)
                node_set_unknown(node);
}

int store_rename(struct axfs *fs, struct request *request, struct node *from, const char *name, struct node *to,
                 const char *new_name, unsigned flags) {
        _cleanup_(pin_drop) struct pin from_pin = PIN_NONE, to_pin = PIN_NONE, held = PIN_NONE;
        _cleanup_(node_unrefp) struct node *node = NULL, *other = NULL;
        struct stat st;
        int r;

        (void) request;
        if (namespace_is_mount_point(&fs->namespace, from, name) ||
            namespace_is_mount_point(&fs->namespace, to, new_name))
                return -EBUSY;
        if (to->kind != NODE_STORE || from->store != to->store)
                return -EXDEV;
        r = pin_node(&fs->descriptors, &from_pin, from);
        if (r < 0)
                return r;
        r = pin_node(&fs->descriptors, &to_pin, to);
        if (r < 0)
                return r;
        if (follows_renames(from, to)) {
                node = node_from_name(fs, &from_pin, name, &st);
                other = node_from_name(fs, &to_pin, new_name, &st);
        }
        if (!(flags & (RENAME_EXCHANGE | RENAME_NOREPLACE)))
                hold_removed(fs, &to_pin, new_name, &held);
        if (renameat2(from_pin.fd, name, to_pin.fd, new_name, flags) < 0)
                return negative_errno();
        if (follows_renames(from, to))
                learn_new_name(fs, node, &to_pin, new_name);
        if (follows_renames(from, to) && (flags & RENAME_EXCHANGE))
                learn_new_name(fs, other, &from_pin, name);
        return 0;
}

int store_link(struct axfs *fs, struct request *request, struct node *node, struct node *parent, const char *name) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE, parent_pin = PIN_NONE;
        struct stat st;
        int r;

        if (parent->kind != NODE_STORE || node->store != parent->store)
                return -EXDEV;
        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        r = store_prepare_creation(fs, request, parent, name, 0, &parent_pin);
        if (r < 0)
                return r;
        if (linkat(fs->descriptors.proc_fd, fd_path(pin.fd).text, parent_pin.fd, name, AT_SYMLINK_FOLLOW) < 0 ||
            fstat(pin.fd, &st) < 0)
                return negative_errno();
        /* The file is known, whatever has its new name by now. */
        node_set_name(node, parent, name);
        node_table_count_held(&fs->nodes, node);
        return answer_entry(request, node, &st);
}

int store_readlink(struct axfs *fs, struct request *request, struct node *node) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        char target[PATH_MAX + 1], *copy;
        ssize_t length;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        length = readlinkat(pin.fd, "", target, sizeof(target) - 1);
        if (length < 0)
                return negative_errno();
        copy = strndup(target, (size_t) length);
        return copy ? answer_link(request, copy) : -ENOMEM;
}
