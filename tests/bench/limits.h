/* SPDX-License-Identifier: MIT */
/*
 * What waking a process and being woken by it costs at best: eventfds, and shared memory.
 */
#pragma once

#include "cases.h"
#include "place.h"

/* Starts the other ends, processes that die with ours. Returns 0 or a negative errno. */
int bench_start_limits(struct place *place);

int bench_run_eventfd(struct bench_context *context, unsigned n);
int bench_run_futex(struct bench_context *context, unsigned n);
/* Both look a moment before they sleep. */
int bench_run_spin(struct bench_context *context, unsigned n);
