/* SPDX-License-Identifier: MIT */
/*
 * trace summary --json: the kernel's figures and each call's, as one object.
 */
#include <stdlib.h>

#include "show.h"
#include "trace.h"

static void add_number(json_object *object, const char *name, uint64_t value) {
        json_object_object_add(object, name, json_object_new_uint64(value));
}

static void add_milliseconds(json_object *object, const char *name, double value) {
        char text[32];

        snprintf(text, sizeof(text), "%.6f", value);
        json_object_object_add(object, name, json_object_new_double_s(value, text));
}

static json_object *summary_object(const struct ax_trace_summary *summary) {
        json_object *object = json_object_new_object();

        add_milliseconds(object, "uptime_ms", summary->uptime_ms);
        json_object_object_add(object, "enabled", json_object_new_boolean(summary->enabled != 0));
        add_number(object, "event_count", summary->event_count);
        add_number(object, "syscall_count", summary->syscall_count);
        add_number(object, "syscall_errors", summary->syscall_errors);
        add_number(object, "tick_count", summary->tick_count);
        add_milliseconds(object, "avg_tick_ms", summary->avg_tick_ms);
        add_milliseconds(object, "max_tick_ms", summary->max_tick_ms);
        add_number(object, "processes_spawned", summary->processes_spawned);
        add_number(object, "processes_exited", summary->processes_exited);
        add_number(object, "signals_delivered", summary->signals_delivered);
        add_number(object, "timers_fired", summary->timers_fired);
        add_number(object, "bytes_read", summary->bytes_read);
        add_number(object, "bytes_written", summary->bytes_written);
        return object;
}

static json_object *call_object(const struct ax_call_stats *stats) {
        json_object *object = json_object_new_object(), *histogram = json_object_new_array();

        json_object_object_add(object, "call", json_string(stats->name));
        add_number(object, "calls", stats->count);
        add_number(object, "errors", stats->errors);
        add_number(object, "timed", stats->timed);
        add_number(object, "total_nsec", stats->total_nsec);
        add_number(object, "mean_nsec", stats->timed > 0 ? stats->total_nsec / stats->timed : 0);
        add_number(object, "min_nsec", stats->min_nsec);
        add_number(object, "max_nsec", stats->max_nsec);
        for (int i = 0; i < AX_CALL_BUCKETS; i++)
                json_object_array_add(histogram, json_object_new_uint64(stats->histogram[i]));
        json_object_object_add(object, "histogram", histogram);
        return object;
}

int trace_summary_json(struct axctl *axctl) {
        json_object *all, *calls;
        struct ax_trace_summary summary;
        struct ax_call_stats *stats;
        int r = ax_trace_summary(axctl->ax, &summary), n = r < 0 ? r : ax_call_stats(axctl->ax, &stats);

        if (n < 0)
                return complain(axctl, "the figures", n);
        trace_sort_stats(stats, (size_t) n);
        all = json_object_new_object();
        calls = json_object_new_array();
        for (int i = 0; i < n; i++)
                json_object_array_add(calls, call_object(&stats[i]));
        free(stats);
        json_object_object_add(all, "summary", summary_object(&summary));
        json_object_object_add(all, "calls", calls);
        json_print(stdout, json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
        putchar('\n');
        json_object_put(all);
        return STATUS_OK;
}
