/* SPDX-License-Identifier: MIT */
/*
 * What programs did without the daemon: the daemon's side of the counters in pages.h.
 *
 * A program can write what it likes there, and so lie about itself; each figure is clamped, so that
 * sums cannot overflow.
 */
#pragma once

#include <stdint.h>

#include "pages.h"

struct program_counters;
struct user;

struct local_totals {
        struct {
                uint64_t calls, errors, bytes;
        } of[AX_LOCAL_CALLS];
};

/*
 * Makes a process's counters. `**ret_fd` is to be passed to the program, and stays theirs. Returns
 * 0, -EDQUOT or another negative errno.
 */
int counters_new(struct program_counters **ret, struct user *user, const int **ret_fd);
struct program_counters *counters_free(struct program_counters *counters);
/* Adds what the program has counted. */
void counters_add_to(struct program_counters *counters, struct local_totals *totals);

/* Counts a call that a program reports one by one. */
void local_totals_count(struct local_totals *totals, enum ax_local_call call, int64_t result);
void local_totals_add(struct local_totals *totals, const struct local_totals *more);
uint64_t local_totals_calls(const struct local_totals *totals);
uint64_t local_totals_errors(const struct local_totals *totals);
/* Bytes of the files and pipes that were read or written. */
uint64_t local_totals_read(const struct local_totals *totals);
uint64_t local_totals_written(const struct local_totals *totals);
