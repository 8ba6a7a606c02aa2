/* SPDX-License-Identifier: MIT */
/*
 * ending.h - axfs ends in time, whatever it waits for
 *
 * The end begins with a signal, or when the kernel has let the mount go. Some of what is under way
 * then may never return: a call to a daemon that is stopped, a file of the host that somebody else
 * keeps locked. The end of the process tidies all of that up, so if the orderly end takes longer
 * than ENDING_MS a thread of its own unmounts and ends the process.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>

enum { ENDING_MS = 4000 };

struct ending {
        int begun_fd, done_fd; /* eventfds */
        pthread_t thread;
        bool started;
        void (*leave)(void *data);
        void *data;
};

/**
 * ending_start() - watch over the end that will come
 * @leave: unmounts and ends the process; called by another thread if the orderly end hangs
 *
 * Returns 0 or a negative errno.
 */
int ending_start(struct ending *ending, void (*leave)(void *data), void *data);

/** ending_begin() - the time runs; may be called by signal handlers, and more than once */
void ending_begin(struct ending *ending);

/** ending_stop() - nothing that may hang is left to do */
void ending_stop(struct ending *ending);
