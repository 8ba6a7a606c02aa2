/* SPDX-License-Identifier: MIT */
/*
 * mem and shm: memory of processes, of users, and of segments.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axctl.h"
#include "bytes.h"
#include "show.h"
#include "table.h"
#include "text.h"

static int mem_limit(struct axctl *axctl) {
        uint64_t limit;
        char *end;
        long pid;
        int r;

        if (axctl->n_operands != 3)
                return complain_usage(axctl, "limit", "needs PID and BYTES");
        errno = 0;
        pid = strtol(axctl->operands[1], &end, 10);
        if (errno || *end || pid <= 0 || pid > INT32_MAX)
                return complain_usage(axctl, axctl->operands[1], "not a process");
        if (!parse_bytes(axctl->operands[2], &limit))
                return complain_usage(axctl, axctl->operands[2], "not a number of bytes");
        r = ax_set_memlimit_of(axctl->ax, (ax_pid) pid, limit);
        return r < 0 ? complain(axctl, axctl->operands[1], r) : STATUS_OK;
}

enum { MEM_PID, MEM_ALLOCATED, MEM_LIMIT, MEM_PEAK, MEM_REGIONS, MEM_ATTACHED, MEM_BAR, MEM_COMMAND, MEM_COLUMNS };

static const struct column mem_columns[MEM_COLUMNS] = {
        [MEM_PID] = { .name = "PID", .number = true },
        [MEM_ALLOCATED] = { .name = "ALLOCATED", .number = true },
        [MEM_LIMIT] = { .name = "LIMIT", .number = true },
        [MEM_PEAK] = { .name = "PEAK", .number = true, .spare = 1 },
        [MEM_REGIONS] = { .name = "REGIONS", .number = true, .spare = 2 },
        [MEM_ATTACHED] = { .name = "ATTACHED", .number = true, .spare = 3 },
        [MEM_BAR] = { .name = "OF LIMIT", .spare = 4 },
        [MEM_COMMAND] = { .name = "COMMAND", .others = true },
};
static const char *limit_text(uint64_t limit, char text[static BYTES_SIZE]) {
        return limit ? bytes_text(limit, text) : "-";
}

/* `room`: the most that the process can have. */
static void mem_row(const struct axctl *axctl, struct libscols_table *table, const struct ax_process *process,
                    bool bars, uint64_t room) {
        struct libscols_line *row = table_row(table, NULL);
        struct ax_memory_stats stats = { .allocated = process->memory };
        bool known = ax_memstats_of(axctl->ax, process->pid, &stats) == 0;
        char text[BYTES_SIZE], picture[BAR_SIZE];

        table_set(row, MEM_PID, "%d", process->pid);
        table_set(row, MEM_ALLOCATED, "%s", bytes_text(stats.allocated, text));
        table_set(row, MEM_LIMIT, "%s", known ? limit_text(stats.limit, text) : "?");
        table_set(row, MEM_PEAK, "%s", known ? bytes_text(stats.peak, text) : "?");
        table_set(row, MEM_REGIONS, "%" PRIu64, stats.region_count);
        table_set(row, MEM_ATTACHED, "%" PRIu64, stats.shm_count);
        table_set(row, MEM_COMMAND, "%s", process->command);
        if (bars)
                table_set(row, MEM_BAR, "%s", bar_text(stats.allocated, stats.limit ? stats.limit : room, picture));
}

/* Processes of other users are left out if this user may not see them. */
static json_object *mem_object(const struct axctl *axctl, const struct ax_process *process) {
        struct ax_memory_stats stats = { .allocated = process->memory };
        bool known = ax_memstats_of(axctl->ax, process->pid, &stats) == 0;
        json_object *object = json_object_new_object();

        json_object_object_add(object, "pid", json_object_new_int(process->pid));
        json_object_object_add(object, "allocated", json_object_new_uint64(stats.allocated));
        if (known) {
                json_object_object_add(object, "limit", json_object_new_uint64(stats.limit));
                json_object_object_add(object, "peak", json_object_new_uint64(stats.peak));
                json_object_object_add(object, "regions", json_object_new_uint64(stats.region_count));
                json_object_object_add(object, "attached", json_object_new_uint64(stats.shm_count));
        }
        json_object_object_add(object, "command", json_string(process->command));
        return object;
}

static json_object *system_object(const struct ax_system_memory_stats *system) {
        json_object *object = json_object_new_object();

        json_object_object_add(object, "allocated", json_object_new_uint64(system->total_allocated));
        json_object_object_add(object, "limit", json_object_new_uint64(system->system_limit));
        json_object_object_add(object, "segments", json_object_new_uint64(system->shm_count));
        json_object_object_add(object, "segment_bytes", json_object_new_uint64(system->shm_total_size));
        return object;
}

