/*
 * The program's side of regions: where they are mapped, found without a lock.
 *
 * A region's number names its slot. Slots are in blocks that never move. A thread that copies says so in a place of its own (a hazard pointer) and then looks whether the
 * slot still has the number; whoever frees takes the number out, makes all threads' memory accesses visible (membarrier(2)), and waits until nobody says
 * so any more. So copying costs two stores and no atomic operation, and M5 holds: after the free an error, during it the old data, never a fault.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "axeberg.h"

enum { REGION_SLOT_BITS = 20, REGION_BLOCK_BITS = 8, REGION_BLOCKS = 1 << (REGION_SLOT_BITS - REGION_BLOCK_BITS) };

/* In place of a number: a thread is about to fill or empty the slot, and has it for itself. As a number it would mean slot 0, as 0 itself does, and that has no region. */
#define REGION_ID_BUSY (UINT64_MAX << REGION_SLOT_BITS)

struct region {
        _Alignas(64) _Atomic ax_region_id id; /* 0: free */
        size_t size;
        size_t readable, writable; /* bytes: all or nothing */
        void *address;
        _Atomic ax_region_id gone; /* the highest number that was the slot's and is nobody's any more */
};

struct region_block {
        struct region slots[1 << REGION_BLOCK_BITS];
};

/* Part of the client. */
struct region_map {
        _Atomic(struct region_block *) blocks[REGION_BLOCKS];
};

void region_map_free(struct region_map *map);

/* Maps what the daemon has given, and closes `fd`. Return: 0, negative error. */
int region_add(ax_client *ax, ax_region_id id, size_t size, unsigned protection, int fd);
/* Takes the region out, whoever copies just now; once. One that another thread has still to map will find that it is gone. */
void region_remove(ax_client *ax, ax_region_id id);
