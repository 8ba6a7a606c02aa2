/* SPDX-License-Identifier: MIT */
/*
 * The trace and the figures: switching, asking, reading.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axeberg.h"
#include "kernel.h"
#include "methods.h"
#include "names.h"
#include "printable.h"
#include "process/process.h"
#include "process/tracing.h"
#include "syscalls/call.h"
#include "syscalls/reply_list.h"
#include "syscalls/syscalls.h"
#include "util/clock.h"
#include "util/identity.h"

/* Answers the call, and returns false, if the caller is no administrator. */
static bool may_switch(struct call *call) {
        if (process_is_administrator(call->process))
                return true;
        call_reply(call, -EPERM);
        return false;
}

/* Returns 0, or -EINVAL. */
static int take_filter(struct trace_filter *ret, const Axeberg__TraceFilterRequest *request) {
        if (!trace_are_pids(request->pids, request->n_pids) || request->categories >> TRACE_CATEGORIES)
                return -EINVAL;
        *ret = (struct trace_filter){
                .categories = request->categories,
                .n_pids = (unsigned) request->n_pids,
                .children = request->children,
        };
        if (request->n_pids > 0)
                memcpy(ret->pids, request->pids, request->n_pids * sizeof(ret->pids[0]));
        return 0;
}

SYSCALL(trace_enable, Empty, Empty) {
        (void) request;
        if (!may_switch(call))
                return;
        tracing_set(&call->kernel->processes, true);
        call_reply(call, 0);
}

SYSCALL(trace_disable, Empty, Empty) {
        (void) request;
        if (!may_switch(call))
                return;
        tracing_set(&call->kernel->processes, false);
        call_reply(call, 0);
}

SYSCALL(trace_reset, Empty, Empty) {
        (void) request;
        if (!may_switch(call))
                return;
        kernel_reset_figures(call->kernel);
        call_reply(call, 0);
}

SYSCALL(trace_set_filter, TraceFilterRequest, Empty) {
        struct trace_filter filter;
        int r;

        if (!may_switch(call))
                return;
        r = take_filter(&filter, request);
        if (r == 0)
                tracing_set_filter(&call->kernel->processes, &filter);
        call_reply(call, r);
}

SYSCALL(trace_status, Empty, TraceStatusReply) {
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

SYSCALL(trace_summary, Empty, TraceSummaryReply) {
        Axeberg__TraceSummaryReply reply = AXEBERG__TRACE_SUMMARY_REPLY__INIT;
        struct kernel *kernel = call->kernel;
        struct figures now;

        (void) request;
        kernel_figures(kernel, &now);
        reply.uptime_usec = clock_usec() - kernel->started_usec;
        reply.enabled = kernel->trace.enabled;
        reply.events = kernel->trace.next - kernel->trace.first;
        reply.calls = now.calls - kernel->at_reset.calls;
        reply.call_errors = now.call_errors - kernel->at_reset.call_errors;
        reply.ticks = kernel->ticks.count;
        reply.tick_total_nsec = kernel->ticks.total_nsec;
        reply.tick_max_nsec = kernel->ticks.max_nsec;
        reply.processes_spawned = now.processes_spawned - kernel->at_reset.processes_spawned;
        reply.processes_exited = now.processes_exited - kernel->at_reset.processes_exited;
        reply.signals_delivered = now.signals - kernel->at_reset.signals;
        reply.timers_fired = now.timers_fired - kernel->at_reset.timers_fired;
        reply.bytes_read = now.bytes_read - kernel->at_reset.bytes_read;
        reply.bytes_written = now.bytes_written - kernel->at_reset.bytes_written;
        call_reply_message(call, 0, &reply.base);
}

enum { MOST_STATS = AX_METHODS + AX_LOCAL_CALLS };

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
        for (uint32_t method = 0; method < AX_METHODS; method++) {
                Axeberg__CallStats *stats;

                if (calls[method].count == 0)
                        continue;
                stats = stats_of(list, ax_methods[method].name);
                stats->count = calls[method].count;
                stats->errors = calls[method].errors;
                stats->total_nsec = calls[method].total_nsec;
                stats->min_nsec = calls[method].min_nsec;
                stats->max_nsec = calls[method].max_nsec;
                stats->n_histogram = STATS_BUCKETS;
                stats->histogram = calls[method].histogram;
        }
}

SYSCALL(call_stats, Empty, CallStatsReply) {
        static struct stats_list list;
        Axeberg__CallStatsReply reply = AXEBERG__CALL_STATS_REPLY__INIT;
        const struct local_totals *since = &call->kernel->local_at_reset;
        struct reply_list taken = { 0 };
        struct local_totals local;

        (void) request;
        list.count = 0;
        add_methods(&list, call->kernel->calls);
        process_table_local_totals(&call->kernel->processes, &local);
        for (int i = 0; i < AX_LOCAL_CALLS; i++)
                if (local.of[i].calls > since->of[i].calls) {
                        Axeberg__CallStats *stats = stats_of(&list, local_call_name(i));

                        stats->count += local.of[i].calls - since->of[i].calls;
                        stats->errors += local.of[i].errors - since->of[i].errors;
                }
        while (reply.n_calls < list.count && reply_list_takes(&taken, &list.stats[reply.n_calls].base))
                reply.n_calls++; /* all of them: the calls that there are have room */
        reply.calls = list.pointers;
        call_reply_message(call, 0, &reply.base);
}

/* ---- a session's own request ----------------------------------------------------------------- */

SYSCALL(trace_begin, TraceFilterRequest, Empty) {
        struct trace_filter filter;
        int r;

        if (!may_switch(call))
                return;
        r = take_filter(&filter, request);
        call_reply(call, r < 0 ? r : tracing_begin(call->process, &filter));
}

