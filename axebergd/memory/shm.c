/* SPDX-License-Identifier: MIT */
#include "memory/shm.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "account/closer.h"
#include "axeberg.h"
#include "memory/region.h"
#include "memory/system_memory.h"
#include "util/id_list.h"
#include "util/identity.h"

/* Charges the segment, and makes its memory. Returns 0 or -AX_EMEM_OUT_OF_MEMORY. */
static int take_memory(struct shm *shm, struct user *user) {
        const struct memory_parties parties = { .system = &shm->memory->account, .user = user };
        int r = memory_charge(&shm->charge, &parties, shm->size);

        if (r < 0)
                return r;
        if (user_charge(user, &shm->count_charge, USER_SEGMENTS, 1) < 0 ||
            user_charge(user, &shm->fd_charge, USER_HOST_FDS, 1) < 0 ||
            user_charge(user, &shm->map_charge, USER_MAPPINGS, 1) < 0)
                return -AX_EMEM_OUT_OF_MEMORY;
        shm->fd = memfd_make(shm->size, MEMFD_SHARED, &shm->map);
        if (shm->fd < 0)
                return shm->fd;
        return id_list_add(&shm->memory->segment_ids, shm->id) < 0 ? -AX_EMEM_OUT_OF_MEMORY : 0;
}

/* Gives back what was taken; workers unmap large memory. */
static void shm_destroy(struct shm *shm) {
        struct workers *workers = shm->memory->workers;

        assert(!shm->listed && !shm->attachments); /* M8 */
        memory_charge_deinit(&shm->charge);
        unmap_later_charged(workers, &shm->map_charge, shm->map, shm->size);
        close_later_charged(workers, &shm->fd_charge, shm->fd);
        user_charge_deinit(&shm->count_charge);
        free(shm);
}

int shm_new(struct shm **ret, struct region_table *maker, size_t size) {
        struct system_memory *memory = maker->memory;
        struct shm *shm;
        int r;

        if (size == 0)
                return -AX_EMEM_INVALID_SIZE;
        if (size > (size_t) 1 << 46)
                return -AX_EMEM_OUT_OF_MEMORY;
        shm = calloc(1, sizeof(*shm));
        if (!shm)
                return -AX_EMEM_OUT_OF_MEMORY;
        shm->memory = memory;
        shm->id = ++memory->last_id;
        shm->size = size;
        shm->fd = -1;
        r = take_memory(shm, maker->user);
        if (r < 0) {
                shm_destroy(shm);
                return r;
        }
        shm->refs = 1;
        shm->uid = maker->uid;
        shm->creator = maker->pid;
        shm->maker = maker;
        shm->listed = true;
        HASH_ADD(hh, memory->segments, id, sizeof(shm->id), shm);
        DL_APPEND(maker->unattached, shm);
        memory->segment_bytes += size;
        *ret = shm;
        return 0;
}

struct shm *shm_ref(struct shm *shm) {
        shm->refs++;
        return shm;
}

struct shm *shm_unref(struct shm *shm) {
        if (shm && --shm->refs == 0)
                shm_destroy(shm);
        return NULL;
}

static void leave_maker(struct shm *shm) {
        if (shm->maker)
                DL_DELETE(shm->maker->unattached, shm);
        shm->maker = NULL;
}

void shm_set_attached(struct shm *shm) {
        shm->was_attached = true;
        leave_maker(shm);
}

void shm_remove(struct shm *shm) {
        if (!shm->listed)
                return;
        shm->listed = false;
        leave_maker(shm);
        assert(shm->memory->segment_bytes >= shm->size); /* M9 */
        HASH_DEL(shm->memory->segments, shm);
        id_list_remove(&shm->memory->segment_ids, shm->id);
        shm->memory->segment_bytes -= shm->size;
        memory_charge_deinit(&shm->charge);
        shm_unref(shm);
}

struct memfd_side shm_side(const struct shm *shm) {
        return (struct memfd_side){ .map = shm->map, .fd = shm->fd };
}

void shm_unmap(struct shm *shm) {
        unmap_in_pieces(shm->map, shm->size);
        shm->map = NULL;
}

int shm_from_id(const struct system_memory *memory, const struct identity *viewer, uint64_t id, struct shm **ret) {
        HASH_FIND(hh, memory->segments, &id, sizeof(id), *ret);
        if (!*ret)
                return -AX_EMEM_SHM_NOT_FOUND;
        if ((*ret)->uid != viewer->uid && !identity_is_administrator(viewer))
                return -AX_EMEM_PERMISSION_DENIED;
        return 0;
}

struct region *shm_attachment(const struct shm *shm, const struct region_table *table) {
        struct region *region;

        HASH_FIND(hh, table->attachments, &shm->id, sizeof(shm->id), region);
        return region;
}

size_t shm_list(const struct system_memory *memory, uint64_t after, const struct shm **ret, size_t max,
                bool *ret_more) {
        const struct id_list *ids = &memory->segment_ids;
        size_t first = id_list_find_after(ids, after), count = 0;

        for (; count < max && first + count < ids->count; count++)
                HASH_FIND(hh, memory->segments, &ids->ids[first + count], sizeof(ids->ids[0]), ret[count]);
        *ret_more = first + count < ids->count;
        return count;
}

void shm_release_unattached(struct region_table *maker) {
        struct shm *shm, *next;

        DL_FOREACH_SAFE (maker->unattached, shm, next) {
                bool attaching = shm->attachments;

                shm_set_attached(shm); /* if it is being attached just now, that keeps it */
                if (!attaching)
                        shm_remove(shm);
        }
}

void segments_deinit(struct system_memory *memory) {
        assert(!memory->segments && memory->segment_bytes == 0); /* M9 */
        id_list_deinit(&memory->segment_ids);
}
