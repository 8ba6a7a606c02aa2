/* SPDX-License-Identifier: MIT */
/*
 * The memory of all programs: its sum, the segments that exist, and the regions that cannot be
 * unmapped yet.
 */
#pragma once

#include <stdint.h>

#include "account/memory.h"
#include "util/id_list.h"

struct region;
struct shm;
struct workers;

struct system_memory {
        struct memory_account account; /* every byte of regions and segments, once */
        struct workers *workers;       /* they unmap what is large; NULL once they have ended */
        struct shm *segments;
        struct id_list segment_ids;
        uint64_t segment_bytes;
        struct region *kept; /* regions that programs keep from being unmapped */
        uint64_t last_id;    /* of regions and segments */
};
