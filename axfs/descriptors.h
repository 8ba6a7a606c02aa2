/* SPDX-License-Identifier: MIT */
/*
 * descriptors.h - a bounded cache of descriptors for nodes
 *
 * The host's file behind a node is reached through an O_PATH descriptor. A tree may have more files
 * than a process may have descriptors, so only recently used ones are held. The others are reopened
 * when they are needed, by the first of these that works: an open file of the node, its file
 * handle, its parent directory and name (verified by device, inode and time of birth). A descriptor
 * in use is pinned and stays.
 *
 * A clock decides which one goes: a ring of cached nodes, whose hand spares those used since it
 * last came by. A sweep once a second closes what was idle, so a file that somebody else deletes
 * frees its blocks although the mount has looked at it.
 *
 * Locks: the ring's lock is taken with no node's held, or, when adding, after the node's was
 * released; under it nodes are only tried.
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
 * Returns 0, or the error of opening /proc/self/fd.
 */
int descriptors_init(struct descriptors *cache, unsigned limit);
void descriptors_deinit(struct descriptors *cache);

/**
 * pin_node() - hold a node's descriptor
 * @ret: empty before; untouched on error
 * @node: of a store; referenced until pin_drop()
 *
 * Returns 0; -ESTALE if the file is gone; -EMFILE, -ENFILE, -ENOMEM.
 */
int pin_node(struct descriptors *cache, struct pin *ret, struct node *node);
void pin_drop(struct pin *pin);

/**
 * descriptors_offer() - let the cache have an O_PATH descriptor of @node; it is closed if the cache
 * has one already
 */
void descriptors_offer(struct descriptors *cache, struct node *node, int fd);

/**
 * node_learn_handle() - make sure that the node can be reopened once a descriptor of its file is
 * closed
 * @fd: that descriptor
 *
 * Under the node's lock. Returns 0, or a negative errno that says why the node cannot be reopened.
 */
int node_learn_handle(struct node *node, int fd);

/**
 * node_is_moved() - returns true if the kernel knows this directory in a different directory
 *
 * Then somebody else has moved it. If an answer told so, the kernel would move its own entry, which
 * needs a lock that it does not wait for: its caller got ESTALE. A new node for the directory is no
 * news to the kernel.
 */
bool node_is_moved(struct node *node, const struct node *parent);

/**
 * node_set_unknown() - say that nobody is sure where the kernel knows this directory; when it is
 * found next it counts as moved
 */
void node_set_unknown(struct node *node);

/**
 * node_set_name() - say where a node without handles is found, and in which directory the kernel
 * knows a directory
 */
void node_set_name(struct node *node, struct node *parent, const char *name);

/** node_close_descriptor() - let go of the descriptor at the end of a node's life */
void node_close_descriptor(struct node *node);

/**
 * descriptors_sweep() - close what was not used since the previous sweep
 *
 * Returns true if the next sweep may find something to close.
 */
bool descriptors_sweep(struct descriptors *cache);

/**
 * descriptors_reopen() - open the file behind @fd (O_PATH included) with other flags
 *
 * Returns the descriptor or a negative errno.
 */
int descriptors_reopen(const struct descriptors *cache, int fd, int flags);

/** Path of a descriptor relative to proc_fd, for calls that take paths only. */
struct fd_path {
        char text[16];
};
struct fd_path fd_path(int fd);
