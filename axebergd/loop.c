/* SPDX-License-Identifier: MIT */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "account/user.h"
#include "trace/stats.h"
#include "util/clock.h"
#include "util/container.h"
#include "util/log.h"
#include "util/scheduling.h"

enum {
        TURN_NSEC = 10000,        /* then sd-event is asked again whether others have come */
        WATCH_USEC = 1000,        /* a job that takes one to two of these loses the loop */
        IDLE_TICKS = 40,          /* after so many without a job the watcher sleeps */
        LONG_NSEC = 200000,       /* the longest that a job may take of the loop's time without a consequence */
        LONG_PENALTY = 200,       /* for so many times as long as it took, workers do the user's jobs */
        SPARE_STACK = 512 * 1024, /* the whole kernel runs on it */
};

/* For so long workers do a user's jobs after one of them has blocked the loop's thread. */
static const uint64_t SLOW_NSEC = UINT64_C(10000000000);

/* ---- jobs ------------------------------------------------------------------------------------ */

static struct lane_slowness *slowness_from_job(struct loop *loop, const struct job *job) {
        return job->user ? &job->user->lane.slowness : &loop->slowness;
}

static void enqueue(struct loop *loop, struct job *job) {
        if (job->user)
                lane_add_job(&job->user->lane, job);
        else
                job_list_append(&loop->own_jobs, job);
}

static bool take(struct workers_loop *workers_loop, struct job *job) {
        struct loop *loop = container_of(workers_loop, struct loop, workers_loop);
        const struct lane_slowness *slowness = slowness_from_job(loop, job);

        if (!atomic_load_explicit(&loop->is_watched, memory_order_relaxed) || slowness->n_lent > 0 ||
            slowness->until_nsec > loop->begin_nsec)
                return false;
        enqueue(loop, job);
        return true;
}

static void take_back(struct workers_loop *workers_loop, struct job *job) {
        struct loop *loop = container_of(workers_loop, struct loop, workers_loop);

        if (job->lent)
                slowness_from_job(loop, job)->n_lent--;
        enqueue(loop, job);
}

static struct job *give_back(struct workers_loop *workers_loop) {
        struct loop *loop = container_of(workers_loop, struct loop, workers_loop);
        struct lane *lane;

        DL_FOREACH (loop->lanes->active, lane) {
                if (lane->jobs.first)
                        return lane_take_job(lane);
        }
        return job_list_pop(&loop->own_jobs);
}

static void rouse_watcher(struct loop *loop) {
        pthread_mutex_lock(&loop->lock);
        atomic_store(&loop->is_dozing, false);
        pthread_cond_broadcast(&loop->changed);
        pthread_mutex_unlock(&loop->lock);
}

/* What the thread that has the loop has used of a processor. */
static uint64_t thread_nsec(const struct loop *loop) {
        struct timespec used;

        clock_gettime(loop->thread_clock, &used);
        return (uint64_t) used.tv_sec * 1000000000 + (uint64_t) used.tv_nsec;
}

/*
 * After a step with a job: a user whose jobs are long would keep others waiting for all of them.
 * Reading the thread's own time costs a system call, so that is done only for those whose jobs have
 * taken long by the clock, and those may have waited for a processor.
 */
static void judge_job(struct loop *loop, struct lane_slowness *slowness, uint64_t took_nsec, uint64_t now_nsec) {
        if (took_nsec <= LONG_NSEC)
                return;
        slowness->suspect_until_nsec = now_nsec + LONG_PENALTY * took_nsec;
        if (loop->job_thread_nsec == 0)
                return;
        took_nsec = thread_nsec(loop) - loop->job_thread_nsec;
        if (took_nsec > LONG_NSEC)
                slowness->until_nsec = now_nsec + LONG_PENALTY * took_nsec;
}

/* Returns false if the loop was lost: then nothing of the kernel may be touched any more. */
static bool run_job(struct loop *loop, struct job *job) {
        struct lane_slowness *slowness = slowness_from_job(loop, job);
        uint64_t duty = atomic_load_explicit(&loop->last_duty, memory_order_relaxed) + 1;
        struct workers *workers = loop->workers;

        loop->job = job;
        loop->job_thread_nsec = 0;
        if (job->has_run) {
                job->done(job);
                return true;
        }
        if (slowness->suspect_until_nsec > loop->begin_nsec)
                loop->job_thread_nsec = thread_nsec(loop);
        atomic_store_explicit(&loop->last_duty, duty, memory_order_relaxed);
        atomic_store(&loop->duty, duty);
        if (atomic_load(&loop->is_dozing))
                rouse_watcher(loop);
        job->run(job);
        if (atomic_compare_exchange_strong(&loop->duty, &duty, 0)) {
                job->done(job);
                return true;
        }
        workers_finish(workers, job);
        return false;
}

