/* SPDX-License-Identifier: MIT */
/*
 * Frames on the socket (WIRE.md). This knows their form, and nothing of calls.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axeberg.pb-c.h"
#include "frame.h"

/* A frame that was received; its parts lie in the buffer. */
struct frame {
        struct ax_frame_header header;
        const uint8_t *message, *trailer;
        size_t message_size;
        int fds[AX_FRAME_MAX_FDS];
        size_t n_fds;
        bool fds_lost; /* it carried more than this process has room for */
};

/*
 * Waits for a frame. Returns 0, -AX_EAGAIN (only with MSG_DONTWAIT in `flags`), or a different
 * error after which nothing more will come.
 */
int frame_receive(int fd, uint8_t buffer[static AX_FRAME_MAX_SIZE], int flags, struct frame *ret);
/* Closes the descriptors that nobody has taken from `fds`. */
void frame_close_fds(struct frame *frame);

/*
 * Writes a request's header and message to `bytes`, which has room for both. Returns their size;
 * the trailer is sent behind them.
 */
size_t frame_encode(uint8_t *bytes, uint32_t serial, uint32_t method, const ProtobufCMessage *request,
                    size_t trailer_size);
/*
 * Sends a frame without waiting. Returns 0, -AX_EAGAIN if there is no room, -AX_ENOMEM, or
 * -AX_ESRCH. If the daemon has closed the connection, this returns 0: it may have said why, and
 * reading tells.
 */
int frame_send(int fd, const uint8_t *head, size_t head_size, const void *trailer, size_t trailer_size);
