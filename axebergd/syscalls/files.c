/* SPDX-License-Identifier: MIT */
/*
 * Calls on descriptors.
 *
 * An operation on an object is an `io`. It is tried. If it would have to wait, the call parks on
 * the object's wait queue, and the operation is tried again when that is woken. If the object lies
 * on a disk, a worker does the operation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "axeberg.h"
#include "config.h"
#include "kernel.h"
#include "object/object.h"
#include "object/pipe.h"
#include "process/process.h"
#include "process/signal.h"
#include "syscalls/call.h"
#include "syscalls/syscalls.h"
#include "util/cleanup.h"
#include "util/identity.h"
#include "util/workers.h"

struct io;

struct io_type {
        int64_t (*run)(struct io *io);
        void (*finish)(struct call *call, struct io *io);         /* answers the call */
        struct wait_queue *(*queue)(const struct object *object); /* to wait on for -EAGAIN */
        bool is_slow;                                             /* always for a worker */
};

struct io {
        struct job job;
        const struct io_type *type;
        struct call *call;
        struct object *object;
        uint8_t *buffer; /* reads: into this; writes: the call's trailer */
        struct user_charge buffer_charge;
        size_t size;
        size_t progress; /* of a write that waits for more room */
        int64_t offset;
        bool positioned, nowait, want_direct;
        int host_fd; /* that goes with the answer */
        int whence;
        int64_t result;
        int failed; /* why a write went no further */
        struct statx status;
};

/* What a read fills when it is done at once. */
static uint8_t read_buffer[AX_FRAME_MAX_PAYLOAD];

static void io_free(struct io *io) {
        if (io->buffer != read_buffer)
                free(io->buffer);
        user_charge_deinit(&io->buffer_charge);
        object_unref(io->object);
        free(io);
}

/* A write that got somewhere tells how far; only one that did nothing has failed. */
static int io_drop(struct call *call, int status) {
        struct io *io = call->data;

        if (io->progress > 0 && status == -EINTR)
                status = (int) io->progress;
        io_free(io);
        call->data = NULL;
        return status;
}

static void io_finish(struct io *io) {
        struct call *call = io->call;

        io->type->finish(call, io);
        io_free(io);
}

static struct wait_queue *io_queue(const struct io *io) {
        if (io->result != -EAGAIN || !io->type->queue || io->nowait || io->object->flags & AX_O_NONBLOCK)
                return NULL;
        return io->type->queue(io->object);
}

static void io_attempt(struct call *call);

/* The operation has been tried: answers the call, or parks it. */
static void io_settle(struct call *call) {
        struct io *io = call->data;
        struct wait_queue *queue = io_queue(io);
        int r;

        if (!queue) {
                io_finish(io);
                return;
        }
        r = call_park(call, queue, io_attempt, io_drop);
        if (r < 0) {
                io->result = io->progress > 0 ? (int64_t) io->progress : r;
                io_finish(io);
        }
}

static void io_on_worker(struct job *job) {
        struct io *io = (struct io *) job;

        io->result = io->type->run(io);
}

/* Those that found nothing wait; what they wait for may have come meanwhile, and is told again. */
static void io_on_done(struct job *job) {
        struct io *io = (struct io *) job;

        user_unref(job->user);
        if (io->call->process)
                io_settle(io->call);
        else
                io_finish(io);
}

/* Makes a job of the operation. Returns 0, or a negative errno: it has not begun. */
static int io_submit(struct io *io) {
        int r = call_keep(io->call);

        if (r < 0)
                return r;
        if (io->buffer == read_buffer) {
                r = user_charge(io->call->process->user, &io->buffer_charge, USER_BUFFERS, io->size + 1);
                if (r < 0)
                        return r;
                io->buffer = malloc(io->size + 1);
                if (!io->buffer)
                        return -ENOMEM;
        }
        io->job = (struct job){ .run = io_on_worker, .done = io_on_done, .user = user_ref(io->call->process->user) };
        io->job.slow = io->type->is_slow || identity_is_slow(io->call->process->identity);
        r = workers_submit(io->call->kernel->workers, &io->job);
        if (r < 0)
                user_unref(io->job.user);
        return r;
}

