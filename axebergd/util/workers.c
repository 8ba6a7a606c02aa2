/* SPDX-License-Identifier: MIT */
#include "util/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "util/cleanup.h"
#include "util/scheduling.h"

enum { END_SECONDS = 2, WORKER_NICENESS = 10 };

/* The jobs of one user; listed while there are any. */
struct job_queue {
        struct user *user;
        struct job_list waiting;
        unsigned n_running;
        struct job_queue *prev, *next; /* in the order of their turns */
        UT_hash_handle hh;
};

struct workers {
        struct workers_options options;
        struct workers_loop *loop;
        bool ending; /* the loop's thread's alone */

        /*
         * The last that finished first. Without a lock: a worker that the host's scheduler has put
         * off while it had one would keep the loop waiting.
         */
        _Atomic(struct job *) finished;
        int wakeup_fd; /* eventfd: `finished` is not empty */
        sd_event_source *wakeup;

        pthread_mutex_t lock; /* for everything below */
        pthread_cond_t work_arrived, job_ended;
        struct job_queue *queues_by_user, *turns;
        unsigned n_idle, n_threads;
        unsigned n_waiting;  /* jobs that nobody has begun */
        unsigned n_running;  /* jobs that threads have, of ordinary users */
        unsigned n_executed; /* of everybody, and those that were lent */
        bool stopping;
};

void job_list_append(struct job_list *list, struct job *job) {
        job->next = NULL;
        if (!list->first)
                list->last = &list->first;
        *list->last = job;
        list->last = &job->next;
}

struct job *job_list_pop(struct job_list *list) {
        struct job *job = list->first;

        if (job)
                list->first = job->next;
        return job;
}

static bool is_privileged(const struct workers *workers, const struct user *user) {
        return !user || !workers->options.is_administrator || workers->options.is_administrator(user);
}

static struct job_queue *queue_from_user(struct workers *workers, struct user *user) {
        struct job_queue *queue;

        HASH_FIND_PTR(workers->queues_by_user, &user, queue);
        if (queue)
                return queue;
        queue = calloc(1, sizeof(*queue));
        if (!queue)
                return NULL;
        queue->user = user;
        HASH_ADD_PTR(workers->queues_by_user, user, queue);
        DL_APPEND(workers->turns, queue);
        return queue;
}

static void queue_release(struct workers *workers, struct job_queue *queue) {
        if (queue->waiting.first || queue->n_running > 0)
                return;
        HASH_DEL(workers->queues_by_user, queue);
        DL_DELETE(workers->turns, queue);
        free(queue);
}

static bool may_start(const struct workers *workers, const struct job_queue *queue) {
        unsigned n_threads = workers->options.n_threads, share = n_threads > 1 ? n_threads / 2 : 1;

        if (!queue->waiting.first)
                return false;
        if (is_privileged(workers, queue->user))
                return true;
        return queue->n_running < share && (n_threads < 2 || workers->n_running < n_threads - 1);
}

/* The queue whose turn it is goes to the end of the line. */
static struct job *next_job(struct workers *workers, struct job_queue **ret) {
        struct job_queue *queue;

        DL_FOREACH (workers->turns, queue) {
                if (!may_start(workers, queue))
                        continue;
                DL_DELETE(workers->turns, queue);
                DL_APPEND(workers->turns, queue);
                *ret = queue;
                workers->n_waiting--;
                return job_list_pop(&queue->waiting);
        }
        return NULL;
}

/* Without the lock. The job is the loop's afterwards. */
static void hand_back(struct workers *workers, struct job *job) {
        job->has_run = true;
        job->next = atomic_load(&workers->finished);
        while (!atomic_compare_exchange_weak(&workers->finished, &job->next, job))
                ;
        eventfd_write(workers->wakeup_fd, 1);
}

/* Under the lock. */
static void count_executed(struct workers *workers) {
        workers->n_executed--;
        pthread_cond_broadcast(&workers->job_ended);
}

static void execute(struct workers *workers, struct job_queue *queue, struct job *job) {
        unsigned counts = !is_privileged(workers, queue->user);

        queue->n_running++;
        workers->n_running += counts;
        workers->n_executed++;
        pthread_mutex_unlock(&workers->lock);
        job->run(job);
        hand_back(workers, job);
        pthread_mutex_lock(&workers->lock);
        queue->n_running--;
        workers->n_running -= counts;
        queue_release(workers, queue);
        count_executed(workers);
}

/* Threads that do long work come after the loop, and after programs that the loop has answered. */
static void give_way(void) {
        int niceness = getpriority(PRIO_PROCESS, 0); /* of this thread, setpriority(2) */

        setpriority(PRIO_PROCESS, 0, niceness + WORKER_NICENESS);
        scheduling_use_long_slices();
}

static void *worker_main(void *userdata) {
        struct workers *workers = userdata;
        struct job_queue *queue;
        struct job *job;

        give_way();
        pthread_mutex_lock(&workers->lock);
        for (;;) {
                while (!(job = next_job(workers, &queue)) && !workers->stopping) {
                        workers->n_idle++;
                        pthread_cond_wait(&workers->work_arrived, &workers->lock);
                        workers->n_idle--;
                }
                if (!job)
                        break;
                execute(workers, queue, job);
        }
        workers->n_threads--;
        pthread_cond_broadcast(&workers->job_ended);
        pthread_mutex_unlock(&workers->lock);
        return NULL;
}

