/* SPDX-License-Identifier: MIT */
/*
 * ps and kill: processes as an operator sees and signals them.
 */
#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axctl.h"
#include "selection.h"
#include "table.h"
#include "text.h"

/* ---- ps -------------------------------------------------------------------------------------- */

enum {
        PS_PID,
        PS_PPID,
        PS_GROUP,
        PS_UID,
        PS_USER,
        PS_STATE,
        PS_AGE,
        PS_FDS,
        PS_MEMORY,
        PS_CALLS,
        PS_HOST_PID,
        PS_COMMAND,
        PS_TEXT_COLUMNS,
        PS_GID = PS_TEXT_COLUMNS,
        PS_USER_GROUP,
        PS_PARKED,
        PS_BYTES_READ,
        PS_BYTES_WRITTEN,
        PS_MEMORY_LIMIT,
        PS_COLUMNS
};

static const struct column ps_text_columns[PS_TEXT_COLUMNS] = {
        [PS_PID] = { .name = "PID", .number = true },
        [PS_PPID] = { .name = "PPID", .number = true, .spare = 3 },
        [PS_GROUP] = { .name = "GROUP", .number = true, .spare = 8 },
        [PS_UID] = { .name = "UID", .number = true, .spare = 7 },
        [PS_USER] = { .name = "USER", .spare = 1 },
        [PS_STATE] = { .name = "STATE" },
        [PS_AGE] = { .name = "AGE", .number = true, .spare = 4 },
        [PS_FDS] = { .name = "FDS", .number = true, .spare = 5 },
        [PS_MEMORY] = { .name = "MEMORY", .number = true, .spare = 2 },
        [PS_CALLS] = { .name = "CALLS", .number = true, .spare = 6 },
        [PS_HOST_PID] = { .name = "HOSTPID", .number = true, .spare = 9 },
        [PS_COMMAND] = { .name = "COMMAND", .tree = true, .others = true },
};
static const struct column ps_json_columns[PS_COLUMNS] = {
        [PS_PID] = { .name = "pid", .number = true },
        [PS_PPID] = { .name = "ppid", .number = true },
        [PS_GROUP] = { .name = "group", .number = true },
        [PS_UID] = { .name = "uid", .number = true },
        [PS_USER] = { .name = "user" },
        [PS_STATE] = { .name = "state" },
        [PS_AGE] = { .name = "age_usec", .number = true },
        [PS_FDS] = { .name = "fds", .number = true },
        [PS_MEMORY] = { .name = "memory", .number = true },
        [PS_CALLS] = { .name = "calls", .number = true },
        [PS_HOST_PID] = { .name = "host_pid", .number = true },
        [PS_COMMAND] = { .name = "command", .tree = true },
        [PS_GID] = { .name = "gid", .number = true },
        [PS_USER_GROUP] = { .name = "user_group" },
        [PS_PARKED] = { .name = "parked", .number = true },
        [PS_BYTES_READ] = { .name = "bytes_read", .number = true },
        [PS_BYTES_WRITTEN] = { .name = "bytes_written", .number = true },
        [PS_MEMORY_LIMIT] = { .name = "memory_limit", .number = true },
};

struct ps {
        struct libscols_table *table;
        bool json, tree;
        struct selection selection;
        struct ax_process *processes; /* in order of pids */
        struct libscols_line **lines; /* of each process; NULL: not shown yet */
        size_t *order;                /* the indices of processes */
        size_t count;
};

/* Figures for JSON only. */
static void ps_fill_json(struct libscols_line *row, const struct ax_process *process) {
        const struct group *group = getgrgid(process->gid);

        table_set(row, PS_AGE, "%" PRIu64, process->age_usec);
        table_set(row, PS_MEMORY, "%" PRIu64, process->memory);
        table_set(row, PS_GID, "%" PRIu32, process->gid);
        if (group)
                table_set(row, PS_USER_GROUP, "%s", group->gr_name);
        table_set(row, PS_PARKED, "%" PRIu32, process->parked);
        table_set(row, PS_BYTES_READ, "%" PRIu64, process->bytes_read);
        table_set(row, PS_BYTES_WRITTEN, "%" PRIu64, process->bytes_written);
        table_set(row, PS_MEMORY_LIMIT, "%" PRIu64, process->memory_limit);
}

static void ps_fill(const struct ps *ps, struct libscols_line *row, const struct ax_process *process) {
        const struct passwd *user = getpwuid(process->uid);
        char age[DURATION_SIZE], memory[BYTES_SIZE];

        table_set(row, PS_PID, "%d", process->pid);
        table_set(row, PS_PPID, "%d", process->ppid);
        table_set(row, PS_GROUP, "%d", process->group);
        table_set(row, PS_UID, "%" PRIu32, process->uid);
        if (user || !ps->json)
                table_set(row, PS_USER, "%s", user ? user->pw_name : "-");
        table_set(row, PS_STATE, "%s", process->state);
        if (ps->json) {
                ps_fill_json(row, process);
        } else {
                table_set(row, PS_AGE, "%s", duration_text(process->age_usec, age));
                table_set(row, PS_MEMORY, "%s", bytes_text(process->memory, memory));
        }
        table_set(row, PS_FDS, "%" PRIu32, process->open_files);
        table_set(row, PS_CALLS, "%" PRIu64, process->calls);
        table_set(row, PS_HOST_PID, "%" PRId32, process->host_pid);
        table_set(row, PS_COMMAND, "%s", process->command);
}

