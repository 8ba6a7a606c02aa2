#include "memory.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "local.h"
#include "thread.h"
#include "transport.h"

/* ---- who copies -------------------------------------------------------------------------------------------- */

/*
 * Says what this thread is about to copy. The store has to be visible before the slot is looked at again. Where there is membarrier(2) the one who frees sees to that, and
 * it costs nothing here; elsewhere this is half of the usual handshake of two sequentially consistent store-then-load pairs.
 */
static inline void announce(struct thread *thread, struct region *region) {
        if (thread_barrier_is_remote) {
                atomic_store_explicit(&thread->copies, region, memory_order_relaxed);
                atomic_signal_fence(memory_order_seq_cst);
        } else
                atomic_store(&thread->copies, region);
}

/* The other half: the region is out of its slot. */
static void wait_for_copies(const struct region *region) {
        if (thread_barrier_is_remote)
                syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
        for (struct thread *thread = threads_first(); thread; thread = thread->next)
                while (atomic_load(&thread->copies) == region)
                        sched_yield();
}

/* ---- where regions are ------------------------------------------------------------------------------------- */

static inline _Atomic(struct region *) *find_slot(ax_client *ax, ax_region_id id, bool create) {
        size_t number = (size_t) (id & ((1u << REGION_SLOT_BITS) - 1));
        _Atomic(struct region_block *) *at = &ax->regions.blocks[number >> REGION_BLOCK_BITS];
        struct region_block *block = atomic_load_explicit(at, memory_order_acquire), *fresh;

        if (!block && create) {
                fresh = calloc(1, sizeof(*fresh));
                if (fresh && atomic_compare_exchange_strong(at, &block, fresh))
                        block = fresh;
                else
                        free(fresh);
        }
        return block ? &block->slots[number & ((1u << REGION_BLOCK_BITS) - 1)] : NULL;
}

/* Holds the region until leave(). NULL: there is none. */
static inline struct region *enter(ax_client *ax, ax_region_id id) {
        _Atomic(struct region *) *slot = find_slot(ax, id, false);
        struct thread *thread = thread_self();
        struct region *region;

        if (!slot || !thread)
                return NULL;
        do {
                region = atomic_load_explicit(slot, memory_order_acquire);
                announce(thread, region);
        } while (atomic_load(slot) != region);
        if (region && region->id == id)
                return region;
        atomic_store_explicit(&thread->copies, NULL, memory_order_release);
        return NULL;
}

static void leave(void) {
        atomic_store_explicit(&thread_current->copies, NULL, memory_order_release);
}

static void region_destroy(struct region *region) {
        munmap(region->address, region->size);
        free(region);
}

/* Takes the region out, whoever copies just now; once. */
static void remove_region(ax_client *ax, ax_region_id id) {
        _Atomic(struct region *) *slot = find_slot(ax, id, false);
        struct region *region = slot ? atomic_load(slot) : NULL;

        if (!region || region->id != id || !atomic_compare_exchange_strong(slot, &region, NULL))
                return;
        wait_for_copies(region);
        region_destroy(region);
}

void region_map_free(struct region_map *map) {
        for (size_t i = 0; i < REGION_BLOCKS; i++) {
                struct region_block *block = atomic_load(&map->blocks[i]);

                for (size_t j = 0; block && j < (size_t) 1 << REGION_BLOCK_BITS; j++) {
                        struct region *region = atomic_load(&block->slots[j]);

                        if (region)
                                region_destroy(region);
                }
                free(block);
        }
}

static int map_memory(struct region *region, int fd) {
        static const int protections[] = {
                [AX_PROT_NONE] = PROT_NONE,
                [AX_PROT_READ] = PROT_READ,
                [AX_PROT_READ_WRITE] = PROT_READ | PROT_WRITE,
                [AX_PROT_READ_EXEC] = PROT_READ | PROT_EXEC,
        };

        region->address = mmap(NULL, region->size, protections[region->protection], MAP_SHARED, fd, 0);
        return region->address == MAP_FAILED ? -AX_EMEM_OUT_OF_MEMORY : 0;
}

