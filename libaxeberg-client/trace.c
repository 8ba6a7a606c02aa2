/* SPDX-License-Identifier: MIT */
/*
 * The trace and the kernel's figures.
 */
#include <stdlib.h>
#include <string.h>

#include "call.h"
#include "local.h"
#include "names.h"
#include "printable.h"

const char *ax_trace_category_name(enum ax_trace_category category) {
        return category_name(category);
}

int ax_trace_category_number(const char *name) {
        return name ? category_from_name(name) : -AX_EINVAL;
}

int ax_trace_enable(ax_client *ax) {
        return CALL(ax, trace_enable, Empty);
}

int ax_trace_disable(ax_client *ax) {
        return CALL(ax, trace_disable, Empty);
}

int ax_trace_reset(ax_client *ax) {
        return CALL(ax, trace_reset, Empty);
}

int ax_trace_enabled(ax_client *ax) {
        struct local_call call;
        int r = client_check(ax);

        if (r < 0)
                return r;
        call = local_begin(ax, AX_LOCAL_TRACE_ENABLED);
        r = ax->published.system && __atomic_load_n(&ax->published.system->trace_enabled, __ATOMIC_RELAXED);
        local_end(ax, &call, 0, 0, 0, r);
        return r;
}

const volatile uint32_t *ax_trace_flag(ax_client *ax) {
        return ax ? ax->published.trace_flag : &published_nothing;
}

/* Makes a request; without a filter, it takes everything. */
static Axeberg__TraceFilterRequest filter_request(const struct ax_trace_filter *filter) {
        if (!filter)
                return (Axeberg__TraceFilterRequest){ 0 };
        return (Axeberg__TraceFilterRequest){
                .categories = filter->categories,
                .n_pids = filter->n_pids,
                .pids = (int32_t *) filter->pids,
                .children = filter->children,
        };
}

int ax_trace_set_filter(ax_client *ax, const struct ax_trace_filter *filter) {
        Axeberg__TraceFilterRequest request = filter_request(filter);

        if (!filter || filter->n_pids > AX_TRACE_MAX_PIDS)
                return -AX_EINVAL;
        return RPC(ax, trace_set_filter, &request, rpc_ignore, &(struct rpc){ 0 });
}

int ax_trace_begin(ax_client *ax, const struct ax_trace_filter *filter) {
        Axeberg__TraceFilterRequest request = filter_request(filter);

        if (request.n_pids > AX_TRACE_MAX_PIDS)
                return -AX_EINVAL;
        return RPC(ax, trace_begin, &request, rpc_ignore, &(struct rpc){ 0 });
}

int ax_trace_end(ax_client *ax) {
        return CALL(ax, trace_end, Empty);
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
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, trace_status, REQUEST(Empty), status_on_reply, &(struct rpc){ .context = ret });
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
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, trace_summary, REQUEST(Empty), summary_on_reply, &(struct rpc){ .context = ret });
}

int ax_trace_event(ax_client *ax, enum ax_trace_category category, const char *name, const char *detail) {
        char text[sizeof(((struct ax_trace_record *) 0)->text)];

        if (!name || !*name || !category_name(category))
                return -AX_EINVAL;
        utf8_copy(text, sizeof(text), detail ? detail : "");
        return CALL(ax, trace_event, TraceEventRequest, .category = category, .name = (char *) name, .detail = text);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct reading {
        struct ax_trace_record *records;
        size_t count;
        uint64_t last, lost;
        bool more;
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
        utf8_copy(record->name, sizeof(record->name), event->name);
        utf8_copy(record->text, sizeof(record->text), event->text);
        utf8_copy(record->outcome, sizeof(record->outcome), event->outcome);
        utf8_copy(record->command, sizeof(record->command), event->command);
}

static void read_on_reply(const Axeberg__TraceReadReply *reply, void *data) {
        struct reading *reading = ((struct rpc *) data)->context;

        reading->last = reply->last;
        reading->lost = reply->lost;
        reading->more = reply->more;
        reading->records = reply->n_events > 0 ? calloc(reply->n_events, sizeof(*reading->records)) : NULL;
        reading->count = reading->records ? reply->n_events : 0;
        for (size_t i = 0; i < reading->count; i++)
                record_fill(&reading->records[i], reply->events[i]);
}

int ax_trace_read(ax_client *ax, uint64_t *after, const struct ax_trace_filter *filter, bool wait,
                  struct ax_trace_record **ret, uint64_t *ret_lost) {
        Axeberg__TraceReadRequest request = { .wait = wait };
        struct reading reading = { 0 };
        struct rpc rpc = { .context = &reading };
        int r;

        if (!after || !ret || (filter && filter->n_pids > AX_TRACE_MAX_PIDS))
                return -AX_EINVAL;
        request.after = *after;
        if (filter) {
                request.categories = filter->categories;
                request.n_pids = filter->n_pids;
                request.pids = (int32_t *) filter->pids;
        }
        /* each call looks at a part of the ring only: ask on if the filter took nothing of that */
        do {
                r = RPC(ax, trace_read, &request, read_on_reply, &rpc);
                request.after = reading.last;
        } while (r == 0 && reading.lost == 0 && reading.more);
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

static void stats_on_reply(const Axeberg__CallStatsReply *reply, void *data) {
        struct stats_list *list = ((struct rpc *) data)->context;

        list->stats = calloc(reply->n_calls + 1, sizeof(*list->stats));
        for (size_t i = 0; list->stats && i < reply->n_calls; i++) {
                struct ax_call_stats *stats = &list->stats[list->count++];
                const Axeberg__CallStats *from = reply->calls[i];

                utf8_copy(stats->name, sizeof(stats->name), from->name);
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
        struct stats_list list = { 0 };
        int r = ret ? RPC(ax, call_stats, REQUEST(Empty), stats_on_reply, &(struct rpc){ .context = &list })
                    : -AX_EINVAL;

        if (r < 0)
                return r;
        if (!list.stats)
                return -AX_ENOMEM;
        *ret = list.stats;
        return (int) list.count;
}
