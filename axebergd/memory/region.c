#include "memory/region.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "axeberg.h"
#include "kernel.h"
#include "memory/page.h"
#include "memory/shm.h"
#include "process/process.h"
#include "util/cleanup.h"

static const size_t LARGEST = (size_t) 1 << 46; /* more than a host maps */

int region_make_memory(size_t size, unsigned protection, void **ret_map) {
        _cleanup_close_ int fd = memfd_create("axeberg", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
        void *map = NULL;

        if (fd < 0 || fchmod(fd, 0600) < 0 || ftruncate(fd, (off_t) size) < 0)
                return -AX_EMEM_OUT_OF_MEMORY;
        if (ret_map) {
                map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
                if (map == MAP_FAILED)
                        return -AX_EMEM_OUT_OF_MEMORY;
        }
        /* not F_SEAL_WRITE, which also refuses read-only shared mappings before Linux 6.7 */
        if (protection != AX_PROT_READ_WRITE)
                seals |= F_SEAL_FUTURE_WRITE;
        if (fcntl(fd, F_ADD_SEALS, seals) < 0) {
                if (map)
                        munmap(map, size);
                return -AX_EMEM_OUT_OF_MEMORY;
        }
        if (ret_map)
                *ret_map = map;
        return steal_fd(&fd);
}

static int check(size_t size, unsigned protection) {
        if (size == 0)
                return -AX_EMEM_INVALID_SIZE;
        if (protection != AX_PROT_NONE && protection != AX_PROT_READ && protection != AX_PROT_READ_WRITE &&
            protection != AX_PROT_READ_EXEC)
                return -EINVAL;
        return size > LARGEST ? -AX_EMEM_OUT_OF_MEMORY : 0;
}

static int reserve_slot(struct region_table *table, size_t *ret) {
        size_t size = table->size ? table->size * 2 : 16;
        struct region **slots;

        while (table->lowest_free < table->size && table->slots[table->lowest_free])
                table->lowest_free++;
        *ret = table->lowest_free;
        if (*ret < table->size)
                return 0;
        if (*ret + 1 >= (size_t) 1 << REGION_SLOT_BITS)
                return -AX_EMEM_OUT_OF_MEMORY;
        slots = reallocarray(table->slots, size, sizeof(struct region *));
        if (!slots)
                return -AX_EMEM_OUT_OF_MEMORY;
        memset(slots + table->size, 0, (size - table->size) * sizeof(struct region *));
        table->slots = slots;
        table->size = size;
        return 0;
}

static size_t slot_of(uint64_t id) {
        return (size_t) (id & ((1u << REGION_SLOT_BITS) - 1)) - 1;
}

/* `counted`: the bytes are new to the system. */
static int region_create(struct region **ret, struct process *process, size_t size, unsigned protection, bool counted) {
        struct kernel *kernel = process->kernel;
        struct memory_parties parties = { .process = &process->regions.account,
                                          .system = counted ? &kernel->memory : NULL,
                                          .user = process->user };
        struct region *region;
        size_t slot;
        int r = check(size, protection);

        if (r == 0)
                r = reserve_slot(&process->regions, &slot);
        if (r < 0)
                return r;
        region = calloc(1, sizeof(*region));
        if (!region)
                return -AX_EMEM_OUT_OF_MEMORY;
        r = memory_charge(&region->charge, &parties, size);
        if (r == 0 && user_charge(process->user, &region->slot_charge, USER_REGIONS, 1) < 0)
                r = -AX_EMEM_OUT_OF_MEMORY;
        if (r < 0) {
                trace_process(process, AX_TRACE_MEMORY, "refused", "%zu bytes, %llu in use", size,
                              (unsigned long long) process->regions.account.used);
                memory_charge_deinit(&region->charge);
                free(region);
                return r;
        }
        region->id = ++kernel->last_id << REGION_SLOT_BITS | (slot + 1);
        region->refs = 1;
        region->size = size;
        region->protection = protection;
        region->process = process;
        process->regions.slots[slot] = region;
        process->regions.count++;
        trace_process(process, AX_TRACE_MEMORY, "allocated", "region %llu, %zu bytes, %llu in use",
                      (unsigned long long) region->id, size, (unsigned long long) process->regions.account.used);
        process_page_publish(process);
        *ret = region;
        return 0;
}

int region_new(struct region **ret, struct process *process, size_t size, unsigned protection, int *ret_fd) {
        int r = region_create(ret, process, size, protection, true);

        if (r < 0)
                return r;
        *ret_fd = region_make_memory(size, protection, NULL);
        if (*ret_fd < 0)
                region_free(*ret);
        return *ret_fd < 0 ? *ret_fd : 0;
}

int region_attach(struct region **ret, struct process *process, struct shm *shm, unsigned protection, bool coherent,
                  int *ret_fd) {
        int r = region_create(ret, process, shm->size, protection, !coherent);

        if (r < 0)
                return r;
        *ret_fd = -1;
        if (!coherent) {
                *ret_fd = region_make_memory(shm->size, protection, &(*ret)->map);
                if (*ret_fd < 0) {
                        region_free(*ret);
                        return *ret_fd;
                }
        }
        (*ret)->shm = shm_ref(shm);
        DL_APPEND(shm->attachments, *ret);
        process->regions.n_attachments++;
        process_page_publish(process);
        return 0;
}

struct region *region_ref(struct region *region) {
        region->refs++;
        return region;
}

struct region *region_unref(struct region *region) {
        if (!region || --region->refs > 0)
                return NULL;
        if (region->map)
                munmap(region->map, region->size);
        free(region);
        return NULL;
}

void region_free(struct region *region) {
        struct process *process = region->process;
        size_t slot = slot_of(region->id);

        trace_process(process, AX_TRACE_MEMORY, "freed", "region %llu, %zu bytes", (unsigned long long) region->id,
                      region->size);

        process->regions.slots[slot] = NULL;
        process->regions.count--;
        if (slot < process->regions.lowest_free)
                process->regions.lowest_free = slot;
        memory_charge_deinit(&region->charge);
        user_charge_deinit(&region->slot_charge);
        region->process = NULL;
        if (region->shm) {
                struct shm *shm = region->shm;

                process->regions.n_attachments--;
                DL_DELETE(shm->attachments, region);
                region->shm = NULL;
                if (!shm->attachments && shm->was_attached)
                        shm_remove(shm);
                shm_unref(shm);
        }
        process_page_publish(process);
        region_unref(region);
}

struct region *region_from_id(const struct process *process, uint64_t id) {
        size_t slot = slot_of(id);
        struct region *region = slot < process->regions.size ? process->regions.slots[slot] : NULL;

        return region && region->id == id ? region : NULL;
}

void regions_release(struct process *process) {
        for (size_t i = 0; i < process->regions.size; i++)
                if (process->regions.slots[i])
                        region_free(process->regions.slots[i]);
        free(process->regions.slots);
        process->regions.slots = NULL;
        process->regions.size = 0;
}