static int compare_pids(const void *key, const void *element) {
        const struct ax_process *process = element;

        return (*(const ax_pid *) key > process->pid) - (*(const ax_pid *) key < process->pid);
}

/*
 * Adds parents before their children, whatever their pids. A parent may be missing, because the
 * list is made in several steps.
 */
static struct libscols_line *ps_add(struct ps *ps, size_t i, unsigned depth) {
        const struct ax_process *process = &ps->processes[i], *parent;
        struct libscols_line *above = NULL;

        if (ps->lines[i])
                return ps->lines[i];
        parent = bsearch(&process->ppid, ps->processes, ps->count, sizeof(*parent), compare_pids);
        if (ps->tree && parent && depth < ps->count)
                above = ps_add(ps, (size_t) (parent - ps->processes), depth + 1);
        ps->lines[i] = table_row(ps->table, above);
        ps_fill(ps, ps->lines[i], process);
        return ps->lines[i];
}

/* Keeps the selected processes only. */
static void ps_select(struct ps *ps) {
        size_t n = 0;

        for (size_t i = 0; i < ps->count; i++)
                if (selection_has(&ps->selection, &ps->processes[i]))
                        ps->processes[n++] = ps->processes[i];
        ps->count = n;
}

static int compare_indices(const void *a, const void *b, void *userdata) {
        const struct ps *ps = userdata;

        return selection_compare(&ps->selection, &ps->processes[*(const size_t *) a],
                                 &ps->processes[*(const size_t *) b]);
}

static int ps_print(struct ps *ps) {
        ps->table = table_new("processes", ps->json ? ps_json_columns : ps_text_columns,
                              ps->json ? PS_COLUMNS : PS_TEXT_COLUMNS, ps->json);
        ps->lines = calloc(ps->count + 1, sizeof(struct libscols_line *));
        ps->order = calloc(ps->count + 1, sizeof(*ps->order));
        if (!ps->order || !ps->table || !ps->lines) {
                scols_unref_table(ps->table);
                return -AX_ENOMEM;
        }
        for (size_t i = 0; i < ps->count; i++)
                ps->order[i] = i;
        qsort_r(ps->order, ps->count, sizeof(*ps->order), compare_indices, ps);
        for (size_t i = 0; i < ps->count; i++)
                ps_add(ps, ps->order[i], 0);
        return table_print(ps->table);
}

int ps_run(struct axctl *axctl) {
        struct ps ps = { .json = axctl->json, .tree = axctl->flags['t'] };
        int status = selection_init(&ps.selection, axctl), n;

        if (status == STATUS_OK) {
                n = ax_process_list(axctl->ax, &ps.processes);
                if (n < 0)
                        status = complain(axctl, "the daemon", n);
        }
        if (status == STATUS_OK) {
                ps.count = (size_t) n;
                ps_select(&ps);
                status = ps_print(&ps);
                if (status < 0)
                        status = complain(axctl, "the list", status);
                else if (ps.count == 0 && selection_is_narrow(&ps.selection))
                        status = STATUS_FAILED; /* as ps(1) */
        }
        selection_deinit(&ps.selection);
        free(ps.lines);
        free(ps.order);
        free(ps.processes);
        return status;
}

/* ---- kill ------------------------------------------------------------------------------------ */

/* Returns true for "-KILL" or "-9"; "-V" is an option of every command. */
static bool is_signal(const char *word) {
        return word[0] == '-' && (isupper((unsigned char) word[1]) || isdigit((unsigned char) word[1])) &&
               strcmp(word, "-V") != 0;
}

/* Like kill(1), accepts "-KILL" and "-9" for "-s KILL" and "-s 9". */
void kill_prepare(int argc, char **argv) {
        static char option[64];

        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
                if (is_signal(argv[i])) {
                        snprintf(option, sizeof(option), "--signal=%s", argv[i] + 1);
                        argv[i] = option;
                        return;
                }
}

static int list_signals(void) {
        for (int signal = 1; signal < NSIG; signal++)
                if (ax_signal_name(signal))
                        printf("%2d %s\n", signal, ax_signal_name(signal));
        return STATUS_OK;
}

static bool parse_number(const char *text, long least, long most, long *ret) {
        char *end;

        errno = 0;
        *ret = strtol(text, &end, 10);
        return !errno && end != text && !*end && *ret >= least && *ret <= most;
}

int kill_run(struct axctl *axctl) {
        int signal = AX_SIGTERM, status = STATUS_OK, r;
        long pid;

        if (axctl->flags['l'])
                return list_signals();
        if (axctl->flags['s'])
                signal = strcmp(axctl->values['s'], "0") == 0 ? 0 : ax_signal_number(axctl->values['s']);
        if (signal < 0)
                return complain_usage(axctl, axctl->values['s'], "no such signal");
        for (int i = 0; i < axctl->n_operands; i++)
                if (!parse_number(axctl->operands[i], -INT32_MAX, INT32_MAX, &pid))
                        return complain_usage(axctl, axctl->operands[i], "not a process");
        for (int i = 0; i < axctl->n_operands; i++) {
                parse_number(axctl->operands[i], -INT32_MAX, INT32_MAX, &pid);
                r = ax_kill(axctl->ax, (ax_pid) pid, signal);
                if (r < 0)
                        status = complain(axctl, axctl->operands[i], r);
        }
        return status;
}