/* Maps what the daemon has given, and closes `fd`. */
static int add_region(ax_client *ax, ax_region_id id, size_t size, unsigned protection, ax_shm_id shm, int fd) {
        struct region *region = calloc(1, sizeof(*region));
        _Atomic(struct region *) *slot = find_slot(ax, id, true);
        int r = region && slot ? 0 : -AX_ENOMEM;

        threads_init();
        if (r == 0) {
                *region = (struct region){ .id = id, .size = size, .protection = protection, .shm = shm };
                r = map_memory(region, fd);
        }
        close(fd);
        if (r < 0)
                free(region);
        else
                atomic_store_explicit(slot, region, memory_order_release);
        return r;
}

/* ---- regions ------------------------------------------------------------------------------------------------ */

static void id_on_reply(const Axeberg__IdReply *reply, void *data) {
        *(uint64_t *) ((struct rpc *) data)->context = reply->id;
}

static int free_region(ax_client *ax, ax_region_id id) {
        Axeberg__RegionRequest request = AXEBERG__REGION_REQUEST__INIT;
        struct rpc rpc = { 0 };

        request.region = id;
        return RPC(ax, memory_free, &request, rpc_ignore, &rpc);
}

int ax_mem_alloc(ax_client *ax, size_t size, unsigned protection, ax_region_id *ret) {
        Axeberg__MemoryAllocRequest request = AXEBERG__MEMORY_ALLOC_REQUEST__INIT;
        ax_region_id id = 0;
        int fd = -1, r = client_check(ax);
        struct rpc rpc = { .context = &id, .fds = &fd, .max_fds = 1 };

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        request.size = size;
        request.protection = protection;
        r = RPC(ax, memory_alloc, &request, id_on_reply, &rpc);
        if (r < 0)
                return r;
        r = rpc.n_fds == 1 && id != 0 ? add_region(ax, id, size, protection, 0, fd) : -AX_EPROTO;
        if (r < 0)
                free_region(ax, id);
        else
                *ret = id;
        return r;
}

int ax_mem_free(ax_client *ax, ax_region_id region) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        r = free_region(ax, region);
        if (r == 0)
                remove_region(ax, region);
        return r;
}

/* Return: how much of `size` there is, -AX_EMEM_…. The region is held where it is not negative. */
static inline ssize_t begin_copy(ax_client *ax, ax_region_id id, size_t offset, bool writing, struct region **ret) {
        struct region *region = enter(ax, id);
        unsigned need = writing ? AX_PROT_READ_WRITE : AX_PROT_READ;
        int error = 0;

        if (__builtin_expect(!region, 0))
                return -AX_EMEM_INVALID_REGION;
        if ((region->protection & need) != need)
                error = -AX_EMEM_PERMISSION_DENIED;
        else if (offset > region->size)
                error = -AX_EMEM_OUT_OF_BOUNDS;
        if (__builtin_expect(error < 0, 0)) {
                leave();
                return error;
        }
        *ret = region;
        return (ssize_t) (region->size - offset);
}

ssize_t ax_mem_read(ax_client *ax, ax_region_id id, size_t offset, void *buf, size_t size) {
        int r = client_check(ax);
        struct region *region = NULL;
        struct local_call call;
        ssize_t n;

        if (r < 0)
                return r;
        if (!buf && size > 0)
                return -AX_EINVAL;
        call = local_begin(ax, AX_LOCAL_MEM_READ);
        n = begin_copy(ax, id, offset, false, &region);
        if (n >= 0 && (size_t) n > size)
                n = (ssize_t) size;
        if (call.started_nsec == 0)
                local_end(ax, &call, (int64_t) id, offset, size, n);
        if (n > 0) /* memcpy(3) takes no null pointer, not even for nothing */
                memcpy(buf, (const char *) region->address + offset, (size_t) n);
        if (n >= 0)
                leave();
        if (call.started_nsec > 0)
                local_end(ax, &call, (int64_t) id, offset, size, n);
        return n;
}

ssize_t ax_mem_write(ax_client *ax, ax_region_id id, size_t offset, const void *buf, size_t size) {
        int r = client_check(ax);
        struct region *region = NULL;
        struct local_call call;
        ssize_t n;

        if (r < 0)
                return r;
        if (!buf && size > 0)
                return -AX_EINVAL;
        call = local_begin(ax, AX_LOCAL_MEM_WRITE);
        n = begin_copy(ax, id, offset, true, &region);
        if (n >= 0) {
                n = (size_t) n < size ? -AX_EMEM_OUT_OF_BOUNDS : (ssize_t) size;
                if (n > 0)
                        memcpy((char *) region->address + offset, buf, size);
                leave();
        }
        local_end(ax, &call, (int64_t) id, offset, size, n);
        return n;
}

