/* SPDX-License-Identifier: MIT */
/*
 * The library's record of each thread that uses it: where it copies just now, and its number.
 * When a thread ends, a new one takes its record over.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct region;

struct thread {
        _Atomic(struct region *) copies; /* a hazard pointer; NULL while it does not copy */
        unsigned number;                 /* from 0, lowest first */
        atomic_bool taken;
        struct thread *next;
};

/*
 * Call this before there is a first region: then every thread that finds one, to copy or to free
 * it, uses the same kind of barrier.
 */
void threads_init(void);
extern __attribute__((visibility("hidden"))) bool thread_barrier_is_remote; /* the host has membarrier(2) */

/*
 * NULL before the thread's first call. The fastest calls look at it, so it is part of each
 * thread's own block from its start.
 */
extern _Thread_local struct thread *thread_current __attribute__((tls_model("initial-exec"), visibility("hidden")));
/* The same with membarrier(2), else NULL. */
extern _Thread_local struct thread *thread_fast __attribute__((tls_model("initial-exec"), visibility("hidden")));
struct thread *thread_register(void);

/* Returns the calling thread's record, or NULL if there is no memory for it. */
static inline struct thread *thread_self(void) {
        return thread_current ? thread_current : thread_register();
}

/* Returns the first record of all; records are never freed. */
struct thread *threads_first(void);
