/* SPDX-License-Identifier: MIT */
/*
 * Calls of mounts that cache: see vfs/changes.h.
 */
#include <errno.h>
#include <stdlib.h>

#include "kernel.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "util/cleanup.h"

static struct change_cache *cache_from_fd(const struct call *call, int fd) {
        struct object *object = fdtable_get(&call->process->fds, fd);

        return object ? change_cache_from_object(object) : NULL;
}

/* A kept call has the descriptor's number for data. */
static void answer_joined(struct call *call) {
        int number = (int) (intptr_t) call->data, page_fd;
        const struct change_cache *cache = cache_from_fd(call, number);

        if (!cache) {
                call_reply(call, -EBADF);
                return;
        }
        page_fd = change_cache_page(cache);
        call->reply.fds = &page_fd;
        call->reply.n_fds = 1;
        call_reply(call, number);
}

static int drop_joined(struct call *call, int status) {
        call->data = NULL;
        return status;
}

/* A mount serves once the one before has stopped caching, which would not learn of its changes. */
SYSCALL(mount_cache, Empty, Empty) {
        _cleanup_(object_cleanup) struct object *cache = NULL;
        struct changes *changes = &call->kernel->vfs.changes;
        struct wait_queue *queue;
        int r;

        (void) request;
        r = process_is_administrator(call->process) ? change_cache_new(&cache, changes) : -EPERM;
        if (r == 0)
                r = fdtable_add(&call->process->fds, cache);
        if (r < 0) {
                call_reply(call, r);
                return;
        }
        call->data = (void *) (intptr_t) r;
        queue = changes_stop_queue(changes);
        if (!queue || call_park(call, queue, answer_joined, drop_joined) < 0)
                answer_joined(call);
}

static bool answer(struct call *call, struct change_cache *cache) {
        Axeberg__MountChange messages[CHANGES_QUEUED], *pointers[CHANGES_QUEUED];
        Axeberg__MountChangesReply reply = AXEBERG__MOUNT_CHANGES_REPLY__INIT;
        struct change_batch batch;

        if (!change_cache_take(cache, &batch))
                return false;
        for (unsigned i = 0; i < batch.count; i++) {
                axeberg__mount_change__init(&messages[i]);
                messages[i].kind = batch.changes[i].kind;
                messages[i].dev = batch.changes[i].dev;
                messages[i].ino = batch.changes[i].ino;
                messages[i].name = batch.changes[i].name;
                pointers[i] = &messages[i];
        }
        reply.caching = batch.caching;
        reply.everything = batch.everything;
        reply.n_changes = batch.count;
        reply.changes = pointers;
        call_reply_message(call, 0, &reply.base);
        return true;
}

struct fetching {
        struct object *object; /* the cache's */
};

static void fetching_free(struct fetching *fetching) {
        object_unref(fetching->object);
        free(fetching);
}

static int fetching_drop(struct call *call, int status) {
        fetching_free(call->data);
        return status;
}

static void fetching_attempt(struct call *call) {
        struct fetching *fetching = call->data;
        struct change_cache *cache = change_cache_from_object(fetching->object);
        int r = 0;

        if (answer(call, cache) ||
            (r = call_park(call, change_cache_queue(cache), fetching_attempt, fetching_drop)) < 0)
                fetching_free(fetching);
        if (r < 0)
                call_reply(call, r);
}

SYSCALL(mount_changes, MountChangesRequest, MountChangesReply) {
        struct change_cache *cache = cache_from_fd(call, request->fd);
        struct fetching *fetching = cache ? malloc(sizeof(*fetching)) : NULL;

        if (!fetching) {
                call_reply(call, cache ? -ENOMEM : -EBADF);
                return;
        }
        fetching->object = object_ref(fdtable_get(&call->process->fds, request->fd));
        call->data = fetching;
        change_cache_acknowledge(cache);
        fetching_attempt(call);
}
