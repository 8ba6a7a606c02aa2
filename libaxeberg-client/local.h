/*
 * Calls that the library makes without the daemon. Each is counted in the process's counters, so that the daemon's figures are complete; while the
 * trace is on the daemon is told of each one instead.
 */
#pragma once

#include "transport.h"

struct local_call {
        enum ax_local_call call;
        uint64_t started_nsec; /* 0: the trace is off */
};

bool client_is_traced(const ax_client *ax);

struct local_call local_begin(const ax_client *ax, enum ax_local_call call);
/* `object`, `offset`, `size`: the arguments, as far as there are such; `result`: a count of bytes, or a negative error. */
void local_end(ax_client *ax, const struct local_call *call, int64_t object, uint64_t offset, uint64_t size,
               int64_t result);
