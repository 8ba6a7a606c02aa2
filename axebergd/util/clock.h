/* SPDX-License-Identifier: MIT */
/*
 * The monotonic clock, in the units that the kernel counts in.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

static inline uint64_t clock_usec(void) {
        return clock_nsec() / 1000;
}
