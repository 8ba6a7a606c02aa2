/* SPDX-License-Identifier: MIT */
/* report.c - see report.h */
#include "report.h"

#include "connection.h"
#include "tracing.h"

void report_init(struct report *report, struct counters *counters, struct tracing *tracing) {
        *report = (struct report){ .counters = counters, .tracing = tracing };
}

static struct ax_mount_counters news(struct report *report) {
        struct counters *now = report->counters, *sent = &report->sent;

        return (struct ax_mount_counters){
                .requests = atomic_load(&now->requests) - atomic_load(&sent->requests),
                .errors = atomic_load(&now->errors) - atomic_load(&sent->errors),
                .bytes_read = atomic_load(&now->bytes_read) - atomic_load(&sent->bytes_read),
                .bytes_written = atomic_load(&now->bytes_written) - atomic_load(&sent->bytes_written),
        };
}

static bool is_something(const struct ax_mount_counters *news) {
        return (news->requests | news->errors | news->bytes_read | news->bytes_written) != 0;
}

bool report_is_due(struct report *report) {
        struct ax_mount_counters unsent = news(report);

        return is_something(&unsent);
}

static void send_events(struct report *report, struct connection *connection) {
        struct ax_mount_event events[TRACING_QUEUED];
        uint64_t lost;
        size_t n = tracing_take(report->tracing, events, &lost);

        if (n > 0)
                ax_mount_trace(connection->ax, events, n, lost);
}

void report_send(struct report *report, struct connection *connection) {
        struct ax_mount_counters unsent = news(report);

        send_events(report, connection);
        if (!is_something(&unsent) || ax_mount_report(connection->ax, &unsent) < 0)
                return;
        counter_add(&report->sent.requests, unsent.requests);
        counter_add(&report->sent.errors, unsent.errors);
        counter_add(&report->sent.bytes_read, unsent.bytes_read);
        counter_add(&report->sent.bytes_written, unsent.bytes_written);
}
