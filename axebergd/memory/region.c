/* SPDX-License-Identifier: MIT */
#include "memory/region.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

#include "account/closer.h"
#include "axeberg.h"
#include "contract.h"
#include "memory/shm.h"
#include "memory/system_memory.h"
#include "util/cleanup.h"
#include "util/container.h"
#include "util/log.h"

static const size_t LARGEST = (size_t) 1 << 46; /* more than a host maps */

static int check(size_t size, unsigned protection) {
        if (size == 0)
                return -AX_EMEM_INVALID_SIZE;
        if (protection != AX_PROT_NONE && protection != AX_PROT_READ && protection != AX_PROT_READ_WRITE &&
            protection != AX_PROT_READ_EXEC)
                return -EINVAL;
        return size > LARGEST ? -AX_EMEM_OUT_OF_MEMORY : 0;
}

/*
 * The larger table is charged before the smaller one is given back: both exist while it is copied.
 */
static int grow_slots(struct region_table *table, size_t size) {
        struct user_charge charge = { 0 };
        struct region **slots;

        if (user_charge(table->user, &charge, USER_BUFFERS, size * sizeof(struct region *)) < 0)
                return -AX_EMEM_OUT_OF_MEMORY;
        slots = reallocarray(table->slots, size, sizeof(struct region *));
        if (!slots) {
                user_charge_deinit(&charge);
                return -AX_EMEM_OUT_OF_MEMORY;
        }
        memset(slots + table->size, 0, (size - table->size) * sizeof(struct region *));
        table->slots = slots;
        table->size = size;
        user_charge_deinit(&table->slots_charge);
        user_charge_move(&table->slots_charge, &charge);
        return 0;
}

static int reserve_slot(struct region_table *table, size_t *ret) {
        while (table->lowest_free < table->size && table->slots[table->lowest_free])
                table->lowest_free++;
        *ret = table->lowest_free;
        if (*ret < table->size)
                return 0;
        if (*ret + 1 >= (size_t) 1 << AX_REGION_SLOT_BITS)
                return -AX_EMEM_OUT_OF_MEMORY;
        return grow_slots(table, table->size ? table->size * 2 : 16);
}

static size_t slot_of(uint64_t id) {
        return ax_region_slot(id) - 1;
}

/* Charges the region. `counted`: the bytes are new to the system. */
static int charge(struct region *region, struct region_table *table, size_t size, bool counted) {
        const struct memory_parties parties = {
                .process = &table->account,
                .system = counted ? &table->memory->account : NULL,
                .user = table->user,
        };
        int r = memory_charge(&region->charge, &parties, size);

        if (r == 0 && user_charge(table->user, &region->slot_charge, USER_REGIONS, 1) < 0)
                r = -AX_EMEM_OUT_OF_MEMORY;
        if (r < 0)
                memory_charge_deinit(&region->charge);
        return r;
}

static int region_create(struct region **ret, struct region_table *table, size_t size, unsigned protection,
                         bool counted) {
        struct region *region;
        size_t slot;
        int r = check(size, protection);

        if (r == 0)
                r = reserve_slot(table, &slot);
        if (r < 0)
                return r;
        region = calloc(1, sizeof(*region));
        if (!region)
                return -AX_EMEM_OUT_OF_MEMORY;
        r = charge(region, table, size, counted);
        if (r < 0) {
                table->changed(table, REGION_REFUSED, 0, size);
                free(region);
                return r;
        }
        assert(!table->slots[slot]); /* M6 */
        region->id = ++table->memory->last_id << AX_REGION_SLOT_BITS | (slot + 1);
        region->refs = 1;
        region->size = size;
        region->protection = protection;
        region->memory = table->memory;
        region->table = table;
        region->fd = -1;
        table->slots[slot] = region;
        table->count++;
        table->changed(table, REGION_ALLOCATED, region->id, size);
        *ret = region;
        return 0;
}

static enum memfd_kind kind_of(unsigned protection, enum memfd_kind writable) {
        return protection == AX_PROT_READ_WRITE ? writable : MEMFD_READ_ONLY;
}

int region_new(struct region **ret, struct region_table *table, size_t size, unsigned protection, int *ret_fd) {
        int r = region_create(ret, table, size, protection, true);

        if (r < 0)
                return r;
        *ret_fd = memfd_make(size, kind_of(protection, MEMFD_SHARED), NULL);
        if (*ret_fd < 0)
                region_free(*ret);
        return *ret_fd < 0 ? *ret_fd : 0;
}

static int make_attachment_memory(struct region *region, struct user *user) {
        if (user_charge(user, &region->map_charge, USER_MAPPINGS, 1) < 0 ||
            user_charge(user, &region->fd_charge, USER_HOST_FDS, 1) < 0)
                return -AX_EMEM_OUT_OF_MEMORY;
        region->fd = memfd_make(region->size, kind_of(region->protection, MEMFD_SEALED_LATER), &region->map);
        return region->fd < 0 ? region->fd : 0;
}

int region_attach(struct region **ret, struct region_table *table, struct shm *shm, unsigned protection,
                  bool coherent) {
        int r = region_create(ret, table, shm->size, protection, !coherent);

        if (r < 0)
                return r;
        if (!coherent)
                r = make_attachment_memory(*ret, table->user);
        if (r < 0) {
                region_free(*ret);
                return r;
        }
        (*ret)->shm = shm_ref(shm);
        (*ret)->shm_id = shm->id;
        DL_APPEND(shm->attachments, *ret);
        shm->n_attachments++;
        HASH_ADD(hh, table->attachments, shm_id, sizeof((*ret)->shm_id), *ret);
        table->n_attachments++;
        table->changed(table, REGION_ATTACHED, (*ret)->id, shm->size);
        return 0;
}

