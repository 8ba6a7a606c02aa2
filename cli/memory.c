/*
 * mem and shm: who has how much memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axctl.h"
#include "table.h"
#include "text.h"

/* "512", "64K", "1.5G" is not one: whole numbers with a unit. */
static bool parse_bytes(const char *text, uint64_t *ret) {
        static const char units[] = "KMGT";
        const char *unit;
        char *end;
        int shift = 0;

        errno = 0;
        *ret = strtoull(text, &end, 10);
        if (errno || end == text || *text == '-')
                return false;
        unit = *end ? strchr(units, *end) : NULL;
        if (unit) {
                shift = 10 * (int) (unit - units + 1);
                end++;
        }
        if (*end || *ret > UINT64_MAX >> shift)
                return false;
        *ret <<= shift;
        return true;
}

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

enum { MEM_PID, MEM_ALLOCATED, MEM_LIMIT, MEM_PEAK, MEM_REGIONS, MEM_ATTACHED, MEM_COMMAND, MEM_BAR, MEM_COLUMNS };

static const struct column mem_columns[MEM_COLUMNS] = {
        [MEM_PID] = { .name = "PID", .number = true },
        [MEM_ALLOCATED] = { .name = "ALLOCATED", .number = true },
        [MEM_LIMIT] = { .name = "LIMIT", .number = true },
        [MEM_PEAK] = { .name = "PEAK", .number = true },
        [MEM_REGIONS] = { .name = "REGIONS", .number = true },
        [MEM_ATTACHED] = { .name = "ATTACHED", .number = true },
        [MEM_COMMAND] = { .name = "COMMAND" },
        [MEM_BAR] = { .name = "OF LIMIT" },
};
static const char *limit_text(uint64_t limit, char text[static BYTES_SIZE]) {
        return limit ? bytes_text(limit, text) : "-";
}

/* `room`: what the process could have at most. */
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

/* What this user may not know of another's process is left out. */
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
        json_object_object_add(object, "command", json_object_new_string(process->command));
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
        puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY));
        json_object_put(all);
        return STATUS_OK;
}

static void print_totals(const struct ax_system_memory_stats *system) {
        char text[BYTES_SIZE];

        printf("System: %s", bytes_text(system->total_allocated, text));
        if (system->system_limit)
                printf(" of %s", bytes_text(system->system_limit, text));
        printf("; %" PRIu64 " segments of %s\n", system->shm_count, bytes_text(system->shm_total_size, text));
}

static int mem_print(const struct axctl *axctl, const struct ax_process *processes, int n,
                     const struct ax_system_memory_stats *system) {
        bool bars = isatty(STDOUT_FILENO);
        struct libscols_table *table = table_new("memory", mem_columns, bars ? MEM_COLUMNS : MEM_COLUMNS - 1, false);
        int status;

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

static const struct column shm_text_columns[] = {
        { .name = "ID", .number = true },      { .name = "SIZE", .number = true },
        { .name = "UID", .number = true },     { .name = "ATTACHED", .number = true },
        { .name = "CREATOR", .number = true },
};
static const struct column shm_json_columns[] = {
        { .name = "id", .number = true },      { .name = "size", .number = true },
        { .name = "uid", .number = true },     { .name = "attached", .number = true },
        { .name = "creator", .number = true },
};

int shm_run(struct axctl *axctl) {
        struct libscols_table *table =
                table_new("segments", axctl->json ? shm_json_columns : shm_text_columns, 5, axctl->json);
        struct ax_segment *segments;
        int n = table ? ax_shm_list(axctl->ax, &segments) : -AX_ENOMEM;
        char text[BYTES_SIZE];

        if (n < 0) {
                scols_unref_table(table);
                return complain(axctl, "the daemon", n);
        }
        for (int i = 0; i < n; i++) {
                struct libscols_line *row = table_row(table, NULL);

                table_set(row, 0, "%" PRIu64, segments[i].id);
                if (axctl->json)
                        table_set(row, 1, "%" PRIu64, segments[i].size);
                else
                        table_set(row, 1, "%s", bytes_text(segments[i].size, text));
                table_set(row, 2, "%" PRIu32, segments[i].uid);
                table_set(row, 3, "%" PRIu32, segments[i].attachments);
                table_set(row, 4, "%d", segments[i].creator);
        }
        free(segments);
        return table_print(table);
}
