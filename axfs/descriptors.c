/* SPDX-License-Identifier: MIT */
/* descriptors.c - see descriptors.h */
#include "descriptors.h"

#include "handle.h"
#include "store.h"
#include "util.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

/*
 * The most parents that a name is looked for through. Deeper trees need file handles. Each takes
 * some stack.
 */
enum { WALK_DEPTH = 2048 };

static int pin_node_depth(struct descriptors *cache, struct pin *ret, struct node *node, unsigned depth);

struct fd_path fd_path(int fd) {
        struct fd_path path;

        snprintf(path.text, sizeof(path.text), "%d", fd);
        return path;
}

int descriptors_init(struct descriptors *cache, unsigned limit) {
        *cache = (struct descriptors){ .limit = limit, .proc_fd = -1 };
        cache->proc_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (cache->proc_fd < 0)
                return negative_errno();
        pthread_mutex_init(&cache->lock, NULL);
        return 0;
}

void descriptors_deinit(struct descriptors *cache) {
        if (cache->proc_fd < 0)
                return;
        close(cache->proc_fd);
        pthread_mutex_destroy(&cache->lock);
}

int descriptors_reopen(const struct descriptors *cache, int fd, int flags) {
        int r = openat(cache->proc_fd, fd_path(fd).text, (flags & ~O_NOFOLLOW) | O_CLOEXEC);

        return r < 0 ? negative_errno() : r;
}

/*
 * A node that is reopened by its name is recognised by its handle all the same, if the host has
 * one.
 */
int node_learn_handle(struct node *node, int fd) {
        int r;

        if (node->handle || node->permanent)
                return 0;
        r = handle_from_fd(&node->handle, fd);
        return node->by_path ? 0 : r;
}

/*
 * A file without a name cannot be reopened, and somebody may stand in it, or hold it by O_PATH. A
 * directory has no blocks worth freeing. If a file was removed on the mount, the kernel tells as
 * soon as nobody holds it; else nobody can know.
 */
static bool is_removed(const struct node *node) {
        struct stat st;

        return (S_ISDIR(node->type) || atomic_load(&node->removed)) && (fstat(node->fd, &st) < 0 || st.st_nlink == 0);
}

static void ring_remove(struct descriptors *cache, struct node *node) {
        CDL_DELETE2(cache->ring, node, ring_prev, ring_next);
        node->in_ring = false;
        atomic_fetch_sub(&cache->count, 1);
}

/* Under the ring's lock: take the node's descriptor away if nobody needs it. */
static void ring_evict(struct descriptors *cache, struct node *node, bool idle_only) {
        int fd = -1;

        if (pthread_mutex_trylock(&node->lock) != 0)
                return;
        if (node->pins == 0 && !node->permanent && !(idle_only && is_removed(node))) {
                if (node_learn_handle(node, node->fd) < 0 && node->open_fd < 0)
                        node->permanent = true;
                else
                        fd = take_fd(&node->fd);
        }
        pthread_mutex_unlock(&node->lock);
        if (fd < 0)
                return;
        ring_remove(cache, node);
        close(fd);
}

static void ring_advance(struct descriptors *cache) {
        struct node *hand = cache->ring;

        cache->ring = hand->ring_next;
        if (!atomic_exchange_explicit(&hand->used, false, memory_order_relaxed))
                ring_evict(cache, hand, false);
}

/*
 * Bounded work: if everything is pinned or was just used, the cache stays over its limit for a
 * moment.
 */
static void ring_add(struct descriptors *cache, struct node *node) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&cache->lock);

        if (node->in_ring)
                return;
        node->in_ring = true;
        atomic_store(&node->cache, cache);
        if (cache->ring)
                CDL_APPEND2(cache->ring, node, ring_prev, ring_next);
        else
                CDL_PREPEND2(cache->ring, node, ring_prev, ring_next);
        atomic_fetch_add(&cache->count, 1);
        for (unsigned i = 0; i < 64 && cache->ring && atomic_load(&cache->count) > cache->limit; i++)
                ring_advance(cache);
}

bool descriptors_sweep(struct descriptors *cache) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&cache->lock);
        unsigned before = atomic_load(&cache->count);
        bool used = false;

        for (unsigned i = 0; i < before && cache->ring; i++) {
                struct node *node = cache->ring;

                cache->ring = node->ring_next;
                if (atomic_exchange_explicit(&node->used, false, memory_order_relaxed))
                        used = true;
                else
                        ring_evict(cache, node, true);
        }
        return used || atomic_load(&cache->count) < before;
}

void node_close_descriptor(struct node *node) {
        struct descriptors *cache = atomic_load(&node->cache);

        if (cache) {
                _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&cache->lock);

                if (node->in_ring)
                        ring_remove(cache, node);
        }
        if (node->fd >= 0)
                close(node->fd);
}

static void read_btime(int fd, struct timespec *ret) {
        struct statx stx;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) == 0 && (stx.stx_mask & STATX_BTIME))
                *ret = (struct timespec){ .tv_sec = stx.stx_btime.tv_sec, .tv_nsec = stx.stx_btime.tv_nsec };
}

/*
 * Inode numbers are used again, and times of birth are as coarse as the host's clock: two files can
 * share both.
 */