static int mem_print_json(const struct axctl *axctl, const struct ax_process *processes, int n,
                          const struct ax_system_memory_stats *system) {
        json_object *all = json_object_new_object(), *list = json_object_new_array();

        for (int i = 0; i < n; i++)
                if (processes[i].pid != 1)
                        json_object_array_add(list, mem_object(axctl, &processes[i]));
        json_object_object_add(all, "memory", list);
        json_object_object_add(all, "system", system_object(system));
        json_print(stdout, json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
        putchar('\n');
        json_object_put(all);
        return STATUS_OK;
}

static void print_totals(const struct ax_system_memory_stats *system) {
        char total[BYTES_SIZE], limit[BYTES_SIZE], size[BYTES_SIZE];

        fact_print(7, "System:", "%s%s%s; %" PRIu64 " segments of %s", bytes_text(system->total_allocated, total),
                   system->system_limit ? " of " : "",
                   system->system_limit ? bytes_text(system->system_limit, limit) : "", system->shm_count,
                   bytes_text(system->shm_total_size, size));
}

static int mem_print(const struct axctl *axctl, const struct ax_process *processes, int n,
                     const struct ax_system_memory_stats *system) {
        bool bars = isatty(STDOUT_FILENO);
        struct libscols_table *table = table_new("memory", mem_columns, MEM_COLUMNS, false);
        int status;

        if (table && !bars)
                scols_column_set_flags(scols_table_get_column(table, MEM_BAR), SCOLS_FL_HIDDEN);
        for (int i = 0; table && i < n; i++)
                if (processes[i].pid != 1)
                        mem_row(axctl, table, &processes[i], bars, system->system_limit);
        status = table ? table_print(table) : complain(axctl, "the list", -AX_ENOMEM);
        if (status == STATUS_OK)
                print_totals(system);
        return status;
}

int mem_run(struct axctl *axctl) {
        struct ax_system_memory_stats system;
        struct ax_process *processes;
        int n, r;

        if (axctl->n_operands > 0)
                return strcmp(axctl->operands[0], "limit") == 0
                               ? mem_limit(axctl)
                               : complain_usage(axctl, axctl->operands[0], "not \"limit\"");
        r = ax_system_memstats(axctl->ax, &system);
        n = r < 0 ? r : ax_process_list(axctl->ax, &processes);
        if (n < 0)
                return complain(axctl, "the daemon", n);
        r = axctl->json ? mem_print_json(axctl, processes, n, &system) : mem_print(axctl, processes, n, &system);
        free(processes);
        return r;
}

enum { SHM_ID, SHM_SIZE, SHM_UID, SHM_USER, SHM_ATTACHED, SHM_CREATOR, SHM_COLUMNS };

static const struct column shm_text_columns[SHM_COLUMNS] = {
        [SHM_ID] = { .name = "ID", .number = true },
        [SHM_SIZE] = { .name = "SIZE", .number = true },
        [SHM_UID] = { .name = "UID", .number = true },
        [SHM_USER] = { .name = "USER" },
        [SHM_ATTACHED] = { .name = "ATTACHED", .number = true },
        [SHM_CREATOR] = { .name = "CREATOR", .number = true },
};
static const struct column shm_json_columns[SHM_COLUMNS] = {
        [SHM_ID] = { .name = "id", .number = true },
        [SHM_SIZE] = { .name = "size", .number = true },
        [SHM_UID] = { .name = "uid", .number = true },
        [SHM_USER] = { .name = "user" },
        [SHM_ATTACHED] = { .name = "attached", .number = true },
        [SHM_CREATOR] = { .name = "creator", .number = true },
};

static void shm_row(struct libscols_table *table, const struct ax_segment *segment, bool json) {
        const struct passwd *user = getpwuid(segment->uid);
        struct libscols_line *row = table_row(table, NULL);
        char text[BYTES_SIZE];

        table_set(row, SHM_ID, "%" PRIu64, segment->id);
        if (json)
                table_set(row, SHM_SIZE, "%" PRIu64, segment->size);
        else
                table_set(row, SHM_SIZE, "%s", bytes_text(segment->size, text));
        table_set(row, SHM_UID, "%" PRIu32, segment->uid);
        if (user || !json)
                table_set(row, SHM_USER, "%s", user ? user->pw_name : "-");
        table_set(row, SHM_ATTACHED, "%" PRIu32, segment->attachments);
        table_set(row, SHM_CREATOR, "%d", segment->creator);
}

int shm_run(struct axctl *axctl) {
        struct libscols_table *table =
                table_new("segments", axctl->json ? shm_json_columns : shm_text_columns, SHM_COLUMNS, axctl->json);
        struct ax_segment *segments;
        int n = table ? ax_shm_list(axctl->ax, &segments) : -AX_ENOMEM;

        if (n < 0) {
                scols_unref_table(table);
                return complain(axctl, "the daemon", n);
        }
        for (int i = 0; i < n; i++)
                shm_row(table, &segments[i], axctl->json);
        free(segments);
        return table_print(table);
}
