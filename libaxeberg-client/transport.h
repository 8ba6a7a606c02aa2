/*
 * The connection to the daemon: requests out, replies in.
 *
 * Any thread sends its own requests. Whoever waits reads for the others: the first thread that waits becomes the reader and completes other
 * threads' calls as their replies arrive; when its own arrives it hands the role on. So a single thread pays one sendmsg() and
 * one recvmsg() a call, and no thread exists only to read.
 *
 * `lock` guards everything below it. The receive buffer belongs to the reader. A connection that broke stays broken: every
 * call in flight fails with the reason, and every later one with -AX_ESRCH.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "axeberg.h"
#include "axeberg.pb-c.h"
#include "direct.h"
#include "frame.h"
#include "memory.h"
#include "pages.h"

/* A thread that sleeps until somebody completes its call or hands it the reader's role. */
struct waiter {
        struct waiter *prev, *next;
        pthread_cond_t wake;
};

/* One call. Set up by the system call's function, which owns it until the stub returns. */
struct rpc {
        const void *trailer; /* sent behind the request */
        size_t trailer_size;
        void *data; /* receives the reply's trailer */
        size_t data_size;
        size_t data_received;
        int *fds; /* receives descriptors; the others are closed */
        size_t max_fds, n_fds;
        bool fds_optional; /* it is no error where this process has no room for them */
        void *context;     /* the closure's own */
        bool quiet;        /* no signal handlers are run after it: they are being run */

        int status; /* the result */

        /* the transport's own */
        uint32_t serial, method;
        bool done;
        ProtobufCMessage *message;
        struct waiter *sleeper; /* of the thread that waits for it, while that sleeps */
        struct rpc *prev, *next;
};

enum { SIGNAL_LIMIT = 32 };

struct signal_handler {
        ax_signal_handler function;
        void *userdata;
};

/* A host program that ax_spawn() started, until it has been reaped. */
struct host_child {
        struct host_child *prev, *next;
        ax_pid pid;
        pid_t host_pid; /* 0: being started */
        bool reported;  /* by ax_wait(): its end is of no more interest */
};

struct ax_client {
        Axeberg__Kernel_Service service; /* first: the stubs' argument */
        unsigned generation;             /* of fork() */
        int fd;
        _Atomic ax_pid pid; /* negative once the process has exited */

        pthread_mutex_t lock;
        uint32_t last_serial;
        int broken; /* 0, or the error of every new call */
        bool has_reader;
        struct rpc *in_flight;
        unsigned cancels_in_flight;
        struct waiter *waiters;   /* threads that sleep */
        atomic_bool handlers_due; /* the daemon has signals for us */
        unsigned doorbells;       /* how often it said so */
        struct signal_handler handlers[SIGNAL_LIMIT];
        struct host_child *children;
        pthread_cond_t child_started;
        char *socket_path; /* that it was made with, absolute; NULL: inherited */
        struct region_map regions;
        const struct ax_system_page *system_page;   /* published; NULL: none, ask */
        const uint32_t *trace_flag;                 /* whether the trace is on: in there, or never */
        const struct ax_process_page *process_page; /* likewise */
        struct ax_local_counters *counters;         /* of calls without the daemon; NULL: there are none such */
        atomic_uint
                counter_slots; /* in use, the last one aside, which threads share: whose number is lower has its own */
        struct direct_table direct;
        int event_fd, epoll_fd; /* -1 until ax_fileno() */

        uint8_t receive_buffer[AX_FRAME_MAX_SIZE];
};

/* Takes over the connected socket and says Hello. Return: as ax_connect(). */
int client_connect(ax_client **ret, int fd);
/* Takes over the connected socket. Return: 0, -AX_ENOMEM: fd is still the caller's. */
int client_new(ax_client **ret, int fd);
/* Frees, closing the socket, without a word to the daemon. */
void client_free(ax_client *ax);

/* How many forks led to this process, as far as they matter to handles. */
extern __attribute__((visibility("hidden"))) atomic_uint client_forks;

static inline unsigned client_fork_generation(void) {
        return atomic_load_explicit(&client_forks, memory_order_relaxed);
}

/* Whether it is a forked child's copy, or its process has exited. */
static inline bool client_is_gone(const ax_client *ax) {
        return (ax->generation != client_fork_generation()) |
               (atomic_load_explicit(&ax->pid, memory_order_relaxed) < 0);
}

/* Whether the handle may be used here. Return: 0, -AX_EINVAL (NULL), -AX_ESRCH (a forked child's copy, a process that has exited). */
static inline int client_check(const ax_client *ax) {
        if (!ax)
                return -AX_EINVAL;
        return client_is_gone(ax) ? -AX_ESRCH : 0;
}

/* Runs the handlers of the signals that are due. Return: how many, negative error. */
int client_run_handlers(ax_client *ax);
/* What the daemon said until now has been dealt with, unless it has spoken again since `doorbells`. */
void client_settle_handlers(ax_client *ax, unsigned doorbells);

/* For a client without a page. */
extern __attribute__((visibility("hidden"))) const uint32_t trace_is_off;
/* Maps the pages whose descriptors Hello brought, and closes those. */
void client_map_pages(ax_client *ax, const int fds[3]);
void client_unmap_pages(ax_client *ax);
/* Copies the process's page. Return: 0, -AX_ESRCH it has ended, 1 there is no page. */
int client_read_page(const ax_client *ax, struct ax_process_page *ret);

/* Waits for events until CLOCK_MONOTONIC reaches the deadline (NULL: for ever). Return: 1 something is due, 0 the time is over, negative error. */
int client_wait_events(ax_client *ax, const struct timespec *deadline);

/* Asks the daemon to interrupt a call; does not wait. */
void client_send_cancel(ax_client *ax, uint32_t serial);

/* The closure of calls whose reply is an Empty. */
void rpc_ignore(const Axeberg__Empty *reply, void *data);
/* Of those whose reply is an id; the context is a uint64_t, or NULL. */
void rpc_take_id(const Axeberg__IdReply *reply, void *data);

/* Calls a stub and gives the call's result. */
#define RPC(ax, stub, request, closure, rpc)                                                                           \
        (axeberg__kernel__##stub(&(ax)->service.base, (request), (closure), (rpc)), (rpc)->status)
