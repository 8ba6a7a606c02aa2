/* SPDX-License-Identifier: MIT */
/* ending.c - see ending.h */
#include "ending.h"

#include "util.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>

static void *ending_thread(void *data) {
        struct ending *ending = data;
        struct pollfd fds[2] = {
                { .fd = ending->done_fd, .events = POLLIN },
                { .fd = ending->begun_fd, .events = POLLIN },
        };
        uint64_t times;

        while (poll(fds, 2, -1) < 0)
                ;
        if (fds[0].revents || read(ending->begun_fd, &times, sizeof(times)) < 0 || poll(fds, 1, ENDING_MS) != 0)
                return NULL;
        ending->leave(ending->data);
        return NULL;
}

static void set(int fd) {
        const uint64_t one = 1;

        (void) !write(fd, &one, sizeof(one));
}

static void close_descriptors(struct ending *ending) {
        if (ending->begun_fd >= 0)
                close(ending->begun_fd);
        if (ending->done_fd >= 0)
                close(ending->done_fd);
}

int ending_start(struct ending *ending, void (*leave)(void *data), void *data) {
        int r;

        *ending = (struct ending){
                .begun_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                .done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                .leave = leave,
                .data = data,
        };
        r = ending->begun_fd < 0 || ending->done_fd < 0 ? negative_errno()
                                                        : thread_start(&ending->thread, ending_thread, ending);
        ending->started = r == 0;
        if (r < 0)
                close_descriptors(ending);
        return r;
}

void ending_begin(struct ending *ending) {
        if (ending->started)
                set(ending->begun_fd);
}

void ending_stop(struct ending *ending) {
        if (!ending->started)
                return;
        set(ending->done_fd);
        pthread_join(ending->thread, NULL);
        close_descriptors(ending);
        ending->started = false;
}
