/* SPDX-License-Identifier: MIT */
/*
 * status: the daemon's figures.
 */
#include <inttypes.h>
#include <stdio.h>

#include "axctl.h"
#include "show.h"
#include "table.h"
#include "text.h"

static const char *socket_in_use(const struct axctl *axctl, char *buffer, size_t size) {
        if (axctl->socket_path)
                return axctl->socket_path;
        return ax_socket_path(buffer, size) < 0 ? "?" : buffer;
}

static int status_json(const struct ax_status *status, const char *socket_path) {
        static const struct column columns[] = {
                { .name = "version" },
                { .name = "socket" },
                { .name = "store" },
                { .name = "uptime_usec", .number = true },
                { .name = "host_pid", .number = true },
                { .name = "processes", .number = true },
                { .name = "sessions", .number = true },
                { .name = "open_files", .number = true },
                { .name = "calls", .number = true },
                { .name = "call_errors", .number = true },
                { .name = "mount_requests", .number = true },
                { .name = "bytes_read", .number = true },
                { .name = "bytes_written", .number = true },
                { .name = "local_calls", .number = true },
        };
        struct libscols_table *table = table_new("status", columns, sizeof(columns) / sizeof(columns[0]), true);
        const uint64_t numbers[] = {
                status->uptime_usec, status->host_pid,      status->processes,   status->sessions,
                status->open_files,  status->calls,         status->call_errors, status->mount_requests,
                status->bytes_read,  status->bytes_written, status->local_calls,
        };
        struct libscols_line *row;

        if (!table)
                return STATUS_FAILED;
        row = table_row(table, NULL);
        table_set(row, 0, "%s", status->version);
        table_set(row, 1, "%s", socket_path);
        table_set(row, 2, "%s", status->store);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                table_set(row, 3 + i, "%" PRIu64, numbers[i]);
        return table_print(table);
}

enum { WIDTH = 15 }; /* of the labels */

static int status_text(const struct ax_status *status, const char *socket_path) {
        char uptime[DURATION_SIZE], buffer[SHOWN_SIZE];

        fact_print(WIDTH, "Version", "%s", shown_again(status->version, buffer));
        fact_print(WIDTH, "Socket", "%s", shown(socket_path, buffer));
        fact_print(WIDTH, "Store", "%s", shown(status->store, buffer));
        fact_print(WIDTH, "Uptime", "%s", duration_text(status->uptime_usec, uptime));
        fact_print(WIDTH, "Host pid", "%" PRIu32, status->host_pid);
        fact_print(WIDTH, "Processes", "%" PRIu32, status->processes);
        fact_print(WIDTH, "Sessions", "%" PRIu32, status->sessions);
        fact_print(WIDTH, "Open files", "%" PRIu32, status->open_files);
        fact_print(WIDTH, "Calls", "%" PRIu64 " (%" PRIu64 " failed, %" PRIu64 " without the daemon)", status->calls,
                   status->call_errors, status->local_calls);
        fact_print(WIDTH, "Mount requests", "%" PRIu64, status->mount_requests);
        fact_print(WIDTH, "Bytes", "%" PRIu64 " read, %" PRIu64 " written", status->bytes_read, status->bytes_written);
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
