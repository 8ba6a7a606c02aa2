/* SPDX-License-Identifier: MIT */
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
#include "memory/region.h"
#include "memory/shm.h"
#include "process/lifecycle.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/reply_list.h"
#include "syscalls/syscalls.h"
#include "util/cleanup.h"
#include "util/workers.h"

enum { SEGMENTS_PER_REPLY = 256 };

SYSCALL(mem_alloc, MemAllocRequest, IdReply) {
        struct region *region;
        int fd, r = region_new(&region, &call->process->regions, request->size, request->protection, &fd);

        if (r < 0) {
                call_reply_id(call, r, 0);
                return;
        }
        call->reply.fds = &fd;
        call->reply.n_fds = 1;
        call_reply_id(call, 0, region->id);
        close(fd);
}

SYSCALL(mem_free, RegionRequest, Empty) {
        struct region *region = region_from_id(&call->process->regions, request->region);
        int r = !region ? -AX_EMEM_INVALID_REGION : region->shm ? -AX_EMEM_PERMISSION_DENIED : 0;

        if (r == 0)
                region_free(region);
        call_reply(call, r);
}

SYSCALL(shmget, ShmgetRequest, IdReply) {
        struct shm *shm;
        int r = shm_new(&shm, &call->process->regions, request->size);

        call_reply_id(call, r, r == 0 ? shm->id : 0);
}

static void reply_attached(struct call *call, int status, const struct region *region, const int *fd) {
        Axeberg__ShmatReply reply = AXEBERG__SHMAT_REPLY__INIT;

        if (region) {
                reply.region = region->id;
                reply.size = region->size;
                call->reply.fds = fd;
                call->reply.n_fds = 1;
        }
        call_reply_message(call, status, &reply.base);
}

/* Return: 0, -AX_EMEM_SHM_NOT_FOUND, -AX_EMEM_NOT_ATTACHED. */
static int find_attachment(const struct process *process, uint64_t id, struct region **ret) {
        struct shm *shm;
        int r = shm_from_id(process->table->memory, process->identity, id, &shm);

        if (r < 0)
                return r;
        *ret = shm_attachment(shm, &process->regions);
        return *ret ? 0 : -AX_EMEM_NOT_ATTACHED;
}

SYSCALL(shmdt, ShmRequest, IdReply) {
        struct region *region;
        int r = find_attachment(call->process, request->shm, &region);
        uint64_t id = r == 0 ? region->id : 0;

        if (r == 0)
                region_free(region);
        call_reply_id(call, r, id);
}

enum copy_kind {
        COPY_ATTACH,  /* the attachment's first contents: without them there is no attachment */
        COPY_SHARE,   /* none: the program gets the segment itself, which the daemon unmaps */
        COPY_SYNC,    /* to the segment */
        COPY_REFRESH, /* from it */
};

/* What a worker does with a segment. Segment and attachment stay until it is done. */
struct copy {
        struct job job; /* first */
        struct call *call;
        struct user *user;
        struct shm *shm;
        struct region *region;
        enum copy_kind kind;
        struct memfd_side segment, attachment;
        int result;
};

static struct copy *copy_new(struct call *call, struct region *region, enum copy_kind kind) {
        struct copy *copy = calloc(1, sizeof(*copy));

        if (!copy)
                return NULL;
        copy->call = call;
        copy->user = user_ref(call->process->user);
        copy->shm = shm_ref(region->shm);
        copy->region = region_ref(region);
        copy->kind = kind;
        call->data = copy;
        return copy;
}

static void copy_free(struct copy *copy) {
        region_unref(copy->region);
        shm_unref(copy->shm);
        user_unref(copy->user);
        free(copy);
}

static bool copy_attaches(const struct copy *copy) {
        return copy->kind == COPY_ATTACH || copy->kind == COPY_SHARE;
}

static void undo_attach(struct copy *copy) {
        if (copy_attaches(copy) && copy->region->shm)
                region_free(copy->region);
}

static void trace_copy(const struct copy *copy) {
        if (copy->call->process && !copy_attaches(copy))
                trace_process(copy->call->process, AX_TRACE_IPC, copy->kind == COPY_SYNC ? "synchronised" : "refreshed",
                              "segment %llu, %zu bytes", (unsigned long long) copy->shm->id, copy->shm->size);
}

