/* SPDX-License-Identifier: MIT */
#include "synthetic/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "kernel.h"
#include "memory/shm.h"
#include "methods.h"
#include "names.h"
#include "process/process.h"
#include "util/clock.h"

enum { EVENTS_SHOWN = 200 };

void trace_write(FILE *out, const struct kernel *kernel) {
        const struct trace *trace = &kernel->trace;
        uint64_t number = trace->next > EVENTS_SHOWN ? trace->next - EVENTS_SHOWN : 0, lost;
        const struct trace_event *event;

        fprintf(out, "trace %s, %d requests of sessions, %" PRIu64 " events, room for %zu\n",
                trace->enabled ? "on" : "off", __builtin_popcountll(trace->live) - 1, trace->next - trace->first,
                trace->size);
        while ((event = trace_find(trace, number, &lost))) {
                fprintf(out, "%" PRIu64 " %" PRIu64 ".%06" PRIu64 " %s[%d] %s %s %s", event->number,
                        event->time_nsec / 1000000000, event->time_nsec / 1000 % 1000000, event->command, event->pid,
                        category_name(event->category), event->name, event->text);
                if (event->has_result)
                        fprintf(out, " = %" PRId64 " %s", event->result, event->outcome);
                fputc('\n', out);
                number = event->number + 1;
        }
}

/* ---- metrics --------------------------------------------------------------------------------- */

