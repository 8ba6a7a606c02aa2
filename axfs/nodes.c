/* SPDX-License-Identifier: MIT */
/* nodes.c - see nodes.h */
#include "nodes.h"

#include "descriptors.h"
#include "store.h"
#include "util.h"

#include <string.h>

static const void *node_hash_key(const struct node *node) {
        return node->kind == NODE_STORE ? (const void *) &node->key : node->path;
}

static unsigned node_hash_length(const struct node *node) {
        return node->kind == NODE_STORE ? (unsigned) sizeof(node->key) : (unsigned) strlen(node->path);
}

/* uthash picks buckets by the low bits, so shards take the high ones. */
static struct node_shard *shard_of(struct node_table *table, unsigned hash) {
        return &table->shards[hash >> 27];
}

static unsigned hash_bytes(const void *key, unsigned length) {
        unsigned hash;

        HASH_VALUE(key, length, hash);
        return hash;
}

static struct node_shard *node_shard(struct node_table *table, const struct node *node) {
        return shard_of(table, hash_bytes(node_hash_key(node), node_hash_length(node)));
}

int node_table_init(struct node_table *table) {
        memset(table, 0, sizeof(*table));
        for (unsigned i = 0; i < NODE_SHARDS; i++)
                pthread_mutex_init(&table->shards[i].lock, NULL);
        pthread_mutex_init(&table->slots_lock, NULL);
        pthread_mutex_init(&table->root_lock, NULL);
        table->slots_used = 1; /* slot 0 is the root's id, which never changes hands */
        return 0;
}

void node_table_deinit(struct node_table *table) {
        for (unsigned i = 0; i < NODE_SHARDS; i++) {
                struct node *node, *next;

                HASH_ITER (hh, table->shards[i].nodes, node, next) {
                        HASH_DEL(table->shards[i].nodes, node);
                        node->hashed = false;
                }
                pthread_mutex_destroy(&table->shards[i].lock);
        }
        for (unsigned c = 0; c < NODE_CHUNKS; c++) {
                struct node_slot *chunk = atomic_load(&table->chunks[c]);

                for (unsigned s = 0; chunk && s < NODE_CHUNK_SLOTS; s++)
                        node_unref(atomic_load(&chunk[s].node));
                free(chunk);
        }
        node_unref(table->root);
        pthread_mutex_destroy(&table->slots_lock);
        pthread_mutex_destroy(&table->root_lock);
}

static struct node *node_new(enum node_kind kind, mode_t type) {
        struct node *node = calloc(1, sizeof(*node));

        if (!node)
                return NULL;
        node->kind = kind;
        node->type = type & S_IFMT;
        node->refs = 1;
        node->fd = node->open_fd = -1;
        pthread_mutex_init(&node->lock, NULL);
        return node;
}

int node_new_store(struct node **ret, struct store *store, const struct stat *st) {
        struct node *node = node_new(NODE_STORE, st->st_mode);

        if (!node)
                return -ENOMEM;
        node->store = store_ref(store);
        node->key = (struct node_key){ .store = store->serial, .dev = st->st_dev, .ino = st->st_ino };
        /*
         * A filesystem that is mounted inside the store has handles that the store's descriptor
         * cannot open.
         */
        node->by_path = store->handle_fd < 0 || st->st_dev != store->dev;
        *ret = node;
        return 0;
}

int node_new_store_root(struct node **ret, struct store *store, const struct stat *st) {
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

int node_new_synth(struct node **ret, const char *path, mode_t type) {
        struct node *node = node_new(NODE_SYNTH, type);

        if (!node)
                return -ENOMEM;
        node->path = strdup(path);
        if (!node->path) {
                node_unref(node);
                return -ENOMEM;
        }
        *ret = node;
        return 0;
}

struct node *node_ref(struct node *node) {
        atomic_fetch_add_explicit(&node->refs, 1, memory_order_relaxed);
        return node;
}

/*
 * A node's end may be its parent's, too. This is a loop because a chain can be as long as the tree
 * is deep.
 */
void node_unref(struct node *node) {
        while (node && atomic_fetch_sub_explicit(&node->refs, 1, memory_order_acq_rel) == 1) {
                struct node *parent = node->parent;

                node_close_descriptor(node);
                pthread_mutex_destroy(&node->lock);
                store_unref(node->store);
                free(node->handle);
                free(node->name);
                free(node->path);
                free(node);
                node = parent;
        }
}

void node_unrefp(struct node **node) {
        node_unref(*node);
}

static struct node_slot *slot_from_index(struct node_table *table, uint64_t index) {
        struct node_slot *chunk;

        if (index / NODE_CHUNK_SLOTS >= NODE_CHUNKS)
                return NULL;
        chunk = atomic_load_explicit(&table->chunks[index / NODE_CHUNK_SLOTS], memory_order_acquire);
        return chunk ? &chunk[index % NODE_CHUNK_SLOTS] : NULL;
}

/*
 * Without a lock: the kernel names only nodes that it has looked up and not forgotten, and those
 * cannot go away before this request is answered. Only the root may be replaced at any time.
 */
struct node *node_from_id(struct node_table *table, uint64_t id) {
        struct node_slot *slot;
        struct node *node;

        if (id == NODE_ROOT_ID) {
                _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&table->root_lock);

                return table->root ? node_ref(table->root) : NULL;
        }
        slot = slot_from_index(table, id - 1);
        node = slot ? atomic_load_explicit(&slot->node, memory_order_acquire) : NULL;
        return node ? node_ref(node) : NULL;
}

