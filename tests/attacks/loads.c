/* SPDX-License-Identifier: MIT */
/*
 * Each load is a flood of its own kind; those that need several kinds at once are several
 * processes. This is their table.
 */
#include "load_parts.h"

#include <string.h>

const struct load loads[] = {
        { "connections", "1,800 connections, 8 small calls in flight on each", false, run_connections },
        { "syncs", "60 files written and fsynced at once", false, run_syncs },
        { "readers", "255 readers of one pipe, a writer of single bytes", false, run_readers },
        { "windows", "16 programs make and close windows", false, run_windows },
        { "timers", "5,000 interval timers at the floor", false, run_timers },
        { "groups", "path calls of a user in 65,536 groups", true, run_groups },
        { "lists", "process lists, kill(-1) and status, beside 1,000 processes", false, run_lists },
        { "directories", "lists of a directory of 4,000 long names", false, run_directories },
        { "storm", "connecting and disconnecting at the limit of connections", false, run_storm },
        { "parked", "4,000 reads of one pipe, a writer of single bytes", false, run_parked },
        { "notes", "trace notes, bad frames and reconnects", false, run_notes },
        { "walks", "30 symbolic links of 100 `a/..` each", false, run_walks },
        { "cancels", "reads that wait and are called off", false, run_cancels },
        { "refused", "packets on connections that are being refused", false, run_refused },
};
const size_t n_loads = sizeof(loads) / sizeof(loads[0]);

const struct load *load_from_name(const char *name) {
        for (size_t i = 0; i < n_loads; i++)
                if (strcmp(loads[i].name, name) == 0)
                        return &loads[i];
        return NULL;
}
