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
 * The other half of hold(): the region's number is out of its slot. This thread copies nothing, whatever it said before a longjmp(3). Return: whether nobody does any more;
 * where membarrier(2) fails (a filter of system calls that came later) nobody knows.
 */
static bool wait_for_copies(const struct region *region) {
        if (thread_barrier_is_remote && syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) < 0)
                return false;
        for (struct thread *thread = threads_first(); thread; thread = thread->next)
                while (thread != thread_current && atomic_load(&thread->copies) == region)
                        sched_yield();
        return true;
}

static inline void leave(struct thread *thread) {
        atomic_store_explicit(&thread->copies, NULL, memory_order_release);
}

/*
 * Says that this thread is about to copy, and looks whether the region is still there. The store has to be visible before the number is looked at. Where there is
 * membarrier(2) the one who frees sees to that, and it costs nothing here; elsewhere this is half of the usual handshake of two sequentially consistent
 * store-then-load pairs.
 */
static inline bool hold(struct thread *thread, struct region *region, ax_region_id id, bool barrier_is_remote) {
        if (barrier_is_remote) {
                atomic_store_explicit(&thread->copies, region, memory_order_relaxed);
                atomic_signal_fence(memory_order_seq_cst);
        } else
                atomic_store(&thread->copies, region);
        if (__builtin_expect(atomic_load(&region->id) == id, 1))
                return true;
        leave(thread);
        return false;
}

/* ---- where regions are ------------------------------------------------------------------------------------- */

/* The slot of a number that may mean nothing; NULL: there is none. */
static inline struct region *find_slot(const ax_client *ax, ax_region_id id) {
        size_t number = (size_t) (id & ((1u << REGION_SLOT_BITS) - 1));
        struct region_block *block =
                atomic_load_explicit(&ax->regions.blocks[number >> REGION_BLOCK_BITS], memory_order_acquire);

        return block ? &block->slots[number & ((1u << REGION_BLOCK_BITS) - 1)] : NULL;
}

static struct region *make_slot(ax_client *ax, ax_region_id id) {
        size_t number = (size_t) (id & ((1u << REGION_SLOT_BITS) - 1));
        struct region_block *fresh, *none = NULL;

        if (find_slot(ax, id))
                return find_slot(ax, id);
        fresh = aligned_alloc(_Alignof(struct region_block), sizeof(*fresh));
        if (!fresh)
                return NULL;
        memset(fresh, 0, sizeof(*fresh));
        if (!atomic_compare_exchange_strong(&ax->regions.blocks[number >> REGION_BLOCK_BITS], &none, fresh))
                free(fresh);
        return find_slot(ax, id);
}

/* Holds the region until leave(). NULL: there is none. */
static struct region *enter(ax_client *ax, ax_region_id id, struct thread **ret) {
        struct region *region = find_slot(ax, id);
        struct thread *thread = thread_self();

        if (id == 0 || !region || !thread || !hold(thread, region, id, thread_barrier_is_remote))
                return NULL;
        *ret = thread;
        return region;
}

/* Empties a slot whose number the caller has made REGION_ID_BUSY. What may still be copied stays mapped. */
static void unmap(struct region *region) {
        if (wait_for_copies(region))
                munmap(region->address, region->size);
}

