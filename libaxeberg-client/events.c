/* SPDX-License-Identifier: MIT */
/*
 * What an event loop needs: a descriptor to wait for, and a function that does what is due.
 */
#include <math.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "client.h"
#include "host_fd.h"
#include "reader.h"
#include "signal_handlers.h"

/* With the lock held: joins the socket with the library's own reasons to be looked after. */
static int make_epoll(ax_client *ax) {
        struct epoll_event event = { .events = EPOLLIN };

        ax->event_fd = above_standard(eventfd(ax->handlers_due, EFD_CLOEXEC | EFD_NONBLOCK));
        ax->epoll_fd = above_standard(epoll_create1(EPOLL_CLOEXEC));
        if (ax->event_fd >= 0 && ax->epoll_fd >= 0 &&
            epoll_ctl(ax->epoll_fd, EPOLL_CTL_ADD, ax->event_fd, &event) == 0 &&
            epoll_ctl(ax->epoll_fd, EPOLL_CTL_ADD, ax->fd, &event) == 0)
                return ax->epoll_fd;
        close_fd(&ax->event_fd);
        close_fd(&ax->epoll_fd);
        return -AX_EMFILE;
}

int ax_fileno(ax_client *ax) {
        int r = client_check(ax);

        if (r < 0)
                return r;
        pthread_mutex_lock(&ax->lock);
        r = ax->epoll_fd >= 0 ? ax->epoll_fd : make_epoll(ax);
        pthread_mutex_unlock(&ax->lock);
        return r;
}

static struct timespec deadline_after(double timeout_ms) {
        struct timespec deadline;

        clock_gettime(CLOCK_MONOTONIC, &deadline);
        if (timeout_ms > 1e12) /* thirty years: long enough, and no overflow */
                timeout_ms = 1e12;
        deadline.tv_sec += (time_t) (timeout_ms / 1e3);
        deadline.tv_nsec += (long) (fmod(timeout_ms, 1e3) * 1e6);
        if (deadline.tv_nsec >= 1000000000) {
                deadline.tv_sec++;
                deadline.tv_nsec -= 1000000000;
        }
        return deadline;
}

static bool is_past(const struct timespec *deadline) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return now.tv_sec > deadline->tv_sec || (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

int ax_dispatch(ax_client *ax, double timeout_ms) {
        int r = client_check(ax);
        struct timespec deadline;

        if (r < 0)
                return r;
        if (isnan(timeout_ms))
                return -AX_EINVAL;
        deadline = deadline_after(timeout_ms > 0 ? timeout_ms : 0);
        do {
                r = reader_wait_events(ax, timeout_ms < 0 ? NULL : &deadline);
                if (r > 0)
                        r = client_run_handlers(ax);
                /*
                 * a different thread may have been faster, or a signal may have come that has no
                 * handler
                 */
        } while (r == 0 && (timeout_ms < 0 || !is_past(&deadline)));
        return r;
}
