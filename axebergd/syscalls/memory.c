/*
 * Regions, shared segments, and what they cost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "axeberg.h"
#include "kernel.h"
#include "memory/page.h"
#include "memory/region.h"
#include "memory/shm.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"
#include "util/cleanup.h"
#include "util/workers.h"

/* Copying more than this holds the kernel's thread up for longer than handing it to a worker costs. */
enum { COPY_AT_ONCE = 1 << 20, COMPARE_FROM = 16 << 20, COMPARE_PAGE = 4096, SEGMENTS_PER_REPLY = 256 };

static void reply_id(struct call *call, int status, uint64_t id) {
        Axeberg__IdReply reply = AXEBERG__ID_REPLY__INIT;

        reply.id = id;
        call_reply_message(call, status, &reply.base);
}

SYSCALL(sys_memory_alloc, MemoryAllocRequest, IdReply) {
        struct region *region;
        int fd, r = region_new(&region, call->process, request->size, request->protection, &fd);

        if (r < 0) {
                reply_id(call, r, 0);
                return;
        }
        call->reply.fds = &fd;
        call->reply.n_fds = 1;
        reply_id(call, 0, region->id);
        close(fd);
}

SYSCALL(sys_memory_free, RegionRequest, Empty) {
        struct region *region = region_from_id(call->process, request->region);
        int r = !region ? -AX_EMEM_INVALID_REGION : region->shm ? -AX_EMEM_PERMISSION_DENIED : 0;

        if (r == 0)
                region_free(region);
        call_reply(call, r);
}

SYSCALL(sys_shm_get, ShmGetRequest, IdReply) {
        struct shm *shm;
        int r = shm_new(&shm, call->process, request->size);

        if (r == 0)
                call->process->made_segments = true;
        reply_id(call, r, r == 0 ? shm->id : 0);
}

static void reply_attached(struct call *call, int status, const struct region *region, int *fd) {
        Axeberg__ShmAttachReply reply = AXEBERG__SHM_ATTACH_REPLY__INIT;

        if (region) {
                reply.region = region->id;
                reply.size = region->size;
                call->reply.fds = fd;
                call->reply.n_fds = 1;
        }
        call_reply_message(call, status, &reply.base);
}

/* A coherent attachment is the segment, which others write: it cannot be had for reading only. */
static int check_attach(const struct process *process, const struct shm *shm,
                        const Axeberg__ShmAttachRequest *request) {
        if (shm_attachment(shm, process))
                return -AX_EMEM_ALREADY_ATTACHED;
        return request->coherent && request->protection != AX_PROT_READ_WRITE ? -EINVAL : 0;
}

/* Return: 0, -AX_EMEM_SHM_NOT_FOUND, -AX_EMEM_NOT_ATTACHED. */
static int find_attachment(const struct process *process, uint64_t id, struct region **ret) {
        struct shm *shm;
        int r = shm_from_id(process, id, &shm);

        if (r < 0)
                return r;
        *ret = shm_attachment(shm, process);
        return *ret ? 0 : -AX_EMEM_NOT_ATTACHED;
}

SYSCALL(sys_shm_detach, ShmRequest, IdReply) {
        struct region *region;
        int r = find_attachment(call->process, request->shm, &region);
        uint64_t id = r == 0 ? region->id : 0;

        if (r == 0)
                region_free(region);
        reply_id(call, r, id);
}

/* A copy between a segment and an attachment. Both stay until it is done, whoever ends meanwhile. */
struct copy {
        struct job job; /* first */
        struct call *call;
        struct shm *shm;
        struct region *region;
        bool to_segment;
        bool attaching; /* the attachment's first contents: without them there is no attachment */
        int fd;         /* what an attaching program gets */
};

static struct copy *copy_new(struct call *call, struct region *region) {
        struct copy *copy = calloc(1, sizeof(*copy));

        if (copy)
                *copy = (struct copy){
                        .call = call, .shm = shm_ref(region->shm), .region = region_ref(region), .fd = -1
                };
        call->data = copy;
        return copy;
}

static void copy_free(struct copy *copy) {
        region_unref(copy->region);
        shm_unref(copy->shm);
        cleanup_close(&copy->fd);
        free(copy);
}