static void drop_fd(struct region *region) {
        cleanup_close(&region->fd);
        region->fd = -1;
        user_charge_deinit(&region->fd_charge);
}

/* Returns true if the program can punch the memory. */
static bool can_be_punched(const struct region *region) {
        return region->passed && region->fd >= 0 && !memfd_is_sealed(region->fd);
}

/*
 * The descriptor is needed no longer as soon as the mapping can be used; but a worker may be using
 * it.
 */
static void look_for_seal(struct region *region) {
        if (region->passed && !region->copying && !can_be_punched(region))
                drop_fd(region);
}

void region_set_passed(struct region *region) {
        region->passed = true;
        look_for_seal(region); /* what cannot be written is sealed already */
}

struct memfd_side region_side(struct region *region) {
        look_for_seal(region);
        return (struct memfd_side){ .map = can_be_punched(region) ? NULL : region->map, .fd = region->fd };
}

struct region *region_ref(struct region *region) {
        region->refs++;
        return region;
}

enum { UNMAP_AT_ONCE = 1 << 20 };

static void unmap_on_worker(struct job *job) {
        struct region *region = container_of(job, struct region, job);

        if (region->passed && region->fd >= 0 && !memfd_seal(region->fd))
                return;
        unmap_in_pieces(region->map, region->size);
        cleanup_close(&region->fd);
        region->map = NULL;
        region->fd = -1;
}

/*
 * A program that has kept the daemon from sealing the memory could make it wait without end: the
 * memory stays mapped, and the user goes on paying for it.
 */
static void keep_mapped(struct region *region) {
        log_client(LOG_WARNING, 0, 0, region->map_charge.user->uid,
                   "uid %u holds up the freeing of %zu bytes of memory; it stays charged for them",
                   (unsigned) region->map_charge.user->uid, region->size);
        drop_fd(region);
        DL_APPEND(region->memory->kept, region);
}

static void region_destroy(struct region *region) {
        memory_charge_deinit(&region->charge);
        user_charge_deinit(&region->map_charge);
        user_charge_deinit(&region->fd_charge);
        free(region);
}

static void unmap_on_done(struct job *job) {
        struct region *region = container_of(job, struct region, job);
        struct user *user = job->user;

        if (region->map)
                keep_mapped(region);
        else
                region_destroy(region);
        user_unref(user);
}

/* Returns 0 if a worker unmaps the region and frees it. */
static int unmap_later(struct region *region) {
        struct workers *workers = region->memory->workers;
        int r;

        if (!workers)
                return -ESHUTDOWN;
        region->job = (struct job){ .run = unmap_on_worker,
                                    .done = unmap_on_done,
                                    .user = user_ref(region->map_charge.user) };
        r = workers_submit(workers, &region->job);
        if (r < 0)
                user_unref(region->map_charge.user);
        return r;
}

struct region *region_unref(struct region *region) {
        if (!region || --region->refs > 0)
                return NULL;
        if (region->map && (can_be_punched(region) || region->size > UNMAP_AT_ONCE) && unmap_later(region) == 0)
                return NULL;
        if (region->map)
                unmap_on_worker(&region->job);
        if (region->map)
                keep_mapped(region);
        else
                region_destroy(region);
        return NULL;
}

void regions_unmap_kept(struct system_memory *memory) {
        struct region *region, *next;

        DL_FOREACH_SAFE (memory->kept, region, next) {
                DL_DELETE(memory->kept, region);
                munmap(region->map, region->size);
                region_destroy(region);
        }
}

static void leave_segment(struct region *region) {
        struct region_table *table = region->table;
        struct shm *shm = region->shm;

        if (!shm)
                return;
        assert(table->n_attachments > 0 && shm->n_attachments > 0); /* M7 */
        HASH_DELETE(hh, table->attachments, region);
        table->n_attachments--;
        DL_DELETE(shm->attachments, region);
        shm->n_attachments--;
        region->shm = NULL;
        if (!shm->attachments && shm->was_attached)
                shm_remove(shm);
        shm_unref(shm);
}

void region_free(struct region *region) {
        struct region_table *table = region->table;
        size_t slot = slot_of(region->id);

        assert(table->slots[slot] == region && table->count > 0); /* M6 */
        table->slots[slot] = NULL;
        table->count--;
        if (slot < table->lowest_free)
                table->lowest_free = slot;
        if (can_be_punched(region)) /* then it may be long until it is unmapped */
                memory_charge_leave_process(&region->charge);
        else
                memory_charge_deinit(&region->charge);
        user_charge_deinit(&region->slot_charge);
        leave_segment(region);
        region->table = NULL;
        table->changed(table, REGION_FREED, region->id, region->size);
        region_unref(region);
}

struct region *region_from_id(const struct region_table *table, uint64_t id) {
        size_t slot = slot_of(id);
        struct region *region = slot < table->size ? table->slots[slot] : NULL;

        return region && region->id == id ? region : NULL;
}

bool regions_release(struct region_table *table, unsigned *budget) {
        for (; table->size > 0 && *budget > 0; (*budget)--) {
                struct region *region = table->slots[table->size - 1];

                if (region)
                        region_free(region);
                table->size--;
        }
        if (table->size > 0)
                return false;
        free(table->slots);
        table->slots = NULL;
        user_charge_deinit(&table->slots_charge);
        return true;
}