/* In the order in which they finished. */
static struct job *take_finished(struct workers *workers) {
        struct job *job = atomic_exchange(&workers->finished, NULL), *first = NULL;

        while (job) {
                struct job *next = job->next;

                job->next = first;
                first = job;
                job = next;
        }
        return first;
}

static int workers_on_finished(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct workers *workers = userdata;
        eventfd_t count;

        (void) source;
        (void) events;
        eventfd_read(fd, &count);
        for (struct job *job = take_finished(workers), *next; job; job = next) {
                next = job->next;
                if (workers->loop)
                        workers->loop->take_back(workers->loop, job);
                else
                        job->done(job);
        }
        return 0;
}

static void init_locks(struct workers *workers) {
        pthread_condattr_t attributes;

        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_mutex_init(&workers->lock, NULL);
        pthread_cond_init(&workers->work_arrived, NULL);
        pthread_cond_init(&workers->job_ended, &attributes);
        pthread_condattr_destroy(&attributes);
}

int workers_new(struct workers **ret, sd_event *event, const struct workers_options *options) {
        struct workers *workers = calloc(1, sizeof(*workers));
        bool stuck;
        int r;

        if (!workers)
                return -ENOMEM;
        workers->options = *options;
        init_locks(workers);
        workers->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = workers->wakeup_fd < 0 ? -errno
                                   : sd_event_add_io(event, &workers->wakeup, workers->wakeup_fd, EPOLLIN,
                                                     workers_on_finished, workers);
        if (r < 0) {
                workers_free(workers, &stuck);
                return r;
        }
        *ret = workers;
        return 0;
}

/*
 * Waits until the threads have ended, and every job that was lent has come back. Returns false if
 * that takes too long.
 */
static bool wait_for_threads(struct workers *workers) {
        struct timespec until;
        bool ended;
        int r = 0;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += END_SECONDS;
        pthread_mutex_lock(&workers->lock);
        workers->stopping = true;
        pthread_cond_broadcast(&workers->work_arrived);
        while ((workers->n_threads > 0 || workers->n_executed > 0) && r == 0)
                r = pthread_cond_timedwait(&workers->job_ended, &workers->lock, &until);
        ended = workers->n_threads == 0 && workers->n_executed == 0;
        pthread_mutex_unlock(&workers->lock);
        return ended;
}

static void end_jobs_of_loop(struct workers *workers) {
        struct job *job;

        while (workers->loop && (job = workers->loop->give_back(workers->loop))) {
                if (!job->has_run)
                        job->run(job);
                job->done(job);
        }
}

struct workers *workers_free(struct workers *workers, bool *ret_stuck) {
        *ret_stuck = false;
        if (!workers)
                return NULL;
        workers->ending = true;
        end_jobs_of_loop(workers);
        *ret_stuck = !wait_for_threads(workers);
        if (workers->wakeup)
                workers_on_finished(NULL, workers->wakeup_fd, 0, workers);
        end_jobs_of_loop(workers);
        workers->wakeup = sd_event_source_disable_unref(workers->wakeup);
        if (*ret_stuck)
                return NULL;
        cleanup_close(&workers->wakeup_fd);
        pthread_cond_destroy(&workers->work_arrived);
        pthread_cond_destroy(&workers->job_ended);
        pthread_mutex_destroy(&workers->lock);
        free(workers);
        return NULL;
}

void workers_set_loop(struct workers *workers, struct workers_loop *loop) {
        workers->loop = loop;
}

/* Under the lock: sees to it that somebody looks at the queues. Returns 0 or a negative errno. */
static int rouse(struct workers *workers) {
        pthread_attr_t attributes;
        pthread_t thread;
        int r;

        /* An idle thread may be on its way to a job that came before this one. */
        if (workers->n_idle > workers->n_waiting || workers->n_threads >= workers->options.n_threads) {
                pthread_cond_signal(&workers->work_arrived);
                return 0;
        }
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        r = -pthread_create(&thread, &attributes, worker_main, workers);
        pthread_attr_destroy(&attributes);
        if (r == 0)
                workers->n_threads++;
        return workers->n_threads > 0 ? 0 : r; /* the others will come to it */
}

static int submit_to_thread(struct workers *workers, struct job *job) {
        struct job_queue *queue;
        int r = 0;

        pthread_mutex_lock(&workers->lock);
        queue = queue_from_user(workers, job->user);
        if (!queue)
                r = -ENOMEM;
        if (r == 0)
                r = rouse(workers);
        if (r == 0) {
                job_list_append(&queue->waiting, job);
                workers->n_waiting++;
        } else if (queue) {
                queue_release(workers, queue);
        }
        pthread_mutex_unlock(&workers->lock);
        return r;
}

int workers_submit(struct workers *workers, struct job *job) {
        if (workers->ending)
                return -ESHUTDOWN;
        job->has_run = job->lent = false;
        if (workers->loop && !job->slow && workers->loop->take(workers->loop, job))
                return 0;
        return submit_to_thread(workers, job);
}

void workers_lend(struct workers *workers) {
        pthread_mutex_lock(&workers->lock);
        workers->n_executed++;
        pthread_mutex_unlock(&workers->lock);
}

void workers_finish(struct workers *workers, struct job *job) {
        hand_back(workers, job);
        pthread_mutex_lock(&workers->lock);
        count_executed(workers);
        pthread_mutex_unlock(&workers->lock);
}
