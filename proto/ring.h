/* SPDX-License-Identifier: MIT */
/*
 * Rings: memory that a program and the daemon share, which carries frames without a system call.
 * WIRE.md tells the rules around it; both sides include this file.
 *
 * Each direction has a ring of records. A record is a length, the number of frames that the sender
 * had sent on the socket before it, and the frame, padded to eight bytes. Positions count all bytes
 * ever put in or taken, modulo 2^32. Whoever sends owns `head` and `socket_sent`; whoever receives
 * owns `tail`. Each side keeps what it owns in memory of its own, and believes nothing else that it
 * reads here: a record is copied out once, and only then looked at.
 *
 * A frame that does not fit goes over the socket, so nobody waits for room in a ring. The counts
 * keep the order: a record whose count is ahead waits for the socket.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "frame.h"

enum {
        AX_RING_SIZE = 4096, /* a power of two */
        AX_RING_MAX_FRAME = 1024,
        AX_RING_RECORD_HEADER = 8,
        AX_BELL_SIZE = 1, /* of the packet that wakes the other side */
};

struct ax_ring {
        _Alignas(64) _Atomic uint32_t head;
        _Atomic uint32_t socket_sent; /* frames; written after they are */
        _Alignas(64) _Atomic uint32_t tail;
        _Atomic uint32_t wants_bell; /* the receiver sleeps; whoever changes this to 0 sends it a bell */
};

struct ax_rings {
        struct ax_ring requests, replies;
        _Alignas(64) uint32_t spin_nsec; /* the longest that the program looks before it sleeps */
        _Alignas(4096) uint8_t request_data[AX_RING_SIZE];
        uint8_t reply_data[AX_RING_SIZE];
};

/* One end of a ring, with what this side owns of it. */
struct ax_ring_sender {
        struct ax_ring *ring;
        uint8_t *data;
        uint32_t head;
};

struct ax_ring_receiver {
        struct ax_ring *ring;
        const uint8_t *data;
        uint32_t tail, socket_received;
};

/* What comes next. */
enum ax_ring_next {
        AX_RING_BROKEN = -1, /* the sender does not keep the rules */
        AX_RING_NOTHING,
        AX_RING_FRAME,
        AX_RING_SOCKET, /* a frame on the socket; it is there */
};

static inline void ax_ring_write(struct ax_ring_sender *sender, uint32_t at, const void *bytes, size_t size) {
        size_t offset = at % AX_RING_SIZE, first = AX_RING_SIZE - offset < size ? AX_RING_SIZE - offset : size;

        memcpy(sender->data + offset, bytes, first);
        if (size > first)
                memcpy(sender->data, (const uint8_t *) bytes + first, size - first);
}

static inline void ax_ring_read(const struct ax_ring_receiver *receiver, uint32_t at, void *bytes, size_t size) {
        size_t offset = at % AX_RING_SIZE, first = AX_RING_SIZE - offset < size ? AX_RING_SIZE - offset : size;

        memcpy(bytes, receiver->data + offset, first);
        if (size > first)
                memcpy((uint8_t *) bytes + first, receiver->data, size - first);
}

static inline uint32_t ax_ring_record_size(size_t frame_size) {
        return (uint32_t) (AX_RING_RECORD_HEADER + ((frame_size + 7) & ~(size_t) 7));
}

/*
 * Puts a frame of two parts in. Returns 1, 0 if there is no room for it, or -1 if the receiver
 * does not keep the rules.
 */
static inline int ax_ring_push(struct ax_ring_sender *sender, const void *head, size_t head_size, const void *trailer,
                               size_t trailer_size) {
        uint32_t used = sender->head - atomic_load_explicit(&sender->ring->tail, memory_order_acquire);
        size_t size = head_size + trailer_size;
        uint32_t record[2];

        if (used > AX_RING_SIZE)
                return -1;
        if (size > AX_RING_MAX_FRAME || ax_ring_record_size(size) > AX_RING_SIZE - used)
                return 0;
        record[0] = (uint32_t) size;
        record[1] = atomic_load_explicit(&sender->ring->socket_sent, memory_order_relaxed);
        ax_ring_write(sender, sender->head, record, sizeof(record));
        ax_ring_write(sender, sender->head + AX_RING_RECORD_HEADER, head, head_size);
        if (trailer_size > 0)
                ax_ring_write(sender, sender->head + AX_RING_RECORD_HEADER + (uint32_t) head_size, trailer,
                              trailer_size);
        sender->head += ax_ring_record_size(size);
        atomic_store_explicit(&sender->ring->head, sender->head, memory_order_release);
        return 1;
}

