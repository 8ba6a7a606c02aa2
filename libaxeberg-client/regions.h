/* SPDX-License-Identifier: MIT */
/*
 * The program's side of memory regions: where they are mapped, found without a lock.
 *
 * A region's number names its slot. Slots are in blocks that never move. A thread that copies
 * says so in a place of its own (a hazard pointer) and then looks if the slot still has the
 * number. A thread that frees takes the number out, makes all threads' memory accesses visible
 * (membarrier(2)), and waits until no thread copies there any more. So copying costs two stores
 * and no atomic operation, and M5 holds: after the free an error, during it the old data, never a
 * fault.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "axeberg.h"
#include "contract.h"
#include "thread.h"

enum { REGION_BLOCK_BITS = 8, REGION_BLOCKS = 1 << (AX_REGION_SLOT_BITS - REGION_BLOCK_BITS) };

/*
 * In place of a number: a thread is about to fill or empty the slot, and has it for itself. As a
 * number it would mean slot 0, as 0 itself does, and no region has that.
 */
#define REGION_ID_BUSY (UINT64_MAX << AX_REGION_SLOT_BITS)

struct region {
        _Alignas(64) _Atomic ax_region_id id; /* 0 if the slot is free */
        size_t size;
        size_t readable, writable; /* bytes: all or nothing */
        void *address;
        _Atomic ax_region_id gone; /* the highest number that the slot had and that has been freed */
};

struct region_block {
        struct region slots[1 << REGION_BLOCK_BITS];
};

struct region_map {
        _Atomic(struct region_block *) blocks[REGION_BLOCKS];
};

void region_map_deinit(struct region_map *map);

/*
 * Maps what the daemon has given, seals it if `seal`, and closes `fd`. Returns 0 or a negative
 * error: -AX_EMEM_NOT_ATTACHED if it has been freed already.
 */
int region_add(struct region_map *map, ax_region_id id, size_t size, unsigned protection, bool seal, int fd);
/*
 * Takes the region out, and waits until no thread copies there. If a different thread has still
 * to add it, that thread will find that it is gone.
 */
void region_remove(struct region_map *map, ax_region_id id);

/* Finds a region and holds it until region_leave(). Returns NULL if there is none. */
struct region *region_enter(struct region_map *map, ax_region_id id, struct thread **ret);

/* Finds the slot of a number that may mean nothing. Returns NULL if there is none. */
static inline struct region *region_find_slot(const struct region_map *map, ax_region_id id) {
        size_t number = ax_region_slot(id);
        struct region_block *block =
                atomic_load_explicit(&map->blocks[number >> REGION_BLOCK_BITS], memory_order_acquire);

        return block ? &block->slots[number & ((1u << REGION_BLOCK_BITS) - 1)] : NULL;
}

static inline void region_leave(struct thread *thread) {
        atomic_store_explicit(&thread->copies, NULL, memory_order_release);
}

/*
 * Says that this thread is about to copy, and looks if the region is still there. The store must
 * be visible before the number is looked at. With membarrier(2) the thread that frees sees to
 * that, and it costs nothing here; without, this is half of the usual handshake of two
 * sequentially consistent store-then-load pairs.
 */
static inline bool region_hold(struct thread *thread, struct region *region, ax_region_id id, bool barrier_is_remote) {
        if (barrier_is_remote) {
                atomic_store_explicit(&thread->copies, region, memory_order_relaxed);
                atomic_signal_fence(memory_order_seq_cst);
        } else
                atomic_store(&thread->copies, region);
        if (__builtin_expect(atomic_load(&region->id) == id, 1))
                return true;
        region_leave(thread);
        return false;
}
