/* SPDX-License-Identifier: MIT */
/* caching.c - see caching.h */
#include "caching.h"

#include "descriptors.h"
#include "filter.h"
#include "namespace.h"
#include "store.h"
#include "util.h"
#include "wire.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

/* The defaults. Nobody but the daemon changes what a detached store has. */
#define TIMEOUT_S 1.0
#define DETACHED_TIMEOUT_S 3600.0

enum { MAX_REFUSED = 4096, FORGOTTEN_AT_ONCE = 256 };

/* Under the shard's lock, so that no new node of the file has the mark yet. */
static void on_forgotten(void *data, const struct node *node) {
        const struct caching *caching = data;
        uint64_t hash = filter_hash(caching->filter, node->key.dev, node->key.ino, "");

        filter_leave(caching->filter->attributes, hash, FILTER_ATTRIBUTES);
        filter_left(caching->filter->attributes, hash, FILTER_ATTRIBUTES);
}

int caching_init(struct caching *caching, double timeout, struct node_table *nodes, struct namespace *namespace,
                 struct descriptors *descriptors) {
        void *map = mmap(NULL, sizeof(struct filter), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        *caching = (struct caching){
                .nodes = nodes,
                .namespace = namespace,
                .descriptors = descriptors,
                .timeout = timeout,
                .device = -1,
        };
        pthread_mutex_init(&caching->lock, NULL);
        if (map == MAP_FAILED)
                return negative_errno();
        caching->filter = map;
        nodes->forgotten = on_forgotten;
        nodes->forgotten_data = caching;
        return 0;
}

void caching_deinit(struct caching *caching) {
        if (caching->filter)
                munmap(caching->filter, sizeof(*caching->filter));
        pthread_mutex_destroy(&caching->lock);
}

int caching_set_page(struct caching *caching, int page_fd) {
        struct stat st;

        if (fstat(page_fd, &st) < 0)
                return negative_errno();
        if (st.st_size < (off_t) sizeof(*caching->filter))
                return -EPROTO;
        if (mmap(caching->filter, sizeof(*caching->filter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, page_fd,
                 0) == MAP_FAILED)
                return negative_errno();
        return 0;
}

/*
 * ---- telling the kernel ------------------------------------------------------------------------
 */

static int notify(const struct caching *caching, int code, const void *body, size_t size) {
        struct fuse_out_header header = { .len = (uint32_t) (sizeof(header) + size), .error = code };
        struct iovec iov[] = { { &header, sizeof(header) }, { (void *) body, size } };

        return writev(caching->device, iov, size > 0 ? 2 : 1) < 0 ? negative_errno() : 0;
}

void caching_mounted(struct caching *caching, int device) {
        caching->device = device;
        atomic_store(&caching->has_epochs, notify(caching, WIRE_NOTIFY_INC_EPOCH, NULL, 0) == 0);
}

static bool keeps_names(struct caching *caching) {
        return atomic_load_explicit(&caching->has_epochs, memory_order_relaxed);
}

/* The tags of a generation come back after 65535 others. */
static void next_generation(struct filter *filter) {
        uint32_t generation = atomic_load(&filter->generation);

        if (generation >= FILTER_GENERATION) {
                for (size_t i = 0; i < FILTER_TAGS; i++)
                        atomic_store_explicit(&filter->names[i], 0, memory_order_relaxed);
                generation = 0;
        }
        atomic_store(&filter->generation, generation + 1);
}

void caching_forget_names(struct caching *caching) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&caching->lock);
        struct filter *filter = caching->filter;

        if (!keeps_names(caching))
                return;
        atomic_store(&filter->all_names, 1);
        next_generation(filter);
        (void) notify(caching, WIRE_NOTIFY_INC_EPOCH, NULL, 0);
        atomic_store(&filter->all_names, 0);
        atomic_store(&caching->refused, 0);
}

