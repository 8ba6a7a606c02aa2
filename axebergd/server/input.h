/* SPDX-License-Identifier: MIT */
/*
 * Frames from clients. One is received at a time, into a buffer that all connections share; a call
 * that is kept takes the buffer along.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INPUT_MAX_FDS = 253 /* SCM_MAX_FD, unix(7) */ };

/*
 * What came with a frame beside its bytes. Descriptors come only if the host's kernel lets them
 * through.
 */
struct input_control {
        pid_t sender;
        size_t n_fds;
        int fds[INPUT_MAX_FDS];
};

/*
 * Receives a frame, and what came with it unless `ret_control` is NULL. Returns its size, which may
 * be one byte more than a frame may have, 0 if there is none yet, or a negative errno: the
 * connection is over. The frame stays until the next one is received.
 */
ssize_t input_receive(int fd, const uint8_t **ret_frame, struct input_control *ret_control);

/*
 * Makes the trailer of the frame received last outlast it; a large one keeps the whole buffer.
 * Returns 0 or -ENOMEM.
 */
int input_keep_trailer(const uint8_t **trailer, size_t size, void **ret_copy);
/* Takes back what input_keep_trailer() made. */
void input_release_trailer(void *copy, size_t size);
/* At the end: frees the buffers. */
void input_forget_buffers(void);
