/* SPDX-License-Identifier: MIT */
#include "trace/stats.h"

static unsigned bucket_of(uint64_t nsec) {
        uint64_t usec = nsec / 1000;
        unsigned bucket = usec > 0 ? 64 - (unsigned) __builtin_clzll(usec) : 0;

        return bucket < STATS_BUCKETS ? bucket : STATS_BUCKETS - 1;
}

void call_stats_add(struct call_stats *stats, uint64_t nsec, int failed) {
        stats->count++;
        stats->errors += failed != 0;
        stats->total_nsec += nsec;
        if (stats->count == 1 || nsec < stats->min_nsec)
                stats->min_nsec = nsec;
        if (nsec > stats->max_nsec)
                stats->max_nsec = nsec;
        stats->histogram[bucket_of(nsec)]++;
}

void tick_stats_add(struct tick_stats *stats, uint64_t nsec) {
        stats->count++;
        stats->total_nsec += nsec;
        if (nsec > stats->max_nsec)
                stats->max_nsec = nsec;
}