static void copy_finish(struct copy *copy, int status) {
        if (status == 0)
                trace_copy(copy);
        if (status == 0 && !copy->region->shm)
                status = -AX_EMEM_NOT_ATTACHED; /* detached meanwhile */
        if (status < 0)
                undo_attach(copy);
        if (copy_attaches(copy) && status == 0) {
                shm_set_attached(copy->shm);
                reply_attached(copy->call, 0, copy->region,
                               copy->kind == COPY_SHARE ? &copy->shm->fd : &copy->region->fd);
                region_set_passed(copy->region);
        } else
                call_reply(copy->call, status);
        copy_free(copy);
}

static void copy_on_worker(struct job *job) {
        struct copy *copy = (struct copy *) job;
        bool to_segment = copy->kind == COPY_SYNC;

        if (copy->kind == COPY_SHARE)
                shm_unmap(copy->shm);
        else
                copy->result = memfd_copy(to_segment ? &copy->segment : &copy->attachment,
                                          to_segment ? &copy->attachment : &copy->segment, copy->shm->size);
}

static void copy_on_done(struct job *job) {
        struct copy *copy = (struct copy *) job;

        copy->shm->busy = copy->region->copying = false;
        if (copy->kind == COPY_SHARE)
                user_charge_deinit(&copy->shm->map_charge);
        wait_queue_wake(&copy->shm->waiters);
        copy_finish(copy, copy->result);
}

static int copy_drop(struct call *call, int status) {
        undo_attach(call->data);
        copy_free(call->data);
        return status;
}

/* Hands the copy to a worker, which may have to wait for a program that punches its memory. */
static int copy_submit(struct copy *copy) {
        struct call *call = copy->call;
        int r = call_keep(call);

        if (r < 0)
                return r;
        call_unpark(call);
        copy->segment = shm_side(copy->shm);
        copy->attachment = region_side(copy->region);
        copy->job = (struct job){ .run = copy_on_worker, .done = copy_on_done, .user = copy->user };
        copy->shm->busy = copy->region->copying = true;
        r = workers_submit(call->kernel->workers, &copy->job);
        if (r < 0)
                copy->shm->busy = copy->region->copying = false;
        return r;
}

static void copy_attempt(struct call *call) {
        struct copy *copy = call->data;
        int r;

        if (!copy->region->shm)
                r = -AX_EMEM_NOT_ATTACHED; /* detached while it waited */
        else if (copy->shm->busy)
                r = call_park(call, &copy->shm->waiters, copy_attempt, copy_drop);
        else if (copy->kind == COPY_SHARE && !copy->shm->map) {
                copy_finish(copy, 0);
                return;
        } else
                r = copy_submit(copy);
        if (r < 0)
                copy_finish(copy, r);
}

static void attach(struct call *call, uint64_t id, unsigned protection, bool coherent) {
        struct region *region = NULL;
        struct copy *copy;
        struct shm *shm;
        int r = shm_from_id(&call->kernel->memory, call->process->identity, id, &shm);

        if (r == 0 && shm_attachment(shm, &call->process->regions))
                r = -AX_EMEM_ALREADY_ATTACHED;
        if (r == 0)
                r = region_attach(&region, &call->process->regions, shm, protection, coherent);
        if (r < 0) {
                reply_attached(call, r, NULL, NULL);
                return;
        }
        copy = copy_new(call, region, coherent ? COPY_SHARE : COPY_ATTACH);
        if (!copy) {
                region_free(region);
                call_reply(call, -ENOMEM);
                return;
        }
        copy_attempt(call);
}

SYSCALL(shmat, ShmatRequest, ShmatReply) {
        attach(call, request->shm, request->protection, false);
}

/* The attachment is the segment, which others write: it cannot be had for reading only. */
SYSCALL(shmat_coherent, ShmRequest, ShmatReply) {
        attach(call, request->shm, AX_PROT_READ_WRITE, true);
}

