/* SPDX-License-Identifier: MIT */
/*
 * What the trace has recorded, as a client reads it.
 */
#pragma once

#include "fixture.h"

/*
 * The records that pass @filter (NULL: all) and have this name (NULL: any), from the ring's
 * beginning on.
 * @ret_lost: how many were overwritten before; may be NULL.
 */
uint64_t count_records(ax_client *ax, const struct ax_trace_filter *filter, const char *name, uint64_t *ret_lost);
