#include "local.h"

#include <time.h>

#include "thread.h"

bool client_is_traced(const ax_client *ax) {
        return ax->system_page && __atomic_load_n(&ax->system_page->trace_enabled, __ATOMIC_RELAXED);
}

static uint64_t now_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

struct local_call local_begin(const ax_client *ax, enum ax_local_call call) {
        return (struct local_call){ .call = call, .started_nsec = client_is_traced(ax) ? now_nsec() : 0 };
}

static void add_alone(_Atomic uint64_t *counter, uint64_t n) {
        atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static void count(struct ax_local_counters *counters, enum ax_local_call call, int64_t result) {
        const struct thread *thread = thread_self();
        unsigned slot = thread && thread->number < AX_COUNTER_SLOTS - 1 ? thread->number : AX_COUNTER_SLOTS - 1;
        struct ax_local_counter *counter = &counters->slots[slot].calls[call];
        uint64_t bytes = result > 0 && call <= AX_LOCAL_MEM_WRITE ? (uint64_t) result : 0;

        if (slot < AX_COUNTER_SLOTS - 1) {
                add_alone(&counter->calls, 1);
                add_alone(&counter->bytes, bytes);
                if (result < 0)
                        add_alone(&counter->errors, 1);
        } else {
                atomic_fetch_add_explicit(&counter->calls, 1, memory_order_relaxed);
                atomic_fetch_add_explicit(&counter->bytes, bytes, memory_order_relaxed);
                atomic_fetch_add_explicit(&counter->errors, result < 0, memory_order_relaxed);
        }
}

void local_end(ax_client *ax, const struct local_call *call, int64_t object, uint64_t offset, uint64_t size,
               int64_t result) {
        Axeberg__LocalCallRequest request = AXEBERG__LOCAL_CALL_REQUEST__INIT;
        struct rpc rpc = { .quiet = true };

        if (call->started_nsec == 0) {
                if (ax->counters)
                        count(ax->counters, call->call, result);
                return;
        }
        request.call = call->call;
        request.object = object;
        request.offset = offset;
        request.size = size;
        request.result = result;
        request.duration_nsec = now_nsec() - call->started_nsec;
        axeberg__kernel__local_call(&ax->service.base, &request, rpc_ignore, &rpc);
}