void region_remove(ax_client *ax, ax_region_id id) {
        struct region *region = make_slot(ax, id);
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
 * Makes the slot the caller's to fill with `id`. The daemon gives a number away as soon as it is free: whoever freed it may not have taken it out yet, and then finds
 * that done. Numbers only grow: where the slot has had a later one, the caller's has been freed before it came here. Return: whether it is still wanted.
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

/* A slot that is busy was so in another thread when this process was forked, and what is mapped in its place unknown. */
void region_map_free(struct region_map *map) {
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

int region_add(ax_client *ax, ax_region_id id, size_t size, unsigned protection, int fd) {
        static const int protections[] = {
                [AX_PROT_NONE] = PROT_NONE,
                [AX_PROT_READ] = PROT_READ,
                [AX_PROT_READ_WRITE] = PROT_READ | PROT_WRITE,
                [AX_PROT_READ_EXEC] = PROT_READ | PROT_EXEC,
        };
        struct region *region = make_slot(ax, id);
        void *address = region ? mmap(NULL, size, protections[protection], MAP_SHARED, fd, 0) : MAP_FAILED;

        close(fd);
        if (address == MAP_FAILED)
                return region ? -AX_EMEM_OUT_OF_MEMORY : -AX_ENOMEM;
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

/* ---- regions ------------------------------------------------------------------------------------------------ */

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
        r = RPC(ax, memory_alloc, &request, rpc_take_id, &rpc);
        if (r < 0)
                return r;
        r = rpc.n_fds == 1 && id != 0 ? region_add(ax, id, size, protection, fd) : -AX_EPROTO;
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
                region_remove(ax, region);
        return r;
}

/* ---- copies ------------------------------------------------------------------------------------------------- */

/* What is asked of a copy. */
struct copy {
        ax_client *ax;
        ax_region_id id;
        size_t offset, size;
        enum ax_local_call call;
};

static inline size_t room_of(const struct region *region, enum ax_local_call call) {
        return call == AX_LOCAL_MEM_READ ? region->readable : region->writable;
}

/*
 * The usual copy: all that is asked for is there, and nobody wants to be told of it. It is counted, and the region held until leave(). NULL: it has to be looked
 * at more closely.
 */
static inline __attribute__((always_inline)) struct region *
begin_fast(ax_client *ax, struct thread *thread, ax_region_id id, size_t offset, size_t size, enum ax_local_call call) {
        struct ax_local_counter *counter;
        struct region *region;
        size_t room;

        if (!thread || !ax)
                return NULL;
        /* One branch for all that is hardly ever so: beside a copy of some kilobytes four would cost two nanoseconds. */
        if (__builtin_expect(client_is_gone(ax) | !local_has_slot(ax, thread) | client_is_traced(ax), 0))
                return NULL;
        region = find_slot(ax, id);
        if (!region || !hold(thread, region, id, true))
                return NULL;
        room = room_of(region, call);
        if (size - 1 >= room || offset > room - size) { /* nothing is asked for, or too much */
                leave(thread);
                return NULL;
        }
        counter = &ax->counters->slots[thread->number].calls[call];
        local_add(&counter->calls, 1);
        local_add(&counter->bytes, size);
        return region;
}

/* Return: how much there is, -AX_EMEM_…. The region is held where it is not negative. */
static ssize_t begin_copy(const struct copy *copy, struct region **ret_region, struct thread **ret_thread) {
        struct region *region = enter(copy->ax, copy->id, ret_thread);
        int error = 0;

        if (!region)
                return -AX_EMEM_INVALID_REGION;
        if (room_of(region, copy->call) == 0)
                error = -AX_EMEM_PERMISSION_DENIED;
        else if (copy->offset > region->size)
                error = -AX_EMEM_OUT_OF_BOUNDS;
        if (error < 0) {
                leave(*ret_thread);
                return error;
        }
        *ret_region = region;
        return (ssize_t) (region->size - copy->offset);
}

/* One of `to` and `from` is the program's; the other is NULL, and means the region. */
static ssize_t copy_slowly(const struct copy *copy, void *to, const void *from) {
        bool reading = copy->call == AX_LOCAL_MEM_READ;
        struct local_call call;
        struct region *region;
        struct thread *thread;
        int r = client_check(copy->ax);
        ssize_t n;

        if (r < 0)
                return r;
        if (!(reading ? to : from) && copy->size > 0)
                return -AX_EINVAL;
        call = local_begin(copy->ax, copy->call);
        n = begin_copy(copy, &region, &thread);
        if (n >= 0) {
                char *place = (char *) region->address + copy->offset;

                if ((size_t) n >= copy->size)
                        n = (ssize_t) copy->size;
                else if (!reading)
                        n = -AX_EMEM_OUT_OF_BOUNDS;
                if (n > 0) /* memcpy(3) takes no null pointer, not even for nothing */
                        memcpy(reading ? to : place, reading ? place : from, (size_t) n);
                leave(thread);
        }
        local_end(copy->ax, &call, (int64_t) copy->id, copy->offset, copy->size, n);
        return n;
}

/* Apart, so that the usual copy needs no place for what the others need. */
__attribute__((noinline, cold)) static ssize_t read_slowly(ax_client *ax, ax_region_id id, size_t offset, void *buf,
                                                           size_t size) {
        return copy_slowly(&(struct copy){ ax, id, offset, size, AX_LOCAL_MEM_READ }, buf, NULL);
}

__attribute__((noinline, cold)) static ssize_t write_slowly(ax_client *ax, ax_region_id id, size_t offset,
                                                            const void *buf, size_t size) {
        return copy_slowly(&(struct copy){ ax, id, offset, size, AX_LOCAL_MEM_WRITE }, NULL, buf);
}

ssize_t ax_mem_read(ax_client *ax, ax_region_id id, size_t offset, void *buf, size_t size) {
        struct thread *thread = thread_fast;
        struct region *region = buf ? begin_fast(ax, thread, id, offset, size, AX_LOCAL_MEM_READ) : NULL;

        if (__builtin_expect(!region, 0))
                return read_slowly(ax, id, offset, buf, size);
        memcpy(buf, (const char *) region->address + offset, size);
        leave(thread);
        return (ssize_t) size;
}

ssize_t ax_mem_write(ax_client *ax, ax_region_id id, size_t offset, const void *buf, size_t size) {
        struct thread *thread = thread_fast;
        struct region *region = buf ? begin_fast(ax, thread, id, offset, size, AX_LOCAL_MEM_WRITE) : NULL;

        if (__builtin_expect(!region, 0))
                return write_slowly(ax, id, offset, buf, size);
        memcpy((char *) region->address + offset, buf, size);
        leave(thread);
        return (ssize_t) size;
}

void *ax_mem_map(ax_client *ax, ax_region_id id, size_t *ret_size) {
        struct local_call call;
        struct region *region;
        struct thread *thread;
        void *address = NULL;

        if (client_check(ax) < 0)
                return NULL;
        call = local_begin(ax, AX_LOCAL_MEM_MAP);
        region = enter(ax, id, &thread);
        if (region) {
                address = region->address;
                if (ret_size)
                        *ret_size = region->size;
                leave(thread);
        }
        local_end(ax, &call, (int64_t) id, 0, 0, address ? 0 : -AX_EMEM_INVALID_REGION);
        return address;
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
