/*
 * status and ps: the daemon's figures and its processes.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "axctl.h"
#include "table.h"

enum { DURATION_SIZE = 32 };

/* "3d 04:05:06" and shorter. */
static const char *duration(uint64_t usec, char text[static DURATION_SIZE]) {
        uint64_t seconds = usec / 1000000;

        if (seconds >= 86400)
                snprintf(text, DURATION_SIZE, "%" PRIu64 "d %02d:%02d:%02d", seconds / 86400,
                         (int) (seconds / 3600 % 24), (int) (seconds / 60 % 60), (int) (seconds % 60));
        else if (seconds >= 60)
                snprintf(text, DURATION_SIZE, "%02d:%02d:%02d", (int) (seconds / 3600), (int) (seconds / 60 % 60),
                         (int) (seconds % 60));
        else
                snprintf(text, DURATION_SIZE, "%d.%02ds", (int) seconds, (int) (usec / 10000 % 100));
        return text;
}

static const char *socket_in_use(const struct axctl *axctl, char *buffer, size_t size) {
        if (axctl->socket_path)
                return axctl->socket_path;
        return ax_socket_path(buffer, size) < 0 ? "?" : buffer;
}

static int status_json(const struct ax_status *status, const char *socket_path) {
        static const struct column columns[] = {
                { "version", false },      { "socket", false },     { "store", false },         { "uptime_usec", true },
                { "host_pid", true },      { "processes", true },   { "sessions", true },       { "open_files", true },
                { "calls", true },         { "call_errors", true }, { "mount_requests", true }, { "bytes_read", true },
                { "bytes_written", true },
        };
        struct libscols_table *table = table_new("status", columns, sizeof(columns) / sizeof(columns[0]), true);
        const uint64_t numbers[] = {
                status->uptime_usec, status->host_pid,      status->processes,   status->sessions,
                status->open_files,  status->calls,         status->call_errors, status->mount_requests,
                status->bytes_read,  status->bytes_written,
        };
        struct libscols_line *row;

        if (!table)
                return STATUS_FAILED;
        row = table_row(table);
        table_set(row, 0, "%s", status->version);
        table_set(row, 1, "%s", socket_path);
        table_set(row, 2, "%s", status->store);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                table_set(row, 3 + i, "%" PRIu64, numbers[i]);
        return table_print(table);
}

static int status_text(const struct ax_status *status, const char *socket_path) {
        char uptime[DURATION_SIZE];

        printf("Version         %s\n", status->version);
        printf("Socket          %s\n", socket_path);
        printf("Store           %s\n", status->store);
        printf("Uptime          %s\n", duration(status->uptime_usec, uptime));
        printf("Host pid        %" PRIu32 "\n", status->host_pid);
        printf("Processes       %" PRIu32 "\n", status->processes);
        printf("Sessions        %" PRIu32 "\n", status->sessions);
        printf("Open files      %" PRIu32 "\n", status->open_files);
        printf("Calls           %" PRIu64 " (%" PRIu64 " failed)\n", status->calls, status->call_errors);
        printf("Mount requests  %" PRIu64 "\n", status->mount_requests);
        printf("Bytes           %" PRIu64 " read, %" PRIu64 " written\n", status->bytes_read, status->bytes_written);
        return STATUS_OK;
}

int status_run(struct axctl *axctl) {
        struct ax_status status;
        char path[256];
        int r = ax_status(axctl->ax, &status);

        if (r < 0)
                return complain(axctl, "the daemon", r);
        return axctl->json ? status_json(&status, socket_in_use(axctl, path, sizeof(path)))
                           : status_text(&status, socket_in_use(axctl, path, sizeof(path)));
}

enum { PS_PID, PS_PPID, PS_UID, PS_USER, PS_STATE, PS_AGE, PS_FDS, PS_CALLS, PS_HOST_PID, PS_COMMAND, PS_COLUMNS };

static const struct column ps_text_columns[PS_COLUMNS] = {
        [PS_PID] = { "PID", true },          [PS_PPID] = { "PPID", true },    [PS_UID] = { "UID", true },
        [PS_USER] = { "USER", false },       [PS_STATE] = { "STATE", false }, [PS_AGE] = { "AGE", true },
        [PS_FDS] = { "FDS", true },          [PS_CALLS] = { "CALLS", true },  [PS_HOST_PID] = { "HOSTPID", true },
        [PS_COMMAND] = { "COMMAND", false },
};
static const struct column ps_json_columns[PS_COLUMNS] = {
        [PS_PID] = { "pid", true },          [PS_PPID] = { "ppid", true },    [PS_UID] = { "uid", true },
        [PS_USER] = { "user", false },       [PS_STATE] = { "state", false }, [PS_AGE] = { "age_usec", true },
        [PS_FDS] = { "fds", true },          [PS_CALLS] = { "calls", true },  [PS_HOST_PID] = { "host_pid", true },
        [PS_COMMAND] = { "command", false },
};

static void ps_row(struct libscols_table *table, const struct ax_process *process, bool json) {
        struct libscols_line *row = table_row(table);
        const struct passwd *user = getpwuid(process->uid);
        char age[DURATION_SIZE];

        table_set(row, PS_PID, "%d", process->pid);
        table_set(row, PS_PPID, "%d", process->ppid);
        table_set(row, PS_UID, "%" PRIu32, process->uid);
        table_set(row, PS_USER, "%s", user ? user->pw_name : "-");
        table_set(row, PS_STATE, "%s", process->state);
        if (json)
                table_set(row, PS_AGE, "%" PRIu64, process->age_usec);
        else
                table_set(row, PS_AGE, "%s", duration(process->age_usec, age));
        table_set(row, PS_FDS, "%" PRIu32, process->open_files);
        table_set(row, PS_CALLS, "%" PRIu64, process->calls);
        table_set(row, PS_HOST_PID, "%" PRId32, process->host_pid);
        table_set(row, PS_COMMAND, "%s", process->command);
}

int ps_run(struct axctl *axctl) {
        struct libscols_table *table =
                table_new("processes", axctl->json ? ps_json_columns : ps_text_columns, PS_COLUMNS, axctl->json);
        struct ax_process *processes;
        int n = table ? ax_process_list(axctl->ax, &processes) : -AX_ENOMEM;

        if (n < 0) {
                scols_unref_table(table);
                return complain(axctl, "the daemon", n);
        }
        for (int i = 0; i < n; i++)
                ps_row(table, &processes[i], axctl->json);
        free(processes);
        return table_print(table);
}
