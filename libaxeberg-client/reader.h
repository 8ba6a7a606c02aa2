/* SPDX-License-Identifier: MIT */
/*
 * Reading the socket: a thread that waits reads for the others, too.
 *
 * Any thread sends its own requests. The first thread that waits becomes the reader and completes
 * other threads' calls as their replies arrive; when its own arrives it hands the role on. So a
 * single thread pays one send(2) and one recvmsg(2) for a call, and no thread exists only to
 * read.
 */
#pragma once

#include "client.h"
#include "rpc.h"
#include "transport.h"

/* Sends when there is room; meanwhile it takes replies in. */
int reader_send_later(ax_client *ax, const uint8_t *head, size_t head_size, const void *trailer, size_t trailer_size);

/* As frame_send(), but waits for room. */
static inline int reader_send(ax_client *ax, const uint8_t *head, size_t head_size, const void *trailer,
                              size_t trailer_size) {
        int r = frame_send(ax->fd, head, head_size, trailer, trailer_size);

        return r == -AX_EAGAIN ? reader_send_later(ax, head, head_size, trailer, trailer_size) : r;
}

/* Waits until the call is done. */
void reader_wait(ax_client *ax, struct rpc *rpc);

/*
 * Waits until the daemon has signals for us, or until the deadline on CLOCK_MONOTONIC (NULL for
 * none). Returns 1, 0 when the time is over, or a negative error.
 */
int reader_wait_events(ax_client *ax, const struct timespec *deadline);
