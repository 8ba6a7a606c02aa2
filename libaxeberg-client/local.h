/* SPDX-License-Identifier: MIT */
/*
 * Calls that the library makes without the daemon.
 *
 * Each is counted in the process's counters, so that the daemon's figures are complete. While the
 * trace records the program, each is reported to the daemon instead.
 */
#pragma once

#include "client.h"
#include "clock.h"
#include "thread.h"

struct local_call {
        enum ax_local_call call;
        uint64_t started_nsec; /* 0 if nobody watches */
};

/* Returns true if somebody wants to see each call: the trace, or AXEBERG_DEBUG. */
static inline bool client_is_watched(const ax_client *ax) {
        return __atomic_load_n(ax->watch_flag, __ATOMIC_RELAXED);
}

/* Returns true if transfers need not go through the daemon (direct.h). */
static inline bool local_may_go_direct(const ax_client *ax) {
        const struct ax_process_page *page = ax->published.process;

        return page && ax->published.counters && !__atomic_load_n(&page->traced, __ATOMIC_RELAXED) &&
               __atomic_load_n(&page->alive, __ATOMIC_RELAXED) && !__atomic_load_n(&page->mediated, __ATOMIC_RELAXED);
}

static inline struct local_call local_begin(const ax_client *ax, enum ax_local_call call) {
        return (struct local_call){ .call = call, .started_nsec = client_is_watched(ax) ? now_nsec() : 0 };
}

static inline void local_add(_Atomic uint64_t *counter, uint64_t n) {
        atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

/* A call's arguments; 0 for those that it does not have. */
struct local_arguments {
        int64_t object;
        uint64_t offset, size;
};

/*
 * Ends a call that cannot be counted fast: it failed, there are too many threads, or somebody
 * watches.
 */
void local_end_slowly(ax_client *ax, const struct local_call *call, struct local_arguments arguments, int64_t result);

/*
 * Returns true if the thread has a slot of its own in the counters; before its first call it has
 * none.
 */
static inline bool local_has_slot(const ax_client *ax, const struct thread *thread) {
        return thread->number < atomic_load_explicit(&ax->counter_slots, memory_order_relaxed);
}

/* `result` is a count of bytes, or a negative error. */
static inline void local_end(ax_client *ax, const struct local_call *call, int64_t object, uint64_t offset,
                             uint64_t size, int64_t result) {
        const struct thread *thread = thread_current;

        if (__builtin_expect(call->started_nsec == 0 && result >= 0 && thread && local_has_slot(ax, thread), 1)) {
                struct ax_local_counter *counter = &ax->published.counters->slots[thread->number].calls[call->call];

                local_add(&counter->calls, 1);
                if (call->call <= AX_LOCAL_MEM_WRITE)
                        local_add(&counter->bytes, (uint64_t) result);
                return;
        }
        local_end_slowly(ax, call, (struct local_arguments){ object, offset, size }, result);
}
