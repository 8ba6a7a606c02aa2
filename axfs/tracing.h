/* SPDX-License-Identifier: MIT */
/*
 * tracing.h - the mount's requests as events of the kernel's trace
 *
 * While somebody has asked for the mount's events, each request is noted when it comes in and when
 * its answer goes out (session.c). Events go to the daemon in batches (report.c). If that does not
 * keep up they are dropped and counted.
 *
 * The daemon's wish is a word in a page of the connection, so looking at it costs no call.
 * `looking` counts the threads that do so just then: a page that is about to go is exchanged first,
 * and goes when nobody looks at it any more.
 */
#pragma once

#include <axeberg.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_in_header;
struct node_table;

enum { TRACING_PENDING = 256, TRACING_QUEUED = 128 };

/** A request that is being served; the lock guards all but its number. */
struct tracing_pending {
        atomic_uint_least64_t unique; /* 0: free */
        uint64_t begin_nsec;
        struct ax_mount_event event;
};

struct tracing {
        _Atomic(const volatile uint32_t *) wanted; /* a bit for each category */
        atomic_uint looking;
        int wake_fd; /* an eventfd, written for each event; -1: none */
        pthread_mutex_t lock;
        struct tracing_pending pending[TRACING_PENDING]; /* by number; one whose place is needed is lost */
        struct ax_mount_event queue[TRACING_QUEUED];
        size_t n_queued;
        uint64_t lost;
};

void tracing_init(struct tracing *tracing);

/** tracing_set_wake() - the eventfd of the thread that takes the events */
void tracing_set_wake(struct tracing *tracing, int wake_fd);

/**
 * tracing_follow() - @wanted says from now on what is wanted; NULL: nothing is
 *
 * Afterwards nobody looks at the old word any more.
 */
void tracing_follow(struct tracing *tracing, const volatile uint32_t *wanted);

/** tracing_begin() - a request has come in; @size: of the whole request */
void tracing_begin(struct tracing *tracing, struct node_table *nodes, const struct fuse_in_header *header, size_t size);

/** tracing_end() - its answer goes out; @error: 0 or a negative errno */
void tracing_end(struct tracing *tracing, uint64_t unique, int error);

/**
 * tracing_take() - take what is queued; @ret has room for TRACING_QUEUED. Returns how many events.
 */
size_t tracing_take(struct tracing *tracing, struct ax_mount_event *ret, uint64_t *ret_lost);
