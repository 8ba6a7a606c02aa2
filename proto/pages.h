/* SPDX-License-Identifier: MIT */
/*
 * Published pages: what every program can read without asking the daemon, like the vDSO's data
 * page; and the counters by which a program reports the calls that it made without the daemon.
 *
 * Each page is a memfd that only the daemon can write. `sequence` is odd while it is being written:
 * a reader copies what it wants, and does so again if the sequence was odd or has changed
 * meanwhile. A later daemon may add fields at the end.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { AX_PAGE_SIZE = 4096 };

/* One for the system. */
struct ax_system_page {
        _Atomic uint32_t sequence;
        uint32_t trace_enabled; /* something is recorded, of some process */
        uint64_t started_usec;  /* on the host's monotonic clock */
};

/* One for each process. */
struct ax_process_page {
        _Atomic uint32_t sequence;
        int32_t pid;
        uint32_t alive;
        uint32_t pending, blocked; /* signals: bit number - 1 */
        uint32_t mediated;         /* calls go through the daemon: it is stopped, or has a signal */
        uint64_t allocated, limit, peak, regions, attachments; /* memory */
        uint32_t traced; /* categories that are recorded: bit number: enum ax_trace_category */
};

/* The calls that the library can make without the daemon. */
enum ax_local_call {
        AX_LOCAL_READ,
        AX_LOCAL_WRITE,
        AX_LOCAL_PREAD,
        AX_LOCAL_PWRITE,
        AX_LOCAL_MEM_READ,
        AX_LOCAL_MEM_WRITE,
        AX_LOCAL_MEM_MAP,
        AX_LOCAL_GETPID,
        AX_LOCAL_SIGPENDING,
        AX_LOCAL_MEMSTATS,
        AX_LOCAL_TRACE_ENABLED,
        AX_LOCAL_UPTIME,
        AX_LOCAL_SEEK,
        AX_LOCAL_FSTAT,
        AX_LOCAL_FTRUNCATE,
        AX_LOCAL_FSYNC,
        AX_LOCAL_CALLS,
};

struct ax_local_counter {
        _Atomic uint64_t calls, errors, bytes;
};

enum { AX_COUNTER_SLOTS = 32 };

/*
 * A process's counters: a memfd that the program writes and the daemon reads, once the program has
 * set F_SEAL_FUTURE_WRITE: before that the program could make the daemon wait. Each thread counts
 * in a slot of its own, so that counting takes no atomic operation; threads beyond share the last
 * slot, and count atomically there.
 */
struct ax_local_counters {
        struct {
                struct ax_local_counter calls[AX_LOCAL_CALLS];
                _Atomic uint64_t used; /* of the first slot: how many slots the daemon looks at */
                uint64_t reserved[7];  /* whole cache lines: 448 bytes */
        } slots[AX_COUNTER_SLOTS];
};
