/* SPDX-License-Identifier: MIT */
/*
 * A process's timers: once or at intervals, waking a task, raising SIGALRM, or nothing.
 *
 * T1: they fire in order of their due times. T2: each fires, and none early: times are rounded up
 * to the microsecond. T3: an interval's n-th tick is due n intervals after its start; ticks that
 * could not be given in time become one, and the rest is counted. T4: a cancelled timer is off the
 * queue.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "account/user.h"
#include "util/timer_queue.h"

struct process;

/* A timer that is asked to tick more often ticks at this interval. */
enum { TIMER_MIN_INTERVAL_USEC = 1000 };

struct timer {
        struct timer_entry entry;
        struct process *process;
        uint64_t id;
        struct user_charge charge;
        uint64_t interval_usec; /* 0: once */
        uint64_t overruns;
        uint64_t task;                                      /* to wake; 0: none */
        void (*raise)(struct process *process, int signal); /* sends an alarm; NULL: it is none */
        struct timer *prev, *next;                          /* of the process */
        UT_hash_handle hh;
};

struct timer_options {
        double delay_ms;
        bool interval;
        void (*raise)(struct process *process, int signal); /* signal_send(), for an alarm; else NULL */
        uint64_t task;
};

/* Returns 0, -EINVAL (the delay), -ENOENT (the task), -EDQUOT or -ENOMEM. */
int timer_new(struct timer **ret, struct process *process, const struct timer_options *options);
void timer_free(struct timer *timer);
/* A timer of this process; NULL if there is none. */
struct timer *timer_from_id(const struct process *process, uint64_t id);
/*
 * Frees as many timers as the budget allows, and takes them off it. Returns true if none is left.
 */
bool timers_release(struct process *process, unsigned *budget);

/*
 * Due so long after now, never earlier. `delay_ms` is not negative and no NaN; beyond what a clock
 * can count it is as good as never.
 */
uint64_t timer_due_usec(double delay_ms);
