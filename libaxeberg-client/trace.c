/*
 * The trace and the kernel's figures.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport.h"

static const char *const category_names[] = { "syscall",   "process", "memory", "timer",  "signal",
                                              "scheduler", "file",    "ipc",    "window", "custom" };
enum { N_CATEGORIES = sizeof(category_names) / sizeof(category_names[0]) };

const char *ax_trace_category_name(enum ax_trace_category category) {
        return (unsigned) category < N_CATEGORIES ? category_names[category] : NULL;
}

int ax_trace_category_number(const char *name) {
        for (int i = 0; name && i < N_CATEGORIES; i++)
                if (strcmp(category_names[i], name) == 0)
                        return i;
        return -AX_EINVAL;
}

static int trace_set(ax_client *ax, const Axeberg__TraceSetRequest *request) {
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        return r < 0 ? r : RPC(ax, trace_set, request, rpc_ignore, &rpc);
}

int ax_trace_enable(ax_client *ax) {
        Axeberg__TraceSetRequest request = AXEBERG__TRACE_SET_REQUEST__INIT;

        request.set_enabled = request.enabled = true;
        return trace_set(ax, &request);
}

int ax_trace_disable(ax_client *ax) {
        Axeberg__TraceSetRequest request = AXEBERG__TRACE_SET_REQUEST__INIT;

        request.set_enabled = true;
        return trace_set(ax, &request);
}

int ax_trace_reset(ax_client *ax) {
        Axeberg__TraceSetRequest request = AXEBERG__TRACE_SET_REQUEST__INIT;

        request.reset = true;
        return trace_set(ax, &request);
}

int ax_trace_set_filter(ax_client *ax, const struct ax_trace_filter *filter) {
        Axeberg__TraceSetRequest request = AXEBERG__TRACE_SET_REQUEST__INIT;

        if (!filter || filter->n_pids > AX_TRACE_MAX_PIDS)
                return -AX_EINVAL;
        request.set_filter = true;
        request.categories = filter->categories;
        request.n_pids = filter->n_pids;
        request.pids = (int32_t *) filter->pids;
        request.children = filter->children;
        return trace_set(ax, &request);
}

static void status_on_reply(const Axeberg__TraceStatusReply *reply, void *data) {
        struct ax_trace_status *ret = ((struct rpc *) data)->context;

        *ret = (struct ax_trace_status){
                .enabled = reply->enabled,
                .size = reply->size,
                .next = reply->next,
                .oldest = reply->oldest,
                .recorded = reply->recorded,
        };
        ret->filter.categories = reply->categories;
        ret->filter.children = reply->children;
        for (size_t i = 0; i < reply->n_pids && i < AX_TRACE_MAX_PIDS; i++)
                ret->filter.pids[ret->filter.n_pids++] = reply->pids[i];
}

int ax_trace_status(ax_client *ax, struct ax_trace_status *ret) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        return ret ? RPC(ax, trace_status, &request, status_on_reply, &rpc) : -AX_EINVAL;
}

static void summary_on_reply(const Axeberg__TraceSummaryReply *reply, void *data) {
        *(struct ax_trace_summary *) ((struct rpc *) data)->context = (struct ax_trace_summary){
                .uptime_ms = (double) reply->uptime_usec / 1e3,
                .enabled = reply->enabled ? 1 : 0,
                .event_count = reply->events,
                .syscall_count = reply->calls,
                .syscall_errors = reply->call_errors,
                .tick_count = reply->ticks,
                .avg_tick_ms = reply->ticks > 0 ? (double) reply->tick_total_nsec / 1e6 / (double) reply->ticks : 0,
                .max_tick_ms = (double) reply->tick_max_nsec / 1e6,
                .processes_spawned = reply->processes_spawned,
                .processes_exited = reply->processes_exited,
                .signals_delivered = reply->signals_delivered,
                .timers_fired = reply->timers_fired,
                .bytes_read = reply->bytes_read,
                .bytes_written = reply->bytes_written,
        };
}

int ax_trace_summary(ax_client *ax, struct ax_trace_summary *ret) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        return ret ? RPC(ax, trace_summary, &request, summary_on_reply, &rpc) : -AX_EINVAL;
}

int ax_trace_event(ax_client *ax, enum ax_trace_category category, const char *name, const char *detail) {
        Axeberg__TraceNoteRequest request = AXEBERG__TRACE_NOTE_REQUEST__INIT;
        char text[sizeof(((struct ax_trace_record *) 0)->text)];
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!name || !*name || (unsigned) category >= N_CATEGORIES)
                return -AX_EINVAL;
        snprintf(text, sizeof(text), "%s", detail ? detail : "");
        request.category = category;
        request.name = (char *) name;
        request.detail = text;
        return RPC(ax, trace_note, &request, rpc_ignore, &rpc);
}

/* ---- reading ---------------------------------------------------------------------------------------------- */

