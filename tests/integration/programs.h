/* SPDX-License-Identifier: MIT */
/*
 * Host programs as children, and what the host says of them.
 */
#pragma once

#include "fixture.h"

/* Start program.c with these arguments; @options and @argument may be NULL. */
ax_pid spawn_program(ax_client *ax, const struct ax_spawn_options *options, const char *what, const char *argument);

/* The host's process of one of ours. */
pid_t host_pid_of(ax_client *ax, ax_pid pid);

/* 'R', 'S', 'T', 'Z' …; 0: gone. */
char host_state(pid_t pid);

/* The computing time that it has used. */
uint64_t host_cpu_ticks(pid_t pid);
