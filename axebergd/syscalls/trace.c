/*
 * The trace and the figures: switching, asking, reading.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axeberg.h"
#include "kernel.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/describe.h"
#include "syscalls/syscalls.h"
#include "util/clock.h"
#include "util/identity.h"

static void set_filter(struct kernel *kernel, const Axeberg__TraceSetRequest *request) {
        struct trace_filter filter = {
                .categories = request->categories,
                .n_pids = (unsigned) request->n_pids,
                .children = request->children,
        };

        if (request->n_pids > 0)
                memcpy(filter.pids, request->pids, request->n_pids * sizeof(filter.pids[0]));
        kernel_set_trace_filter(kernel, &filter);
}

SYSCALL(sys_trace_set, TraceSetRequest, Empty) {
        struct kernel *kernel = call->kernel;

        if (!process_is_administrator(call->process)) {
                call_reply(call, -EPERM);
                return;
        }
        if (!trace_are_pids(request->pids, request->n_pids) || request->categories >> (AX_TRACE_CUSTOM + 1)) {
                call_reply(call, -EINVAL);
                return;
        }
        if (request->set_filter)
                set_filter(kernel, request);
        if (request->reset)
                kernel_reset_figures(kernel);
        if (request->set_enabled)
                kernel_set_trace(kernel, request->enabled);
        call_reply(call, 0);
}

SYSCALL(sys_trace_status, Empty, TraceStatusReply) {
        Axeberg__TraceStatusReply reply = AXEBERG__TRACE_STATUS_REPLY__INIT;
        struct trace *trace = &call->kernel->trace;
        const struct trace_event *oldest;
        uint64_t lost;

        (void) request;
        oldest = trace_find(trace, 0, &lost);
        reply.enabled = trace->enabled;
        reply.categories = trace->filter.categories;
        reply.pids = trace->filter.pids;
        reply.n_pids = trace->filter.n_pids;
        reply.children = trace->filter.children;
        reply.size = trace->size;
        reply.next = trace->next;
        reply.oldest = oldest ? oldest->number : trace->next;
        reply.recorded = trace->next - trace->first;
        call_reply_message(call, 0, &reply.base);
}

SYSCALL(sys_trace_summary, Empty, TraceSummaryReply) {
        Axeberg__TraceSummaryReply reply = AXEBERG__TRACE_SUMMARY_REPLY__INIT;
        const struct kernel *kernel = call->kernel;
        struct kernel_figures now;

        (void) request;
        kernel_figures(kernel, &now);
        reply.uptime_usec = clock_usec() - kernel->started_usec;
        reply.enabled = kernel->trace.enabled;
        reply.events = kernel->trace.next - kernel->trace.first;
        reply.calls = now.calls - kernel->since.calls;
        reply.call_errors = now.call_errors - kernel->since.call_errors;
        reply.ticks = kernel->ticks.count;
        reply.tick_total_nsec = kernel->ticks.total_nsec;
        reply.tick_max_nsec = kernel->ticks.max_nsec;
        reply.processes_spawned = now.processes_spawned - kernel->since.processes_spawned;
        reply.processes_exited = now.processes_exited - kernel->since.processes_exited;
        reply.signals_delivered = now.signals - kernel->since.signals;
        reply.timers_fired = now.timers_fired - kernel->since.timers_fired;
        reply.bytes_read = now.bytes_read - kernel->since.bytes_read;
        reply.bytes_written = now.bytes_written - kernel->since.bytes_written;
        call_reply_message(call, 0, &reply.base);
}

enum { MOST_STATS = STATS_MAX_CALLS + AX_LOCAL_CALLS };

struct stats_list {
        Axeberg__CallStats stats[MOST_STATS], *pointers[MOST_STATS];
        size_t count;
};

static Axeberg__CallStats *stats_of(struct stats_list *list, const char *name) {
        Axeberg__CallStats *stats;

        for (size_t i = 0; i < list->count; i++)
                if (strcmp(list->stats[i].name, name) == 0)
                        return &list->stats[i];
        stats = &list->stats[list->count];
        axeberg__call_stats__init(stats);
        stats->name = (char *) name;
        list->pointers[list->count++] = stats;
        return stats;
}

static void add_methods(struct stats_list *list, struct call_stats *calls) {
        for (uint32_t method = 0; method < axeberg__kernel__descriptor.n_methods; method++) {
                Axeberg__CallStats *stats;

                if (calls[method].count == 0 || method == AX_METHOD(local_call))
                        continue;
                stats = stats_of(list, describe_method(method));
                stats->count = calls[method].count;
                stats->errors = calls[method].errors;
                stats->total_nsec = calls[method].total_nsec;
                stats->min_nsec = calls[method].min_nsec;
                stats->max_nsec = calls[method].max_nsec;
                stats->n_histogram = STATS_BUCKETS;
                stats->histogram = calls[method].histogram;
        }
}

SYSCALL(sys_trace_stats, Empty, TraceStatsReply) {
        static struct stats_list list;
        Axeberg__TraceStatsReply reply = AXEBERG__TRACE_STATS_REPLY__INIT;
        const struct local_totals *since = &call->kernel->local_since;
        struct local_totals local;

        (void) request;
        list.count = 0;
        add_methods(&list, call->kernel->calls);
        counters_of_all(call->kernel, &local);
        for (int i = 0; i < AX_LOCAL_CALLS; i++)
                if (local.of[i].calls > since->of[i].calls) {
                        Axeberg__CallStats *stats = stats_of(&list, local_call_name(i));

                        stats->count += local.of[i].calls - since->of[i].calls;
                        stats->errors += local.of[i].errors - since->of[i].errors;
                }
        reply.n_calls = list.count;
        reply.calls = list.pointers;
        call_reply_message(call, 0, &reply.base);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

enum { MOST_EVENTS = 512, MOST_BYTES = 56000, EVENT_BYTES = 80 };

struct reading {
        uint64_t after;
        uint32_t most;
        struct trace_filter filter;
};

static bool may_see(const struct process *viewer, const struct trace_event *event) {
        return viewer->identity->uid == event->uid || process_is_administrator(viewer);
}

static void event_fill(Axeberg__TraceEvent *ret, const struct trace_event *event) {
        axeberg__trace_event__init(ret);
        ret->number = event->number;
        ret->time_nsec = event->time_nsec;
        ret->duration_nsec = event->duration_nsec;
        ret->pid = event->pid;
        ret->host_pid = event->host_pid;
        ret->uid = event->uid;
        ret->category = event->category;
        ret->has_result = event->has_result;
        ret->result = event->result;
        ret->name = (char *) event->name;
        ret->text = (char *) event->text;
        ret->outcome = (char *) event->outcome;
}

/* Answers where there is something, or `even_nothing`. Return: whether it has answered. */
static bool answer(struct call *call, struct reading *reading, bool even_nothing) {
        static Axeberg__TraceEvent events[MOST_EVENTS], *pointers[MOST_EVENTS];
        Axeberg__TraceReadReply reply = AXEBERG__TRACE_READ_REPLY__INIT;
        size_t bytes = 0;
        uint64_t lost;

        reply.last = reading->after;
        while (reply.n_events < reading->most && bytes < MOST_BYTES) {
                const struct trace_event *event = trace_find(&call->kernel->trace, reply.last + 1, &lost);

                reply.lost += lost;
                if (!event)
                        break;
                reply.last = event->number;
                if (!may_see(call->process, event) ||
                    !trace_filter_matches(&reading->filter, event->category, event->pid))
                        continue;
                pointers[reply.n_events] = &events[reply.n_events];
                event_fill(&events[reply.n_events++], event);
                bytes += EVENT_BYTES + strlen(event->name) + strlen(event->text) + strlen(event->outcome);
        }
        reading->after = reply.last;
        if (reply.n_events == 0 && reply.lost == 0 && !even_nothing)
                return false;
        reply.events = pointers;
        call_reply_message(call, (int) reply.n_events, &reply.base);
        return true;
}

