/* SPDX-License-Identifier: MIT */
/*
 * Connections that do nothing, in as many processes as their descriptors need.
 */
#pragma once

#include <sys/types.h>

enum { CROWD_MAX_PROCESSES = 64, CROWD_FOR_EACH = 2000 };

struct crowd {
        pid_t pids[CROWD_MAX_PROCESSES];
        unsigned n_processes, n_connections;
};

/* Connects to `address` and keeps the connection. Returns 0 or a negative errno. */
typedef int crowd_join(const char *address);

/*
 * Makes so many connections, or as many as there can be: crowd->n_connections. They end with us, or
 * with crowd_end(). Returns 0 or a negative errno.
 */
int crowd_start(struct crowd *crowd, unsigned n, const char *address, crowd_join *join);
void crowd_end(struct crowd *crowd); /* fine if there is none */

/* For clients of a daemon, through the library. */
int crowd_join_axeberg(const char *socket_path);
