/* SPDX-License-Identifier: MIT */
/*
 * counters.h - what the mount has done, for the daemon's statistics
 *
 * Requests and errors are counted where messages pass (session.c), bytes where they are moved.
 * Passthrough I/O is not seen. report.c tells the daemon.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct counters {
        atomic_uint_least64_t requests, errors, bytes_read, bytes_written;
};

static inline void counter_add(atomic_uint_least64_t *counter, uint64_t amount) {
        atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}