static int reading_drop(struct call *call, int status) {
        free(call->data);
        return status;
}

static void reading_attempt(struct call *call) {
        struct reading *reading = call->data;
        int r;

        if (answer(call, reading, false)) {
                free(reading);
                return;
        }
        r = call_park(call, &call->kernel->trace.readers, reading_attempt, reading_drop);
        if (r < 0) {
                free(reading);
                call_reply(call, r);
        }
}

SYSCALL(sys_trace_read, TraceReadRequest, TraceReadReply) {
        struct reading *reading;

        if (!trace_are_pids(request->pids, request->n_pids)) {
                call_reply(call, -EINVAL);
                return;
        }
        reading = calloc(1, sizeof(*reading));
        if (!reading) {
                call_reply(call, -ENOMEM);
                return;
        }
        reading->after = request->after;
        reading->most = request->most > 0 && request->most < MOST_EVENTS ? request->most : MOST_EVENTS;
        reading->filter.categories = request->categories;
        reading->filter.n_pids = (unsigned) request->n_pids;
        if (request->n_pids > 0)
                memcpy(reading->filter.pids, request->pids, request->n_pids * sizeof(int32_t));
        if (request->wait) {
                call->data = reading;
                reading_attempt(call);
                return;
        }
        answer(call, reading, true);
        free(reading);
}

/* A program's own event. */
SYSCALL(sys_trace_note, TraceNoteRequest, Empty) {
        if (request->category > AX_TRACE_CUSTOM || !*request->name) {
                call_reply(call, -EINVAL);
                return;
        }
        trace_process(call->process, request->category, request->name, "%s", request->detail);
        call_reply(call, 0);
}

/* Of a mount: the host's processes have no axeberg pid, so they go by the file server's; the filter's pids mean that. */
static void record_mount_event(struct call *call, const Axeberg__MountEvent *message) {
        struct trace_event event = {
                .pid = call->process->pid,
                .host_pid = message->host_pid,
                .uid = message->uid,
                .category = AX_TRACE_FILE,
                .duration_nsec = message->duration_nsec,
                .has_result = true,
                .result = message->result,
        };

        if (!trace_wants(&call->kernel->trace, AX_TRACE_FILE, event.pid))
                return;
        snprintf(event.name, sizeof(event.name), "%s", message->name);
        snprintf(event.text, sizeof(event.text), "%s", message->text);
        trace_record(&call->kernel->trace, &event);
}

SYSCALL(sys_mount_trace, MountTraceRequest, Empty) {
        if (!process_is_administrator(call->process)) {
                call_reply(call, -EPERM);
                return;
        }
        for (size_t i = 0; i < request->n_events; i++)
                record_mount_event(call, request->events[i]);
        if (request->lost > 0)
                trace_process(call->process, AX_TRACE_FILE, "lost", "%llu requests",
                              (unsigned long long) request->lost);
        call_reply(call, 0);
}

void syscalls_add_trace(Axeberg__Kernel_Service *service) {
        service->trace_set = sys_trace_set;
        service->trace_status = sys_trace_status;
        service->trace_summary = sys_trace_summary;
        service->trace_stats = sys_trace_stats;
        service->trace_read = sys_trace_read;
        service->trace_note = sys_trace_note;
        service->mount_trace = sys_mount_trace;
}
