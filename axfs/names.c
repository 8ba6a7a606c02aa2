/*
 * names.c - store operations on names: look up, create, link, rename, remove
 *
 * A look-up asks the host once for the file's attributes and finds the node by device and inode. Numbers are used again by the host
 * after a file's end, so a node that holds no descriptor (which would keep its inode alive) is compared by file handle, or where there
 * are none by time of birth; if it is another file now, the old node is detached and a new one made.
 */
#include "names.h"

#include "handle.h"
#include "identity.h"
#include "store_ops.h"
#include "util.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* How often a look-up starts anew because others create and remove the same name meanwhile. */
#define LOOKUP_TRIES 16

static int same_btime(const struct node *node, int dir_fd, const char *name) {
        struct statx stx;

        if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &stx) < 0)
                return negative_errno();
        return !(stx.stx_mask & STATX_BTIME) ||
               (stx.stx_btime.tv_sec == node->btime.tv_sec && stx.stx_btime.tv_nsec == (unsigned) node->btime.tv_nsec);
}

/* Return: 1 the name leads to the node's file, 0 to another one with the same number, or an error. */
static int node_is(struct node *node, int dir_fd, const char *name) {
        _cleanup_free_ struct file_handle *handle = NULL;
        bool alive;
        int r;

        pthread_mutex_lock(&node->lock);
        alive = node->fd >= 0 || node->opens;
        pthread_mutex_unlock(&node->lock);
        if (alive)
                return 1;
        if (node->by_path)
                return same_btime(node, dir_fd, name);
        if (!node->handle)
                return 0;
        r = handle_from_name(&handle, dir_fd, name);
        return r < 0 ? r : handle_equal(node->handle, handle);
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
        if (r == 0) {
                node_table_detach(&fs->nodes, node);
                return lookup_new(fs, parent, name, ret, ret_st);
        }
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
        return r == -EAGAIN ? -ESTALE : r;
}

int store_adopt(struct axfs *fs, const struct pin *parent, const char *name, int fd, struct node **ret,
                struct stat *ret_st) {
        struct node *node;
        int r;

        if (fstat(fd, ret_st) < 0)
                return negative_errno();
        for (unsigned i = 0; i < LOOKUP_TRIES; i++) {
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
                r = node_is(node, parent->fd, name);
                if (r > 0 && node_table_count(&fs->nodes, node)) {
                        *ret = node;
                        return 0;
                }
                if (r == 0)
                        node_table_detach(&fs->nodes, node);
                node_unref(node);
        }
        return -ESTALE;
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
                r = store_root_node_new(&node, store, ret_st);
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

int store_root_node_new(struct node **ret, struct store *store, const struct stat *st) {
        struct node *node;
        int fd, r;

        fd = fcntl(store->root_fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return negative_errno();
        r = node_new_store(&node, store, st);
        if (r < 0) {
                close(fd);
                return r;
        }
        node->fd = fd;
        node->permanent = true;
        *ret = node;
        return 0;
}

static int lookup_mount(struct axfs *fs, fuse_req_t req, const char *name) {
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
                r = synth_find(fs, path, S_IFDIR, &node);
                st.st_ino = synth_ino(path);
        }
        if (r < 0)
                return r;
        reply_entry(fs, req, node, &st);
        return 0;
}

int store_lookup(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        struct stat st;
        int r;

        if (namespace_is_mount_point(&fs->namespace, parent, name))
                return lookup_mount(fs, req, name);
        r = pin_node(&fs->descriptors, &pin, parent);
        if (r < 0)
                return r;
        r = store_find(fs, &pin, name, &node, &st);
        if (r < 0)
                return r;
        reply_entry(fs, req, node, &st);
        return 0;
}

int store_prepare_creation(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, struct pin *ret) {
        const struct fuse_ctx *caller = fuse_req_ctx(req);
        int r;

        if (namespace_is_mount_point(&fs->namespace, parent, name))
                return -EEXIST;
        r = identity_assume(caller->uid, caller->gid, caller->umask);
        return r < 0 ? r : pin_node(&fs->descriptors, ret, parent);
}

static int reply_created(struct axfs *fs, fuse_req_t req, const struct pin *parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct stat st;
        int r = store_find(fs, parent, name, &node, &st);

        if (r < 0)
                return r;
        reply_entry(fs, req, node, &st);
        return 0;
}

int store_mknod(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode, dev_t device) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r = store_prepare_creation(fs, req, parent, name, &pin);

        if (r < 0)
                return r;
        if (mknodat(pin.fd, name, mode, device) < 0)
                return negative_errno();
        return reply_created(fs, req, &pin, name);
}

