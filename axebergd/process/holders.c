/* SPDX-License-Identifier: MIT */
#include "process/holders.h"

#include <stdint.h>
#include <stdio.h>
#include <utlist.h>

#include "process/process.h"

enum { MAX_HOLDERS = 3 };

static uint64_t count_children(const struct process *process) {
        const struct process *child;
        uint64_t count;

        DL_COUNT(process->children, child, count);
        return count;
}

/* Pipes and windows belong to descriptors, which may be several processes'. */
static uint64_t amount_of(const struct process *process, enum user_resource resource) {
        switch (resource) {
        case USER_CONNECTIONS:
                return process->listener != NULL;
        case USER_PROCESSES:
                return count_children(process);
        case USER_FDS:
        case USER_PIPES:
        case USER_WINDOWS:
        case USER_HOST_FDS:
                return process->fds.n_open;
        case USER_TASKS:
                return process->n_tasks;
        case USER_TIMERS:
                return process->n_timers;
        case USER_REGIONS:
                return process->regions.count;
        case USER_MAPPINGS:
                return process->regions.n_attachments;
        case USER_MEMORY:
                return process->regions.account.used;
        default:
                return 0;
        }
}

struct holder {
        const struct process *process;
        uint64_t amount;
};

static void insert(struct holder holders[static MAX_HOLDERS], struct holder holder) {
        for (int i = 0; i < MAX_HOLDERS; i++)
                if (holder.amount > holders[i].amount) {
                        struct holder next = holders[i];

                        holders[i] = holder;
                        holder = next;
                }
}

void holders_describe(const struct process_table *table, const struct user *user, enum user_resource resource,
                      char *text, size_t size) {
        struct holder holders[MAX_HOLDERS] = { 0 };
        struct process *process, *next;
        size_t at = 0;

        HASH_ITER (hh, table->processes, process, next) {
                if (process->user == user)
                        insert(holders, (struct holder){ process, amount_of(process, resource) });
        }
        *text = '\0';
        for (int i = 0; i < MAX_HOLDERS && holders[i].process && at < size; i++) {
                int n = snprintf(text + at, size - at, "%s%d %.32s: %llu", i > 0 ? ", " : "", holders[i].process->pid,
                                 process_command(holders[i].process), (unsigned long long) holders[i].amount);

                at += n > 0 ? (size_t) n : 0;
        }
}
