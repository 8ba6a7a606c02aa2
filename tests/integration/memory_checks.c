/* SPDX-License-Identifier: MIT */
/*
 * Regions, and comparisons with ax_memstats() and ax_system_memstats().
 */
#include "memory_checks.h"

ax_region_id alloc_region(ax_client *ax, size_t size, unsigned protection) {
        ax_region_id region = 0;

        assert_result(ax_mem_alloc(ax, size, protection, &region), 0);
        ck_assert_uint_ne(region, 0);
        return region;
}

void assert_system_memory(ax_client *ax, uint64_t allocated, uint64_t segments) {
        struct ax_system_memory_stats stats;

        assert_result(ax_system_memstats(ax, &stats), 0);
        ck_assert_uint_eq(stats.total_allocated, allocated);
        ck_assert_uint_eq(stats.shm_count, segments);
}

void assert_memory(ax_client *ax, uint64_t allocated, uint64_t regions, uint64_t attachments) {
        struct ax_memory_stats stats;

        assert_result(ax_memstats(ax, &stats), 0);
        ck_assert_uint_eq(stats.allocated, allocated);
        ck_assert_uint_eq(stats.region_count, regions);
        ck_assert_uint_eq(stats.shm_count, attachments);
}
