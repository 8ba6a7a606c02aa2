/* SPDX-License-Identifier: MIT */
/*
 * One call to the daemon, and a thread that sleeps until its call is done.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axeberg.pb-c.h"

/* Sleeps until somebody completes its call or hands it the reader's role. */
struct waiter {
        struct waiter *prev, *next;
        pthread_cond_t wake;
};

/* The function of the call sets it up and owns it until RPC() is over. */
struct rpc {
        const void *trailer; /* sent behind the request */
        size_t trailer_size;
        void *data; /* receives the reply's trailer */
        size_t data_size;
        size_t data_received;
        int *fds; /* receives descriptors; others that come are closed */
        size_t max_fds, n_fds;
        bool fds_optional; /* the call succeeds even if this process has no room for them */
        bool quiet;        /* no signal handlers run after it: it is a call of the library itself */
        void *context;     /* for the closure */

        int status; /* the result */

        /* private to the calls' machinery */
        uint32_t serial, method;
        bool done;
        int signal; /* that came with the reply, to be handled; 0: none */
        ProtobufCMessage *message;
        struct waiter *sleeper; /* of the thread that waits for it, while that sleeps */
        struct rpc *prev, *next;
};
