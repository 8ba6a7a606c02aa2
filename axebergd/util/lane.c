/* SPDX-License-Identifier: MIT */
#include "util/lane.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>
#include <utlist.h>

#include "util/clock.h"
#include "util/container.h"

/*
 * Woken calls go first, but a chain of calls that wake each other must not lock out input and
 * timers.
 */
enum { MAX_READY_STEPS = 32, MAX_TRIES = 32 };

enum {
        LONG_STEP_NSEC = 40000,
        LONG_SHARE = 4,            /* long steps may take a quarter of the time, */
        LONG_BURST_NSEC = 1000000, /* and so much at once: the host may have put one off */
        OTHERS_NSEC = 50000000,    /* this long after a different lane was served, others count as present */
};

static int lane_on_input(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct lane *lane = userdata;

        (void) source;
        (void) fd;
        (void) events;
        lane->has_input = true;
        lane_activate(lane);
        return 0;
}

static void lane_on_time(struct timer_queue *timers) {
        lane_activate(container_of(timers, struct lane, timers));
}

int lane_init(struct lane *lane, struct lanes *lanes, void (*hold)(struct lane *lane, bool hold)) {
        int r;

        *lane = (struct lane){ .lanes = lanes, .hold = hold, .vtime_nsec = lanes->vtime_nsec };
        lane->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (lane->epoll_fd < 0)
                return -errno;
        r = timer_queue_init(&lane->timers, lanes->event);
        lane->timers.on_time = lane_on_time;
        if (r == 0)
                r = sd_event_add_io(lanes->event, &lane->io, lane->epoll_fd, EPOLLIN, lane_on_input, lane);
        if (r < 0)
                lane_deinit(lane);
        return r < 0 ? r : 0;
}

void lane_deinit(struct lane *lane) {
        assert(!lane->ready.waiters && !lane->jobs.first);
        if (lane->is_active)
                DL_DELETE(lane->lanes->active, lane);
        if (lane->lanes->last == lane)
                lane->lanes->last = NULL;
        lane->is_active = false;
        lane->io = sd_event_source_disable_unref(lane->io);
        timer_queue_deinit(&lane->timers);
        if (lane->epoll_fd >= 0)
                close(lane->epoll_fd);
        lane->epoll_fd = -1;
}

void lane_activate(struct lane *lane) {
        if (lane->is_active)
                return;
        /* A lane that was idle does not save up time to spend at once. */
        if (lane->vtime_nsec < lane->lanes->vtime_nsec)
                lane->vtime_nsec = lane->lanes->vtime_nsec;
        lane->is_active = true;
        DL_APPEND(lane->lanes->active, lane);
}

static void lane_deactivate(struct lane *lane) {
        lane->is_active = false;
        DL_DELETE(lane->lanes->active, lane);
}

