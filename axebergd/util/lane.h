/* SPDX-License-Identifier: MIT */
/*
 * Users are served in turn.
 *
 * A lane is the one place at which everything enters the event loop that one user can cause: frames
 * of the user's connections, pipes that become ready, ends of host processes, timers, calls that
 * were woken, and jobs that the loop runs itself (workers.h). The loop (loop.h) gives lanes with
 * something to do short turns, always the one that has had least of the kernel's time (as the
 * host's scheduler does with tasks), so another user waits for one step of this one, however many
 * connections, pipes or timers it has. A step cannot be interrupted, so a lane whose steps are long
 * rests after each while others are there: mostly they find the kernel free.
 *
 * Descriptors are watched by an epoll instance for each lane. The host then keeps the queue of
 * those that are ready, and the loop's own epoll has one descriptor for each user.
 *
 * A lane is embedded in its user. `hold` keeps the owner while a turn runs, because what happens in
 * a turn can end the user's last process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <systemd/sd-event.h>

#include "util/timer_queue.h"
#include "util/wait_queue.h"
#include "util/workers.h"

struct lane;

/* All lanes of a kernel. */
struct lanes {
        sd_event *event;
        struct lane *active;
        uint64_t vtime_nsec;     /* of the lane that was served last: nobody starts with less */
        const struct lane *last; /* that one */
        uint64_t changed_nsec;   /* when that changed */
};

/*
 * A descriptor that is watched, level-triggered, and the function to call when it is ready. Zeroed,
 * it is not watched.
 */
struct lane_source {
        struct lane *lane;
        int fd;
        uint32_t events;
        void (*ready)(struct lane_source *source, uint32_t events);
        bool (*try)(struct lane_source *source); /* for input, without asking first; returns false if there was none */
};

/* Jobs that took long: the next ones are done by workers for a while (loop.h). */
struct lane_slowness {
        uint64_t until_nsec;
        uint64_t suspect_until_nsec; /* one took long, although that may have been the host's scheduler */
        unsigned n_lent;             /* jobs that still keep a thread which had the loop */
};

enum { LANE_BATCH = 8 };

struct lane {
        struct lanes *lanes;
        void (*hold)(struct lane *lane, bool hold);
        int epoll_fd;
        sd_event_source *io; /* of epoll_fd */
        struct job_list jobs;
        struct wait_queue ready;
        struct timer_queue timers;
        struct lane_source *batch[LANE_BATCH]; /* ready, and not served yet; NULL: no longer watched */
        uint32_t batch_events[LANE_BATCH];
        unsigned batch_size, batch_at;
        struct lane_source *lone; /* the only one that was ready lately, or NULL */
        unsigned n_tries;         /* of that one, in a row */
        unsigned n_ready_steps;   /* in a row */
        bool has_input;
        bool timers_last; /* the last step was a timer's */
        bool is_active;
        uint64_t vtime_nsec;      /* the kernel's time that it has had */
        uint64_t rest_until_nsec; /* after too many long steps, while others are there */
        uint64_t long_nsec;       /* of long steps; drains with time */
        uint64_t long_changed_nsec;
        struct lane_slowness slowness;
        struct lane *prev, *next; /* active ones */
};

/* Returns 0 or a negative errno; on error there is nothing to undo. */
int lane_init(struct lane *lane, struct lanes *lanes, void (*hold)(struct lane *lane, bool hold));
/* Nothing may be watched, waiting or timed in it any more. */
void lane_deinit(struct lane *lane);

/* There is something to do. */
void lane_activate(struct lane *lane);

/* Watches `fd`, which must stay open while it is watched. Returns 0 or a negative errno. */
int lane_watch(struct lane *lane, struct lane_source *source, int fd, uint32_t events,
               void (*ready)(struct lane_source *source, uint32_t events));
/*
 * Lets the lane try the source for input if it alone has had any lately: that saves a system call.
 */
void lane_set_try(struct lane_source *source, bool (*try)(struct lane_source *source));
void lane_set_events(struct lane_source *source, uint32_t events); /* fine if it is not watched */
void lane_unwatch(struct lane_source *source);                     /* likewise */

/* The active lane that has had least; NULL if none has anything to do, or all of them rest. */
struct lane *lanes_next(struct lanes *lanes, uint64_t now_nsec);
/* When one has something to do: `now_nsec` or before, at once; UINT64_MAX: when somebody calls. */
uint64_t lanes_next_nsec(const struct lanes *lanes, uint64_t now_nsec);
/* One step of a lane: a woken call, a due timer, or a ready descriptor. */
void lane_step(struct lane *lane);
/* A job is a step, too, and comes before any other; NULL: there is none. */
void lane_add_job(struct lane *lane, struct job *job);
struct job *lane_take_job(struct lane *lane);
/* A step of the lane, which has just ended, has cost the kernel this much. */
void lane_account(struct lane *lane, uint64_t nsec, uint64_t now_nsec);
