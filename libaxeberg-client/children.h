/* SPDX-License-Identifier: MIT */
/*
 * The host programs of a process's children, from their start until they have been reaped.
 *
 * The host's wait(2) gives a program's exit status once, and the calling program may get it before
 * us: it may ignore SIGCHLD, or reap all its children in a handler. If it does not leave SIGCHLD at
 * its default, we hold a pidfd, from which newer kernels tell the status of a program that is gone.
 */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "axeberg.h"

struct host_child;

struct children {
        pthread_mutex_t lock; /* guards the others */
        pthread_cond_t started;
        struct host_child *list;
};

void children_init(struct children *children);
/* Forgets all children; they run on. Leaves the lock alone (client_free()). */
void children_deinit(struct children *children);

/*
 * Adds a child before its program is started, because other threads may wait for it at once. NULL
 * if there is no memory.
 */
struct host_child *children_add(struct children *children, ax_pid pid);
/* Says that the program runs; takes over `pidfd`, unless that is -1. */
void children_set_started(struct children *children, struct host_child *child, pid_t host_pid, int pidfd);
/* Says that the program could not be started, and frees the child. */
void children_set_failed(struct children *children, struct host_child *child);
/*
 * Says that the daemon has reported a child's end. If `host_status` is true the program has ended,
 * too, and how it ended goes to `status`. Waits while the program is being started.
 */
void children_end(struct children *children, ax_pid pid, bool host_status, struct ax_wait_status *status);

/*
 * As waitid(2), for one process. Returns 1, 0 with WNOHANG if it has not ended, or a negative
 * errno.
 */
int host_reap(pid_t host_pid, siginfo_t *ret, int flags);