/* ---- turns ----------------------------------------------------------------------------------- */

/* The lane may be gone afterwards. */
static void release_lane(struct loop *loop, uint64_t begin_nsec) {
        struct lane *lane = loop->lane;

        loop->begin_nsec = clock_nsec();
        loop->lane = NULL;
        if (loop->job)
                judge_job(loop, &lane->slowness, loop->begin_nsec - begin_nsec, loop->begin_nsec);
        lane_account(lane, loop->begin_nsec - begin_nsec, loop->begin_nsec);
        lane->hold(lane, false);
}

/* Returns false if the loop was lost: then the thread that has it now lets go of the lane. */
static bool serve_lane(struct loop *loop, struct lane *lane) {
        uint64_t begin_nsec = loop->begin_nsec;
        struct job *job;

        lane->hold(lane, true);
        loop->lane = lane;
        loop->job = NULL;
        job = lane_take_job(lane);
        if (!job)
                lane_step(lane);
        else if (!run_job(loop, job))
                return false;
        release_lane(loop, begin_nsec);
        return true;
}

static bool run_own_jobs(struct loop *loop) {
        struct job *job;

        while ((job = job_list_pop(&loop->own_jobs)))
                if (!run_job(loop, job))
                        return false;
        return true;
}

/* Serves lanes for a moment. Returns false if the loop was lost. */
static bool serve_lanes(struct loop *loop) {
        uint64_t end_nsec = loop->begin_nsec + TURN_NSEC;
        struct lane *lane;

        if (!run_own_jobs(loop))
                return false;
        while (loop->begin_nsec < end_nsec && (lane = lanes_next(loop->lanes, loop->begin_nsec)))
                if (!serve_lane(loop, lane))
                        return false;
        return true;
}

/* How long to wait for sd-event's sources. */
static uint64_t patience_usec(const struct loop *loop, uint64_t most_usec) {
        uint64_t next_nsec = loop->own_jobs.first ? 0 : lanes_next_nsec(loop->lanes, loop->begin_nsec), usec;

        if (next_nsec == UINT64_MAX)
                return most_usec;
        usec = next_nsec > loop->begin_nsec ? (next_nsec - loop->begin_nsec) / 1000 + 1 : 0;
        return usec < most_usec ? usec : most_usec;
}

/* Returns a negative errno; whether the loop still is this thread's is `*ret_lost`. */
static int turn(struct loop *loop, uint64_t timeout_usec, bool *ret_lost) {
        uint64_t begin_nsec;
        int r = sd_event_prepare(loop->event);

        *ret_lost = false;
        if (r == 0)
                r = sd_event_wait(loop->event, patience_usec(loop, timeout_usec));
        if (r < 0)
                return r;
        if (r == 0 && !loop->lanes->active && !loop->own_jobs.first)
                return 0;
        begin_nsec = loop->begin_nsec = clock_nsec();
        if (r > 0)
                r = sd_event_dispatch(loop->event);
        if (r < 0)
                return r;
        *ret_lost = !serve_lanes(loop);
        if (!*ret_lost)
                tick_stats_add(loop->ticks, loop->begin_nsec - begin_nsec);
        return 1;
}

int loop_step(struct loop *loop, uint64_t timeout_usec) {
        bool lost;

        return turn(loop, timeout_usec, &lost);
}

/* Returns 1 if the loop was lost; else the loop has ended, with 0 or a negative errno. */
static int serve(struct loop *loop) {
        bool lost = false;
        int r = 0;

        while (r >= 0 && !lost && sd_event_get_state(loop->event) != SD_EVENT_FINISHED)
                r = turn(loop, UINT64_MAX, &lost);
        return lost ? 1 : r < 0 ? r : 0;
}

/* ---- the watcher ----------------------------------------------------------------------------- */

/* Under the lock: until there is a duty again. */
static void doze(struct loop *loop, uint64_t seen) {
        atomic_store(&loop->is_dozing, true);
        if (atomic_load(&loop->duty) != 0 || atomic_load(&loop->last_duty) != seen)
                atomic_store(&loop->is_dozing, false);
        while (atomic_load(&loop->is_dozing) && !loop->finished)
                pthread_cond_wait(&loop->changed, &loop->lock);
}