static void start_copy(struct call *call, uint64_t id, enum copy_kind kind) {
        struct region *region;
        int r = find_attachment(call->process, id, &region);

        if (r == 0 && kind == COPY_SYNC && region->protection != AX_PROT_READ_WRITE)
                r = -AX_EMEM_PERMISSION_DENIED;
        if (r < 0 || !region->map) { /* a coherent attachment is the segment */
                call_reply(call, r);
                return;
        }
        if (copy_new(call, region, kind))
                copy_attempt(call);
        else
                call_reply(call, -ENOMEM);
}

SYSCALL(shm_sync, ShmRequest, Empty) {
        start_copy(call, request->shm, COPY_SYNC);
}

SYSCALL(shm_refresh, ShmRequest, Empty) {
        start_copy(call, request->shm, COPY_REFRESH);
}

static void reply_memstats(struct call *call, int status, const struct process *process) {
        Axeberg__MemstatsReply reply = AXEBERG__MEMSTATS_REPLY__INIT;

        if (status == 0) {
                reply.allocated = process->regions.account.used;
                reply.limit = process->regions.account.limit;
                reply.peak = process->regions.account.peak;
                reply.regions = process->regions.count;
                reply.attachments = process->regions.n_attachments;
        }
        call_reply_message(call, status, &reply.base);
}

/* Pid 0 is the caller. */
static struct process *find_process(const struct call *call, int32_t pid) {
        return pid ? process_from_pid(&call->kernel->processes, pid) : call->process;
}

SYSCALL(memstats, Empty, MemstatsReply) {
        (void) request;
        reply_memstats(call, 0, call->process);
}

SYSCALL(memstats_of, MemstatsOfRequest, MemstatsReply) {
        const struct process *process = find_process(call, request->pid);
        int r = !process ? -ESRCH : process_may_inspect(call->process, process) ? 0 : -EPERM;

        reply_memstats(call, r, process);
}

SYSCALL(set_memlimit, SetMemlimitRequest, Empty) {
        process_set_memory_limit(call->process, request->limit);
        call_reply(call, 0);
}

SYSCALL(set_memlimit_of, SetMemlimitOfRequest, Empty) {
        struct process *process = find_process(call, request->pid);
        int r = 0;

        if (!process || process->state == PROCESS_ZOMBIE)
                r = -ESRCH;
        else if (process != call->process && !process_is_administrator(call->process))
                r = -EPERM;
        if (r == 0)
                process_set_memory_limit(process, request->limit);
        call_reply(call, r);
}

SYSCALL(system_memstats, Empty, SystemMemstatsReply) {
        Axeberg__SystemMemstatsReply reply = AXEBERG__SYSTEM_MEMSTATS_REPLY__INIT;
        const struct kernel *kernel = call->kernel;

        (void) request;
        reply.allocated = kernel->memory.account.used;
        reply.limit = kernel->memory.account.limit;
        reply.peak = kernel->memory.account.peak;
        reply.segments = HASH_COUNT(kernel->memory.segments);
        reply.segment_bytes = kernel->memory.segment_bytes;
        call_reply_message(call, 0, &reply.base);
}

static void shm_info_fill(Axeberg__ShmInfo *info, const struct shm *shm) {
        axeberg__shm_info__init(info);
        info->id = shm->id;
        info->size = shm->size;
        info->uid = shm->uid;
        info->creator = shm->creator;
        info->attachments = shm->n_attachments;
}

SYSCALL(shm_list, ShmListRequest, ShmListReply) {
        Axeberg__ShmListReply reply = AXEBERG__SHM_LIST_REPLY__INIT;
        Axeberg__ShmInfo infos[SEGMENTS_PER_REPLY], *pointers[SEGMENTS_PER_REPLY];
        const struct shm *list[SEGMENTS_PER_REPLY];
        struct reply_list taken = { 0 };
        bool more;
        size_t count = shm_list(&call->kernel->memory, request->after_id, list, SEGMENTS_PER_REPLY, &more);

        for (size_t i = 0; i < count; i++) {
                shm_info_fill(&infos[i], list[i]);
                if (!reply_list_takes(&taken, &infos[i].base)) {
                        more = true;
                        break;
                }
                pointers[i] = &infos[i];
                reply.n_segments++;
        }
        reply.more = more;
        reply.segments = pointers;
        call_reply_message(call, (int) reply.n_segments, &reply.base);
}
