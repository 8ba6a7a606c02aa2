/* SPDX-License-Identifier: MIT */
/*
 * Regions for a case, and the figures that they must show.
 */
#pragma once

#include "fixture.h"

enum { PAGE = 4096 };

/* A new region. */
ax_region_id alloc_region(ax_client *ax, size_t size, unsigned protection);

/* What all processes together have. */
void assert_system_memory(ax_client *ax, uint64_t allocated, uint64_t segments);

/* What the process of @ax has. */
void assert_memory(ax_client *ax, uint64_t allocated, uint64_t regions, uint64_t attachments);
