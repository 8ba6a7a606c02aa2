/* SPDX-License-Identifier: MIT */
/*
 * Pipes: the ends of a pipe or FIFO of the host, which keeps the data, the capacity (64 KiB), the
 * atomicity (4096 bytes) and the count of readers and writers (pipe(7)). An end is never waited for
 * in the host: it is non-blocking, and the event loop reports when it is ready.
 *
 * A program that gets an end of a pipe for itself gets a description of its own, so that it cannot
 * change the flags of ours. But it can still hold the pipe's lock, by a transfer whose memory the
 * host has to wait for: from then on jobs do what is done on the pipe here.
 */
#pragma once

#include "account/user.h"
#include "object/object.h"
#include "util/lane.h"
#include "util/wait_queue.h"

struct fifo;
struct workers;

struct pipe_end {
        struct object object;
        int fd;
        struct user_charge charge, fd_charge;
        struct workers *workers;
        struct lane_source source; /* watched while a call waits */
        struct pipe_end *peer;     /* the other end; NULL: a FIFO's, or it is gone */
        int donated_fd;            /* the descriptor that programs have of it, or -1 */
        struct user_charge donated_charge;
        struct wait_queue readers, writers;

        /* a FIFO's */
        struct fifo *fifo; /* or NULL */
        uint32_t store;    /* the index of the store that it lies in */
        int root_fd;
        const char *mount_point;
};

/* Returns 0, -EDQUOT, -EMFILE, -ENFILE or -ENOMEM. */
int pipe_new(struct workers *workers, struct user *user, struct object **ret_reader, struct object **ret_writer);

/*
 * Makes one end of a FIFO that is open as `fd`, and charges for it. Takes fd over, except on error.
 * Returns 0, -EDQUOT or -ENOMEM.
 */
int pipe_end_new(struct pipe_end **ret, struct workers *workers, struct user *user, int fd, unsigned flags);

/*
 * The signal that a writer gets beside this error: SIGPIPE if the pipe has no readers, as write(2)
 * has it. Returns 0 if there is none.
 */
int pipe_signal(int error);
