/* SPDX-License-Identifier: MIT */
/*
 * Which process a program of the host is. Mounts tell of requests by the host's pids, a moment
 * after the request; so the last processes that have ended are known, too, for a short while.
 *
 * A host program may be several processes. It counts as the one that was first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process;
struct process_table;
struct trace_subject;

/* Call it when the process has its host pid; init, which is the daemon, is nobody's program. */
void by_host_add(struct process *process);
/* The process is about to be freed, or gets a different host pid. Fine if it was not added. */
void by_host_remove(struct process *process);
/* Returns false if no process is that program. */
bool by_host_find(const struct process_table *table, pid_t host_pid, struct trace_subject *ret);
/* The requests in the set have gone. */
void by_host_forget(struct process_table *table, uint64_t requests);
