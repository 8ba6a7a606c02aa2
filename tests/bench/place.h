/* SPDX-License-Identifier: MIT */
/*
 * Putting the processes that take part in a measurement on CPUs.
 */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cases.h"

enum { PLACE_MAX_PEERS = 8 };

struct place {
        pid_t peers[PLACE_MAX_PEERS];
        size_t n_peers;
        int first, second; /* CPUs that we may use; second is -1 if there is only one */
        int now;           /* enum bench_place, -1 at the start */
};

void place_init(struct place *place);

/* Add a process, and its children. */
void place_add(struct place *place, pid_t pid);

/* Move ourselves and the peers. Returns false if there are not enough CPUs. */
bool place_move(struct place *place, enum bench_place where);
