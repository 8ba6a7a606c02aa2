/* SPDX-License-Identifier: MIT */
/*
 * The client's side of the rings (ring.h): frames go and come without a system call.
 *
 * Any thread sends, under a lock. The reader (reader.h) receives. While there is none, the daemon
 * sends a bell with what it puts into the ring, so whoever polls the socket wakes. A reader looks
 * for a moment before it sleeps, in the socket's queue like without rings; so the daemon's end
 * wakes it, too.
 */
#pragma once

#include <pthread.h>

#include "ring.h"
#include "spin.h"
#include "transport.h"

struct rings {
        struct ax_rings *map; /* NULL: there are none */
        pthread_mutex_t lock; /* for requests */
        struct ax_ring_sender requests;
        struct ax_ring_receiver replies; /* the reader's, with all below */
        struct ax_spin spin;
        int bells_due; /* that were sent, or will be soon, and have not been received */
        bool is_early; /* the frame received last was sent after some that are in the ring */
        struct frame early;
        uint8_t buffer[AX_RING_MAX_FRAME];
};

/* Returns true unless AXEBERG_RINGS says no. */
bool rings_are_wanted(void);
void rings_init(struct rings *rings);
/*
 * Maps the daemon's rings, and tells it over the connection; without memory for them there are
 * none. Takes `fd` over.
 */
void rings_open(struct rings *rings, int fd, int socket_fd);
void rings_close(struct rings *rings);

/* As frame_send(). */
int rings_send(struct rings *rings, int fd, const uint8_t *head, size_t head_size, const void *trailer,
               size_t trailer_size);

/* As the reader: as frame_receive(). `wait`: for a frame. */
int rings_receive(struct rings *rings, int fd, uint8_t buffer[static AX_FRAME_MAX_SIZE], bool wait, struct frame *ret);
/* The reader begins: the daemon sends no bells. */
void rings_rouse(struct rings *rings);
/* It ends: the daemon sends bells. Returns false if there is something to receive first. */
bool rings_rest(struct rings *rings);
