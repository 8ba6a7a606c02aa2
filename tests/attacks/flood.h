/* SPDX-License-Identifier: MIT */
/*
 * Many connections with many calls in flight on each: what loads are made of.
 *
 * A flood says Hello on each of its connections, keeps as many requests on the way as it is asked
 * to, and sends the next one when a reply has come. What is asked is up to whoever makes the flood.
 * It goes on until its process is ended.
 */
#pragma once

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* What others see of a load, in memory that they share with it. */
struct load_counts {
        _Atomic uint64_t ready;   /* 1: it has begun */
        _Atomic uint64_t calls;   /* answered */
        _Atomic uint64_t refused; /* of those with an error, connections that were not had, … */
};

struct flood_connection {
        int fd;
        unsigned number;
        uint32_t serial;
        int32_t object; /* what the load has made for it: a descriptor, … */
        uint64_t step;
};

struct flood {
        const char *socket_path;
        struct load_counts *counts;
        unsigned n_connections, in_flight;
        void *userdata;

        /* After Hello; may be NULL. Return: 0, negative errno. */
        int (*prepare)(struct flood *flood, struct flood_connection *connection);
        /* Write the next request to @bytes; its size. */
        size_t (*request)(struct flood *flood, struct flood_connection *connection, uint8_t *bytes);
        /* A reply has come; may be NULL. */
        void (*answered)(struct flood *flood, struct flood_connection *connection, const struct wire_frame *reply);
};

/* A connection that has said Hello. Return: negative errno. */
int flood_connect(const char *socket_path);

/*
 * Serve connections that are there already (their `fd`), @flood->n_connections of them. Returns
 * only with an error.
 */
int flood_run_on(struct flood *flood, struct flood_connection *connections);

/* Make the connections, then flood_run_on(). */
int flood_run(struct flood *flood);

/* A call on a connection of a flood before it runs; the status. */
int flood_call(struct flood_connection *connection, const char *method, const ProtobufCMessage *message);

/* A request frame of this connection with the next serial. */
size_t flood_pack(struct flood_connection *connection, uint8_t *bytes, uint32_t method, const ProtobufCMessage *message,
                  const void *trailer, size_t trailer_size);

/* As many descriptors as we may have. */
void flood_raise_limit(void);