/* After a frame has been put in: returns true if the caller has to send a bell. */
static inline bool ax_ring_takes_bell(const struct ax_ring_sender *sender) {
        atomic_thread_fence(memory_order_seq_cst);
        return atomic_load_explicit(&sender->ring->wants_bell, memory_order_relaxed) &&
               atomic_exchange(&sender->ring->wants_bell, 0);
}

/* A frame may have come before its sender has counted it, but not after. */
static inline bool ax_ring_is_ahead(const struct ax_ring_receiver *receiver, uint32_t socket_sent) {
        return (int32_t) (socket_sent - receiver->socket_received) > 0;
}

/* Whether there is something, by what the sender says. */
static inline bool ax_ring_has_input(const struct ax_ring_receiver *receiver) {
        return atomic_load_explicit(&receiver->ring->head, memory_order_relaxed) != receiver->tail ||
               ax_ring_is_ahead(receiver, atomic_load_explicit(&receiver->ring->socket_sent, memory_order_relaxed));
}

/*
 * Asks for a bell. Returns false if there is input: then there may not be one, and the caller looks
 * again.
 */
static inline bool ax_ring_rest(const struct ax_ring_receiver *receiver) {
        atomic_store(&receiver->ring->wants_bell, 1);
        atomic_thread_fence(memory_order_seq_cst);
        return !ax_ring_has_input(receiver);
}

/* The receiver looks by itself again. Returns false if a bell has been, or is being sent. */
static inline bool ax_ring_rouse(const struct ax_ring_receiver *receiver) {
        return atomic_exchange(&receiver->ring->wants_bell, 0) != 0;
}

/*
 * The socket's count is read first: what it counts was sent after everything that the ring shows
 * before it.
 */
static inline enum ax_ring_next ax_ring_next(const struct ax_ring_receiver *receiver) {
        uint32_t sent = atomic_load_explicit(&receiver->ring->socket_sent, memory_order_acquire);
        uint32_t filled = atomic_load_explicit(&receiver->ring->head, memory_order_acquire) - receiver->tail;
        uint32_t record[2];

        if (filled == 0)
                return ax_ring_is_ahead(receiver, sent) ? AX_RING_SOCKET : AX_RING_NOTHING;
        if (filled > AX_RING_SIZE || filled < AX_RING_RECORD_HEADER + AX_FRAME_HEADER_SIZE)
                return AX_RING_BROKEN;
        ax_ring_read(receiver, receiver->tail, record, sizeof(record));
        return ax_ring_is_ahead(receiver, record[1]) ? AX_RING_SOCKET : AX_RING_FRAME;
}

/*
 * Copies the next frame, of which ax_ring_next() has told, out of the ring. Returns its size, or 0
 * if it is none.
 */
static inline size_t ax_ring_pop(struct ax_ring_receiver *receiver, uint8_t bytes[static AX_RING_MAX_FRAME]) {
        uint32_t filled = atomic_load_explicit(&receiver->ring->head, memory_order_acquire) - receiver->tail, size;

        ax_ring_read(receiver, receiver->tail, &size, sizeof(size));
        if (size < AX_FRAME_HEADER_SIZE || size > AX_RING_MAX_FRAME || filled > AX_RING_SIZE ||
            ax_ring_record_size(size) > filled)
                return 0;
        ax_ring_read(receiver, receiver->tail + AX_RING_RECORD_HEADER, bytes, size);
        receiver->tail += ax_ring_record_size(size);
        atomic_store_explicit(&receiver->ring->tail, receiver->tail, memory_order_release);
        return size;
}