static void sleep_a_tick(struct loop *loop) {
        struct timespec until;
        uint64_t nsec = clock_nsec() + WATCH_USEC * UINT64_C(1000);
        int r = 0;

        until = (struct timespec){ .tv_sec = (time_t) (nsec / 1000000000), .tv_nsec = (long) (nsec % 1000000000) };
        while (r == 0 && !loop->finished)
                r = pthread_cond_timedwait(&loop->changed, &loop->lock, &until);
}

/* Under the lock. Returns true if this thread has the loop now, false if it has ended. */
static bool watch(struct loop *loop) {
        uint64_t watched = 0, last = 0;
        unsigned idle = 0;

        while (!loop->finished) {
                uint64_t duty = atomic_load(&loop->duty), newest = atomic_load(&loop->last_duty);

                if (duty != 0 && duty == watched && atomic_compare_exchange_strong(&loop->duty, &duty, 0))
                        return true;
                idle = duty == 0 && newest == last ? idle + 1 : 0;
                watched = duty;
                last = newest;
                if (idle < IDLE_TICKS)
                        sleep_a_tick(loop);
                else
                        doze(loop, newest);
        }
        return false;
}

static int (*end_of_loop)(int r, void *userdata);
static void *end_userdata;

static void *spare_main(void *userdata);

/* Under the lock: somebody has to watch the thread that has the loop. */
static void appoint_watcher(struct loop *loop) {
        pthread_attr_t attributes;
        pthread_t thread;

        loop->wants_watcher = true;
        if (loop->n_spares > 0) {
                pthread_cond_broadcast(&loop->changed);
                return;
        }
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, SPARE_STACK);
        if (pthread_create(&thread, &attributes, spare_main, loop) != 0)
                log_warning("no thread to watch the loop; workers do what might block");
        pthread_attr_destroy(&attributes);
}

/* Under the lock: does what the thread that was kept left undone. */
static void take_over(struct loop *loop) {
        struct lane_slowness *slowness = slowness_from_job(loop, loop->job);

        atomic_store(&loop->is_watched, false);
        loop->job->lent = true;
        workers_lend(loop->workers);
        slowness->n_lent++;
        if (!scheduling_is_runnable(loop->tid)) /* else the host may have kept the thread, and not the job */
                slowness->until_nsec = clock_nsec() + SLOW_NSEC;
        if (loop->lane)
                release_lane(loop, loop->begin_nsec);
        appoint_watcher(loop);
}

static void serve_and_end(struct loop *loop) {
        int r;

        loop->tid = gettid();
        pthread_getcpuclockid(pthread_self(), &loop->thread_clock);
        r = serve(loop);
        if (r == 1)
                return;
        pthread_mutex_lock(&loop->lock);
        loop->finished = true;
        pthread_cond_broadcast(&loop->changed);
        pthread_mutex_unlock(&loop->lock);
        exit(end_of_loop(r, end_userdata));
}

/* A thread without the loop: waits until it can be of use. */
static void be_spare(struct loop *loop) {
        bool has_loop;

        for (;;) {
                pthread_mutex_lock(&loop->lock);
                loop->n_spares++;
                while (!loop->wants_watcher)
                        pthread_cond_wait(&loop->changed, &loop->lock);
                loop->n_spares--;
                loop->wants_watcher = false;
                atomic_store(&loop->is_watched, true);
                has_loop = watch(loop);
                if (has_loop)
                        take_over(loop);
                pthread_mutex_unlock(&loop->lock);
                if (has_loop)
                        serve_and_end(loop);
        }
}

static void *spare_main(void *userdata) {
        be_spare(userdata);
        return NULL;
}

/* ---- life ------------------------------------------------------------------------------------ */

int loop_init(struct loop *loop, sd_event *event, struct lanes *lanes, struct workers *workers,
              struct tick_stats *ticks) {
        pthread_condattr_t attributes;

        *loop = (struct loop){ .workers_loop = { .take = take, .give_back = give_back, .take_back = take_back },
                               .event = event,
                               .lanes = lanes,
                               .workers = workers,
                               .ticks = ticks };
        pthread_mutex_init(&loop->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&loop->changed, &attributes);
        pthread_condattr_destroy(&attributes);
        workers_set_loop(workers, &loop->workers_loop);
        return 0;
}

void loop_run(struct loop *loop, int (*end)(int r, void *userdata), void *userdata) {
        end_of_loop = end;
        end_userdata = userdata;
        scheduling_use_short_slices();
        pthread_mutex_lock(&loop->lock);
        appoint_watcher(loop);
        pthread_mutex_unlock(&loop->lock);
        serve_and_end(loop);
        be_spare(loop);
        __builtin_unreachable();
}
