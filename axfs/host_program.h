/* SPDX-License-Identifier: MIT */
/* host_program.h - who made a request: the host's program, and who has started it */
#pragma once

#include <axeberg.h>
#include <sys/types.h>

/**
 * host_program_describe() - fill in name, pid and ancestors
 * @thread: that waits for the request; 0: nobody does
 *
 * What cannot be seen stays as it is.
 */
void host_program_describe(pid_t thread, struct ax_mount_event *event);
