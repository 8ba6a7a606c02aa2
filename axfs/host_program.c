/* SPDX-License-Identifier: MIT */
/* host_program.c - see host_program.h */
#include "host_program.h"

#include "printable.h"
#include "util.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* Returns how many bytes, or 0. The text is terminated. */
static size_t read_proc(pid_t pid, const char *name, char *text, size_t size) {
        _cleanup_close_ int fd = -1;
        char path[48];
        ssize_t n;

        snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? 0 : read(fd, text, size - 1);
        text[n > 0 ? n : 0] = '\0';
        return n > 0 ? (size_t) n : 0;
}

/* A program's name is in the text, too, but with its line ends escaped. */
static pid_t field(const char *status, const char *name) {
        const char *at = strstr(status, name);

        return at ? (pid_t) atoi(at + strlen(name)) : 0;
}

/* The host program's name, which may be any bytes. */
static void describe_name(pid_t thread, struct ax_mount_event *event) {
        char name[32];
        size_t n = read_proc(thread, "comm", name, sizeof(name));

        if (n > 0 && name[n - 1] == '\n')
                n--;
        if (n > 0)
                printable(event->command, sizeof(event->command), name, n, 0);
}

void host_program_describe(pid_t thread, struct ax_mount_event *event) {
        char status[512];
        pid_t parent;

        if (thread <= 0)
                return;
        describe_name(thread, event);
        if (read_proc(thread, "status", status, sizeof(status)) == 0)
                return;
        if (field(status, "\nTgid:") > 0)
                event->host_pid = field(status, "\nTgid:");
        parent = field(status, "\nPPid:");
        for (unsigned i = 0; i < AX_MOUNT_ANCESTORS && parent > 1; i++) {
                event->ancestors[i] = parent;
                if (read_proc(parent, "status", status, sizeof(status)) == 0)
                        return;
                parent = field(status, "\nPPid:");
        }
}
