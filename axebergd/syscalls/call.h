/* SPDX-License-Identifier: MIT */
/*
 * One system call being served.
 *
 * A handler answers its call exactly once, with one of call_reply*(), at once or later. Until then
 * the call is in flight: it may be parked on a wait queue, or wait for a worker. When its process
 * ends, a parked call is dropped, and a worker's result finds `process` gone.
 *
 * The request's trailer belongs to the session's receive buffer: a call that is kept takes the
 * buffer over, or has a copy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "axeberg.pb-c.h"
#include "frame.h"
#include "handlers.h"
#include "process/process.h"

struct call;
struct identity;
struct kernel;
struct trace_event;
struct user;

/* Who is at the other end of a connection, as the host's kernel says. */
struct peer {
        struct user *user;
        struct identity *identity;
        pid_t host_pid;
};

/*
 * The connection that a call came over, as system calls see it. It is NULL in a call whose
 * connection is gone; the answer then goes nowhere.
 */
struct connection {
        const struct connection_ops *ops;
        struct process_listener listener;
        struct peer peer;
        struct process *process; /* NULL before Hello and after the process's end */
        bool spawned;            /* of a spawned process that has not said Hello yet */
        pid_t sender;            /* the host process that sent its first frame; 0: unknown */
};

struct connection_ops {
        /*
         * Lists a call that outlives its handler, and makes its trailer last. Returns 0, -EAGAIN
         * (there are too many) or -ENOMEM.
         */
        int (*keep)(struct connection *connection, struct call *call);
        /* Interrupts the call with that serial, if there is one and it can be. */
        void (*cancel)(struct connection *connection, uint32_t serial);
        /*
         * Makes a connection for a new process. `hosted`: a host program will say Start. Returns 0
         * or a negative errno.
         */
        int (*connect)(struct connection *connection, struct process *process, bool hosted, int *ret_fd);
};

/* What a reply is made of; the message is the closure's argument. */
struct call_reply {
        int32_t status;
        const void *trailer;
        size_t trailer_size;
        const int *fds; /* sent, not taken over */
        size_t n_fds;
};

struct call {
        struct kernel *kernel;
        struct connection *connection;
        struct process *process; /* NULL before Hello and after the process's end */
        uint32_t serial, method;
        uint64_t started_nsec;
        struct trace_event *event; /* NULL: the trace does not want it */
        const uint8_t *trailer;
        size_t trailer_size;
        void *trailer_copy;               /* NULL: it is the session's */
        struct user_charge buffer_charge; /* while it is kept */
        struct call_reply reply;
        ProtobufCClosure closure; /* sends the reply */
        bool continued;           /* one more frame of a call that has been counted */
        bool in_flight;           /* the call outlives its handler */
        bool parked;
        struct waiter waiter;
        void (*resume)(struct call *call); /* parked, and perhaps ready now */
        /* The call is parked, and ends early: frees `data`. Returns the status to answer with. */
        int (*drop)(struct call *call, int status);
        /* A job has the call, and nobody wants its result now; NULL: it cannot be called off. */
        void (*abandon)(struct call *call);
        void *data;               /* the handler's own while in flight */
        struct call *prev, *next; /* in flight on the connection */
};

/* This frame goes on with the program's previous call: it is not counted as one. */
void call_continues(struct call *call);

/* Answers end the call: it must not be touched afterwards. */
void call_reply_message(struct call *call, int status, const ProtobufCMessage *message);
void call_reply(struct call *call, int64_t status);
void call_reply_trailer(struct call *call, int status, const void *data, size_t size);
void call_reply_id(struct call *call, int status, uint64_t id);

/*
 * Keeps the call after its handler returns. The caller has set `data`. Returns 0, -EAGAIN (too many
 * are in flight), -EDQUOT or -ENOMEM.
 */
int call_keep(struct call *call);

/* The memory that a kept call's trailer takes: a large one keeps the whole buffer it came in. */
enum { CALL_COPIED_TRAILER = 4096 };
static inline size_t call_buffer_size(size_t trailer_size) {
        return trailer_size > CALL_COPIED_TRAILER ? AX_FRAME_MAX_SIZE + 1 : trailer_size;
}

/*
 * Keeps the call and puts it on a wait queue; its process sleeps. A call that is woken, and finds
 * that it must wait again, parks again. Returns as call_keep(), or -EINTR: there is a signal to
 * handle. On an error the caller answers the call.
 */
int call_park(struct call *call, struct wait_queue *queue, void (*resume)(struct call *call),
              int (*drop)(struct call *call, int status));
/* Takes it off its queue; the process no longer waits for it. */
void call_unpark(struct call *call);
/* A `drop` for calls whose `data` is one block of memory. */
int call_drop_data(struct call *call, int status);
/* Ends a parked call early. */
void call_abort(struct call *call, int status);

/*
 * Defines the handler of a method: the function sys_NAME that handlers.h declares. It hands the
 * call and its request to the block behind it.
 */
#define SYSCALL(name, request_type, reply_type)                                                                        \
        static void serve_##name(struct call *call, const Axeberg__##request_type *request);                           \
        void sys_##name(Axeberg__Kernel_Service *service, const Axeberg__##request_type *request,                      \
                        Axeberg__##reply_type##_Closure closure, void *data) {                                         \
                (void) service;                                                                                        \
                (void) closure; /* the call has its own */                                                             \
                serve_##name(data, request);                                                                           \
        }                                                                                                              \
        static void serve_##name(struct call *call, const Axeberg__##request_type *request)
