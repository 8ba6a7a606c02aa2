/* SPDX-License-Identifier: MIT */
/*
 * Whom the trace follows: the requests for it, and the processes that they name.
 */
#pragma once

#include <stdbool.h>

struct process;
struct process_table;
struct trace_filter;

/* Turns the kernel's own trace on or off, and publishes that to every program. */
void tracing_set(struct process_table *table, bool enabled);
void tracing_set_filter(struct process_table *table, const struct trace_filter *filter);
/*
 * Records for a process what it asks for, until it ends or says so. Another request replaces the
 * first. Returns 0, -EBUSY, -EDQUOT or -ENOMEM.
 */
int tracing_begin(struct process *process, const struct trace_filter *filter);
void tracing_end(struct process *process); /* fine if it has asked for nothing */
