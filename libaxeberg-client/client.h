/* SPDX-License-Identifier: MIT */
/*
 * A connection to the daemon, which is a process of the kernel: what the library keeps of it.
 *
 * fork(): the child's copy of a handle is dead. Every fork counts `client_forks` up in the child,
 * and a handle works only in a process with the count that it was made at.
 *
 * `lock` guards the paragraph that it begins; the receive buffer belongs to the reader
 * (reader.h). A connection that broke stays broken: every call in flight fails with the reason,
 * and every later one with -AX_ESRCH.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "axeberg.h"
#include "axeberg.pb-c.h"
#include "children.h"
#include "contract.h"
#include "direct.h"
#include "frame.h"
#include "published.h"
#include "regions.h"

struct signal_handler {
        ax_signal_handler function;
        void *userdata;
};

struct rpc;
struct waiter;

struct ax_client {
        Axeberg__Kernel_Service service; /* first: the stubs' argument */
        unsigned generation;             /* client_forks when it was made */
        unsigned debug;                  /* the level that AXEBERG_DEBUG asks for */
        int fd;
        _Atomic ax_pid pid; /* negative once the process has exited */
        char *socket_path;  /* absolute path of the socket; NULL if the connection was inherited */
        struct published published;
        const uint32_t *watch_flag; /* not 0 if somebody wants to see each call without the daemon */
        atomic_uint counter_slots;  /* threads with a lower number count in a slot of their own */

        pthread_mutex_t lock;
        uint32_t last_serial;
        int broken; /* 0, or the error of every new call */
        bool has_reader;
        struct rpc *in_flight;
        unsigned cancels_in_flight;
        struct waiter *waiters;   /* threads that sleep */
        atomic_bool handlers_due; /* the daemon has signals for us; read without the lock, too */
        unsigned doorbells;       /* how often it said so */
        struct signal_handler handlers[AX_SIGNAL_LIMIT];
        int event_fd, epoll_fd; /* -1 until ax_fileno() */

        struct direct_table direct;
        struct children children;
        struct region_map regions;
        uint8_t receive_buffer[AX_FRAME_MAX_SIZE];
};

/*
 * Makes the handle of a connected socket, which it takes over. Returns 0, or -AX_ENOMEM with `fd`
 * still the caller's.
 */
int client_new(ax_client **ret, int fd);
/* Closes the socket and frees the handle, without a word to the daemon. */
void client_free(ax_client *ax);

/* How many forks led to this process since the library made its first handle. */
extern __attribute__((visibility("hidden"))) atomic_uint client_forks;

static inline unsigned client_fork_generation(void) {
        return atomic_load_explicit(&client_forks, memory_order_relaxed);
}

/* Returns true if the handle is a forked child's copy, or its process has exited. */
static inline bool client_is_gone(const ax_client *ax) {
        return (ax->generation != client_fork_generation()) |
               (atomic_load_explicit(&ax->pid, memory_order_relaxed) < 0);
}

/* Returns 0 if the handle can be used, -AX_EINVAL for NULL, or -AX_ESRCH if it is gone. */
static inline int client_check(const ax_client *ax) {
        if (!ax)
                return -AX_EINVAL;
        return client_is_gone(ax) ? -AX_ESRCH : 0;
}
