/*
 * ps, kill and run: processes as an operator sees, signals and starts them.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "axctl.h"
#include "table.h"
#include "text.h"

/* ---- ps --------------------------------------------------------------------------------------------------- */

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
        PS_COLUMNS
};

static const struct column ps_text_columns[PS_COLUMNS] = {
        [PS_PID] = { .name = "PID", .number = true },
        [PS_PPID] = { .name = "PPID", .number = true },
        [PS_GROUP] = { .name = "GROUP", .number = true },
        [PS_UID] = { .name = "UID", .number = true },
        [PS_USER] = { .name = "USER" },
        [PS_STATE] = { .name = "STATE" },
        [PS_AGE] = { .name = "AGE", .number = true },
        [PS_FDS] = { .name = "FDS", .number = true },
        [PS_MEMORY] = { .name = "MEMORY", .number = true },
        [PS_CALLS] = { .name = "CALLS", .number = true },
        [PS_HOST_PID] = { .name = "HOSTPID", .number = true },
        [PS_COMMAND] = { .name = "COMMAND", .tree = true },
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
};

struct ps {
        struct libscols_table *table;
        bool json, tree;
        struct ax_process *processes;
        struct libscols_line **lines; /* of each process; NULL: not shown yet */
        size_t count;
};

static void ps_fill(const struct ps *ps, struct libscols_line *row, const struct ax_process *process) {
        const struct passwd *user = getpwuid(process->uid);
        char age[DURATION_SIZE], memory[BYTES_SIZE];

        table_set(row, PS_PID, "%d", process->pid);
        table_set(row, PS_PPID, "%d", process->ppid);
        table_set(row, PS_GROUP, "%d", process->group);
        table_set(row, PS_UID, "%" PRIu32, process->uid);
        table_set(row, PS_USER, "%s", user ? user->pw_name : "-");
        table_set(row, PS_STATE, "%s", process->state);
        if (ps->json) {
                table_set(row, PS_AGE, "%" PRIu64, process->age_usec);
                table_set(row, PS_MEMORY, "%" PRIu64, process->memory);
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

/* Parents come before their children, whatever their pids. The list is of one moment in pieces: a parent may be missing in it. */
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

int ps_run(struct axctl *axctl) {
        struct ps ps = { .json = axctl->json, .tree = axctl->flags['t'] };
        int n = ax_process_list(axctl->ax, &ps.processes);

        if (n < 0)
                return complain(axctl, "the daemon", n);
        ps.count = (size_t) n;
        ps.table = table_new("processes", ps.json ? ps_json_columns : ps_text_columns, PS_COLUMNS, ps.json);
        ps.lines = calloc(ps.count + 1, sizeof(struct libscols_line *));
        if (!ps.table || !ps.lines) {
                scols_unref_table(ps.table);
                free(ps.lines);
                free(ps.processes);
                return complain(axctl, "the list", -AX_ENOMEM);
        }
        for (size_t i = 0; i < ps.count; i++)
                ps_add(&ps, i, 0);
        free(ps.lines);
        free(ps.processes);
        return table_print(ps.table);
}

/* ---- kill ------------------------------------------------------------------------------------------------- */

/* "-KILL" and "-9", which kill(1) has accustomed everybody to, are "-s KILL" and "-s 9". */
void kill_prepare(int argc, char **argv) {
        static char option[64];

        if (argc < 2 || argv[1][0] != '-' ||
            !(isupper((unsigned char) argv[1][1]) || isdigit((unsigned char) argv[1][1])))
                return;
        snprintf(option, sizeof(option), "--signal=%s", argv[1] + 1);
        argv[1] = option;
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
        if (axctl->n_operands == 0)
                return complain_usage(axctl, "PID", "missing");
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

/* ---- run -------------------------------------------------------------------------------------------------- */

enum { EXIT_CANNOT_EXECUTE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL = 128 };

struct run {
        ax_client *ax;
        ax_pid pid;
        sigset_t signals;
};

/* Host signals to us are axeberg signals to the child. */
static void *forward_signals(void *userdata) {
        const struct run *run = userdata;
        int signal;

        for (;;)
                if (sigwait(&run->signals, &signal) == 0)
                        ax_kill(run->ax, run->pid, signal); /* they have Linux's numbers */
        return NULL;
}

static bool parse_ids(const char *text, struct ax_spawn_options *options) {
        char uid[16];
        const char *colon = strchrnul(text, ':');
        long number;

        snprintf(uid, sizeof(uid), "%.*s", (int) (colon - text), text);
        if (!parse_number(uid, 0, UINT32_MAX - 1L, &number))
                return false;
        options->set_ids = true;
        options->uid = options->gid = (uint32_t) number;
        if (*colon && !parse_number(colon + 1, 0, UINT32_MAX - 1L, &number))
                return false;
        options->gid = (uint32_t) number;
        return true;
}

/*
 * Starts the program. A terminal sends Ctrl-C to it as well as to us, and the host's SIGINT would end it whatever it wants to do about axeberg's: so the
 * host's is ignored there. From then on the signals are ours to wait for.
 */
static ax_pid start(struct run *run, const char *const *command, const struct ax_spawn_options *options) {
        signal(SIGINT, SIG_IGN);
        signal(SIGQUIT, SIG_IGN);
        run->pid = ax_spawn(run->ax, command, options);
        sigemptyset(&run->signals);
        sigaddset(&run->signals, SIGINT);
        sigaddset(&run->signals, SIGQUIT);
        sigaddset(&run->signals, SIGTERM);
        sigaddset(&run->signals, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &run->signals, NULL);
        signal(SIGINT, SIG_DFL);
        signal(SIGQUIT, SIG_DFL);
        return run->pid;
}

int run_run(struct axctl *axctl) {
        const char *const *command = (const char *const *) axctl->operands;
        struct ax_spawn_options options = { .cwd = axctl->values[OPTION_CWD] };
        struct run run = { .ax = axctl->ax };
        struct ax_wait_status status;
        struct ax_stat cwd;
        pthread_t forwarder;
        int r;

        if (axctl->flags['u'] && !parse_ids(axctl->values['u'], &options))
                return complain_usage(axctl, axctl->values['u'], "not UID or UID:GID");
        r = options.cwd ? ax_stat(axctl->ax, options.cwd, &cwd) : 0;
        if (r < 0)
                return complain(axctl, options.cwd, r);
        r = start(&run, command, &options);
        if (r < 0) {
                complain(axctl, command[0], r);
                return r == -AX_ENOENT || r == -AX_ENOTDIR ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
        }
        if (pthread_create(&forwarder, NULL, forward_signals, &run) != 0)
                return complain(axctl, "the signals", -AX_ENOMEM);
        r = ax_wait(axctl->ax, run.pid, &status, AX_WAIT_ENDED);
        pthread_cancel(forwarder);
        pthread_join(forwarder, NULL);
        if (r < 0)
                return complain(axctl, command[0], r);
        return status.kind == AX_EXITED ? status.code : EXIT_SIGNAL + status.code;
}
