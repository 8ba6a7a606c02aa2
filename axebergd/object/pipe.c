#include "object/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "axeberg.h"
#include "object/fifo.h"
#include "object/file.h"
#include "process/process.h"
#include "util/cleanup.h"

static struct pipe_end *pipe_end_from_object(struct object *object) {
        return (struct pipe_end *) object;
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
        ret->stx_ino |= end->ino_prefix;
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

/* Watches for what somebody still waits for. */
static void watch(struct pipe_end *end, bool readers, bool writers) {
        uint32_t events = (readers ? EPOLLIN : 0) | (writers ? EPOLLOUT : 0);

        if (events)
                sd_event_source_set_io_events(end->source, events);
        sd_event_source_set_enabled(end->source, events ? SD_EVENT_ON : SD_EVENT_OFF);
}

static int pipe_on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct pipe_end *end = userdata;

        (void) source;
        (void) fd;
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                wait_queue_wake(&end->readers);
        if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
                wait_queue_wake(&end->writers);
        watch(end, end->readers.waiters, end->writers.waiters);
        return 0;
}

/* NULL where readiness cannot be watched: the call fails with WouldBlock. */
static struct wait_queue *wait_on(struct pipe_end *end, struct wait_queue *queue) {
        if (!end->source && sd_event_add_io(end->event, &end->source, end->fd, EPOLLIN, pipe_on_ready, end) < 0)
                return NULL;
        watch(end, queue == &end->readers || end->readers.waiters, queue == &end->writers || end->writers.waiters);
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
 * Only to a program that ends when its process does: else the other end would wait for what a dead process still holds. FIFOs' ends are counted, so they
 * stay here.
 */
static int pipe_host_fd(struct object *object, const struct process *process) {
        const struct pipe_end *end = pipe_end_from_object(object);

        return !end->fifo && process->host.alive ? end->fd : -EOPNOTSUPP;
}

static void pipe_free(struct object *object) {
        struct pipe_end *end = pipe_end_from_object(object);

        sd_event_source_disable_unref(end->source);
        cleanup_close(&end->fd);
        if (end->fifo)
                fifo_remove_end(end->fifo, object->flags);
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

int pipe_end_new(struct pipe_end **ret, sd_event *event, struct user *user, int fd, unsigned flags) {
        struct pipe_end *end = calloc(1, sizeof(*end));
        int r = end ? user_charge(user, &end->charge, USER_PIPES, 1) : -ENOMEM;

        if (r < 0) {
                free(end);
                return r;
        }
        object_init(&end->object, &pipe_ops, flags & (AX_O_READ | AX_O_WRITE | AX_O_NONBLOCK));
        end->event = event;
        end->fd = fd;
        *ret = end;
        return 0;
}

int pipe_new(sd_event *event, struct user *user, struct object **ret_reader, struct object **ret_writer) {
        struct pipe_end *reader, *writer;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;
        r = pipe_end_new(&reader, event, user, fds[0], AX_O_READ);
        if (r < 0) {
                close(fds[0]);
                close(fds[1]);
                return r;
        }
        r = pipe_end_new(&writer, event, user, fds[1], AX_O_WRITE);
        if (r < 0) {
                object_unref(&reader->object);
                close(fds[1]);
                return r;
        }
        *ret_reader = &reader->object;
        *ret_writer = &writer->object;
        return 0;
}
