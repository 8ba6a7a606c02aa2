/* SPDX-License-Identifier: MIT */
/*
 * The host's kernel to axfs, for a fuzz target: it sends requests, and knows the nodes and open
 * files that answers brought.
 *
 * What the host's kernel promises is kept, because axfs and libfuse build on it: requests are
 * well-formed, they name only nodes and open files that were told and not given back, and names
 * have no slash.
 */
#pragma once

#include <sys/stat.h>

#include "input.h"
#include "request.h"
#include "wire.h"

enum { NODES = 24, OPENS = 12, MAX_MESSAGE_SIZE = 65536 };

struct known_node {
        uint64_t id, lookups; /* id 0: the place is free */
        mode_t type;
};

struct known_open {
        uint64_t fh, node; /* node 0: the place is free */
        bool directory;
};

extern struct known_node nodes[NODES];
extern struct known_open opens[OPENS];
extern int kernel_fd, axfs_fd; /* our end, and what axfs has for /dev/fuse */

/* The last answer. */
extern union received {
        struct fuse_out_header header;
        uint8_t bytes[sizeof(struct fuse_out_header) + MAX_MESSAGE_SIZE];
} received;
extern size_t received_size;

/* Lets a thread of axfs serve what is asked from now on. */
void kernel_start(struct fuse_session *session);

/*
 * A request is begun, its body put behind it, and asked. ask() returns true if the answer is no
 * error, or there is none.
 */
void begin_request(uint32_t opcode, uint64_t node, struct reader *reader);
void put(const void *bytes, size_t size);
#define PUT(...) put(&(__VA_ARGS__), sizeof(__VA_ARGS__))
bool ask(bool is_answered);

/*
 * What an input picks: a name from a list that is short enough to meet others, or any bytes;
 * something that is known, or NULL.
 */
void put_name(struct reader *reader);
struct known_node *pick_node(struct reader *reader, mode_t type);
struct known_open *pick_open(struct reader *reader, bool directory);

/* Asks, and learns what the answer brings. */
void ask_for_entry(struct reader *reader);
void ask_to_open(const struct known_node *node, bool directory, struct reader *reader);
void ask_to_create(struct reader *reader);

bool is_open(const struct known_node *node);
void give_back(struct known_node *node, uint64_t lookups, struct reader *reader);
void release(struct known_open *open, struct reader *reader);
