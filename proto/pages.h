/*
 * Published pages: what the daemon tells every program without being asked, like the vDSO's data page.
 *
 * Each is a memfd that only the daemon can write. `sequence` is odd while it is being written: a reader copies what it wants, and does it again where the
 * sequence was odd or has changed meanwhile. A later daemon may add fields at the end.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { AX_PAGE_SIZE = 4096 };

/* One for the system. */
struct ax_system_page {
        _Atomic uint32_t sequence;
        uint32_t trace_enabled;
        uint64_t started_usec; /* on the host's monotonic clock */
};

/* One for each process. */
struct ax_process_page {
        _Atomic uint32_t sequence;
        int32_t pid;
        uint32_t alive;
        uint32_t pending, blocked; /* signals: bit number - 1 */
        uint32_t reserved;
        uint64_t allocated, limit, peak, regions, attachments; /* memory */
};
