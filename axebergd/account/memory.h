/* SPDX-License-Identifier: MIT */
/*
 * How much memory each process, each user and the system have.
 *
 * A charge is taken at all levels that it counts at, or at none. M1: none ever passes a limit; sums
 * cannot overflow, because what is charged is compared with what is left. 0 means no limit. A limit
 * below what is in use stays as it is set and lets nothing more in.
 */
#pragma once

#include <stdint.h>

#include "account/user.h"

struct memory_account {
        uint64_t used, limit, peak;
};

/* Embedded in what it pays for; zeroed, it charges nothing. */
struct memory_charge {
        struct memory_account *process, *system;
        struct user_charge user;
        uint64_t process_bytes, system_bytes;
};

struct memory_parties {
        struct memory_account *process; /* NULL: no process pays */
        struct memory_account *system;  /* NULL: the bytes are counted elsewhere */
        struct user *user;              /* pays what the system counts */
};

/* Returns 0, or -AX_EMEM_OUT_OF_MEMORY: then nothing is charged. */
int memory_charge(struct memory_charge *charge, const struct memory_parties *parties, uint64_t bytes);
/* The process pays no longer; the others still do. */
void memory_charge_leave_process(struct memory_charge *charge);
void memory_charge_deinit(struct memory_charge *charge);
