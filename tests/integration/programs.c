/* SPDX-License-Identifier: MIT */
/*
 * Starting program.c, and reading /proc of the host.
 */
#include "programs.h"
#include "children.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

ax_pid spawn_program(ax_client *ax, const struct ax_spawn_options *options, const char *what, const char *argument) {
        const char *argv[] = { PROGRAM_PATH, what, argument, NULL };
        ax_pid pid = ax_spawn(ax, argv, options);

        ck_assert_msg(pid > 1, "ax_spawn: %s", ax_error_name(pid));
        return pid;
}

pid_t host_pid_of(ax_client *ax, ax_pid pid) {
        struct ax_process process = { 0 };

        ck_assert(find_process(ax, pid, &process));
        ck_assert_int_gt(process.host_pid, 1); /* it will be signalled, and 0 is a group */
        return process.host_pid;
}

char host_state(pid_t pid) {
        char path[64], text[512] = "", *end;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        fd = open(path, O_RDONLY);
        if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
                text[0] = '\0';
        if (fd >= 0)
                close(fd);
        end = strrchr(text, ')');
        return end ? end[2] : 0;
}

uint64_t host_cpu_ticks(pid_t pid) {
        char path[64], text[512] = "", *end;
        unsigned long user = 0, system = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
        file = fopen(path, "r");
        ck_assert_ptr_nonnull(file);
        ck_assert_ptr_nonnull(fgets(text, sizeof(text), file));
        fclose(file);
        end = strrchr(text, ')');
        ck_assert_ptr_nonnull(end);
        ck_assert_int_eq(sscanf(end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system), 2);
        return user + system;
}
