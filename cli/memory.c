/*
 * mem and shm: who has how much memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axctl.h"
#include "table.h"
#include "text.h"

enum { BAR_WIDTH = 20 };

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

static const struct column mem_text_columns[MEM_COLUMNS] = {
        [MEM_PID] = { .name = "PID", .number = true },
        [MEM_ALLOCATED] = { .name = "ALLOCATED", .number = true },
        [MEM_LIMIT] = { .name = "LIMIT", .number = true },
        [MEM_PEAK] = { .name = "PEAK", .number = true },
        [MEM_REGIONS] = { .name = "REGIONS", .number = true },
        [MEM_ATTACHED] = { .name = "ATTACHED", .number = true },
        [MEM_COMMAND] = { .name = "COMMAND" },
        [MEM_BAR] = { .name = "OF LIMIT" },
};
static const struct column mem_json_columns[MEM_COLUMNS] = {
        [MEM_PID] = { .name = "pid", .number = true },
        [MEM_ALLOCATED] = { .name = "allocated", .number = true },
        [MEM_LIMIT] = { .name = "limit", .number = true },
        [MEM_PEAK] = { .name = "peak", .number = true },
        [MEM_REGIONS] = { .name = "regions", .number = true },
        [MEM_ATTACHED] = { .name = "attached", .number = true },
        [MEM_COMMAND] = { .name = "command" },
};

static const char *limit_text(uint64_t limit, char text[static BYTES_SIZE]) {
        return limit ? bytes_text(limit, text) : "-";
}

static const char *bar(uint64_t used, uint64_t limit, char text[static BAR_WIDTH + 3]) {
        unsigned filled = limit ? (unsigned) ((double) used / (double) limit * BAR_WIDTH + 0.5) : 0;

        if (filled > BAR_WIDTH)
                filled = BAR_WIDTH;
        text[0] = '[';
        for (unsigned i = 0; i < BAR_WIDTH; i++)
                text[1 + i] = i < filled ? '#' : '.';
        text[BAR_WIDTH + 1] = ']';
        text[BAR_WIDTH + 2] = '\0';
        return text;
}

/* `room`: what the process could have at most. */
static void mem_row(const struct axctl *axctl, struct libscols_table *table, const struct ax_process *process,
                    bool bars, uint64_t room) {
        struct libscols_line *row = table_row(table, NULL);
        struct ax_memory_stats stats = { .allocated = process->memory };
        bool known = ax_memstats_of(axctl->ax, process->pid, &stats) == 0;
        char text[BYTES_SIZE], picture[BAR_WIDTH + 3];

        table_set(row, MEM_PID, "%d", process->pid);
        table_set(row, MEM_COMMAND, "%s", process->command);
        if (axctl->json) {
                table_set(row, MEM_ALLOCATED, "%" PRIu64, stats.allocated);
                if (!known)
                        return;
                table_set(row, MEM_LIMIT, "%" PRIu64, stats.limit);
                table_set(row, MEM_PEAK, "%" PRIu64, stats.peak);
        } else {
                table_set(row, MEM_ALLOCATED, "%s", bytes_text(stats.allocated, text));
                table_set(row, MEM_LIMIT, "%s", known ? limit_text(stats.limit, text) : "?");
                table_set(row, MEM_PEAK, "%s", known ? bytes_text(stats.peak, text) : "?");
        }
        table_set(row, MEM_REGIONS, "%" PRIu64, stats.region_count);
        table_set(row, MEM_ATTACHED, "%" PRIu64, stats.shm_count);
        if (bars)
                table_set(row, MEM_BAR, "%s", bar(stats.allocated, stats.limit ? stats.limit : room, picture));
}

static void print_totals(const struct ax_system_memory_stats *system) {
        char text[BYTES_SIZE];

        printf("System: %s", bytes_text(system->total_allocated, text));
        if (system->system_limit)
                printf(" of %s", bytes_text(system->system_limit, text));
        printf("; %" PRIu64 " segments of %s\n", system->shm_count, bytes_text(system->shm_total_size, text));
}

int mem_run(struct axctl *axctl) {
        bool bars = !axctl->json && isatty(STDOUT_FILENO);
        struct ax_system_memory_stats system;
        struct libscols_table *table;
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
        table = table_new("memory", axctl->json ? mem_json_columns : mem_text_columns,
                          bars ? MEM_COLUMNS : MEM_COLUMNS - 1, axctl->json);
        for (int i = 0; table && i < n; i++)
                if (processes[i].pid != 1)
                        mem_row(axctl, table, &processes[i], bars, system.system_limit);
        free(processes);
        if (!table)
                return complain(axctl, "the list", -AX_ENOMEM);
        r = table_print(table);
        if (!axctl->json)
                print_totals(&system);
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
