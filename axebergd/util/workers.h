/* SPDX-License-Identifier: MIT */
/*
 * Threads for what can block.
 *
 * A job runs in some thread and then comes back: its `done` is called in the event loop's thread.
 * Workers start with the first job and touch nothing but the job's own data. Jobs cannot be
 * withdrawn; a caller that no longer wants a result ignores it in `done`.
 *
 * Users are served in turn, a job each. One user has at most half of the threads at a time, and the
 * last one is kept for administrators and the daemon itself, so that a user whose jobs all block
 * holds up nobody else.
 *
 * Most jobs do not block, and handing one over costs more than doing it. A loop that can be
 * relieved while it runs one (loop.h) takes it itself, in a turn of its user.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

struct user;

struct job {
        void (*run)(struct job *job);  /* in a worker */
        void (*done)(struct job *job); /* in the loop; may free the job */
        struct user *user;             /* whose turn it takes; NULL: the daemon's own. Outlives the job */
        bool slow;                     /* it is known to take long: always for a worker */
        bool lent;                     /* the loop was taken from the thread that runs it */
        bool has_run;                  /* only `done` is left */
        struct job *next;
};

struct job_list {
        struct job *first, **last; /* zeroed: empty */
};

void job_list_append(struct job_list *list, struct job *job);
struct job *job_list_pop(struct job_list *list); /* NULL: empty */

struct workers;

/* What the loop does for the workers. */
struct workers_loop {
        /* Takes a job over, to run it itself. Returns false if a worker has to. */
        bool (*take)(struct workers_loop *loop, struct job *job);
        /*
         * Gives back, one after the other, the jobs that it has not done yet; NULL: there are none.
         */
        struct job *(*give_back)(struct workers_loop *loop);
        /* Takes a job that has run, to call its `done` in a turn of its user. */
        void (*take_back)(struct workers_loop *loop, struct job *job);
};

struct workers_options {
        unsigned n_threads;
        bool (*is_administrator)(const struct user *user);
};

/* Returns 0 or a negative errno. */
int workers_new(struct workers **ret, sd_event *event, const struct workers_options *options);
/*
 * Waits a moment for the running jobs, then calls `done` of every job left. If some are stuck it
 * gives up on them: `*ret_stuck` becomes true, and their threads and data stay.
 */
struct workers *workers_free(struct workers *workers, bool *ret_stuck);
/* The loop that may run jobs; NULL: none. */
void workers_set_loop(struct workers *workers, struct workers_loop *loop);

/*
 * Returns 0, or a negative errno if no thread can be had or the workers end; the job is untouched
 * then.
 */
int workers_submit(struct workers *workers, struct job *job);

/* From a thread that was relieved of the loop while it ran the job. */
void workers_finish(struct workers *workers, struct job *job);
/* A job that the loop took has kept a thread. */
void workers_lend(struct workers *workers);
