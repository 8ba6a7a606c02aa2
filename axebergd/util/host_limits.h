/* SPDX-License-Identifier: MIT */
/*
 * What the host lets this process have at most.
 */
#pragma once

#include <stdint.h>

/* Descriptors: the hard limit, which the daemon takes. */
uint64_t host_max_fds(void);
/* Mappings: /proc/sys/vm/max_map_count, or the kernel's default if that cannot be read. */
uint64_t host_max_mappings(void);
