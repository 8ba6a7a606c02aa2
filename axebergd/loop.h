/* SPDX-License-Identifier: MIT */
/*
 * The kernel's loop: one thread at a time owns the kernel, and nothing keeps it.
 *
 * The thread that has the loop serves lanes in turn (lane.h) and sd-event's own sources. Work that
 * might block on what somebody else holds (an inode's lock, a disk, memory to be freed) is a job
 * (workers.h). Handing a job to a worker costs two changes of threads, several times what most jobs
 * take, so the loop's thread runs it itself, from the top of the loop, with a watcher behind it: if
 * the job takes longer than a moment, the watcher takes the loop over, and the thread that was kept
 * comes back, with the job's result, as a spare. (Go's scheduler does the same with system calls.)
 * A user whose job blocked, or took long, has the next ones done by workers for a while.
 *
 * So the kernel still belongs to one thread at any moment, there are no locks in its code, and a
 * call that blocks costs others a moment, once in a while.
 *
 * The watcher sleeps while the loop has nothing to do.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>
#include <time.h>

#include "util/lane.h"
#include "util/workers.h"

struct tick_stats;

struct loop {
        struct workers_loop workers_loop;
        sd_event *event;
        struct lanes *lanes;
        struct workers *workers;
        struct tick_stats *ticks;
        uint64_t begin_nsec;      /* of the step */
        struct lane *lane;        /* whose step it is; NULL: sd-event's */
        struct job_list own_jobs; /* that are nobody's, and their slowness */
        struct lane_slowness slowness;

        /*
         * The job that the loop's thread is running: 0 none. Whoever changes it from a number to 0
         * has the loop.
         */
        _Atomic uint64_t duty;
        _Atomic uint64_t last_duty;
        struct job *job;          /* that one */
        uint64_t job_thread_nsec; /* that the thread had used before it; 0: its user is no suspect */
        pid_t tid;                /* of the thread that has the loop */
        clockid_t thread_clock;

        pthread_mutex_t lock; /* for everything below */
        pthread_cond_t changed;
        atomic_bool is_watched;
        atomic_bool is_dozing; /* the watcher sleeps until there is a duty */
        bool wants_watcher;
        unsigned n_spares;
        bool finished;
};

int loop_init(struct loop *loop, sd_event *event, struct lanes *lanes, struct workers *workers,
              struct tick_stats *ticks);

/*
 * Serves until sd_event_exit(). Another thread than the caller's may have the loop at the end, so
 * the rest is done by `end`, in that thread, and its result is the program's exit status.
 */
_Noreturn void loop_run(struct loop *loop, int (*end)(int r, void *userdata), void *userdata);

/*
 * One round: waits up to `timeout_usec` (UINT64_MAX: until there is something) and serves what
 * there is, in this thread, without being watched. For tests of the kernel. Returns a negative
 * errno, 0 if there was nothing, else a positive number.
 */
int loop_step(struct loop *loop, uint64_t timeout_usec);
