/* SPDX-License-Identifier: MIT */
#include "local.h"

#include "call.h"
#include "debug.h"
#include "names.h"

/*
 * Makes the daemon look at the slot, and this thread count fast from now on if it has the slot
 * for itself.
 */
static void use_slot(ax_client *ax, unsigned slot) {
        _Atomic uint64_t *used = &ax->published.counters->slots[0].used;
        uint64_t known = atomic_load(used);
        unsigned fast = slot < AX_COUNTER_SLOTS - 1 ? slot + 1 : slot, before = atomic_load(&ax->counter_slots);

        while (known < slot + 1 && !atomic_compare_exchange_weak(used, &known, slot + 1))
                ;
        while (before < fast && !atomic_compare_exchange_weak(&ax->counter_slots, &before, fast))
                ;
}

/* Threads with a high number share the last slot, and count atomically there. */
static void count(ax_client *ax, enum ax_local_call call, int64_t result) {
        const struct thread *thread = thread_self();
        unsigned slot = thread && thread->number < AX_COUNTER_SLOTS - 1 ? thread->number : AX_COUNTER_SLOTS - 1;
        struct ax_local_counter *counter = &ax->published.counters->slots[slot].calls[call];
        uint64_t bytes = result > 0 && call <= AX_LOCAL_MEM_WRITE ? (uint64_t) result : 0;

        use_slot(ax, slot);
        if (slot < AX_COUNTER_SLOTS - 1) {
                local_add(&counter->calls, 1);
                local_add(&counter->bytes, bytes);
                local_add(&counter->errors, result < 0);
        } else {
                atomic_fetch_add_explicit(&counter->calls, 1, memory_order_relaxed);
                atomic_fetch_add_explicit(&counter->bytes, bytes, memory_order_relaxed);
                atomic_fetch_add_explicit(&counter->errors, result < 0, memory_order_relaxed);
        }
}

/* The request is a call of the library itself, which AXEBERG_DEBUG does not show. */
static void report(ax_client *ax, const struct local_call *call, struct local_arguments arguments, int64_t result) {
        RPC(ax, local_call,
            REQUEST(LocalCallRequest, .call = call->call, .object = arguments.object, .offset = arguments.offset,
                    .size = arguments.size, .result = result, .duration_nsec = now_nsec() - call->started_nsec),
            rpc_ignore, &(struct rpc){ .quiet = true });
}

void local_end_slowly(ax_client *ax, const struct local_call *call, struct local_arguments arguments, int64_t result) {
        debug_end(ax, local_call_name(call->call), result, ax->debug >= DEBUG_CALLS ? call->started_nsec : 0);
        if (call->started_nsec > 0 && *ax->published.trace_flag)
                report(ax, call, arguments, result);
        else if (ax->published.counters)
                count(ax, call->call, result);
}
