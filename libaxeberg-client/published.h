/* SPDX-License-Identifier: MIT */
/*
 * The pages that the daemon publishes, as a program sees them (pages.h).
 */
#pragma once

#include <stdint.h>

#include "pages.h"

struct published {
        const struct ax_system_page *system;   /* NULL if not mapped */
        const struct ax_process_page *process; /* NULL if not mapped */
        struct ax_local_counters *counters;    /* of calls without the daemon; NULL if not mapped */
        const uint32_t *trace_flag;            /* what the trace records of us; 0 without a page */
};

void published_init(struct published *published);
/* Maps the pages whose descriptors Hello brought, and closes those. */
void published_map(struct published *published, const int fds[3]);
void published_unmap(struct published *published);

/* Copies the process's page. Returns 0, -AX_ESRCH if the process has ended, or 1 without a page. */
int published_read(const struct published *published, struct ax_process_page *ret);

/* The trace flag of a process without a page. */
extern __attribute__((visibility("hidden"))) const uint32_t published_nothing;
