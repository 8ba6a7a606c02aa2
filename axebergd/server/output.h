/* SPDX-License-Identifier: MIT */
/*
 * Frames for a client that does not read them yet.
 *
 * A frame is sent at once if the socket takes it. Else it waits here, with duplicates of the
 * descriptors that go with it, charged to the client's user and bounded for each connection.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct output_frame;
struct user;
struct workers;

struct output {
        struct user *user; /* pays for it; outlives this */
        struct workers *workers;
        size_t limit; /* bytes */
        struct output_frame *frames;
        size_t size;
};

/* What a frame is made of. The descriptors stay the caller's. */
struct output_parts {
        const void *head, *trailer;
        size_t head_size, trailer_size;
        const int *fds;
        size_t n_fds;
};

void output_init(struct output *output, struct user *user, struct workers *workers, size_t limit);
void output_deinit(struct output *output);

/*
 * Sends the frame on `fd`, or queues it. Returns 0, -EDQUOT (the queue is full, or the user's
 * share), or another negative errno: the connection is over.
 */
int output_send(struct output *output, int fd, const struct output_parts *parts);
/* Sends what the socket takes. Returns 0 or a negative errno: the connection is over. */
int output_flush(struct output *output, int fd);
