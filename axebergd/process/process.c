/* SPDX-License-Identifier: MIT */
#include "process/process.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axeberg.h"
#include "printable.h"
#include "util/clock.h"
#include "util/identity.h"

enum { LONG_NSEC = 100000, FEW_PROCESSES = 64 };

const char *process_state_name(enum process_state state) {
        static const char *const names[] = { "Running", "Sleeping", "Stopped", "Zombie" };

        return names[state];
}

struct process *process_from_pid(const struct process_table *table, int32_t pid) {
        struct process *process;

        HASH_FIND(hh, table->processes, &pid, sizeof(pid), process);
        return process;
}

struct process *process_init_process(const struct process_table *table) {
        return process_from_pid(table, PROCESS_INIT_PID);
}

size_t process_table_list(const struct process_table *table, int32_t after_pid, const struct process **ret, size_t max,
                          bool *ret_more) {
        size_t first = id_list_find_after(&table->pids, after_pid > 0 ? (uint64_t) after_pid : 0), count = 0;

        for (; count < max && first + count < table->pids.count; count++)
                ret[count] = process_from_pid(table, (int32_t) table->pids.ids[first + count]);
        if (ret_more)
                *ret_more = first + count < table->pids.count;
        return count;
}

mode_t process_masked_mode(const struct process *process, mode_t mode) {
        return mode & ~process->umask;
}

bool process_matches(const struct process *child, int32_t pid, const struct process *parent) {
        if (pid > 0)
                return child->pid == pid;
        return pid == -1 || child->group == (pid == 0 ? parent->group : -pid);
}

bool process_is_reportable(const struct process *child, bool ended_only) {
        return child->has_report && (child->state == PROCESS_ZOMBIE || !ended_only);
}

static void set_command(struct process *process) {
        const char *line = process->command_line, *slash = strrchr(line, '/'),
                   *name = slash && slash[1] ? slash + 1 : line;

        printable(process->command, sizeof(process->command), name, strlen(name), 0);
}

int process_set_command_line(struct process *process, const char *text, size_t size) {
        char *copy = malloc(size + 1);

        if (!copy)
                return -ENOMEM;
        memcpy(copy, text, size);
        copy[size] = '\0';
        free(process->command_line);
        process->command_line = copy;
        process->command_line_size = size;
        set_command(process);
        return 0;
}

void process_add_local_totals(const struct process *process, struct local_totals *totals) {
        local_totals_add(totals, &process->reported);
        if (process->counters)
                counters_add_to(process->counters, totals);
}

/*
 * Adding up thousands of processes takes long, and anybody may ask. Sums that took long are cached
 * for ten times the computing time, so a client that polls costs at most a tenth of the kernel's
 * time. With few processes it is the host's scheduler that took the time.
 */
void process_table_local_totals(struct process_table *table, struct local_totals *ret) {
        uint64_t begin_nsec = clock_nsec(), nsec;
        struct process *process, *next;

        if (begin_nsec < table->cached.until_nsec) {
                *ret = table->cached.totals;
                return;
        }
        *ret = table->ended;
        HASH_ITER (hh, table->processes, process, next) {
                process_add_local_totals(process, ret);
        }
        nsec = table->count > FEW_PROCESSES ? clock_nsec() - begin_nsec : 0;
        table->cached.totals = *ret;
        table->cached.until_nsec = nsec < LONG_NSEC ? 0 : begin_nsec + 11 * nsec;
}

unsigned process_table_count_open_files(const struct process_table *table) {
        struct process *process, *next;
        unsigned count = 0;

        HASH_ITER (hh, table->processes, process, next) {
                count += process->fds.n_open;
        }
        return count;
}

struct process_figures process_figures(const struct process *process) {
        struct local_totals local = { 0 };

        process_add_local_totals(process, &local);
        return (struct process_figures){
                .calls = process->calls + local_totals_calls(&local),
                .bytes_read = process->bytes_read + local_totals_read(&local),
                .bytes_written = process->bytes_written + local_totals_written(&local),
        };
}

const char *process_command(const struct process *process) {
        return process->command;
}

bool process_is_administrator(const struct process *process) {
        return identity_is_administrator(process->identity);
}

bool process_may_inspect(const struct process *viewer, const struct process *process) {
        return viewer == process || viewer->identity->uid == process->identity->uid || process_is_administrator(viewer);
}

bool process_event_init(struct trace_event *event, const struct process *process, unsigned category) {
        const struct trace *trace = process->table->trace;

        if (__builtin_expect(trace_wants(trace, category, process->traced) == 0, 1))
                return false;
        trace_event_init(event, trace, category,
                         (struct trace_subject){
                                 .pid = process->pid,
                                 .host_pid = process->host_pid,
                                 .uid = process->identity ? process->identity->uid : 0,
                                 .command = process->command,
                                 .requests = process->traced,
                         });
        return true;
}

void trace_process(const struct process *process, unsigned category, const char *name, const char *format, ...) {
        struct trace_event event;
        va_list arguments;

        if (!process_event_init(&event, process, category))
                return;
        snprintf(event.name, sizeof(event.name), "%s", name);
        va_start(arguments, format);
        vsnprintf(event.text, sizeof(event.text), format, arguments);
        va_end(arguments);
        trace_record(process->table->trace, &event);
}
