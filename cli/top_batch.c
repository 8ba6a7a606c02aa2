/* SPDX-License-Identifier: MIT */
/*
 * Tables of top for scripts: the same columns as on the screen, one table after each interval.
 *
 * The first table comes after the first interval, because rates are differences between two looks.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "table.h"
#include "top.h"

enum { BATCH_COMMAND = TOP_COLUMNS, BATCH_COLUMNS };

static const struct column text_columns[BATCH_COLUMNS] = {
        [TOP_PID] = { .name = "PID", .number = true },
        [TOP_UID] = { .name = "UID", .number = true, .spare = 5 },
        [TOP_STATE] = { .name = "STATE", .spare = 1 },
        [TOP_PARKED] = { .name = "PARKED", .number = true, .spare = 7 },
        [TOP_CALLS] = { .name = "CALLS/s", .number = true, .spare = 2 },
        [TOP_BYTES] = { .name = "BYTES/s", .number = true, .spare = 4 },
        [TOP_MEMORY] = { .name = "MEMORY", .number = true, .spare = 3 },
        [TOP_LIMIT] = { .name = "LIMIT", .number = true, .spare = 6 },
        [BATCH_COMMAND] = { .name = "COMMAND", .others = true },
};
static const struct column json_columns[BATCH_COLUMNS] = {
        [TOP_PID] = { .name = "pid", .number = true },
        [TOP_UID] = { .name = "uid", .number = true },
        [TOP_STATE] = { .name = "state" },
        [TOP_PARKED] = { .name = "parked", .number = true },
        [TOP_CALLS] = { .name = "calls_per_second", .number = true },
        [TOP_BYTES] = { .name = "bytes_per_second", .number = true },
        [TOP_MEMORY] = { .name = "memory", .number = true },
        [TOP_LIMIT] = { .name = "memory_limit", .number = true },
        [BATCH_COMMAND] = { .name = "command" },
};

static void fill_text(struct libscols_line *line, const struct top_row *row) {
        char text[FIGURE_SIZE];

        for (int i = 0; i < TOP_COLUMNS; i++)
                table_set(line, (size_t) i, "%s", top_figure(row, (enum top_column) i, text));
}

static void fill_json(struct libscols_line *line, const struct top_row *row) {
        const struct ax_process *process = &row->process;

        table_set(line, TOP_PID, "%d", process->pid);
        table_set(line, TOP_UID, "%" PRIu32, process->uid);
        table_set(line, TOP_STATE, "%s", process->state);
        table_set(line, TOP_PARKED, "%" PRIu32, process->parked);
        table_set(line, TOP_CALLS, "%.3f", row->calls);
        table_set(line, TOP_BYTES, "%.3f", row->bytes);
        table_set(line, TOP_MEMORY, "%" PRIu64, process->memory);
        table_set(line, TOP_LIMIT, "%" PRIu64, process->memory_limit);
}

static int print_table(const struct top *top) {
        bool json = top->axctl->json;
        struct libscols_table *table = table_new("processes", json ? json_columns : text_columns, BATCH_COLUMNS, json);

        if (!table)
                return complain(top->axctl, "the table", -AX_ENOMEM);
        for (size_t i = 0; i < top->n_rows; i++) {
                struct libscols_line *line = table_row(table, NULL);

                if (json)
                        fill_json(line, &top->rows[i]);
                else
                        fill_text(line, &top->rows[i]);
                table_set(line, BATCH_COMMAND, "%s", top->rows[i].process.command);
        }
        return check_output(table_print(table));
}

static void wait_for_interval(const struct top *top) {
        double left = top->interval_s - top_age_s(top);

        while (left > 0) {
                struct timespec time = { .tv_sec = (time_t) left,
                                         .tv_nsec = (long) ((left - (double) (time_t) left) * 1e9) };

                nanosleep(&time, NULL);
                left = top->interval_s - top_age_s(top);
        }
}

int top_run_batch(struct top *top) {
        int r = top_look(top), status = STATUS_OK;

        for (uint32_t i = 0; r == 0 && status == STATUS_OK && (i < top->n_tables || top->n_tables == 0); i++) {
                wait_for_interval(top);
                r = top_look(top);
                if (i > 0 && !top->axctl->json)
                        putchar('\n');
                if (r == 0)
                        status = print_table(top);
        }
        return r < 0 ? complain(top->axctl, "the daemon", r) : status;
}
