/*
 * What the commands about the trace share.
 */
#pragma once

#include <stdio.h>

#include "axctl.h"

/* Fills a filter from -p and -e. Return: STATUS_OK, or a usage error, which has been said. */
int trace_parse_filter(const struct axctl *axctl, struct ax_trace_filter *ret);

/* Prints an event as a line, for people or as JSON. */
void trace_print(FILE *out, const struct ax_trace_record *record, bool json, bool colours);

/* Prints a table of calls as `strace -c` has it; sorts them. Return: an exit status. */
int trace_print_stats(struct axctl *axctl, struct ax_call_stats *stats, size_t count);

/* The commands that are not in trace.c. */
int trace_show_run(struct axctl *axctl);
int trace_follow_run(struct axctl *axctl);
int trace_run_run(struct axctl *axctl);
int trace_export_run(struct axctl *axctl);
