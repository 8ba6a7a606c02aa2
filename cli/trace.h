/* SPDX-License-Identifier: MIT */
/*
 * Shared by the commands about the trace.
 */
#pragma once

#include <stdio.h>
#include <time.h>

#include "axctl.h"

/* Fills a filter from -p and -e. Prints errors. Returns STATUS_OK or STATUS_USAGE. */
int trace_parse_filter(const struct axctl *axctl, struct ax_trace_filter *ret);

/* A reader of events. */
struct trace_viewer {
        struct axctl *axctl;
        struct ax_trace_filter filter;
        ax_pid hide; /* events of this process are not shown */
        uint64_t after;
        FILE *out;
        bool colours;
        uint64_t lost;
        struct timespec since;
};

/* For standard output, with the filter of the options. Returns like trace_parse_filter(). */
int trace_viewer_init(struct trace_viewer *viewer, struct axctl *axctl);
void trace_tell_lost(struct trace_viewer *viewer, uint64_t lost);

/* Prints an event as a line, for people or as JSON. */
void trace_print(FILE *out, const struct ax_trace_record *record, bool json, bool colours);

/* Sorts calls: the longest total time comes first. */
void trace_sort_stats(struct ax_call_stats *stats, size_t count);

/* Sorts calls and prints a table like `strace -c`. Returns an exit status. */
int trace_print_stats(struct axctl *axctl, struct ax_call_stats *stats, size_t count);

/* The commands that are not in trace.c. */
int trace_show_run(struct axctl *axctl);
int trace_follow_run(struct axctl *axctl);
int trace_run_run(struct axctl *axctl);
void trace_run_gather(int key, const char *argument);
int trace_export_run(struct axctl *axctl);

/* Prints trace summary --json. Returns an exit status. */
int trace_summary_json(struct axctl *axctl);