static struct node *node_find(struct node_table *table, const void *key, unsigned length) {
        unsigned hash = hash_bytes(key, length);
        struct node_shard *shard = shard_of(table, hash);
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&shard->lock);
        struct node *node;

        HASH_FIND_BYHASHVALUE(hh, shard->nodes, key, length, hash, node);
        return node ? node_ref(node) : NULL;
}

struct node *node_from_key(struct node_table *table, const struct node_key *key) {
        return node_find(table, key, sizeof(*key));
}

struct node *node_from_path(struct node_table *table, const char *path) {
        return node_find(table, path, (unsigned) strlen(path));
}

static int slot_chunk_add(struct node_table *table, uint64_t index) {
        struct node_slot *chunk;

        if (index / NODE_CHUNK_SLOTS >= NODE_CHUNKS)
                return -ENFILE;
        if (atomic_load(&table->chunks[index / NODE_CHUNK_SLOTS]))
                return 0;
        chunk = calloc(NODE_CHUNK_SLOTS, sizeof(*chunk));
        if (!chunk)
                return -ENOMEM;
        atomic_store_explicit(&table->chunks[index / NODE_CHUNK_SLOTS], chunk, memory_order_release);
        return 0;
}

static int slot_take(struct node_table *table, struct node *node) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&table->slots_lock);
        struct node_slot *slot;
        uint64_t index;
        int r;

        if (table->first_free != 0) {
                index = table->first_free - 1;
                slot = slot_from_index(table, index);
                table->first_free = slot->next_free;
        } else {
                index = table->slots_used;
                r = slot_chunk_add(table, index);
                if (r < 0)
                        return r;
                table->slots_used++;
                slot = slot_from_index(table, index);
        }
        node->id = index + 1;
        node->generation = ++slot->generation;
        atomic_store_explicit(&slot->node, node, memory_order_release);
        return 0;
}

static void slot_give_back(struct node_table *table, uint64_t id) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&table->slots_lock);
        struct node_slot *slot = slot_from_index(table, id - 1);

        atomic_store_explicit(&slot->node, NULL, memory_order_release);
        slot->next_free = table->first_free;
        table->first_free = id;
}

int node_table_add(struct node_table *table, struct node *node) {
        const void *key = node_hash_key(node);
        unsigned length = node_hash_length(node), hash = hash_bytes(key, length);
        struct node_shard *shard = shard_of(table, hash);
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&shard->lock);
        struct node *other;
        int r;

        HASH_FIND_BYHASHVALUE(hh, shard->nodes, key, length, hash, other);
        if (other)
                return -EEXIST;
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, shard->nodes, key, length, hash, node);
        if (!node->hh.tbl)
                return -ENOMEM;
        r = slot_take(table, node);
        if (r < 0) {
                HASH_DEL(shard->nodes, node);
                return r;
        }
        node->hashed = true;
        node->lookups = 1;
        node_ref(node);
        return 0;
}

bool node_table_count(struct node_table *table, struct node *node) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node_shard(table, node)->lock);

        if (!node->hashed)
                return false;
        node->lookups++;
        return true;
}

void node_table_count_held(struct node_table *table, struct node *node) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&node_shard(table, node)->lock);

        node->lookups++;
}

void node_table_detach(struct node_table *table, struct node *node) {
        struct node_shard *shard = node_shard(table, node);
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&shard->lock);

        if (!node->hashed)
                return;
        HASH_DEL(shard->nodes, node);
        node->hashed = false;
}

/*
 * Returns true if that was the last lookup. Then the table's reference is the caller's to give
 * back.
 */
static bool node_forget(struct node_table *table, struct node *node, uint64_t count) {
        struct node_shard *shard = node_shard(table, node);
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&shard->lock);

        if (node->lookups == 0)
                return false;
        node->lookups -= count < node->lookups ? count : node->lookups;
        if (node->lookups > 0)
                return false;
        if (node->hashed)
                HASH_DEL(shard->nodes, node);
        node->hashed = false;
        slot_give_back(table, node->id);
        return true;
}

void node_table_forget(struct node_table *table, uint64_t id, uint64_t count) {
        _cleanup_(node_unrefp) struct node *node = NULL;

        if (id == NODE_ROOT_ID)
                return;
        node = node_from_id(table, id);
        if (node && node_forget(table, node, count))
                node_unref(node);
}

void node_table_set_root(struct node_table *table, struct node *node) {
        struct node *old;

        node->id = NODE_ROOT_ID;
        pthread_mutex_lock(&table->root_lock);
        old = table->root;
        table->root = node;
        pthread_mutex_unlock(&table->root_lock);
        node_unref(old);
}
