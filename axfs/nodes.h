/* SPDX-License-Identifier: MIT */
/*
 * nodes.h - the files that the kernel knows of
 *
 * A node is one inode of the mount. Its id, told to the kernel, is a slot in a table together with
 * the slot's generation; a slot is used again only with a new generation. The kernel's interest is
 * counted exactly (`lookups`): a node enters the table with one lookup and leaves it when the
 * kernel has given all back.
 *
 * Nodes of stores are found by (store, host device, host inode), those of /dev and /proc by path.
 * names.c decides if a host inode number still means the same file. If not it detaches the node,
 * which keeps its id and whatever it holds, but is found no more.
 *
 * Life: the table holds one reference while lookups > 0. Every request, open file and child that
 * names its parent holds one, too.
 *
 * Locks: a shard's lock guards `lookups` and `hashed`; a node's own lock everything marked so. A
 * shard's lock may be held when a node's is taken, not the other way round.
 */
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "util.h"

enum { NODE_ROOT_ID = 1, NODE_SHARDS = 32, NODE_CHUNK_SLOTS = 4096, NODE_CHUNKS = 65536 };

struct store;
struct open_file;
struct descriptors;

enum node_kind { NODE_STORE, NODE_SYNTH };

/* How the open files of a node do their I/O; the kernel does not let one inode mix them. */
enum io_mode { IO_NONE, IO_CACHED, IO_PASSTHROUGH };

struct node_key {
        uint64_t store, dev, ino;
};

struct node {
        /* fixed */
        uint64_t id, generation;
        enum node_kind kind;
        mode_t type; /* S_IFMT bits */
        struct store *store;
        struct node_key key;
        char *path; /* NODE_SYNTH: in the daemon's namespace */

        atomic_uint refs;

        /* the shard's */
        uint64_t lookups;
        bool hashed;
        UT_hash_handle hh;

        /* descriptors.c: how the host's file is reached */
        pthread_mutex_t lock;
        int fd; /* O_PATH, -1 while not cached */
        unsigned pins;
        atomic_bool used;           /* since the clock's hand came by */
        bool permanent;             /* the descriptor cannot be reopened and stays */
        atomic_bool removed;        /* its last name was removed on the mount: those who hold it have it open */
        struct file_handle *handle; /* learnt when it is first needed */
        bool by_path;               /* no handles: reopened through parent and name */
        struct node *parent;
        char *name;
        struct timespec btime;
        uint64_t in_id, in_generation;       /* of a directory: the node that the kernel knows it in; 0: not known */
        _Atomic(struct descriptors *) cache; /* set once it has been in the ring */
        struct node *ring_prev, *ring_next;  /* under the ring's lock, as the next */
        bool in_ring;

        /* files.c, under lock */
        int open_fd; /* of one of the open files; -1: there is none */
        struct open_file *opens;
        enum io_mode io;
        int32_t backing_id;
};

struct node_slot {
        _Atomic(struct node *) node;
        uint64_t generation;
        uint64_t next_free; /* index + 1 */
};

struct node_shard {
        pthread_mutex_t lock;
        struct node *nodes;
};

struct node_table {
        struct node_shard shards[NODE_SHARDS];
        pthread_mutex_t slots_lock;
        _Atomic(struct node_slot *) chunks[NODE_CHUNKS];
        uint64_t slots_used, first_free;
        pthread_mutex_t root_lock;
        struct node *root;
};

int node_table_init(struct node_table *table);
void node_table_deinit(struct node_table *table);

/**
 * node_new_store() - make a node for a file of the host; it is not in the table yet
 * @ret: the node with one reference
 * @store: where it lies; referenced
 * @st: of the host's file
 *
 * Returns 0 or -ENOMEM.
 */
int node_new_store(struct node **ret, struct store *store, const struct stat *st);

/**
 * node_new_store_root() - make a node for a store's root directory, which it keeps open; it is not
 * in the table yet
 *
 * Returns 0 or a negative errno.
 */
int node_new_store_root(struct node **ret, struct store *store, const struct stat *st);

/**
 * node_new_synth() - make a node for a path of the daemon's; it is not in the table yet. Returns 0
 * or -ENOMEM.
 */
int node_new_synth(struct node **ret, const char *path, mode_t type);

struct node *node_ref(struct node *node);
void node_unref(struct node *node);
void node_unrefp(struct node **node);

/** node_from_id() - returns the node that the kernel means, referenced, or NULL */
struct node *node_from_id(struct node_table *table, uint64_t id);

/** node_from_key(), node_from_path() - return the node that is found so, referenced, or NULL */
struct node *node_from_key(struct node_table *table, const struct node_key *key);
struct node *node_from_path(struct node_table *table, const char *path);

/**
 * node_table_add() - give a new node its id and one lookup
 *
 * Returns 0; -EEXIST if a node with its key is there already; -ENOMEM; -ENFILE if the table is
 * full.
 */
int node_table_add(struct node_table *table, struct node *node);

/**
 * node_table_count() - count one lookup more
 *
 * Returns false if the kernel has forgotten the node meanwhile, or it was detached: find it anew.
 */
bool node_table_count(struct node_table *table, struct node *node);

/**
 * node_table_count_held() - count one lookup more of a node that the kernel holds, detached or not
 */
void node_table_count_held(struct node_table *table, struct node *node);

/**
 * node_table_detach() - let the node be found no more: its number or path means a different file
 * now
 */
void node_table_detach(struct node_table *table, struct node *node);

/** node_table_forget() - the kernel gives back @count lookups */
void node_table_forget(struct node_table *table, uint64_t id, uint64_t count);

/** node_table_set_root() - exchange the mount's root directory; takes over the reference */
void node_table_set_root(struct node_table *table, struct node *node);