void *ax_mem_map(ax_client *ax, ax_region_id id, size_t *ret_size) {
        struct local_call call;
        struct region *region;
        void *address = NULL;

        if (client_check(ax) < 0)
                return NULL;
        call = local_begin(ax, AX_LOCAL_MEM_MAP);
        region = enter(ax, id);
        if (region) {
                address = region->address;
                if (ret_size)
                        *ret_size = region->size;
                leave();
        }
        local_end(ax, &call, (int64_t) id, 0, 0, address ? 0 : -AX_EMEM_INVALID_REGION);
        return address;
}

/* ---- segments ----------------------------------------------------------------------------------------------- */

int ax_shmget(ax_client *ax, size_t size, ax_shm_id *ret) {
        Axeberg__ShmGetRequest request = AXEBERG__SHM_GET_REQUEST__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        request.size = size;
        return RPC(ax, shm_get, &request, id_on_reply, &rpc);
}

typedef void (*shm_stub)(ProtobufCService *, const Axeberg__ShmRequest *, Axeberg__Empty_Closure, void *);

static int shm_call(ax_client *ax, shm_stub stub, ax_shm_id shm) {
        Axeberg__ShmRequest request = AXEBERG__SHM_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.shm = shm;
        stub(&ax->service.base, &request, rpc_ignore, &rpc);
        return rpc.status;
}

int ax_shm_sync(ax_client *ax, ax_shm_id shm) {
        return shm_call(ax, axeberg__kernel__shm_sync, shm);
}

int ax_shm_refresh(ax_client *ax, ax_shm_id shm) {
        return shm_call(ax, axeberg__kernel__shm_refresh, shm);
}

struct attached {
        ax_region_id region;
        uint64_t size;
};

static void attach_on_reply(const Axeberg__ShmAttachReply *reply, void *data) {
        *(struct attached *) ((struct rpc *) data)->context = (struct attached){ reply->region, reply->size };
}

static int attach(ax_client *ax, ax_shm_id shm, unsigned protection, bool coherent, ax_region_id *ret) {
        Axeberg__ShmAttachRequest request = AXEBERG__SHM_ATTACH_REQUEST__INIT;
        struct attached attached = { 0 };
        int fd = -1, r = client_check(ax);
        struct rpc rpc = { .context = &attached, .fds = &fd, .max_fds = 1 };

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        request.shm = shm;
        request.protection = protection;
        request.coherent = coherent;
        r = RPC(ax, shm_attach, &request, attach_on_reply, &rpc);
        if (r < 0)
                return r;
        r = rpc.n_fds == 1 && attached.region != 0 ? add_region(ax, attached.region, attached.size, protection, shm, fd)
                                                   : -AX_EPROTO;
        if (r < 0)
                ax_shmdt(ax, shm);
        else
                *ret = attached.region;
        return r;
}

int ax_shmat(ax_client *ax, ax_shm_id shm, unsigned protection, ax_region_id *ret) {
        return attach(ax, shm, protection, false, ret);
}

int ax_shmat_coherent(ax_client *ax, ax_shm_id shm, ax_region_id *ret) {
        return attach(ax, shm, AX_PROT_READ_WRITE, true, ret);
}

int ax_shmdt(ax_client *ax, ax_shm_id shm) {
        Axeberg__ShmRequest request = AXEBERG__SHM_REQUEST__INIT;
        ax_region_id region = 0;
        struct rpc rpc = { .context = &region };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.shm = shm;
        r = RPC(ax, shm_detach, &request, id_on_reply, &rpc);
        if (r == 0)
                remove_region(ax, region);
        return r;
}

/* ---- figures ------------------------------------------------------------------------------------------------ */

