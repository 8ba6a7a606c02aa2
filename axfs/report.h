/* SPDX-License-Identifier: MIT */
/*
 * report.h - what the mount tells the daemon: its counters, and the events of its trace
 *
 * One thread sends the reports (link.c). Counters go as differences, at most once a second while
 * there are any.
 */
#pragma once

#include "counters.h"

#include <stdbool.h>

struct connection;
struct tracing;

struct report {
        struct counters *counters;
        struct tracing *tracing;
        struct counters sent; /* what the daemon knows of the counters */
};

void report_init(struct report *report, struct counters *counters, struct tracing *tracing);

/** report_is_due() - returns true if a counter has changed since the last report */
bool report_is_due(struct report *report);

/** report_send() - send what is new. A report that fails is made up for by the next one. */
void report_send(struct report *report, struct connection *connection);
