/*
 * Who has how much memory: each process, each user, the system.
 *
 * A charge is taken at all levels that it counts at, or at none. M1: none ever passes a limit; sums cannot overflow, because what is charged is compared with
 * what is left. A limit of 0 is none. A limit below what is in use stays as it is set and lets nothing more in.
 */
#pragma once

#include <stdint.h>

#include "process/user.h"

struct memory_account {
        uint64_t used, limit, peak;
};

/* Embedded in what it pays for; zeroed: nothing is charged. */
struct memory_charge {
        struct memory_account *process, *system;
        struct user_charge user;
        uint64_t process_bytes, system_bytes;
};

struct memory_parties {
        struct memory_account *process; /* NULL: no process pays */
        struct memory_account *system;  /* NULL: the bytes are another's, and counted there */
        struct user *user;              /* pays what the system counts */
};

/* Return: 0, -AX_EMEM_OUT_OF_MEMORY: nothing is charged. */
int memory_charge(struct memory_charge *charge, const struct memory_parties *parties, uint64_t bytes);
void memory_charge_deinit(struct memory_charge *charge);
