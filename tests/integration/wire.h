/* SPDX-License-Identifier: MIT */
/*
 * The wire as a stranger sees it: frames by hand, good and bad ones, without the library.
 *
 * A connection is a plain descriptor. Functions return 0 or a negative errno unless they say
 * otherwise.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "axeberg.pb-c.h"
#include "frame.h"

struct wire_frame {
        struct ax_frame_header header;
        const uint8_t *message; /* in bytes */
        size_t message_size;
        const uint8_t *trailer; /* in bytes; header.trailer long */
        int fds[AX_FRAME_MAX_FDS];
        size_t n_fds;
        uint8_t bytes[AX_FRAME_MAX_SIZE];
};

/* A connected socket, before Hello. */
int wire_connect(const char *socket_path);

/* Say Hello with serial 1; the new pid, or the daemon's error. */
int wire_hello(int fd);

/* The number of a method of `service Kernel` by its name; aborts if there is none. */
uint32_t wire_method(const char *name);

/* Write a whole request frame to @bytes (AX_FRAME_MAX_SIZE long); its length. */
size_t wire_pack(uint8_t *bytes, uint32_t serial, uint32_t method, const ProtobufCMessage *message, const void *trailer,
                 size_t trailer_size);

/* Send one packet as it is, with descriptors. */
int wire_send_bytes(int fd, const void *bytes, size_t size, const int *fds, size_t n_fds);

int wire_send(int fd, uint32_t serial, uint32_t method, const ProtobufCMessage *message);
int wire_send_trailer(int fd, uint32_t serial, uint32_t method, const ProtobufCMessage *message, const void *trailer,
                      size_t trailer_size);

/*
 * Wait for one frame. 1: a frame, 0: end of the stream, -ETIMEDOUT, … Descriptors in it are the
 * caller's.
 */
int wire_receive(int fd, struct wire_frame *frame, int timeout_ms);

/*
 * Send a request and wait for its reply, whose status is the result; other frames in between are
 * dropped. -ECONNRESET at the end of the stream.
 */
int wire_call(int fd, uint32_t serial, uint32_t method, const ProtobufCMessage *message, struct wire_frame *reply);

/* Close every descriptor that came with a frame. */
void wire_frame_close_fds(struct wire_frame *frame);
