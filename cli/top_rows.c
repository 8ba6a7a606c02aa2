/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"
#include "top.h"

static const struct {
        char key;
        const char *name;
} orders[N_SORTS] = {
        [SORT_PID] = { 'p', "pid" },
        [SORT_CALLS] = { 'c', "calls" },
        [SORT_BYTES] = { 'b', "bytes" },
        [SORT_MEMORY] = { 'm', "memory" },
};

char top_sort_key(enum top_sort sort) {
        return orders[sort].key;
}

const char *top_sort_name(enum top_sort sort) {
        return orders[sort].name;
}

double top_age_s(const struct top *top) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) (now.tv_sec - top->looked.tv_sec) + (double) (now.tv_nsec - top->looked.tv_nsec) / 1e9;
}

static const struct ax_process *find_before(const struct top *top, ax_pid pid) {
        for (size_t i = 0; i < top->n_before; i++)
                if (top->before[i].pid == pid)
                        return &top->before[i];
        return NULL;
}

static bool is_wanted(const struct top *top, const struct ax_process *process) {
        char pid[16];

        snprintf(pid, sizeof(pid), "%d", process->pid);
        return !*top->filter || strstr(process->command, top->filter) || strcmp(pid, top->filter) == 0 ||
               strcasecmp(process->state, top->filter) == 0;
}

static struct top_row make_row(const struct top *top, const struct ax_process *process, double seconds) {
        const struct ax_process *before = find_before(top, process->pid);
        struct top_row row = { .process = *process };

        if (!before || seconds <= 0)
                return row;
        row.calls = (double) (process->calls - before->calls) / seconds;
        row.bytes =
                (double) (process->bytes_read + process->bytes_written - before->bytes_read - before->bytes_written) /
                seconds;
        return row;
}

static enum top_sort sorted_by; /* for qsort() */

static int compare(double a, double b) {
        return a < b ? 1 : a > b ? -1 : 0;
}

static int compare_rows(const void *a, const void *b) {
        const struct top_row *x = a, *y = b;
        int r = 0;

        if (sorted_by == SORT_CALLS)
                r = compare(x->calls, y->calls);
        else if (sorted_by == SORT_BYTES)
                r = compare(x->bytes, y->bytes);
        else if (sorted_by == SORT_MEMORY)
                r = compare((double) x->process.memory, (double) y->process.memory);
        return r ? r : x->process.pid - y->process.pid;
}

void top_sort(struct top *top) {
        sorted_by = top->sort;
        if (top->n_rows > 0)
                qsort(top->rows, top->n_rows, sizeof(*top->rows), compare_rows);
}

void top_select(struct top *top, size_t at) {
        if (top->n_rows == 0)
                return;
        top->selected_at = at < top->n_rows ? at : top->n_rows - 1;
        top->selected = top->rows[top->selected_at].process.pid;
}

void top_keep_selection(struct top *top) {
        for (size_t i = 0; i < top->n_rows; i++)
                if (top->rows[i].process.pid == top->selected) {
                        top->selected_at = i;
                        return;
                }
        top_select(top, top->selected_at);
}

int top_look(struct top *top) {
        struct ax_process *processes;
        double seconds = top_age_s(top);
        int n = ax_process_list(top->axctl->ax, &processes);
        struct top_row *rows;

        if (n < 0)
                return n;
        rows = reallocarray(NULL, (size_t) n + 1, sizeof(*rows));
        if (!rows) {
                free(processes);
                return -AX_ENOMEM;
        }
        free(top->rows);
        top->rows = rows;
        top->n_rows = 0;
        for (int i = 0; i < n; i++)
                if (is_wanted(top, &processes[i]))
                        rows[top->n_rows++] = make_row(top, &processes[i], seconds);
        free(top->before);
        top->before = processes;
        top->n_before = (size_t) n;
        clock_gettime(CLOCK_MONOTONIC, &top->looked);
        top_sort(top);
        top_keep_selection(top);
        top->is_traced = ax_trace_enabled(top->axctl->ax) > 0;
        return ax_status(top->axctl->ax, &top->status);
}

void top_deinit(struct top *top) {
        free(top->rows);
        free(top->before);
}

/* ---- figures --------------------------------------------------------------------------------- */

const char *top_column_name(enum top_column column) {
        static const char *const names[TOP_COLUMNS] = {
                [TOP_PID] = "PID",       [TOP_UID] = "UID",       [TOP_STATE] = "STATE",   [TOP_PARKED] = "PARKED",
                [TOP_CALLS] = "CALLS/s", [TOP_BYTES] = "BYTES/s", [TOP_MEMORY] = "MEMORY", [TOP_LIMIT] = "LIMIT",
        };

        return names[column];
}

const char *top_figure(const struct top_row *row, enum top_column column, char text[static FIGURE_SIZE]) {
        const struct ax_process *process = &row->process;

        switch (column) {
        case TOP_PID:
                snprintf(text, FIGURE_SIZE, "%d", process->pid);
                return text;
        case TOP_UID:
                snprintf(text, FIGURE_SIZE, "%u", process->uid);
                return text;
        case TOP_STATE:
                return process->state;
        case TOP_PARKED:
                snprintf(text, FIGURE_SIZE, "%u", process->parked);
                return text;
        case TOP_CALLS:
                snprintf(text, FIGURE_SIZE, "%.0f", row->calls);
                return text;
        case TOP_BYTES:
                return bytes_text((uint64_t) row->bytes, text);
        case TOP_MEMORY:
                return bytes_text(process->memory, text);
        case TOP_LIMIT:
        default:
                return process->memory_limit ? bytes_text(process->memory_limit, text) : "-";
        }
}