static void forget_node(const struct caching *caching, uint64_t id) {
        const struct fuse_notify_inval_inode_out out = { .ino = id, .off = -1 };

        (void) notify(caching, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
}

static uint64_t attributes_hash(const struct caching *caching, uint64_t dev, uint64_t ino) {
        return filter_hash(caching->filter, dev, ino, "");
}

/* A detached node has its number in common with a different one, whose mark stays. */
void caching_forget_attributes(struct caching *caching, struct node *node) {
        uint64_t hash = attributes_hash(caching, node->key.dev, node->key.ino);

        if (!atomic_exchange(&node->is_marked, false))
                return;
        if (atomic_load(&node->detached)) {
                forget_node(caching, node->id);
                return;
        }
        filter_leave(caching->filter->attributes, hash, FILTER_ATTRIBUTES);
        forget_node(caching, node->id);
        filter_left(caching->filter->attributes, hash, FILTER_ATTRIBUTES);
}

void caching_forget_file(struct caching *caching, uint64_t dev, uint64_t ino) {
        _cleanup_(node_unrefp) struct node *node = namespace_find_node(caching->namespace, caching->nodes, dev, ino);
        uint64_t hash = attributes_hash(caching, dev, ino);

        filter_leave(caching->filter->attributes, hash, FILTER_ATTRIBUTES);
        if (node) {
                atomic_store(&node->is_marked, false);
                forget_node(caching, node->id);
        }
        filter_left(caching->filter->attributes, hash, FILTER_ATTRIBUTES);
}

void caching_changed_detached(struct caching *caching, struct node *node) {
        caching_forget_names(caching);
        caching_forget_file(caching, node->key.dev, node->key.ino);
}

static void forget_all_attributes(struct caching *caching) {
        uint64_t ids[FORGOTTEN_AT_ONCE];
        size_t count;

        for (unsigned shard = 0; shard < NODE_SHARDS; shard++)
                while ((count = node_table_take_marked(caching->nodes, shard, ids, FORGOTTEN_AT_ONCE)) > 0)
                        for (size_t i = 0; i < count; i++)
                                forget_node(caching, ids[i]);
        if (caching->nodes->root && atomic_exchange(&caching->nodes->root->is_marked, false))
                forget_node(caching, NODE_ROOT_ID);
}

void caching_forget_all(struct caching *caching) {
        struct filter *filter = caching->filter;

        atomic_store(&filter->all_attributes, 1);
        for (size_t i = 0; i < FILTER_TAGS; i++)
                atomic_store_explicit(&filter->attributes[i], 0, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        forget_all_attributes(caching);
        atomic_store(&filter->all_attributes, 0);
        caching_forget_names(caching);
}

void caching_set_allowed(struct caching *caching, bool allowed) {
        if (atomic_exchange(&caching->allowed, allowed) && !allowed)
                caching_forget_all(caching);
}

/*
 * ---- deciding ----------------------------------------------------------------------------------
 */

static bool is_allowed(struct caching *caching, struct node *node) {
        return atomic_load(&caching->allowed) && node->kind == NODE_STORE && node->store->local &&
               node->key.dev == node->store->dev && !atomic_load(&node->detached);
}

double caching_name(struct caching *caching, struct node *parent, const char *name) {
        struct filter *filter = caching->filter;

        if (!is_allowed(caching, parent) || !keeps_names(caching))
                return 0;
        if (!filter_mark(filter->names, filter_hash(filter, parent->key.dev, parent->key.ino, name),
                         atomic_load(&filter->generation))) {
                if (atomic_fetch_add(&caching->refused, 1) == MAX_REFUSED)
                        caching_forget_names(caching);
                return 0;
        }
        return caching->timeout >= 0 ? caching->timeout : parent->store->detached ? DETACHED_TIMEOUT_S : TIMEOUT_S;
}

/* The lease is not there to be kept: that it can be had tells that nobody writes just now. */
static bool is_written(struct caching *caching, const struct pin *pin) {
        _cleanup_close_ int fd = descriptors_reopen(caching->descriptors, pin->fd, O_RDONLY | O_NONBLOCK | O_NOATIME);

        if (fd == -EPERM)
                fd = descriptors_reopen(caching->descriptors, pin->fd, O_RDONLY | O_NONBLOCK);
        if (fd < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
                return true;
        (void) fcntl(fd, F_SETLEASE, F_UNLCK);
        return false;
}

static bool mark_attributes(struct caching *caching, struct node *node) {
        uint64_t hash = attributes_hash(caching, node->key.dev, node->key.ino);

        atomic_store(&node->is_marked, true);
        return filter_mark(caching->filter->attributes, hash, FILTER_ATTRIBUTES);
}

double caching_attributes(struct caching *caching, struct node *node, const struct pin *pin) {
        if (!is_allowed(caching, node) || !(S_ISREG(node->type) || S_ISDIR(node->type) || S_ISLNK(node->type)))
                return 0;
        if (!mark_attributes(caching, node) || (S_ISREG(node->type) && is_written(caching, pin)))
                return 0;
        return caching->timeout >= 0 ? caching->timeout : TIMEOUT_S;
}

void caching_mark_acl(struct caching *caching, struct node *node) {
        if (is_allowed(caching, node) && !mark_attributes(caching, node))
                atomic_store(&caching->filter->all_attributes, 1);
}
