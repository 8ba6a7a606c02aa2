/* SPDX-License-Identifier: MIT */
/*
 * Processes of the host that descend from one of them, in whatever process group and session.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Returns the parent of a process, 0 if there is no such process. */
pid_t parent_of(pid_t pid);

/*
 * Lists the processes below an ancestor, without itself. Returns how many, and an array that the
 * caller frees; fewer than there are if memory is short.
 */
size_t descendants_of(pid_t ancestor, pid_t **ret);