static void family(FILE *out, const char *name, const char *type, const char *help) {
        fprintf(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void counter(FILE *out, const char *name, const char *help, uint64_t value) {
        family(out, name, "counter", help);
        fprintf(out, "%s_total %" PRIu64 "\n", name, value);
}

static void gauge(FILE *out, const char *name, const char *help, uint64_t value) {
        family(out, name, "gauge", help);
        fprintf(out, "%s %" PRIu64 "\n", name, value);
}

/* What methods and local calls have in common: a name, a number of calls and of errors. */
struct call_figures {
        const char *name;
        uint64_t calls, errors;
};

enum { MAX_FIGURES = AX_METHODS + AX_LOCAL_CALLS };

static size_t collect(struct kernel *kernel, struct call_figures figures[static MAX_FIGURES]) {
        struct local_totals local;
        size_t count = 0;

        process_table_local_totals(&kernel->processes, &local);
        for (unsigned i = 0; i < AX_METHODS; i++)
                if (kernel->calls[i].count > 0)
                        figures[count++] = (struct call_figures){ ax_methods[i].name, kernel->calls[i].count,
                                                                  kernel->calls[i].errors };
        for (int i = 0; i < AX_LOCAL_CALLS; i++) {
                struct call_figures *at = NULL;
                uint64_t calls = local.of[i].calls - kernel->local_at_reset.of[i].calls;

                if (calls == 0)
                        continue;
                for (size_t j = 0; j < count && !at; j++)
                        if (strcmp(figures[j].name, local_call_name(i)) == 0)
                                at = &figures[j];
                if (!at) {
                        at = &figures[count++];
                        *at = (struct call_figures){ .name = local_call_name(i) };
                }
                at->calls += calls;
                at->errors += local.of[i].errors - kernel->local_at_reset.of[i].errors;
        }
        return count;
}

static void write_calls(FILE *out, struct kernel *kernel) {
        struct call_figures figures[MAX_FIGURES];
        size_t count = collect(kernel, figures);

        family(out, "axeberg_calls", "counter", "System calls.");
        for (size_t i = 0; i < count; i++)
                fprintf(out, "axeberg_calls_total{call=\"%s\"} %" PRIu64 "\n", figures[i].name, figures[i].calls);
        family(out, "axeberg_call_errors", "counter", "System calls that failed.");
        for (size_t i = 0; i < count; i++)
                fprintf(out, "axeberg_call_errors_total{call=\"%s\"} %" PRIu64 "\n", figures[i].name,
                        figures[i].errors);
}

static void write_histogram(FILE *out, const char *name, const struct call_stats *stats) {
        uint64_t sum = 0;

        for (int bucket = 0; bucket < STATS_BUCKETS - 1; bucket++) {
                sum += stats->histogram[bucket];
                fprintf(out, "axeberg_call_duration_seconds_bucket{call=\"%s\",le=\"%g\"} %" PRIu64 "\n", name,
                        (double) (UINT64_C(1) << bucket) / 1e6, sum);
        }
        fprintf(out, "axeberg_call_duration_seconds_bucket{call=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name, stats->count);
        fprintf(out, "axeberg_call_duration_seconds_count{call=\"%s\"} %" PRIu64 "\n", name, stats->count);
        fprintf(out, "axeberg_call_duration_seconds_sum{call=\"%s\"} %.9f\n", name, (double) stats->total_nsec / 1e9);
}

static void write_durations(FILE *out, const struct kernel *kernel) {
        family(out, "axeberg_call_duration_seconds", "histogram", "How long calls took that came to the daemon.");
        fprintf(out, "# UNIT axeberg_call_duration_seconds seconds\n");
        for (unsigned i = 0; i < AX_METHODS; i++)
                if (kernel->calls[i].count > 0)
                        write_histogram(out, ax_methods[i].name, &kernel->calls[i]);
}

static void write_states(FILE *out, const struct kernel *kernel) {
        uint64_t states[PROCESS_ZOMBIE + 1] = { 0 };
        struct process *process, *next;

        HASH_ITER (hh, kernel->processes.processes, process, next) {
                states[process->state]++;
        }
        family(out, "axeberg_processes", "gauge", "Processes by state.");
        for (int state = PROCESS_RUNNING; state <= PROCESS_ZOMBIE; state++)
                fprintf(out, "axeberg_processes{state=\"%s\"} %" PRIu64 "\n", process_state_name(state), states[state]);
}

void metrics_write(FILE *out, struct kernel *kernel) {
        const struct figures *before = &kernel->at_reset;
        struct figures now;

        kernel_figures(kernel, &now);
        family(out, "axeberg_build", "info", "The daemon.");
        fprintf(out, "axeberg_build_info{version=\"%s\"} 1\n", AXEBERG_VERSION);
        family(out, "axeberg_uptime_seconds", "gauge", "Since the daemon started.");
        fprintf(out, "# UNIT axeberg_uptime_seconds seconds\naxeberg_uptime_seconds %.3f\n",
                (double) (clock_usec() - kernel->started_usec) / 1e6);
        write_states(out, kernel);
        gauge(out, "axeberg_sessions", "Connections.", kernel->n_sessions);
        gauge(out, "axeberg_memory_allocated_bytes", "Regions and segments, every byte once.",
              kernel->memory.account.used);
        gauge(out, "axeberg_memory_limit_bytes", "The system's limit; 0: none.", kernel->memory.account.limit);
        gauge(out, "axeberg_segments", "Shared segments.", HASH_COUNT(kernel->memory.segments));
        counter(out, "axeberg_read_bytes", "Bytes that programs read.", now.bytes_read - before->bytes_read);
        counter(out, "axeberg_written_bytes", "Bytes that programs wrote.", now.bytes_written - before->bytes_written);
        counter(out, "axeberg_processes_spawned", "Processes made.", now.processes_spawned - before->processes_spawned);
        counter(out, "axeberg_processes_exited", "Processes that have ended.",
                now.processes_exited - before->processes_exited);
        counter(out, "axeberg_signals", "Signals sent.", now.signals - before->signals);
        counter(out, "axeberg_timers_fired", "Timers that fired.", now.timers_fired - before->timers_fired);
        counter(out, "axeberg_mount_requests", "Requests that mounts served.", kernel->counters.mount_requests);
        counter(out, "axeberg_trace_events", "Events recorded.", kernel->trace.next - kernel->trace.first);
        counter(out, "axeberg_ticks", "Turns of the kernel's loop.", kernel->ticks.count);
        write_calls(out, kernel);
        write_durations(out, kernel);
        fprintf(out, "# EOF\n");
}