static void io_attempt(struct call *call) {
        struct io *io = call->data;
        int r;

        if (!io->object->may_block) {
                io->result = io->type->run(io);
                io_settle(call);
                return;
        }
        call_unpark(call);
        r = io_submit(io);
        if (r < 0) {
                io->result = io->progress > 0 ? (int64_t) io->progress : r;
                io_finish(io);
        }
}

/* Makes an operation on a descriptor; answers the call where there is none. */
static struct io *io_new(struct call *call, int fd, const struct io_type *type) {
        struct object *object = fdtable_get(&call->process->fds, fd);
        struct io *io = object ? calloc(1, sizeof(*io)) : NULL;

        if (!io) {
                call_reply(call, object ? -ENOMEM : -EBADF);
                return NULL;
        }
        io->type = type;
        io->call = call;
        io->object = object_ref(object);
        call->data = io;
        return io;
}

static int64_t read_run(struct io *io) {
        return io->positioned ? object_pread(io->object, io->buffer, io->size, io->offset)
                              : object_read(io->object, io->buffer, io->size);
}

/* Gives the program the host's descriptor along with the answer, where it may have it. */
static void offer_direct(struct call *call, struct io *io) {
        struct object *object = io->object;

        if (!io->want_direct || io->result < 0 || !call->process || !call->kernel->config->direct ||
            !object->ops->host_fd)
                return;
        io->host_fd = object->ops->host_fd(object, call->process->host.alive);
        if (io->host_fd < 0)
                return;
        call->reply.fds = &io->host_fd;
        call->reply.n_fds = 1;
}

static void read_finish(struct call *call, struct io *io) {
        offer_direct(call, io);
        if (io->result > 0)
                call->kernel->counters.bytes_read += (uint64_t) io->result;
        if (io->result > 0 && call->process)
                call->process->bytes_read += (uint64_t) io->result;
        call_reply_trailer(call, (int) io->result, io->buffer, io->result > 0 ? (size_t) io->result : 0);
}

static struct wait_queue *readable(const struct object *object) {
        return object->ops->readable ? object->ops->readable((struct object *) object) : NULL;
}

static struct wait_queue *writable(const struct object *object) {
        return object->ops->writable ? object->ops->writable((struct object *) object) : NULL;
}

static const struct io_type read_type = { read_run, read_finish, readable, false };

/* Makes a read; answers the call if it cannot. */
static struct io *read_new(struct call *call, int fd, uint32_t size, bool continued) {
        struct io *io = io_new(call, fd, &read_type);

        if (!io)
                return NULL;
        if (continued)
                call_continues(call);
        io->buffer = read_buffer;
        io->size = size < AX_FRAME_MAX_PAYLOAD ? size : AX_FRAME_MAX_PAYLOAD;
        io->nowait = continued;
        return io;
}

SYSCALL(read, ReadRequest, Empty) {
        struct io *io = read_new(call, request->fd, request->size, request->continued);

        if (!io)
                return;
        io->want_direct = request->want_direct;
        io_attempt(io->call);
}

SYSCALL(pread, PreadRequest, Empty) {
        struct io *io = read_new(call, request->fd, request->size, request->continued);

        if (!io)
                return;
        io->want_direct = request->want_direct;
        io->offset = request->offset;
        io->positioned = true;
        io_attempt(io->call);
}

/* An object that can be waited for takes all, in several goes; others say how much they took. */
static int64_t write_run(struct io *io) {
        const struct call *call = io->call;
        const uint8_t *data = call->trailer + io->progress;
        size_t size = call->trailer_size - io->progress;
        ssize_t n;

        if (io->positioned)
                return object_pwrite(io->object, data, size, io->offset);
        n = object_write(io->object, data, size);
        if (n < 0 && n != -EAGAIN) {
                io->failed = (int) n;
                return io->progress > 0 ? (int64_t) io->progress : n;
        }
        if (n > 0)
                io->progress += (size_t) n;
        if (io->progress < call->trailer_size && io->object->ops->writable && !(io->object->flags & AX_O_NONBLOCK))
                return -EAGAIN;
        return io->progress > 0 ? (int64_t) io->progress : n;
}

