/*
 * Pipes: the ends of a pipe or FIFO of the host, which keeps the data, the capacity (64 KiB), the atomicity (4096 bytes) and the count of readers and
 * writers (pipe(7)). An end is never waited for in the host: it is non-blocking, and the event loop tells when it is ready.
 */
#pragma once

#include <systemd/sd-event.h>

#include "object/object.h"
#include "process/user.h"
#include "process/wait_queue.h"

struct fifo;

struct pipe_end {
        struct object object; /* first */
        int fd;
        struct user_charge charge;
        sd_event *event;
        sd_event_source *source; /* NULL until somebody waits */
        struct wait_queue readers, writers;

        /* a FIFO's */
        struct fifo *fifo; /* or NULL */
        uint64_t ino_prefix;
        int root_fd;
        const char *mount_point;
};

/* Return: 0, -EDQUOT, -EMFILE, -ENFILE, -ENOMEM. */
int pipe_new(sd_event *event, struct user *user, struct object **ret_reader, struct object **ret_writer);

/* One end of a FIFO that is open as `fd`, which it takes over. Return: 0, -EDQUOT, -ENOMEM: fd is still the caller's. */
int pipe_end_new(struct pipe_end **ret, sd_event *event, struct user *user, int fd, unsigned flags);
