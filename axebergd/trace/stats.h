/* SPDX-License-Identifier: MIT */
/*
 * Figures: what the kernel has done, and how often each call was made, failed, and how long it
 * took. They are counted whether the trace is on or not.
 */
#pragma once

#include <stdint.h>

/*
 * Bucket n counts what took less than 2^n µs and not less than half of that; the last one also what
 * took longer.
 */
enum { STATS_BUCKETS = 24 };

struct call_stats {
        uint64_t count, errors;
        uint64_t total_nsec, min_nsec, max_nsec;
        uint64_t histogram[STATS_BUCKETS];
};

/* What was done since the daemon started. */
struct figures {
        uint64_t calls, call_errors;
        uint64_t bytes_read, bytes_written; /* by library calls and mount requests */
        uint64_t mount_requests, mount_errors;
        uint64_t processes_spawned, processes_exited, signals, timers_fired;
};

/* Turns of the kernel's loop that did work. */
struct tick_stats {
        uint64_t count, total_nsec, max_nsec;
};

void call_stats_add(struct call_stats *stats, uint64_t nsec, int failed);
void tick_stats_add(struct tick_stats *stats, uint64_t nsec);
