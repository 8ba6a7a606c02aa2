/* SPDX-License-Identifier: MIT */
#include "object/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "account/closer.h"
#include "axeberg.h"
#include "inode.h"
#include "object/fifo.h"
#include "object/file.h"
#include "util/cleanup.h"
#include "util/container.h"

static struct pipe_end *pipe_end_from_object(struct object *object) {
        return container_of(object, struct pipe_end, object);
}

static ssize_t pipe_read(struct object *object, void *buffer, size_t size) {
        ssize_t n = read(pipe_end_from_object(object)->fd, buffer, size);

        return n < 0 ? -errno : n;
}

static ssize_t pipe_write(struct object *object, const void *buffer, size_t size) {
        ssize_t n = write(pipe_end_from_object(object)->fd, buffer, size);

        return n < 0 ? -errno : n;
}

static int pipe_stat(struct object *object, struct statx *ret) {
        const struct pipe_end *end = pipe_end_from_object(object);

        if (statx(end->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, ret) < 0)
                return -errno;
        if (end->fifo)
                ret->stx_ino = inode_shown(end->store, ret->stx_ino);
        return 0;
}

static int pipe_describe(struct object *object, char *buffer, size_t size) {
        const struct pipe_end *end = pipe_end_from_object(object);
        struct statx status;

        if (end->fifo)
                return file_namespace_path(end->fd, end->root_fd, end->mount_point, buffer, size);
        if (pipe_stat(object, &status) < 0)
                return snprintf(buffer, size, "pipe:");
        return snprintf(buffer, size, "pipe:[%llu]", (unsigned long long) status.stx_ino);
}

/* Watches for the events that calls still wait for. */
static void watch(struct pipe_end *end) {
        uint32_t events = (end->readers.waiters ? EPOLLIN : 0u) | (end->writers.waiters ? EPOLLOUT : 0u);

        if (events)
                lane_set_events(&end->source, events);
        else
                lane_unwatch(&end->source);
}

/*
 * The data is enough for one call; the next is woken if there is still some when that has run. At
 * the end of the pipe all have the same answer.
 */
static void pipe_on_ready(struct lane_source *source, uint32_t events) {
        struct pipe_end *end = container_of(source, struct pipe_end, source);
        void (*wake)(struct wait_queue *) = events & (EPOLLHUP | EPOLLERR) ? wait_queue_wake : wait_queue_wake_one;

        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                wake(&end->readers);
        if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
                wake(&end->writers);
        watch(end);
}

/* NULL if readiness cannot be watched: the call fails with WouldBlock. */
static struct wait_queue *wait_on(struct pipe_end *end, struct wait_queue *queue) {
        uint32_t event = queue == &end->readers ? EPOLLIN : EPOLLOUT;

        if (end->source.lane)
                lane_set_events(&end->source, end->source.events | event);
        else if (lane_watch(&end->charge.user->lane, &end->source, end->fd, event, pipe_on_ready) < 0)
                return NULL;
        return queue;
}

static struct wait_queue *pipe_readable(struct object *object) {
        struct pipe_end *end = pipe_end_from_object(object);

        return wait_on(end, &end->readers);
}

static struct wait_queue *pipe_writable(struct object *object) {
        struct pipe_end *end = pipe_end_from_object(object);

        return wait_on(end, &end->writers);
}

/*
 * Another description of the pipe's end. Returns a descriptor or a negative errno (-ENXIO: nobody
 * reads).
 */
static int reopen(const struct pipe_end *end) {
        char path[32];
        int fd;

        snprintf(path, sizeof(path), "/proc/self/fd/%d", end->fd);
        fd = open(path, (end->object.flags & AX_O_WRITE ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/*
 * Only for a program that ends when its process does: otherwise the other end would wait for a
 * descriptor that a dead process still holds. FIFOs' ends are counted, so they stay here.
 */
static int pipe_host_fd(struct object *object, bool ends) {
        struct pipe_end *end = pipe_end_from_object(object);

        if (end->fifo || !ends)
                return -EOPNOTSUPP;
        if (end->donated_fd >= 0)
                return end->donated_fd;
        if (user_charge(end->charge.user, &end->donated_charge, USER_HOST_FDS, 1) < 0)
                return -EDQUOT;
        end->donated_fd = reopen(end);
        if (end->donated_fd < 0) {
                user_charge_deinit(&end->donated_charge);
                return end->donated_fd;
        }
        object->may_block = true;
        if (end->peer)
                end->peer->object.may_block = true;
        return end->donated_fd;
}

static void close_end(struct pipe_end *end, int fd) {
        if (end->object.may_block)
                close_later(end->workers, end->charge.user, fd);
        else
                cleanup_close(&fd);
}

static void pipe_free(struct object *object) {
        struct pipe_end *end = pipe_end_from_object(object);

        lane_unwatch(&end->source);
        close_end(end, end->donated_fd);
        close_end(end, end->fd);
        if (end->peer)
                end->peer->peer = NULL;
        if (end->fifo)
                fifo_remove_end(end->fifo, object->flags);
        user_charge_deinit(&end->donated_charge);
        user_charge_deinit(&end->fd_charge);
        user_charge_deinit(&end->charge);
        free(end);
}

static const struct object_ops pipe_ops = {
        .name = "pipe",
        .read = pipe_read,
        .write = pipe_write,
        .stat = pipe_stat,
        .describe = pipe_describe,
        .host_fd = pipe_host_fd,
        .readable = pipe_readable,
        .writable = pipe_writable,
        .free = pipe_free,
};

int pipe_end_new(struct pipe_end **ret, struct workers *workers, struct user *user, int fd, unsigned flags) {
        struct pipe_end *end = calloc(1, sizeof(*end));
        int r = end ? user_charge(user, &end->charge, USER_PIPES, 1) : -ENOMEM;

        if (r == 0)
                r = user_charge(user, &end->fd_charge, USER_HOST_FDS, 1);
        if (r < 0) {
                if (end)
                        user_charge_deinit(&end->charge);
                free(end);
                return r;
        }
        object_init(&end->object, &pipe_ops, flags & (AX_O_READ | AX_O_WRITE | AX_O_NONBLOCK));
        end->workers = workers;
        end->fd = fd;
        end->donated_fd = -1;
        *ret = end;
        return 0;
}

int pipe_new(struct workers *workers, struct user *user, struct object **ret_reader, struct object **ret_writer) {
        struct pipe_end *reader, *writer;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        r = pipe_end_new(&reader, workers, user, fds[0], AX_O_READ);
        if (r < 0) {
                close(fds[0]);
                close(fds[1]);
                return r;
        }
        r = pipe_end_new(&writer, workers, user, fds[1], AX_O_WRITE);
        if (r < 0) {
                object_unref(&reader->object);
                close(fds[1]);
                return r;
        }
        reader->peer = writer;
        writer->peer = reader;
        *ret_reader = &reader->object;
        *ret_writer = &writer->object;
        return 0;
}

int pipe_signal(int error) {
        return error == -EPIPE ? AX_SIGPIPE : 0;
}