static void undo_attach(struct copy *copy) {
        if (copy->attaching && copy->region->shm)
                region_free(copy->region);
}

static void copy_finish(struct copy *copy, int status) {
        if (status == 0 && copy->call->process)
                trace_process(copy->call->process, AX_TRACE_IPC, copy->to_segment ? "synchronised" : "refreshed",
                              "segment %llu, %zu bytes", (unsigned long long) copy->shm->id, copy->shm->size);
        if (status == 0 && !copy->region->shm)
                status = -AX_EMEM_NOT_ATTACHED; /* detached meanwhile */
        if (status < 0)
                undo_attach(copy);
        if (copy->attaching && status == 0) {
                copy->shm->was_attached = true;
                reply_attached(copy->call, 0, copy->region, &copy->fd);
        } else
                call_reply(copy->call, status);
        copy_free(copy);
}

/*
 * From where neither side fits the caches, comparing first is faster where few pages have changed (0.5 to 0.8 times a copy for a tenth of 16 MiB and more), and
 * costs little where all have, because a difference is usually found early.
 */
static void copy_memory(char *to, const char *from, size_t size) {
        if (size < COMPARE_FROM) {
                memcpy(to, from, size);
                return;
        }
        for (size_t at = 0; at < size; at += COMPARE_PAGE) {
                size_t part = size - at < COMPARE_PAGE ? size - at : COMPARE_PAGE;

                if (memcmp(to + at, from + at, part) != 0)
                        memcpy(to + at, from + at, part);
        }
}

static void copy_run(struct copy *copy) {
        if (copy->to_segment)
                copy_memory(copy->shm->map, copy->region->map, copy->shm->size);
        else
                copy_memory(copy->region->map, copy->shm->map, copy->shm->size);
}

static void copy_on_worker(struct job *job) {
        copy_run((struct copy *) job);
}

static void copy_on_done(struct job *job) {
        struct copy *copy = (struct copy *) job;

        copy->shm->busy = false;
        wait_queue_wake(&copy->shm->waiters);
        copy_finish(copy, 0);
}

static int copy_drop(struct call *call, int status) {
        undo_attach(call->data);
        copy_free(call->data);
        return status;
}

static void copy_attempt(struct call *call) {
        struct copy *copy = call->data;
        int r;

        if (!copy->region->shm) {
                copy_finish(copy, -AX_EMEM_NOT_ATTACHED); /* detached while it waited */
                return;
        }
        if (copy->shm->busy) {
                r = call_park(call, &copy->shm->waiters, copy_attempt, copy_drop);
                if (r < 0)
                        copy_finish(copy, r);
                return;
        }
        if (copy->shm->size > COPY_AT_ONCE && call_keep(call) == 0) {
                call_unpark(call);
                copy->job = (struct job){ .run = copy_on_worker, .done = copy_on_done };
                copy->shm->busy = workers_submit(call->kernel->workers, &copy->job) == 0;
                if (copy->shm->busy)
                        return;
        }
        copy_run(copy);
        copy_finish(copy, 0);
}

SYSCALL(sys_shm_attach, ShmAttachRequest, ShmAttachReply) {
        struct region *region = NULL;
        struct copy *copy;
        struct shm *shm;
        int fd = -1, r = shm_from_id(call->process, request->shm, &shm);

        if (r == 0)
                r = check_attach(call->process, shm, request);
        if (r == 0)
                r = region_attach(&region, call->process, shm, request->protection, request->coherent, &fd);
        if (r < 0) {
                reply_attached(call, r, NULL, NULL);
                return;
        }
        if (request->coherent) {
                shm->was_attached = true;
                reply_attached(call, 0, region, &shm->fd);
                return;
        }
        copy = copy_new(call, region);
        if (!copy) {
                region_free(region);
                close(fd);
                call_reply(call, -ENOMEM);
                return;
        }
        copy->attaching = true;
        copy->fd = fd;
        copy_attempt(call);
}

static void start_copy(struct call *call, uint64_t id, bool to_segment) {
        struct region *region;
        struct copy *copy;
        int r = find_attachment(call->process, id, &region);

        if (r == 0 && to_segment && region->protection != AX_PROT_READ_WRITE)
                r = -AX_EMEM_PERMISSION_DENIED;
        if (r < 0 || !region->map) { /* a coherent attachment is the segment */
                call_reply(call, r);
                return;
        }
        copy = copy_new(call, region);
        if (!copy) {
                call_reply(call, -ENOMEM);
                return;
        }
        copy->to_segment = to_segment;
        copy_attempt(call);
}