static bool descriptor_is_of(const struct node *node, const struct file_handle *known, int fd) {
        _cleanup_free_ struct file_handle *handle = NULL;
        struct timespec btime = node->btime;
        struct stat st;

        if (fstat(fd, &st) < 0 || st.st_dev != node->key.dev || st.st_ino != node->key.ino ||
            (st.st_mode & S_IFMT) != node->type)
                return false;
        if (known && handle_from_fd(&handle, fd) == 0)
                return handle_equal(known, handle);
        read_btime(fd, &btime);
        return btime.tv_sec == node->btime.tv_sec && btime.tv_nsec == node->btime.tv_nsec;
}

/*
 * The node's lock is held and comes back held, but not in between: the parent's must not be taken
 * under it.
 */
static int reopen_by_path(struct descriptors *cache, struct node *node, unsigned depth) {
        _cleanup_(node_unrefp) struct node *parent = node->parent ? node_ref(node->parent) : NULL;
        _cleanup_free_ char *name = node->name ? strdup(node->name) : NULL;
        const struct file_handle *known = node->handle; /* once it is known it stays */
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        _cleanup_close_ int fd = -1;
        int r;

        if (!parent || !name || depth >= WALK_DEPTH)
                return -ESTALE;
        pthread_mutex_unlock(&node->lock);
        r = pin_node_depth(cache, &pin, parent, depth + 1);
        if (r == 0) {
                fd = openat(pin.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        r = errno == ENOENT || errno == ENOTDIR ? -ESTALE : negative_errno();
                else if (!descriptor_is_of(node, known, fd))
                        r = -ESTALE;
        }
        pthread_mutex_lock(&node->lock);
        return r < 0 ? r : take_fd(&fd);
}

static int reopen(struct descriptors *cache, struct node *node, unsigned depth) {
        int fd;

        if (node->open_fd >= 0)
                return descriptors_reopen(cache, node->open_fd, O_PATH);
        if (node->handle && !node->by_path) {
                fd = open_by_handle_at(node->store->handle_fd, node->handle, O_PATH | O_CLOEXEC);
                return fd < 0 ? negative_errno() : fd;
        }
        return node->by_path ? reopen_by_path(cache, node, depth) : -ESTALE;
}

static int pin_node_depth(struct descriptors *cache, struct pin *ret, struct node *node, unsigned depth) {
        bool fresh = false;
        int fd = -1;

        if (node->kind != NODE_STORE)
                return -EXDEV;
        pthread_mutex_lock(&node->lock);
        if (node->fd < 0) {
                fd = reopen(cache, node, depth);
                if (fd < 0) {
                        pthread_mutex_unlock(&node->lock);
                        return fd;
                }
                if (node->fd < 0) {
                        node->fd = take_fd(&fd);
                        fresh = true;
                }
        }
        node->pins++;
        *ret = (struct pin){ .node = node_ref(node), .fd = node->fd };
        pthread_mutex_unlock(&node->lock);
        atomic_store_explicit(&node->used, true, memory_order_relaxed);
        if (fd >= 0)
                close(fd);
        if (fresh)
                ring_add(cache, node);
        return 0;
}

int pin_node(struct descriptors *cache, struct pin *ret, struct node *node) {
        return pin_node_depth(cache, ret, node, 0);
}

void pin_drop(struct pin *pin) {
        if (!pin->node)
                return;
        pthread_mutex_lock(&pin->node->lock);
        pin->node->pins--;
        pthread_mutex_unlock(&pin->node->lock);
        node_unref(pin->node);
        *pin = PIN_NONE;
}

void descriptors_offer(struct descriptors *cache, struct node *node, int fd) {
        pthread_mutex_lock(&node->lock);
        if (node->fd >= 0) {
                pthread_mutex_unlock(&node->lock);
                close(fd);
                return;
        }
        node->fd = fd;
        if (node->by_path)
                read_btime(fd, &node->btime);
        pthread_mutex_unlock(&node->lock);
        atomic_store_explicit(&node->used, true, memory_order_relaxed);
        ring_add(cache, node);
}

bool node_is_moved(struct node *node, const struct node *parent) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node->lock);

        return S_ISDIR(node->type) && node->in_id != 0 &&
               (node->in_id != parent->id || node->in_generation != parent->generation);
}

static void node_set_directory(struct node *node, const struct node *parent) {
        pthread_mutex_lock(&node->lock);
        node->in_id = parent->id;
        node->in_generation = parent->generation;
        pthread_mutex_unlock(&node->lock);
}

void node_set_unknown(struct node *node) {
        pthread_mutex_lock(&node->lock);
        node->in_id = UINT64_MAX;
        pthread_mutex_unlock(&node->lock);
}

void node_set_name(struct node *node, struct node *parent, const char *name) {
        _cleanup_(node_unrefp) struct node *old_parent = NULL;
        _cleanup_free_ char *old_name = NULL;
        char *copy;

        if (S_ISDIR(node->type))
                node_set_directory(node, parent);
        if (!node->by_path || node == parent)
                return;
        copy = strdup(name);
        if (!copy)
                return;
        pthread_mutex_lock(&node->lock);
        old_parent = node->parent;
        old_name = node->name;
        node->parent = node_ref(parent);
        node->name = copy;
        pthread_mutex_unlock(&node->lock);
}
