/*
 * The program's side of regions: where they are mapped, found without a lock.
 *
 * A region's id names its slot. Slots are in blocks that never move. A thread that copies says so in a place of its own (a hazard pointer); whoever frees takes the
 * region out of its slot, makes all threads' memory accesses visible (membarrier(2)), and waits until nobody says so any more. So copying costs two
 * stores and no atomic operation, and M5 holds: after the free an error, during it the old data, never a fault.
 */
#pragma once

#include <stdatomic.h>

#include "axeberg.h"

enum { REGION_SLOT_BITS = 20, REGION_BLOCK_BITS = 10, REGION_BLOCKS = 1 << (REGION_SLOT_BITS - REGION_BLOCK_BITS) };

struct region {
        ax_region_id id;
        size_t size;
        unsigned protection;
        ax_shm_id shm; /* an attachment's; 0: none */
        void *address;
};

struct region_block {
        _Atomic(struct region *) slots[1 << REGION_BLOCK_BITS];
};

/* Part of the client. */
struct region_map {
        _Atomic(struct region_block *) blocks[REGION_BLOCKS];
};

void region_map_free(struct region_map *map);
