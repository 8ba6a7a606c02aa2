/*
 * What the library keeps of each thread that uses it: what it copies just now, and its number. A record is another thread's after its own has ended.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

struct region;

struct thread {
        _Atomic(struct region *) copies; /* a hazard pointer; NULL: it does not copy */
        unsigned number;                 /* from 0, lowest first */
        atomic_bool taken;
        struct thread *next;
};

/* Before there is a first region: so whoever finds one, to copy or to free it, agrees with the others on the kind of barrier. */
void threads_init(void);
extern __attribute__((visibility("hidden"))) bool thread_barrier_is_remote; /* there is membarrier(2) */

/* Small, and looked at in the fastest calls: so it lies where every thread has it from its start. */
extern _Thread_local struct thread *thread_current __attribute__((tls_model("initial-exec"), visibility("hidden")));
/* The same, where there is membarrier(2); else NULL. */
extern _Thread_local struct thread *thread_fast __attribute__((tls_model("initial-exec"), visibility("hidden")));
struct thread *thread_register(void);

/* NULL: there is no memory for it. */
static inline struct thread *thread_self(void) {
        return thread_current ? thread_current : thread_register();
}

/* Of all threads, ever. */
struct thread *threads_first(void);