SYSCALL(trace_end, Empty, Empty) {
        (void) request;
        tracing_end(call->process);
        call_reply(call, 0);
}

/* ---- reading --------------------------------------------------------------------------------- */

enum { MOST_EVENTS = 512 };

/* A reader's turn looks at so many events, whatever it finds: others have theirs in between. */
enum { LOOKED_AT = 1024 };

struct reading {
        uint64_t after;
        bool requested; /* what the session has asked for, and nothing else */
        bool more;      /* there was more than one turn looks at */
        struct trace_filter filter;
};

static bool may_see(const struct process *viewer, const struct trace_event *event) {
        return viewer->identity->uid == event->uid || process_is_administrator(viewer);
}

static bool is_read(const struct reading *reading, const struct process *reader, const struct trace_event *event) {
        return may_see(reader, event) && trace_filter_matches(&reading->filter, event->category, event->pid) &&
               (!reading->requested || trace_request_wants(reader->trace_request, event));
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
        ret->command = (char *) event->command;
}

/* Fills the reply with what one turn finds. `events` and `pointers` have room for MOST_EVENTS. */
static void look(struct call *call, struct reading *reading, Axeberg__TraceReadReply *reply,
                 Axeberg__TraceEvent *events) {
        const struct trace *trace = &call->kernel->trace;
        struct reply_list taken = { 0 };
        const struct trace_event *event;
        uint64_t lost;

        reply->last = reading->after;
        for (unsigned looked = 0; looked < LOOKED_AT && reply->n_events < MOST_EVENTS; looked++) {
                event = trace_find(trace, reply->last + 1, &lost);
                reply->lost += lost;
                if (!event)
                        break;
                if (is_read(reading, call->process, event)) {
                        event_fill(&events[reply->n_events], event);
                        if (!reply_list_takes(&taken, &events[reply->n_events].base)) {
                                reply->last = event->number - 1;
                                break;
                        }
                        reply->events[reply->n_events] = &events[reply->n_events];
                        reply->n_events++;
                }
                reply->last = event->number;
        }
        reply->more = trace_find(trace, reply->last + 1, &lost) != NULL;
        reading->after = reply->last;
        reading->more = reply->more;
}

/* Answers if there is something, or `even_nothing`. Returns true if it has answered. */
static bool answer(struct call *call, struct reading *reading, bool even_nothing) {
        static Axeberg__TraceEvent events[MOST_EVENTS], *pointers[MOST_EVENTS];
        Axeberg__TraceReadReply reply = AXEBERG__TRACE_READ_REPLY__INIT;

        reply.events = pointers;
        if (reading->requested && !call->process->trace_request) {
                reply.last = reading->after; /* the request has ended, and what it wanted with it */
                even_nothing = true;
        } else {
                look(call, reading, &reply, events);
        }
        if (reply.n_events == 0 && reply.lost == 0 && !even_nothing)
                return false;
        call_reply_message(call, (int) reply.n_events, &reply.base);
        return true;
}

static void reading_attempt(struct call *call) {
        struct reading *reading = call->data;
        int r;

        if (answer(call, reading, false)) {
                free(reading);
                return;
        }
        r = call_park(call, &call->kernel->trace.readers, reading_attempt, call_drop_data);
        if (r < 0) {
                free(reading);
                call_reply(call, r);
        } else if (reading->more) {
                waiter_wake(&call->waiter); /* in the user's next turn */
        }
}

SYSCALL(trace_read, TraceReadRequest, TraceReadReply) {
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
        reading->requested = call->process->trace_request;
        reading->filter.categories = request->categories;
        reading->filter.n_pids = (unsigned) request->n_pids;
        if (request->n_pids > 0)
                memcpy(reading->filter.pids, request->pids, request->n_pids * sizeof(int32_t));
        /* what came before the request is forgotten, not lost */
        if (reading->requested && reading->after + 1 < call->process->trace_request->first)
                reading->after = call->process->trace_request->first - 1;
        if (request->wait) {
                call->data = reading;
                reading_attempt(call);
                return;
        }
        answer(call, reading, true);
        free(reading);
}

/* A program's own event. */
SYSCALL(trace_event, TraceEventRequest, Empty) {
        char name[TRACE_NAME_SIZE], detail[TRACE_TEXT_SIZE];

        if (request->category > AX_TRACE_CUSTOM || !*request->name) {
                call_reply(call, -EINVAL);
                return;
        }
        printable(name, sizeof(name), request->name, strlen(request->name), 0);
        printable(detail, sizeof(detail), request->detail, strlen(request->detail), 0);
        trace_process(call->process, request->category, name, "%s", detail);
        call_reply(call, 0);
}

/*
 * Of a mount. The host's processes have no axeberg pid, so they go by the file server's, and the
 * pids of requests and filters mean that. The program's name is the host program's.
 */
static void record_mount_event(struct call *call, const Axeberg__MountEvent *message) {
        struct trace_event event;

        if (!process_event_init(&event, call->process, AX_TRACE_FILE))
                return;
        event.host_pid = message->host_pid;
        event.uid = message->uid;
        event.duration_nsec = message->duration_nsec;
        event.has_result = true;
        event.result = message->result;
        snprintf(event.name, sizeof(event.name), "%s", message->name);
        snprintf(event.text, sizeof(event.text), "%s", message->text);
        if (*message->command)
                utf8_copy(event.command, sizeof(event.command), message->command);
        trace_record(&call->kernel->trace, &event);
}

SYSCALL(mount_trace, MountTraceRequest, Empty) {
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
