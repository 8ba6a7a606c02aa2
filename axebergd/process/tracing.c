/* SPDX-License-Identifier: MIT */
#include "process/tracing.h"

#include "process/page.h"
#include "process/process.h"

/* Publishes to every program what the trace wants of it. */
static void publish(struct process_table *table) {
        struct process *process, *next;

        trace_update(table->trace);
        system_page_set_traced(&table->page, table->trace->categories != 0);
        HASH_ITER (hh, table->processes, process, next) {
                process_page_publish(process);
        }
}

/* Puts the request at that place on the processes that it names, and on no others. */
static void mark_processes(struct process_table *table, unsigned place, const struct trace_filter *filter) {
        trace_set bit = (trace_set) 1 << place;
        struct process *process, *next;

        HASH_ITER (hh, table->processes, process, next) {
                process->traced &= ~bit;
        }
        for (unsigned i = 0; filter && i < filter->n_pids; i++) {
                process = process_from_pid(table, filter->pids[i]);
                if (process)
                        process->traced |= bit;
        }
}

void tracing_set(struct process_table *table, bool enabled) {
        table->trace->enabled = enabled;
        publish(table);
        observer_notify(table->observer, trace_changed);
}

void tracing_set_filter(struct process_table *table, const struct trace_filter *filter) {
        table->trace->filter = *filter;
        mark_processes(table, TRACE_KERNEL_PLACE, filter);
        publish(table);
        observer_notify(table->observer, trace_changed);
}

int tracing_begin(struct process *process, const struct trace_filter *filter) {
        struct process_table *table = process->table;
        int r = process->trace_request ? 0 : trace_request_new(table->trace, process->user, &process->trace_request);

        if (r < 0)
                return r;
        process->trace_request->filter = *filter;
        process->trace_request->first = table->trace->next;
        mark_processes(table, process->trace_request->place, filter);
        publish(table);
        return 0;
}

void tracing_end(struct process *process) {
        struct process_table *table = process->table;

        if (!process->trace_request)
                return;
        mark_processes(table, process->trace_request->place, NULL);
        process->trace_request = trace_request_free(table->trace, process->trace_request);
        publish(table);
        wait_queue_wake(&table->trace->readers); /* its own reader may wait */
}