SYSCALL(sys_shm_sync, ShmRequest, Empty) {
        start_copy(call, request->shm, true);
}

SYSCALL(sys_shm_refresh, ShmRequest, Empty) {
        start_copy(call, request->shm, false);
}

SYSCALL(sys_memory_stats, MemoryStatsRequest, MemoryStatsReply) {
        Axeberg__MemoryStatsReply reply = AXEBERG__MEMORY_STATS_REPLY__INIT;
        const struct process *process =
                request->pid ? process_from_pid(&call->kernel->processes, request->pid) : call->process;
        int r = !process ? -ESRCH : process_may_inspect(call->process, process) ? 0 : -EPERM;

        if (r == 0) {
                reply.allocated = process->regions.account.used;
                reply.limit = process->regions.account.limit;
                reply.peak = process->regions.account.peak;
                reply.regions = process->regions.count;
                reply.attachments = process->regions.n_attachments;
        }
        call_reply_message(call, r, &reply.base);
}

SYSCALL(sys_memory_limit, MemoryLimitRequest, Empty) {
        struct process *process =
                request->pid ? process_from_pid(&call->kernel->processes, request->pid) : call->process;
        int r = 0;

        if (!process || process->state == PROCESS_ZOMBIE)
                r = -ESRCH;
        else if (process != call->process && !process_is_administrator(call->process))
                r = -EPERM;
        if (r == 0)
                process_set_memory_limit(process, request->limit);
        call_reply(call, r);
}

SYSCALL(sys_system_memory_stats, Empty, SystemMemoryStatsReply) {
        Axeberg__SystemMemoryStatsReply reply = AXEBERG__SYSTEM_MEMORY_STATS_REPLY__INIT;
        const struct kernel *kernel = call->kernel;

        (void) request;
        reply.allocated = kernel->memory.used;
        reply.limit = kernel->memory.limit;
        reply.peak = kernel->memory.peak;
        reply.segments = HASH_COUNT(kernel->segments);
        reply.segment_bytes = kernel->segment_bytes;
        call_reply_message(call, 0, &reply.base);
}

static void shm_info_fill(Axeberg__ShmInfo *info, const struct shm *shm) {
        struct region *region;
        unsigned count;

        DL_COUNT(shm->attachments, region, count);
        axeberg__shm_info__init(info);
        info->id = shm->id;
        info->size = shm->size;
        info->uid = shm->uid;
        info->creator = shm->creator;
        info->attachments = count;
}

/* The table lists segments in the order in which they were made, and so of their ids. */
SYSCALL(sys_shm_list, ShmListRequest, ShmListReply) {
        Axeberg__ShmListReply reply = AXEBERG__SHM_LIST_REPLY__INIT;
        Axeberg__ShmInfo infos[SEGMENTS_PER_REPLY], *pointers[SEGMENTS_PER_REPLY];
        struct shm *shm, *next;
        size_t count = 0;

        HASH_ITER (hh, call->kernel->segments, shm, next) {
                if (shm->id <= request->after_id)
                        continue;
                reply.more = count == SEGMENTS_PER_REPLY;
                if (reply.more)
                        break;
                shm_info_fill(&infos[count], shm);
                pointers[count] = &infos[count];
                count++;
        }
        reply.n_segments = count;
        reply.segments = pointers;
        call_reply_message(call, (int) count, &reply.base);
}

void syscalls_add_memory(Axeberg__Kernel_Service *service) {
        service->memory_alloc = sys_memory_alloc;
        service->memory_free = sys_memory_free;
        service->shm_get = sys_shm_get;
        service->shm_attach = sys_shm_attach;
        service->shm_detach = sys_shm_detach;
        service->shm_sync = sys_shm_sync;
        service->shm_refresh = sys_shm_refresh;
        service->memory_stats = sys_memory_stats;
        service->memory_limit = sys_memory_limit;
        service->system_memory_stats = sys_system_memory_stats;
        service->shm_list = sys_shm_list;
}
