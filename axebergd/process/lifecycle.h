/* SPDX-License-Identifier: MIT */
/*
 * How processes begin, wait, stop, continue and end: all transitions between their states.
 */
#pragma once

#include "process/process.h"

struct process_options {
        struct user *user;
        struct identity *identity;
        pid_t host_pid;
        struct object *cwd;
        const char *command_line;
        size_t command_line_size;
        bool new_group;
};

/*
 * Makes init; the caller has set the table's limits and what is the kernel's. Returns 0 or a
 * negative errno.
 */
int process_table_init(struct process_table *table, const struct process_options *init);
void process_table_deinit(struct process_table *table);
/* Ends every process but init, as SIGTERM would, when the kernel goes. */
void process_table_end_all(struct process_table *table);

/*
 * Makes a child of `parent` without descriptors, with its umask, blocked and ignored signals, and,
 * unless it is init, its group. Returns 0, -EDQUOT, -EAGAIN (no pid is free) or -ENOMEM.
 */
int process_new(struct process **ret, struct process *parent, const struct process_options *options);
/* Takes back a child that no program has seen yet. */
void process_discard(struct process *process);

/*
 * Ends the process: gives back what it holds, hands its children to init, tells its parent, and
 * leaves a zombie, which init reaps at once.
 */
void process_exit(struct process *process, int exit_code);
void process_exit_on_signal(struct process *process, int signal);
/* Its connection has ended. A process with a host program of its own ends as that does. */
void process_exit_on_disconnect(struct process *process);
/* The host program has ended. */
void process_on_host_end(struct process *process);
/* The report of a child has been made: a zombie is gone after this. */
void process_reported(struct process *child);
/*
 * Takes over a host program. Returns 0, -ESRCH (it has ended already), -EDQUOT or another negative
 * errno.
 */
int process_own_host(struct process *process, pid_t pid);

void process_stop(struct process *process);
void process_continue(struct process *process);

/* A call of the process begins or ends to wait. */
void process_park(struct process *process);
void process_unpark(struct process *process);

/* 0 means no limit. A limit below what is in use lets nothing more in. */
void process_set_memory_limit(struct process *process, uint64_t limit);
