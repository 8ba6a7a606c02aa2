/* SPDX-License-Identifier: MIT */
#include "process/by_host.h"

#include "process/process.h"
#include "util/clock.h"

enum { KNOWN_USEC = 2000000 };

void by_host_add(struct process *process) {
        struct process_table *table = process->table;
        struct process *first;

        if (process->host_pid <= 0 || process->pid == PROCESS_INIT_PID)
                return;
        HASH_FIND(host_hh, table->by_host, &process->host_pid, sizeof(process->host_pid), first);
        if (first)
                return;
        HASH_ADD(host_hh, table->by_host, host_pid, sizeof(process->host_pid), process);
        process->is_by_host = true;
}

void by_host_remove(struct process *process) {
        struct process_table *table = process->table;

        if (!process->is_by_host)
                return;
        HASH_DELETE(host_hh, table->by_host, process);
        process->is_by_host = false;
        table->ended_hosts[table->next_ended_host++ % MAX_ENDED_HOSTS] = (struct ended_host){
                .host_pid = process->host_pid,
                .pid = process->pid,
                .traced = process->traced,
                .ended_usec = clock_usec(),
        };
}

bool by_host_find(const struct process_table *table, pid_t host_pid, struct trace_subject *ret) {
        struct process *process;

        HASH_FIND(host_hh, table->by_host, &host_pid, sizeof(host_pid), process);
        if (process) {
                *ret = (struct trace_subject){ .pid = process->pid, .requests = process->traced };
                return true;
        }
        for (unsigned i = 0; i < MAX_ENDED_HOSTS; i++) {
                const struct ended_host *ended = &table->ended_hosts[i];

                if (ended->host_pid == host_pid && clock_usec() - ended->ended_usec < KNOWN_USEC) {
                        *ret = (struct trace_subject){ .pid = ended->pid, .requests = ended->traced };
                        return true;
                }
        }
        return false;
}

void by_host_forget(struct process_table *table, uint64_t requests) {
        for (unsigned i = 0; i < MAX_ENDED_HOSTS; i++)
                table->ended_hosts[i].traced &= ~requests;
}