int lane_watch(struct lane *lane, struct lane_source *source, int fd, uint32_t events,
               void (*ready)(struct lane_source *source, uint32_t events)) {
        struct epoll_event event = { .events = events, .data.ptr = source };

        assert(!source->lane);
        if (epoll_ctl(lane->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
                return -errno;
        *source = (struct lane_source){ .lane = lane, .fd = fd, .events = events, .ready = ready };
        return 0;
}

void lane_set_try(struct lane_source *source, bool (*try)(struct lane_source *source)) {
        source->try = try;
}

void lane_set_events(struct lane_source *source, uint32_t events) {
        struct epoll_event event = { .events = events, .data.ptr = source };

        if (!source->lane || source->events == events)
                return;
        source->events = events;
        epoll_ctl(source->lane->epoll_fd, EPOLL_CTL_MOD, source->fd, &event); /* cannot fail for one that is there */
}

void lane_unwatch(struct lane_source *source) {
        struct lane *lane = source->lane;

        if (!lane)
                return;
        epoll_ctl(lane->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
        for (unsigned i = lane->batch_at; i < lane->batch_size; i++)
                if (lane->batch[i] == source)
                        lane->batch[i] = NULL;
        if (lane->lone == source)
                lane->lone = NULL;
        source->lane = NULL;
}

struct lane *lanes_next(struct lanes *lanes, uint64_t now_nsec) {
        struct lane *lane, *least = NULL;

        DL_FOREACH (lanes->active, lane) {
                if (lane->rest_until_nsec <= now_nsec && (!least || lane->vtime_nsec < least->vtime_nsec))
                        least = lane;
        }
        if (least && least->vtime_nsec > lanes->vtime_nsec)
                lanes->vtime_nsec = least->vtime_nsec;
        return least;
}

uint64_t lanes_next_nsec(const struct lanes *lanes, uint64_t now_nsec) {
        uint64_t soonest_nsec = UINT64_MAX;
        const struct lane *lane;

        DL_FOREACH (lanes->active, lane) {
                if (lane->rest_until_nsec < soonest_nsec)
                        soonest_nsec = lane->rest_until_nsec;
                if (soonest_nsec <= now_nsec)
                        break;
        }
        return soonest_nsec;
}

/* A leaky bucket: a lane whose long steps have filled it rests until they fit in again. */
static void account_long_step(struct lane *lane, uint64_t nsec, uint64_t now_nsec) {
        uint64_t drained_nsec = (now_nsec - lane->long_changed_nsec) / LONG_SHARE;

        lane->long_nsec = nsec + (lane->long_nsec > drained_nsec ? lane->long_nsec - drained_nsec : 0);
        lane->long_changed_nsec = now_nsec;
        if (lane->long_nsec > LONG_BURST_NSEC)
                lane->rest_until_nsec = now_nsec + LONG_SHARE * (lane->long_nsec - LONG_BURST_NSEC);
}

void lane_account(struct lane *lane, uint64_t nsec, uint64_t now_nsec) {
        struct lanes *lanes = lane->lanes;

        lane->vtime_nsec += nsec;
        if (lanes->last != lane) {
                lanes->last = lane;
                lanes->changed_nsec = now_nsec;
        }
        if (nsec > LONG_STEP_NSEC && now_nsec - lanes->changed_nsec < OTHERS_NSEC)
                account_long_step(lane, nsec, now_nsec);
}

static bool step_ready(struct lane *lane) {
        struct waiter *waiter = lane->ready.waiters;

        if (!waiter || lane->n_ready_steps >= MAX_READY_STEPS)
                return false;
        lane->n_ready_steps++;
        wait_queue_remove(waiter);
        waiter->run(waiter);
        return true;
}

static void fetch_input(struct lane *lane) {
        struct epoll_event events[LANE_BATCH];
        int n = epoll_wait(lane->epoll_fd, events, LANE_BATCH, 0);

        lane->batch_at = 0;
        lane->batch_size = n > 0 ? (unsigned) n : 0;
        for (unsigned i = 0; i < lane->batch_size; i++) {
                lane->batch[i] = events[i].data.ptr;
                lane->batch_events[i] = events[i].events;
        }
        lane->has_input = n == LANE_BATCH; /* otherwise the loop's own epoll reports more */
        lane->lone = n == 1 && lane->batch[0]->try ? lane->batch[0] : NULL;
        lane->n_tries = 0;
}

/*
 * Most users have one busy connection. It is tried without asking epoll which one is ready; others
 * that are ready as well keep the loop's epoll ready, and get their turn when the tries are used
 * up.
 */
static bool try_lone(struct lane *lane) {
        struct lane_source *source = lane->lone;

        if (!source || !(source->events & EPOLLIN) || lane->n_tries++ >= MAX_TRIES || !source->try(source))
                return false;
        lane->has_input = false;
        return true;
}

static bool step_input(struct lane *lane) {
        if (lane->batch_at == lane->batch_size && lane->has_input) {
                if (try_lone(lane))
                        return true;
                fetch_input(lane);
        }
        while (lane->batch_at < lane->batch_size) {
                unsigned i = lane->batch_at++;

                /* It may have been told to watch for something else since. */
                if (lane->batch[i] && lane->batch_events[i] & (lane->batch[i]->events | EPOLLHUP | EPOLLERR)) {
                        lane->batch[i]->ready(lane->batch[i], lane->batch_events[i]);
                        return true;
                }
        }
        return false;
}

static bool step_timers(struct lane *lane) {
        return lane->timers.count > 0 && timer_queue_fire_due(&lane->timers, clock_usec());
}

static bool has_more(const struct lane *lane) {
        return lane->jobs.first || lane->ready.waiters || lane->has_input || lane->batch_at < lane->batch_size ||
               (lane->timers.count > 0 && timer_queue_is_due(&lane->timers, clock_usec()));
}

void lane_add_job(struct lane *lane, struct job *job) {
        job_list_append(&lane->jobs, job);
        lane_activate(lane);
}

struct job *lane_take_job(struct lane *lane) {
        return job_list_pop(&lane->jobs);
}

/* Timers and input take turns, so that a program with too many timers can still take them back. */
void lane_step(struct lane *lane) {
        lane->hold(lane, true);
        if (!step_ready(lane)) {
                bool input_first = lane->timers_last;

                lane->n_ready_steps = 0;
                lane->timers_last = false;
                if (!(input_first && step_input(lane))) {
                        lane->timers_last = step_timers(lane);
                        if (!lane->timers_last && !input_first)
                                step_input(lane);
                }
        }
        if (lane->is_active && !has_more(lane))
                lane_deactivate(lane);
        lane->hold(lane, false);
}
