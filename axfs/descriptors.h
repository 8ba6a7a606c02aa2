/*
 * descriptors.h - a bounded cache of descriptors for nodes
 *
 * The host's file behind a node is reached through an O_PATH descriptor. A tree may have more files than a process may have
 * descriptors, so only the recently used ones are held; the others are reopened when they are needed, by the first that works of: an open file of the node, its
 * file handle, its parent directory and name (verified by device, inode and time of birth). A descriptor
 * in use is pinned and stays.
 *
 * Which one goes is decided by a clock: a ring of cached nodes, whose hand spares those used since it last came by. A sweep once
 * a second closes what was idle, so that a file that somebody else deletes frees its blocks although the mount has looked at it.
 *
 * Locks: the ring's lock is taken with no node's held, or, when adding, after the node's was released; under it nodes are only tried.
 */
#pragma once

#include "nodes.h"

struct descriptors {
        pthread_mutex_t lock;
        struct node *ring; /* the hand points here */
        atomic_uint count;
        unsigned limit;
        int proc_fd; /* /proc/self/fd */
};

/** A node and its descriptor, held for the length of a request. */
struct pin {
        struct node *node;
        int fd;
};

#define PIN_NONE ((struct pin){ .fd = -1 })

/**
 * descriptors_init() - an empty cache
 * @limit: how many descriptors it may hold while nothing is pinned
 *
 * Return: 0, or the error of opening /proc/self/fd.
 */
int descriptors_init(struct descriptors *cache, unsigned limit);
void descriptors_deinit(struct descriptors *cache);

/**
 * pin_node() - hold a node's descriptor
 * @ret: empty before; untouched on error
 * @node: of a store; referenced until pin_drop()
 *
 * Return: 0; -ESTALE the file is gone; -EMFILE, -ENFILE, -ENOMEM.
 */
int pin_node(struct descriptors *cache, struct pin *ret, struct node *node);
void pin_drop(struct pin *pin);

/** descriptors_offer() - let the cache have an O_PATH descriptor of @node, which is closed where it has one already */
void descriptors_offer(struct descriptors *cache, struct node *node, int fd);

/** node_learn_handle() - see to it that the node can be reopened once @fd, a descriptor of its file, is closed; under the node's lock. Return: 0 or why not. */
int node_learn_handle(struct node *node, int fd);

/** node_set_name() - where a node without handles is found; a no-op for others */
void node_set_name(struct node *node, struct node *parent, const char *name);

/** node_close_descriptor() - for the end of a node's life */
void node_close_descriptor(struct node *node);

/** descriptors_sweep() - close what was not used since the previous sweep. Return: whether another one may find something to close. */
bool descriptors_sweep(struct descriptors *cache);

/** descriptors_reopen() - a descriptor with other flags for the file behind @fd (O_PATH included). Return: it, or a negative errno. */
int descriptors_reopen(const struct descriptors *cache, int fd, int flags);

/** Path of a descriptor relative to proc_fd, for calls that take paths only. */
struct fd_path {
        char text[16];
};
struct fd_path fd_path(int fd);
