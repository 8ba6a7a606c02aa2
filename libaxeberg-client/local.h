/*
 * Calls that the library makes without the daemon. Each is counted in the process's counters, so that the daemon's figures are complete; while the
 * trace is on the daemon is told of each one instead.
 */
#pragma once

#include "thread.h"
#include "transport.h"

struct local_call {
        enum ax_local_call call;
        uint64_t started_nsec; /* 0: the trace is off */
};

static inline bool client_is_traced(const ax_client *ax) {
        return __atomic_load_n(ax->trace_flag, __ATOMIC_RELAXED);
}

uint64_t local_now_nsec(void);

static inline struct local_call local_begin(const ax_client *ax, enum ax_local_call call) {
        return (struct local_call){ .call = call, .started_nsec = client_is_traced(ax) ? local_now_nsec() : 0 };
}

static inline void local_add(_Atomic uint64_t *counter, uint64_t n) {
        atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* The arguments, as far as there are such. */
struct local_arguments {
        int64_t object;
        uint64_t offset, size;
};

/* What is not counted fast: a failed call, one of too many threads, one that the daemon is told of. */
void local_end_slowly(ax_client *ax, const struct local_call *call, struct local_arguments arguments, int64_t result);

/* Whether the thread has a slot of its own in the client's counters; before its first call it has none, nor where there are no counters. */
static inline bool local_has_slot(const ax_client *ax, const struct thread *thread) {
        return thread->number < atomic_load_explicit(&ax->counter_slots, memory_order_relaxed);
}

/* `result`: a count of bytes, or a negative error. */
static inline void local_end(ax_client *ax, const struct local_call *call, int64_t object, uint64_t offset,
                             uint64_t size, int64_t result) {
        const struct thread *thread = thread_current;

        if (__builtin_expect(call->started_nsec == 0 && result >= 0 && thread && local_has_slot(ax, thread), 1)) {
                struct ax_local_counter *counter = &ax->counters->slots[thread->number].calls[call->call];

                local_add(&counter->calls, 1);
                if (call->call <= AX_LOCAL_MEM_WRITE)
                        local_add(&counter->bytes, (uint64_t) result);
                return;
        }
        local_end_slowly(ax, call, (struct local_arguments){ object, offset, size }, result);
}
