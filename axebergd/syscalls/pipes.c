/* SPDX-License-Identifier: MIT */
/*
 * Pipes, and opening FIFOs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "axeberg.h"
#include "kernel.h"
#include "object/fifo.h"
#include "object/pipe.h"
#include "process/process.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"
#include "util/cleanup.h"
#include "vfs/request.h"
#include "vfs/store.h"
#include "vfs/vfs.h"

SYSCALL(pipe, Empty, PipeReply) {
        Axeberg__PipeReply reply = AXEBERG__PIPE_REPLY__INIT;
        _cleanup_(object_cleanup) struct object *reader = NULL, *writer = NULL;
        struct fdtable *fds = &call->process->fds;
        int r = pipe_new(call->kernel->workers, call->process->user, &reader, &writer);

        (void) request;
        if (r == 0)
                r = reply.reader = fdtable_add(fds, reader);
        if (r >= 0)
                r = reply.writer = fdtable_add(fds, writer);
        if (r < 0 && reply.reader > 0)
                fdtable_remove(fds, reply.reader);
        if (r >= 0)
                trace_process(call->process, AX_TRACE_IPC, "pipe", "%d, %d", reply.reader, reply.writer);
        call_reply_message(call, r < 0 ? r : 0, &reply.base);
}

/*
 * A FIFO that is being opened. Either it is open already (`end`) and waits for a writer, or it
 * cannot be opened before there is a reader.
 */
struct fifo_opening {
        struct call *call;
        struct fifo *fifo;
        struct pipe_end *end;
        int fd; /* names the inode, or is open */
        struct user_charge fd_charge;
        unsigned flags;
        uint64_t writers_seen;
        uint32_t store;
        int root_fd;
        const char *mount_point;
};

static void fifo_opening_free(struct fifo_opening *opening) {
        if (opening->end)
                object_unref(&opening->end->object);
        fifo_unref(opening->fifo);
        cleanup_close(&opening->fd);
        user_charge_deinit(&opening->fd_charge);
        free(opening);
}

static int fifo_opening_drop(struct call *call, int status) {
        fifo_opening_free(call->data);
        return status;
}

/* Makes the end of a FIFO that the host has opened. */
static int fifo_opening_add_end(struct fifo_opening *opening, int *fd) {
        struct process *process = opening->call->process;
        int r = pipe_end_new(&opening->end, opening->call->kernel->workers, process->user, *fd, opening->flags);

        if (r < 0)
                return r;
        steal_fd(fd);
        opening->end->fifo = opening->fifo;
        opening->end->store = opening->store;
        opening->end->root_fd = opening->root_fd;
        opening->end->mount_point = opening->mount_point;
        opening->writers_seen = opening->fifo->writers_seen;
        fifo_add_end(opening->fifo, opening->flags);
        return 0;
}

/*
 * The caller's rights were checked when it asked, as by open(2), so we open it as ourselves.
 * Returns 0, or -ENXIO if there still is no reader.
 */
static int fifo_opening_reopen(struct fifo_opening *opening) {
        _cleanup_close_ int fd = -1;
        char path[40];

        snprintf(path, sizeof(path), "/proc/self/fd/%d", opening->fd);
        fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        return fd < 0 ? -errno : fifo_opening_add_end(opening, &fd);
}

static bool fifo_opening_waits(const struct fifo_opening *opening) {
        const struct fifo *fifo = opening->fifo;

        if (!opening->end)
                return true;
        if (opening->flags & (AX_O_WRITE | AX_O_NONBLOCK))
                return false;
        return fifo->n_writers == 0 && fifo->writers_seen == opening->writers_seen;
}

static void fifo_opening_attempt(struct call *call) {
        struct fifo_opening *opening = call->data;
        int r = opening->end ? 0 : fifo_opening_reopen(opening);

        if (r == 0 || r == -ENXIO) {
                if (fifo_opening_waits(opening)) {
                        r = call_park(call, &opening->fifo->openers, fifo_opening_attempt, fifo_opening_drop);
                        if (r == 0)
                                return;
                } else {
                        r = fdtable_add(&call->process->fds, &opening->end->object);
                }
        }
        fifo_opening_free(opening);
        call_reply(call, r);
}

void fifo_open(struct call *call, struct vfs_request *request) {
        const struct mount *mount = request->walks[0].mount;
        struct fifo_opening *opening = malloc(sizeof(*opening));
        int r;

        if (!opening) {
                call_reply(call, -ENOMEM);
                return;
        }
        *opening = (struct fifo_opening){
                .call = call,
                .fd = steal_fd(&request->fd),
                .flags = request->flags,
                .store = mount->store->index,
                .root_fd = mount->store->root_fd,
                .mount_point = mount->path,
        };
        user_charge_move(&opening->fd_charge, &request->fd_charge);
        r = fifo_from_fd(&call->kernel->fifos, opening->fd, &opening->fifo);
        if (r == 0 && !request->no_reader) {
                user_charge_deinit(&opening->fd_charge); /* the end has its own */
                r = fifo_opening_add_end(opening, &opening->fd);
        }
        if (r < 0) {
                fifo_opening_free(opening);
                call_reply(call, r);
                return;
        }
        call->data = opening;
        fifo_opening_attempt(call);
}
