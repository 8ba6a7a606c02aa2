#include "memory/shm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

#include "axeberg.h"
#include "kernel.h"
#include "memory/region.h"
#include "process/process.h"
#include "util/cleanup.h"
#include "util/identity.h"

int shm_new(struct shm **ret, struct process *creator, size_t size) {
        struct kernel *kernel = creator->kernel;
        const struct memory_parties parties = { .system = &kernel->memory, .user = creator->user };
        struct shm *shm;
        int r;

        if (size == 0)
                return -AX_EMEM_INVALID_SIZE;
        if (size > (size_t) 1 << 46)
                return -AX_EMEM_OUT_OF_MEMORY;
        shm = calloc(1, sizeof(*shm));
        if (!shm)
                return -AX_EMEM_OUT_OF_MEMORY;
        r = memory_charge(&shm->charge, &parties, size);
        if (r == 0)
                r = shm->fd = region_make_memory(size, AX_PROT_READ_WRITE, &shm->map);
        if (r < 0) {
                memory_charge_deinit(&shm->charge);
                free(shm);
                return r;
        }
        shm->kernel = kernel;
        shm->id = ++kernel->last_id;
        shm->refs = 1;
        shm->size = size;
        shm->uid = creator->identity->uid;
        shm->creator = creator->pid;
        shm->listed = true;
        HASH_ADD(hh, kernel->segments, id, sizeof(shm->id), shm);
        kernel->segment_bytes += size;
        *ret = shm;
        return 0;
}

struct shm *shm_ref(struct shm *shm) {
        shm->refs++;
        return shm;
}

struct shm *shm_unref(struct shm *shm) {
        if (!shm || --shm->refs > 0)
                return NULL;
        munmap(shm->map, shm->size);
        cleanup_close(&shm->fd);
        free(shm);
        return NULL;
}

void shm_remove(struct shm *shm) {
        if (!shm->listed)
                return;
        shm->listed = false;
        HASH_DEL(shm->kernel->segments, shm);
        shm->kernel->segment_bytes -= shm->size;
        memory_charge_deinit(&shm->charge);
        shm_unref(shm);
}

int shm_from_id(const struct process *process, uint64_t id, struct shm **ret) {
        HASH_FIND(hh, process->kernel->segments, &id, sizeof(id), *ret);
        if (!*ret)
                return -AX_EMEM_SHM_NOT_FOUND;
        if ((*ret)->uid != process->identity->uid && !process_is_administrator(process))
                return -AX_EMEM_PERMISSION_DENIED;
        return 0;
}

struct region *shm_attachment(const struct shm *shm, const struct process *process) {
        struct region *region;

        DL_FOREACH (shm->attachments, region) {
                if (region->process == process)
                        return region;
        }
        return NULL;
}

void shm_release_unattached(struct process *process) {
        struct shm *shm, *next;

        HASH_ITER (hh, process->kernel->segments, shm, next) {
                if (shm->creator != process->pid || shm->was_attached)
                        continue;
                shm->was_attached = true; /* where it is being attached just now, it lives by that */
                if (!shm->attachments)
                        shm_remove(shm);
        }
}
