/* SPDX-License-Identifier: MIT */
/*
 * Memory regions: making and freeing them, and copying, which the library does without the daemon.
 */
#include <string.h>

#include "call.h"
#include "local.h"
#include "regions.h"

int ax_mem_alloc(ax_client *ax, size_t size, unsigned protection, ax_region_id *ret) {
        ax_region_id id = 0;
        int fd = -1, r;
        struct rpc rpc = { .context = &id, .fds = &fd, .max_fds = 1 };

        if (!ret)
                return -AX_EINVAL;
        r = RPC(ax, mem_alloc, REQUEST(MemAllocRequest, .size = size, .protection = protection), rpc_take_id, &rpc);
        if (r < 0)
                return r;
        r = rpc.n_fds == 1 && id != 0 ? region_add(&ax->regions, id, size, protection, false, fd) : -AX_EPROTO;
        if (r < 0)
                CALL(ax, mem_free, RegionRequest, .region = id);
        else
                *ret = id;
        return r;
}

int ax_mem_free(ax_client *ax, ax_region_id region) {
        int r = CALL(ax, mem_free, RegionRequest, .region = region);

        if (r == 0)
                region_remove(&ax->regions, region);
        return r;
}

/* ---- copies ---------------------------------------------------------------------------------- */

/* The arguments of a copy. */
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
 * Begins the usual copy: all that the program asks for is there, and nobody watches. Counts it, and
 * holds the region until region_leave(). Returns NULL if this is not the usual copy.
 */
static inline __attribute__((always_inline)) struct region *
begin_fast(ax_client *ax, struct thread *thread, ax_region_id id, size_t offset, size_t size, enum ax_local_call call) {
        struct ax_local_counter *counter;
        struct region *region;
        size_t room;

        if (!thread || !ax)
                return NULL;
        /*
         * one branch for all that is rare: in a copy of a few kilobytes, four would cost two
         * nanoseconds
         */
        if (__builtin_expect(client_is_gone(ax) | !local_has_slot(ax, thread) | client_is_watched(ax), 0))
                return NULL;
        region = region_find_slot(&ax->regions, id);
        if (!region || !region_hold(thread, region, id, true))
                return NULL;
        room = room_of(region, call);
        if (size - 1 >= room || offset > room - size) { /* asks for nothing, or too much */
                region_leave(thread);
                return NULL;
        }
        counter = &ax->published.counters->slots[thread->number].calls[call];
        local_add(&counter->calls, 1);
        local_add(&counter->bytes, size);
        return region;
}

/* Holds the region and returns how many bytes follow the offset, or a negative error. */
static ssize_t begin_copy(const struct copy *copy, struct region **ret_region, struct thread **ret_thread) {
        struct region *region = region_enter(&copy->ax->regions, copy->id, ret_thread);
        int error = 0;

        if (!region)
                return -AX_EMEM_INVALID_REGION;
        if (room_of(region, copy->call) == 0)
                error = -AX_EMEM_PERMISSION_DENIED;
        else if (copy->offset > region->size)
                error = -AX_EMEM_OUT_OF_BOUNDS;
        if (error < 0) {
                region_leave(*ret_thread);
                return error;
        }
        *ret_region = region;
        return (ssize_t) (region->size - copy->offset);
}

/* `to` or `from` is the program's buffer; the other one is NULL, and means the region. */
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
                region_leave(thread);
        }
        local_end(copy->ax, &call, (int64_t) copy->id, copy->offset, copy->size, n);
        return n;
}

/* These are functions of their own, so that the usual copy needs no stack for them. */
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
        region_leave(thread);
        return (ssize_t) size;
}

ssize_t ax_mem_write(ax_client *ax, ax_region_id id, size_t offset, const void *buf, size_t size) {
        struct thread *thread = thread_fast;
        struct region *region = buf ? begin_fast(ax, thread, id, offset, size, AX_LOCAL_MEM_WRITE) : NULL;

        if (__builtin_expect(!region, 0))
                return write_slowly(ax, id, offset, buf, size);
        memcpy((char *) region->address + offset, buf, size);
        region_leave(thread);
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
        region = region_enter(&ax->regions, id, &thread);
        if (region) {
                address = region->address;
                if (ret_size)
                        *ret_size = region->size;
                region_leave(thread);
        }
        local_end(ax, &call, (int64_t) id, 0, 0, address ? 0 : -AX_EMEM_INVALID_REGION);
        return address;
}