int store_mkdir(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, mode_t mode) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r = store_prepare_creation(fs, req, parent, name, &pin);

        if (r < 0)
                return r;
        if (mkdirat(pin.fd, name, mode) < 0)
                return negative_errno();
        return reply_created(fs, req, &pin, name);
}

int store_symlink(struct axfs *fs, fuse_req_t req, const char *target, struct node *parent, const char *name) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r = store_prepare_creation(fs, req, parent, name, &pin);

        if (r < 0)
                return r;
        if (symlinkat(target, pin.fd, name) < 0)
                return negative_errno();
        return reply_created(fs, req, &pin, name);
}

static int store_remove(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name, int flags) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int r;

        if (namespace_is_mount_point(&fs->namespace, parent, name))
                return -EBUSY;
        r = pin_node(&fs->descriptors, &pin, parent);
        if (r < 0)
                return r;
        if (unlinkat(pin.fd, name, flags) < 0)
                return negative_errno();
        fuse_reply_err(req, 0);
        return 0;
}

int store_unlink(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name) {
        return store_remove(fs, req, parent, name, 0);
}

int store_rmdir(struct axfs *fs, fuse_req_t req, struct node *parent, const char *name) {
        return store_remove(fs, req, parent, name, AT_REMOVEDIR);
}

/* A node that is reopened by its path must follow a rename, else whoever stands in a renamed directory loses it. */
static void learn_new_name(struct axfs *fs, const struct pin *parent, const char *name) {
        _cleanup_(node_unrefp) struct node *node = NULL;
        struct node_key key;
        struct stat st;

        if (parent->node->store->handle_fd >= 0 || fstatat(parent->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        key = (struct node_key){ .store = parent->node->store->serial, .dev = st.st_dev, .ino = st.st_ino };
        node = node_from_key(&fs->nodes, &key);
        if (node)
                node_set_name(node, parent->node, name);
}

int store_rename(struct axfs *fs, fuse_req_t req, struct node *from, const char *name, struct node *to,
                 const char *new_name, unsigned flags) {
        _cleanup_(pin_drop) struct pin from_pin = PIN_NONE, to_pin = PIN_NONE;
        int r;

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
        if (renameat2(from_pin.fd, name, to_pin.fd, new_name, flags) < 0)
                return negative_errno();
        learn_new_name(fs, &to_pin, new_name);
        if (flags & RENAME_EXCHANGE)
                learn_new_name(fs, &from_pin, name);
        fuse_reply_err(req, 0);
        return 0;
}

int store_link(struct axfs *fs, fuse_req_t req, struct node *node, struct node *parent, const char *name) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE, parent_pin = PIN_NONE;
        int r;

        if (parent->kind != NODE_STORE || node->store != parent->store)
                return -EXDEV;
        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        r = store_prepare_creation(fs, req, parent, name, &parent_pin);
        if (r < 0)
                return r;
        if (linkat(fs->descriptors.proc_fd, fd_path(pin.fd).text, parent_pin.fd, name, AT_SYMLINK_FOLLOW) < 0)
                return negative_errno();
        return reply_created(fs, req, &parent_pin, name);
}

int store_readlink(struct axfs *fs, fuse_req_t req, struct node *node) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        char target[PATH_MAX + 1];
        ssize_t length;
        int r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        length = readlinkat(pin.fd, "", target, sizeof(target) - 1);
        if (length < 0)
                return negative_errno();
        target[length] = '\0';
        fuse_reply_readlink(req, target);
        return 0;
}
