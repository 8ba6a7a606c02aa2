/* SPDX-License-Identifier: MIT */
/*
 * What the daemon's threads ask of the host's scheduler.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * The slices of the calling thread, and of those that it starts (sched_setattr(2), from Linux 6.12;
 * older hosts ignore it). A thread with a shorter slice than the running one runs as soon as it
 * wakes; with an equal one it waits until the other sleeps or the timer ticks, which may take
 * milliseconds. Nobody gets more of the processor by that.
 */
void scheduling_use_short_slices(void);
void scheduling_use_long_slices(void);

/* Whether a thread of this process has, or waits for, a processor; else it is blocked. */
bool scheduling_is_runnable(pid_t tid);
