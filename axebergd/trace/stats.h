/*
 * Figures of each call: how often, how many failed, how long. They are kept whether the trace is on or not.
 */
#pragma once

#include <stdint.h>

/* Bucket n counts what took less than 2^n µs and not less than half of that; the last one also what took longer. */
enum { STATS_BUCKETS = 24, STATS_MAX_CALLS = 128 };

struct call_stats {
        uint64_t count, errors;
        uint64_t total_nsec, min_nsec, max_nsec;
        uint64_t histogram[STATS_BUCKETS];
};

/* Turns of the kernel's loop that did work. */
struct tick_stats {
        uint64_t count, total_nsec, max_nsec;
};

void call_stats_add(struct call_stats *stats, uint64_t nsec, int failed);
void tick_stats_add(struct tick_stats *stats, uint64_t nsec);
