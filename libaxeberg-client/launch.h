/* SPDX-License-Identifier: MIT */
/*
 * Starting a host program as a child.
 *
 * The program is started between vfork(2) and execve(2), where the new host process says Start on
 * the child's connection: the daemon learns from the kernel which process it is. The program finds
 * the connection's number in its environment. The new process shares our memory, so it leaves there
 * why the program could not be started; and all that it needs is made before it is, because it must
 * not allocate.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "axeberg.h"
#include "frame.h"

enum { LAUNCH_PID_DIGITS = 11 };

struct launch {
        char *path;
        char **argv;       /* the caller's */
        char **shell_argv; /* for a script without "#!" */
        char **environment;
        char fd_variable[32], pid_variable[16 + LAUNCH_PID_DIGITS];
        char *socket_variable;
        int fd;
        bool set_ids;
        uid_t uid;
        gid_t gid;
        sigset_t signals; /* the caller's mask */
        int pidfd;        /* of the new process, if its exit status may get lost; else -1 */
        int handover[2];  /* a socket pair by which the pidfd comes; the first is ours */
        int error;        /* why the program was not started, written by the new process; 0 if it was */
        uint8_t start[AX_FRAME_HEADER_SIZE], reply[AX_FRAME_HEADER_SIZE + 16];
};

#define LAUNCH_NONE ((struct launch){ .pidfd = -1, .handover = { -1, -1 } })

/*
 * Finds the program and prepares its start. `launch` was LAUNCH_NONE; launch_deinit() it after an
 * error, too. `socket_path`, unless it is NULL, is where the program's own programs shall connect.
 */
int launch_init(struct launch *launch, const char *socket_path, const char *const argv[],
                const struct ax_spawn_options *options);
void launch_deinit(struct launch *launch);

/*
 * Starts the program with the connection `fd`. Returns its host pid or a negative error. The
 * pidfd in `launch` is then the caller's to take.
 */
pid_t launch_start(struct launch *launch, int fd);