struct reading {
        struct ax_trace_record *records;
        size_t count;
        uint64_t last, lost;
};

static void record_fill(struct ax_trace_record *record, const Axeberg__TraceEvent *event) {
        *record = (struct ax_trace_record){
                .number = event->number,
                .time = { .tv_sec = (time_t) (event->time_nsec / 1000000000u),
                          .tv_nsec = (long) (event->time_nsec % 1000000000u) },
                .duration_nsec = event->duration_nsec,
                .pid = event->pid,
                .host_pid = event->host_pid,
                .uid = event->uid,
                .category = event->category,
                .has_result = event->has_result,
                .result = event->result,
        };
        snprintf(record->name, sizeof(record->name), "%s", event->name);
        snprintf(record->text, sizeof(record->text), "%s", event->text);
        snprintf(record->outcome, sizeof(record->outcome), "%s", event->outcome);
}

static void read_on_reply(const Axeberg__TraceReadReply *reply, void *data) {
        struct reading *reading = ((struct rpc *) data)->context;

        reading->last = reply->last;
        reading->lost = reply->lost;
        reading->records = reply->n_events > 0 ? calloc(reply->n_events, sizeof(*reading->records)) : NULL;
        reading->count = reading->records ? reply->n_events : 0;
        for (size_t i = 0; i < reading->count; i++)
                record_fill(&reading->records[i], reply->events[i]);
}

int ax_trace_read(ax_client *ax, uint64_t *after, const struct ax_trace_filter *filter, bool wait,
                  struct ax_trace_record **ret, uint64_t *ret_lost) {
        Axeberg__TraceReadRequest request = AXEBERG__TRACE_READ_REQUEST__INIT;
        struct reading reading = { 0 };
        struct rpc rpc = { .context = &reading };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!after || !ret || (filter && filter->n_pids > AX_TRACE_MAX_PIDS))
                return -AX_EINVAL;
        request.after = *after;
        request.wait = wait;
        if (filter) {
                request.categories = filter->categories;
                request.n_pids = filter->n_pids;
                request.pids = (int32_t *) filter->pids;
        }
        r = RPC(ax, trace_read, &request, read_on_reply, &rpc);
        if (r < 0)
                return r;
        if (r > 0 && !reading.records)
                return -AX_ENOMEM;
        *after = reading.last;
        if (ret_lost)
                *ret_lost = reading.lost;
        if (reading.count > 0)
                *ret = reading.records;
        return (int) reading.count;
}

struct stats_list {
        struct ax_call_stats *stats;
        size_t count;
};

static void stats_on_reply(const Axeberg__TraceStatsReply *reply, void *data) {
        struct stats_list *list = ((struct rpc *) data)->context;

        list->stats = calloc(reply->n_calls + 1, sizeof(*list->stats));
        for (size_t i = 0; list->stats && i < reply->n_calls; i++) {
                struct ax_call_stats *stats = &list->stats[list->count++];
                const Axeberg__CallStats *from = reply->calls[i];

                snprintf(stats->name, sizeof(stats->name), "%s", from->name);
                stats->count = from->count;
                stats->errors = from->errors;
                stats->total_nsec = from->total_nsec;
                stats->min_nsec = from->min_nsec;
                stats->max_nsec = from->max_nsec;
                for (size_t j = 0; j < from->n_histogram && j < AX_CALL_BUCKETS; j++) {
                        stats->histogram[j] = from->histogram[j];
                        stats->timed += from->histogram[j];
                }
        }
}

int ax_call_stats(ax_client *ax, struct ax_call_stats **ret) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct stats_list list = { 0 };
        struct rpc rpc = { .context = &list };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        r = RPC(ax, trace_stats, &request, stats_on_reply, &rpc);
        if (r < 0)
                return r;
        if (!list.stats)
                return -AX_ENOMEM;
        *ret = list.stats;
        return (int) list.count;
}
