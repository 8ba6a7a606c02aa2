/*
 * What programs did without the daemon: the daemon's side of the counters in pages.h.
 *
 * A program can write what it likes there, and so lie about itself; a figure is taken as it is up to a bound that keeps sums from overflowing. When a
 * process ends its figures go to the kernel's.
 */
#pragma once

#include <stdint.h>

#include "pages.h"

struct kernel;
struct process;

struct local_totals {
        struct {
                uint64_t calls, errors, bytes;
        } of[AX_LOCAL_CALLS];
};

/* Makes a process's counters; `*ret_fd` is the caller's, to pass on. Return: 0, negative error. */
int counters_new(struct process *process, int *ret_fd);
/* Takes the last figures. */
void counters_release(struct process *process);

/* A call that the program tells of one by one. */
void counters_add(struct process *process, enum ax_local_call call, int64_t result);

/* Adds a process's figures. */
void counters_of(const struct process *process, struct local_totals *totals);
/* Every process's, living or not. */
void counters_of_all(const struct kernel *kernel, struct local_totals *ret);

uint64_t local_totals_calls(const struct local_totals *totals);
uint64_t local_totals_errors(const struct local_totals *totals);

const char *local_call_name(enum ax_local_call call);
