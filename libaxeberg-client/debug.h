/* SPDX-License-Identifier: MIT */
/*
 * AXEBERG_DEBUG: what the library does, in lines on standard error.
 *
 * Level 1 is connecting and disconnecting, why that failed, and programs that are started; level
 * 2 is every call, too, with its result and the time it took. Lines are printable and of bounded
 * length, whatever they quote. Programs with more rights than their user ignore the variable.
 */
#pragma once

#include <stdint.h>

#include "client.h"
#include "clock.h"

enum { DEBUG_CONNECTIONS = 1, DEBUG_CALLS = 2 };

/* Returns the level that the environment asks for now, 0 for none. */
unsigned debug_level(void);

/* Says something unless the level is 0. Keeps errno. */
__attribute__((format(printf, 2, 3))) void debug_say(unsigned level, const char *format, ...);

/* Says what a call gave, and how long it took. */
void debug_call(const ax_client *ax, const char *name, int64_t result, uint64_t started_nsec);

/* Returns when a call begins, or 0 if nobody wants to know. */
static inline uint64_t debug_begin(const ax_client *ax) {
        return __builtin_expect(ax->debug >= DEBUG_CALLS, 0) ? now_nsec() : 0;
}

/* Says what a call gave, if its beginning was noted. */
static inline void debug_end(const ax_client *ax, const char *name, int64_t result, uint64_t started_nsec) {
        if (__builtin_expect(started_nsec > 0, 0))
                debug_call(ax, name, result, started_nsec);
}
