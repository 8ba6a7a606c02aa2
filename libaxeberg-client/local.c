#include "local.h"

#include <time.h>

uint64_t local_now_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

/* The daemon is to look at the slot, and this thread to take the fast way from now on, where it has it for itself. */
static void use_slot(ax_client *ax, unsigned slot) {
        _Atomic uint64_t *used = &ax->counters->slots[0].used;
        uint64_t known = atomic_load(used);
        unsigned fast = slot < AX_COUNTER_SLOTS - 1 ? slot + 1 : slot, before = atomic_load(&ax->counter_slots);

        while (known < slot + 1 && !atomic_compare_exchange_weak(used, &known, slot + 1))
                ;
        while (before < fast && !atomic_compare_exchange_weak(&ax->counter_slots, &before, fast))
                ;
}

static void count(ax_client *ax, enum ax_local_call call, int64_t result) {
        const struct thread *thread = thread_self();
        unsigned slot = thread && thread->number < AX_COUNTER_SLOTS - 1 ? thread->number : AX_COUNTER_SLOTS - 1;
        struct ax_local_counter *counter = &ax->counters->slots[slot].calls[call];
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

void local_end_slowly(ax_client *ax, const struct local_call *call, struct local_arguments arguments, int64_t result) {
        Axeberg__LocalCallRequest request = AXEBERG__LOCAL_CALL_REQUEST__INIT;
        struct rpc rpc = { .quiet = true };

        if (call->started_nsec == 0) {
                if (ax->counters)
                        count(ax, call->call, result);
                return;
        }
        request.call = call->call;
        request.object = arguments.object;
        request.offset = arguments.offset;
        request.size = arguments.size;
        request.result = result;
        request.duration_nsec = local_now_nsec() - call->started_nsec;
        axeberg__kernel__local_call(&ax->service.base, &request, rpc_ignore, &rpc);
}