static void memory_stats_on_reply(const Axeberg__MemoryStatsReply *reply, void *data) {
        *(struct ax_memory_stats *) ((struct rpc *) data)->context = (struct ax_memory_stats){
                .allocated = reply->allocated,
                .limit = reply->limit,
                .peak = reply->peak,
                .region_count = reply->regions,
                .shm_count = reply->attachments,
        };
}

int ax_memstats_of(ax_client *ax, ax_pid pid, struct ax_memory_stats *ret) {
        Axeberg__MemoryStatsRequest request = AXEBERG__MEMORY_STATS_REQUEST__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        request.pid = pid;
        return RPC(ax, memory_stats, &request, memory_stats_on_reply, &rpc);
}

int ax_memstats(ax_client *ax, struct ax_memory_stats *ret) {
        struct ax_process_page page;
        struct local_call call;
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        call = local_begin(ax, AX_LOCAL_MEMSTATS);
        r = client_read_page(ax, &page);
        if (r > 0)
                return ax_memstats_of(ax, 0, ret);
        local_end(ax, &call, 0, 0, 0, r);
        if (r == 0)
                *ret = (struct ax_memory_stats){
                        .allocated = page.allocated,
                        .limit = page.limit,
                        .peak = page.peak,
                        .region_count = page.regions,
                        .shm_count = page.attachments,
                };
        return r;
}

int ax_set_memlimit_of(ax_client *ax, ax_pid pid, uint64_t limit) {
        Axeberg__MemoryLimitRequest request = AXEBERG__MEMORY_LIMIT_REQUEST__INIT;
        struct rpc rpc = { 0 };
        int r = client_check(ax);

        if (r < 0)
                return r;
        request.pid = pid;
        request.limit = limit;
        return RPC(ax, memory_limit, &request, rpc_ignore, &rpc);
}

int ax_set_memlimit(ax_client *ax, size_t limit) {
        return ax_set_memlimit_of(ax, 0, limit);
}

static void system_stats_on_reply(const Axeberg__SystemMemoryStatsReply *reply, void *data) {
        *(struct ax_system_memory_stats *) ((struct rpc *) data)->context = (struct ax_system_memory_stats){
                .total_allocated = reply->allocated,
                .system_limit = reply->limit,
                .shm_count = reply->segments,
                .shm_total_size = reply->segment_bytes,
        };
}

int ax_system_memstats(ax_client *ax, struct ax_system_memory_stats *ret) {
        Axeberg__Empty request = AXEBERG__EMPTY__INIT;
        struct rpc rpc = { .context = ret };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        return RPC(ax, system_memory_stats, &request, system_stats_on_reply, &rpc);
}

struct segment_list {
        struct ax_segment *segments;
        size_t count;
        bool more;
        int error;
};

static void shm_list_on_reply(const Axeberg__ShmListReply *reply, void *data) {
        struct segment_list *list = ((struct rpc *) data)->context;
        struct ax_segment *segments =
                reallocarray(list->segments, list->count + reply->n_segments + 1, sizeof(*segments));

        if (!segments) {
                list->error = -AX_ENOMEM;
                return;
        }
        list->segments = segments;
        for (size_t i = 0; i < reply->n_segments; i++) {
                const Axeberg__ShmInfo *info = reply->segments[i];

                if (list->count > 0 && info->id <= segments[list->count - 1].id)
                        list->error = -AX_EPROTO; /* not in order: the list might never end */
                segments[list->count++] =
                        (struct ax_segment){ info->id, info->size, info->uid, info->attachments, info->creator };
        }
        list->more = reply->more && reply->n_segments > 0;
}

int ax_shm_list(ax_client *ax, struct ax_segment **ret) {
        Axeberg__ShmListRequest request = AXEBERG__SHM_LIST_REQUEST__INIT;
        struct segment_list list = { 0 };
        struct rpc rpc = { .context = &list };
        int r = client_check(ax);

        if (r < 0)
                return r;
        if (!ret)
                return -AX_EINVAL;
        do {
                request.after_id = list.count > 0 ? list.segments[list.count - 1].id : 0;
                list.more = false;
                r = RPC(ax, shm_list, &request, shm_list_on_reply, &rpc);
                if (r >= 0)
                        r = list.error;
        } while (r == 0 && list.more);
        if (r < 0) {
                free(list.segments);
                return r;
        }
        *ret = list.segments;
        return (int) list.count;
}