static void write_finish(struct call *call, struct io *io) {
        if (io->result > 0)
                call->kernel->counters.bytes_written += (uint64_t) io->result;
        if (io->result > 0 && call->process)
                call->process->bytes_written += (uint64_t) io->result;
        call_unpark(call); /* the signal must not end it, nor interrupt it */
        if (pipe_signal(io->failed) && call->process)
                signal_send(call->process, pipe_signal(io->failed));
        offer_direct(call, io);
        call_reply(call, io->result);
}

static const struct io_type write_type = { write_run, write_finish, writable, false };

SYSCALL(write, WriteRequest, Empty) {
        struct io *io = io_new(call, request->fd, &write_type);

        if (!io)
                return;
        if (request->continued)
                call_continues(call);
        io->want_direct = request->want_direct;
        io_attempt(io->call);
}

SYSCALL(pwrite, PwriteRequest, Empty) {
        struct io *io = io_new(call, request->fd, &write_type);

        if (!io)
                return;
        if (request->continued)
                call_continues(call);
        io->offset = request->offset;
        io->positioned = true;
        io->want_direct = request->want_direct;
        io_attempt(io->call);
}

static int64_t seek_run(struct io *io) {
        return object_seek(io->object, io->offset, io->whence);
}

static void seek_finish(struct call *call, struct io *io) {
        Axeberg__OffsetReply reply = AXEBERG__OFFSET_REPLY__INIT;

        reply.offset = io->result >= 0 ? io->result : 0;
        call_reply_message(call, io->result < 0 ? (int) io->result : 0, &reply.base);
}

static const struct io_type seek_type = { seek_run, seek_finish, NULL, false };

SYSCALL(seek, SeekRequest, OffsetReply) {
        struct io *io = io_new(call, request->fd, &seek_type);

        if (!io)
                return;
        io->offset = request->offset;
        io->whence = request->whence <= INT32_MAX ? (int) request->whence : -1;
        io_attempt(io->call);
}

static void plain_finish(struct call *call, struct io *io) {
        call_reply(call, io->result);
}

static int64_t fsync_run(struct io *io) {
        return object_sync(io->object);
}

static const struct io_type fsync_type = { fsync_run, plain_finish, NULL, true };

SYSCALL(fsync, FdRequest, Empty) {
        struct io *io = io_new(call, request->fd, &fsync_type);

        if (io)
                io_attempt(io->call);
}

static int64_t ftruncate_run(struct io *io) {
        return object_truncate(io->object, io->offset);
}

static const struct io_type ftruncate_type = { ftruncate_run, plain_finish, NULL, false };

SYSCALL(ftruncate, FtruncateRequest, Empty) {
        struct io *io = io_new(call, request->fd, &ftruncate_type);

        if (!io)
                return;
        io->offset = request->size;
        io_attempt(io->call);
}

static int64_t fstat_run(struct io *io) {
        return object_stat(io->object, &io->status);
}

static void fstat_finish(struct call *call, struct io *io) {
        Axeberg__StatReply reply = AXEBERG__STAT_REPLY__INIT;

        stat_reply_fill(&reply, &io->status);
        call_reply_message(call, (int) io->result, &reply.base);
}

static const struct io_type fstat_type = { fstat_run, fstat_finish, NULL, false };

SYSCALL(fstat, FdRequest, StatReply) {
        struct io *io = io_new(call, request->fd, &fstat_type);

        if (io)
                io_attempt(io->call);
}

SYSCALL(close, FdRequest, Empty) {
        call_reply(call, fdtable_remove(&call->process->fds, request->fd));
}

SYSCALL(dup, FdRequest, Empty) {
        struct object *object = fdtable_get(&call->process->fds, request->fd);

        call_reply(call, object ? fdtable_add(&call->process->fds, object) : -EBADF);
}

SYSCALL(dup2, Dup2Request, Empty) {
        struct object *object = fdtable_get(&call->process->fds, request->fd);

        call_reply(call, object ? fdtable_set(&call->process->fds, request->newfd, object) : -EBADF);
}

SYSCALL(set_nonblock, SetNonblockRequest, Empty) {
        struct object *object = fdtable_get(&call->process->fds, request->fd);

        if (object)
                object->flags = request->on ? object->flags | AX_O_NONBLOCK : object->flags & ~(unsigned) AX_O_NONBLOCK;
        call_reply(call, object ? 0 : -EBADF);
}
