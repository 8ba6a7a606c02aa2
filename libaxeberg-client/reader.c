/* SPDX-License-Identifier: MIT */
#include "reader.h"

#include <poll.h>
#include <sys/socket.h>
#include <utlist.h>

#include "in_flight.h"

enum { ROOM_WAIT_MS = 20 };

static void waiter_init(struct waiter *waiter) {
        pthread_condattr_t attributes;

        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&waiter->wake, &attributes);
        pthread_condattr_destroy(&attributes);
}

/*
 * Sleeps, with the lock released, until woken, maybe for nothing. `rpc` is the call that the thread
 * waits for, or NULL. Returns 0 or ETIMEDOUT.
 */
static int sleep_until_woken(ax_client *ax, struct rpc *rpc, const struct timespec *deadline) {
        struct waiter waiter;
        int r;

        waiter_init(&waiter);
        DL_APPEND(ax->waiters, &waiter);
        if (rpc)
                rpc->sleeper = &waiter;
        r = deadline ? pthread_cond_timedwait(&waiter.wake, &ax->lock, deadline)
                     : pthread_cond_wait(&waiter.wake, &ax->lock);
        DL_DELETE(ax->waiters, &waiter);
        if (rpc)
                rpc->sleeper = NULL;
        pthread_cond_destroy(&waiter.wake);
        return r;
}

/*
 * Every thread that stops reading or waiting calls this, so that a thread that still sleeps
 * becomes the reader. The one that is woken may be on its way out already; then it passes the
 * role on in turn.
 */
static void pass_role_on(ax_client *ax) {
        if (!ax->has_reader && ax->waiters)
                pthread_cond_signal(&ax->waiters->wake);
}

/* With the lock held, which is released while waiting; as the reader. */
static void read_one(ax_client *ax, int flags) {
        struct frame frame;
        int r;

        pthread_mutex_unlock(&ax->lock);
        r = frame_receive(ax->fd, ax->receive_buffer, flags, &frame);
        pthread_mutex_lock(&ax->lock);
        if (r == 0)
                r = in_flight_handle(ax, &frame);
        if (r < 0 && r != -AX_EAGAIN)
                in_flight_break(ax, r);
}

void reader_wait(ax_client *ax, struct rpc *rpc) {
        pthread_mutex_lock(&ax->lock);
        while (!rpc->done) {
                if (ax->has_reader) {
                        sleep_until_woken(ax, rpc, NULL);
                        continue;
                }
                ax->has_reader = true;
                while (!rpc->done)
                        read_one(ax, 0);
                ax->has_reader = false;
        }
        pass_role_on(ax);
        pthread_mutex_unlock(&ax->lock);
}

/*
 * The daemon does not read while we do not: takes replies in until there is room for a request. A
 * different thread that reads may stop at any time without knowing of us, so beside one this waits
 * only a little while.
 */
static void make_room(ax_client *ax) {
        struct pollfd poll_fd = { .fd = ax->fd };
        bool reader;

        pthread_mutex_lock(&ax->lock);
        reader = !ax->has_reader;
        ax->has_reader = true;
        pthread_mutex_unlock(&ax->lock);
        poll_fd.events = reader ? POLLIN | POLLOUT : POLLOUT;
        poll(&poll_fd, 1, reader ? -1 : ROOM_WAIT_MS);
        if (!reader)
                return;
        pthread_mutex_lock(&ax->lock);
        if (poll_fd.revents & (POLLIN | POLLHUP | POLLERR))
                read_one(ax, MSG_DONTWAIT);
        ax->has_reader = false;
        pass_role_on(ax);
        pthread_mutex_unlock(&ax->lock);
}

int reader_send_later(ax_client *ax, const uint8_t *head, size_t head_size, const void *trailer, size_t trailer_size) {
        int r;

        do {
                make_room(ax);
                r = frame_send(ax->fd, head, head_size, trailer, trailer_size);
        } while (r == -AX_EAGAIN);
        return r;
}

static int milliseconds_until(const struct timespec *deadline) {
        struct timespec now;
        double left_ms;

        if (!deadline)
                return -1;
        clock_gettime(CLOCK_MONOTONIC, &now);
        left_ms = (double) (deadline->tv_sec - now.tv_sec) * 1e3 + (double) (deadline->tv_nsec - now.tv_nsec) / 1e6;
        if (left_ms <= 0)
                return 0;
        return left_ms > 1e6 ? 1000000 : (int) left_ms + 1;
}

/* As the reader: waits for a frame until the deadline at most. Returns 0 or ETIMEDOUT. */
static int read_until(ax_client *ax, const struct timespec *deadline) {
        struct pollfd poll_fd = { .fd = ax->fd, .events = POLLIN };
        int timeout_ms = milliseconds_until(deadline), n;

        ax->has_reader = true;
        pthread_mutex_unlock(&ax->lock);
        n = poll(&poll_fd, 1, timeout_ms);
        pthread_mutex_lock(&ax->lock);
        if (n > 0)
                read_one(ax, MSG_DONTWAIT);
        ax->has_reader = false;
        pass_role_on(ax);
        return n == 0 && milliseconds_until(deadline) == 0 ? ETIMEDOUT : 0;
}

int reader_wait_events(ax_client *ax, const struct timespec *deadline) {
        int r = 0, result;

        pthread_mutex_lock(&ax->lock);
        while (!ax->handlers_due && ax->broken == 0 && r != ETIMEDOUT)
                r = ax->has_reader ? sleep_until_woken(ax, NULL, deadline) : read_until(ax, deadline);
        result = ax->handlers_due ? 1 : ax->broken;
        pass_role_on(ax);
        pthread_mutex_unlock(&ax->lock);
        return result;
}
