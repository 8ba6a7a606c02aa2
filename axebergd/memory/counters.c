#include "memory/counters.h"

#include <sys/mman.h>

#include "axeberg.h"
#include "kernel.h"
#include "memory/region.h"
#include "process/process.h"
#include "util/cleanup.h"

int counters_new(struct process *process, int *ret_fd) {
        void *map;

        *ret_fd = region_make_memory(sizeof(struct ax_local_counters), AX_PROT_READ_WRITE, &map);
        if (*ret_fd < 0)
                return *ret_fd;
        process->counters = map;
        return 0;
}

void counters_release(struct process *process) {
        if (process->counters) {
                counters_of(process, &process->kernel->local);
                munmap(process->counters, sizeof(*process->counters));
                process->counters = NULL;
        }
        for (int i = 0; i < AX_LOCAL_CALLS; i++)
                process->told.of[i].calls = process->told.of[i].errors = process->told.of[i].bytes = 0;
}

void counters_add(struct process *process, enum ax_local_call call, int64_t result) {
        process->told.of[call].calls++;
        if (result < 0)
                process->told.of[call].errors++;
        else if (call <= AX_LOCAL_MEM_WRITE)
                process->told.of[call].bytes += (uint64_t) result;
}

/* A lie larger than any truth does not make the sums overflow. */
static uint64_t bounded(const _Atomic uint64_t *value) {
        static const uint64_t most = UINT64_C(1) << 50;
        uint64_t figure = atomic_load_explicit(value, memory_order_relaxed);

        return figure < most ? figure : most;
}

/* The slots that the program uses, as far as it says. */
static unsigned count_slots(const struct process *process) {
        uint64_t used = process->counters ? atomic_load(&process->counters->slots[0].used) : 0;

        return used < AX_COUNTER_SLOTS ? (unsigned) used : AX_COUNTER_SLOTS;
}

void counters_of(const struct process *process, struct local_totals *totals) {
        unsigned n_slots = count_slots(process);

        for (int i = 0; i < AX_LOCAL_CALLS; i++) {
                totals->of[i].calls += process->told.of[i].calls;
                totals->of[i].errors += process->told.of[i].errors;
                totals->of[i].bytes += process->told.of[i].bytes;
                for (unsigned slot = 0; slot < n_slots; slot++) {
                        const struct ax_local_counter *counter = &process->counters->slots[slot].calls[i];

                        totals->of[i].calls += bounded(&counter->calls);
                        totals->of[i].errors += bounded(&counter->errors);
                        totals->of[i].bytes += bounded(&counter->bytes);
                }
        }
}

void counters_of_all(const struct kernel *kernel, struct local_totals *ret) {
        struct process *process, *next;

        *ret = kernel->local;
        HASH_ITER (hh, kernel->processes.processes, process, next) {
                counters_of(process, ret);
        }
}

uint64_t local_totals_calls(const struct local_totals *totals) {
        uint64_t sum = 0;

        for (int i = 0; i < AX_LOCAL_CALLS; i++)
                sum += totals->of[i].calls;
        return sum;
}

uint64_t local_totals_errors(const struct local_totals *totals) {
        uint64_t sum = 0;

        for (int i = 0; i < AX_LOCAL_CALLS; i++)
                sum += totals->of[i].errors;
        return sum;
}

const char *local_call_name(enum ax_local_call call) {
        static const char *const names[] = {
                [AX_LOCAL_READ] = "read",
                [AX_LOCAL_WRITE] = "write",
                [AX_LOCAL_MEM_READ] = "mem_read",
                [AX_LOCAL_MEM_WRITE] = "mem_write",
                [AX_LOCAL_MEM_MAP] = "mem_map",
                [AX_LOCAL_GETPID] = "getpid",
                [AX_LOCAL_SIGPENDING] = "sigpending",
                [AX_LOCAL_MEMSTATS] = "memstats",
                [AX_LOCAL_TRACE_ENABLED] = "trace_enabled",
                [AX_LOCAL_UPTIME] = "uptime",
        };

        return names[call];
}
