/* SPDX-License-Identifier: MIT */
#include "regions.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The other half of region_hold(), after the region's number has been taken out of its slot. This
 * thread copies nothing, whatever it said before a longjmp(3). Returns true if no thread copies
 * there any more; false if that cannot be known, because membarrier(2) fails (under a seccomp
 * filter that came later).
 */
static bool wait_for_copies(const struct region *region) {
        if (thread_barrier_is_remote && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) < 0)
                return false;
        for (struct thread *thread = threads_first(); thread; thread = thread->next)
                while (thread != thread_current && atomic_load(&thread->copies) == region)
                        sched_yield();
        return true;
}

static struct region *make_slot(struct region_map *map, ax_region_id id) {
        size_t number = ax_region_slot(id);
        struct region_block *fresh, *none = NULL;

        if (region_find_slot(map, id))
                return region_find_slot(map, id);
        fresh = aligned_alloc(_Alignof(struct region_block), sizeof(*fresh));
        if (!fresh)
                return NULL;
        memset(fresh, 0, sizeof(*fresh));
        if (!atomic_compare_exchange_strong(&map->blocks[number >> REGION_BLOCK_BITS], &none, fresh))
                free(fresh);
        return region_find_slot(map, id);
}

struct region *region_enter(struct region_map *map, ax_region_id id, struct thread **ret) {
        struct region *region = region_find_slot(map, id);
        struct thread *thread = thread_self();

        if (id == 0 || !region || !thread || !region_hold(thread, region, id, thread_barrier_is_remote))
                return NULL;
        *ret = thread;
        return region;
}

/*
 * Empties a slot whose number the caller has made REGION_ID_BUSY. What may still be copied stays
 * mapped.
 */
static void unmap(struct region *region) {
        assert(atomic_load(&region->id) == REGION_ID_BUSY); /* M5: no thread begins a copy any more */
        if (wait_for_copies(region))
                munmap(region->address, region->size);
}

void region_remove(struct region_map *map, ax_region_id id) {
        struct region *region = make_slot(map, id);
        ax_region_id known, found = id;

        if (!region)
                return;
        known = atomic_load(&region->gone);
        while (known < id && !atomic_compare_exchange_weak(&region->gone, &known, id))
                ;
        while (!atomic_compare_exchange_strong(&region->id, &found, REGION_ID_BUSY)) {
                if (found != REGION_ID_BUSY)
                        return;
                sched_yield();
                found = id;
        }
        unmap(region);
        atomic_store(&region->id, 0);
}

/*
 * Makes the slot the caller's to fill with `id`. The daemon gives a number away as soon as it is
 * free; if the thread that freed it has not taken it out yet, this does it. Numbers only grow: if
 * the slot has had a later one, the caller's was freed before it came here. Returns false then.
 */
static bool claim(struct region *region, ax_region_id id) {
        ax_region_id old = 0;

        while (!atomic_compare_exchange_weak(&region->id, &old, REGION_ID_BUSY))
                if (old == REGION_ID_BUSY) {
                        sched_yield();
                        old = 0;
                } else if (old > id)
                        return false;
        if (old != 0)
                unmap(region);
        if (atomic_load(&region->gone) < id)
                return true;
        atomic_store(&region->id, 0);
        return false;
}

/*
 * If a slot is busy, a different thread worked on it when this process was forked, and nobody
 * knows what is mapped there.
 */
void region_map_deinit(struct region_map *map) {
        for (size_t i = 0; i < REGION_BLOCKS; i++) {
                struct region_block *block = atomic_load(&map->blocks[i]);

                for (size_t j = 0; block && j < (size_t) 1 << REGION_BLOCK_BITS; j++) {
                        ax_region_id id = atomic_load(&block->slots[j].id);

                        if (id != 0 && id != REGION_ID_BUSY)
                                munmap(block->slots[j].address, block->slots[j].size);
                }
                free(block);
        }
}

/* Maps the memory and closes `fd`. Returns 0, or a negative error. */
static int map_memory(size_t size, unsigned protection, bool seal, int fd, void **ret) {
        static const int protections[] = {
                [AX_PROT_NONE] = PROT_NONE,
                [AX_PROT_READ] = PROT_READ,
                [AX_PROT_READ_WRITE] = PROT_READ | PROT_WRITE,
                [AX_PROT_READ_EXEC] = PROT_READ | PROT_EXEC,
        };
        int r = 0;

        *ret = mmap(NULL, size, protections[protection], MAP_SHARED, fd, 0);
        if (*ret == MAP_FAILED) /* the daemon seals what has been freed already */
                r = errno == EPERM ? -AX_EMEM_NOT_ATTACHED : -AX_EMEM_OUT_OF_MEMORY;
        else if (seal && protection == AX_PROT_READ_WRITE)
                /*
                 * the daemon uses its own mapping of memory that nobody can punch, and is faster
                 * with it
                 */
                fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
        close(fd);
        return r;
}

int region_add(struct region_map *map, ax_region_id id, size_t size, unsigned protection, bool seal, int fd) {
        struct region *region = make_slot(map, id);
        void *address;
        int r;

        if (!region) {
                close(fd);
                return -AX_ENOMEM;
        }
        r = map_memory(size, protection, seal, fd, &address);
        if (r < 0)
                return r;
        threads_init();
        if (!claim(region, id)) {
                munmap(address, size);
                return 0;
        }
        region->size = size;
        region->readable = protection & AX_PROT_READ ? size : 0;
        region->writable = protection == AX_PROT_READ_WRITE ? size : 0;
        region->address = address;
        atomic_store_explicit(&region->id, id, memory_order_release);
        return 0;
}
