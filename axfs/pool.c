/* pool.c - see pool.h */
#include "pool.h"

#include "nodes.h"
#include "util.h"

#include <signal.h>
#include <utlist.h>

#define IDLE_SECONDS 5
#define STOP_SECONDS 2
#define STACK_SIZE (256 * 1024)

void pool_init(struct pool *pool) {
        pthread_condattr_t attributes;

        *pool = (struct pool){};
        pthread_mutex_init(&pool->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&pool->work, &attributes);
        pthread_cond_init(&pool->ended, &attributes);
        pthread_condattr_destroy(&attributes);
}

void pool_deinit(struct pool *pool) {
        pthread_cond_destroy(&pool->work);
        pthread_cond_destroy(&pool->ended);
        pthread_mutex_destroy(&pool->lock);
}

void job_free(struct job *job) {
        ax_cancel_free(job->cancel);
        node_unref(job->node);
        free(job->text);
        free(job);
}

struct job *job_new(struct axfs *fs, fuse_req_t req, struct node *node, int (*run)(struct job *job)) {
        struct job *job = calloc(1, sizeof(*job));

        if (!job)
                return NULL;
        *job = (struct job){ .fs = fs, .req = req, .node = node_ref(node), .run = run };
        if (ax_cancel_new(&job->cancel) < 0) {
                job->cancel = NULL;
                job_free(job);
                return NULL;
        }
        return job;
}

static void job_on_interrupt(fuse_req_t req, void *data) {
        struct job *job = data;

        (void) req;
        ax_cancel_fire(job->cancel);
}

/* The switch may be fired until libfuse has been told to forget it, so that comes before the answer, which ends the request. */
void job_detach(struct job *job) {
        fuse_req_interrupt_func(job->req, NULL, NULL);
}

void job_answer_error(struct job *job, int error) {
        job_detach(job);
        fuse_reply_err(job->req, -error);
}

static void job_run(struct job *job) {
        int r;

        ax_cancel_use(job->cancel);
        r = job->run(job);
        ax_cancel_use(NULL);
        if (r < 0)
                job_answer_error(job, r);
}

/* Under the lock: the next job, or NULL when the thread has idled long enough or the pool stops. */
static struct job *next_job(struct pool *pool) {
        struct timespec until;
        int r = 0;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += IDLE_SECONDS;
        pool->idle++;
        while (!pool->queue && !pool->stopping && r == 0)
                r = pthread_cond_timedwait(&pool->work, &pool->lock, &until);
        pool->idle--;
        if (!pool->queue || pool->stopping)
                return NULL;
        pool->queued--;
        return pool->queue;
}

static void *pool_thread(void *data) {
        struct pool *pool = data;
        struct job *job;

        pthread_mutex_lock(&pool->lock);
        while ((job = next_job(pool))) {
                DL_DELETE(pool->queue, job);
                DL_APPEND(pool->running, job);
                pthread_mutex_unlock(&pool->lock);
                job_run(job);
                pthread_mutex_lock(&pool->lock);
                DL_DELETE(pool->running, job);
                pool->waiting -= job->may_wait;
                job_free(job);
        }
        pool->threads--;
        pthread_cond_broadcast(&pool->ended);
        pthread_mutex_unlock(&pool->lock);
        return NULL;
}

/* Signals are for the main thread. */
static bool thread_add(struct pool *pool) {
        pthread_attr_t attributes;
        pthread_t thread;
        sigset_t all, old;
        int r;

        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&thread, &attributes, pool_thread, pool);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attributes);
        pool->threads += r == 0;
        return r == 0;
}

static int pool_admit(struct pool *pool, const struct job *job) {
        if (pool->stopping)
                return -EIO;
        if (job->must)
                return pool->threads > 0 || thread_add(pool) ? 0 : -EAGAIN;
        if (pool->queued >= POOL_QUEUE || (job->may_wait && pool->waiting >= POOL_WAITING))
                return -EAGAIN;
        if (pool->idle > pool->queued || pool->threads >= POOL_THREADS)
                return 0;
        return thread_add(pool) || pool->threads > 0 ? 0 : -EAGAIN;
}

int pool_submit(struct pool *pool, struct job *job) {
        int r;

        if (!job)
                return -ENOMEM;
        pthread_mutex_lock(&pool->lock);
        r = pool_admit(pool, job);
        if (r == 0) {
                /* Still under the lock, so that no thread can answer and free the job meanwhile. */
                fuse_req_interrupt_func(job->req, job_on_interrupt, job);
                DL_APPEND(pool->queue, job);
                pool->queued++;
                pool->waiting += job->may_wait;
                pthread_cond_signal(&pool->work);
        }
        pthread_mutex_unlock(&pool->lock);
        if (r < 0)
                job_free(job);
        return r;
}

/* Under the lock. */
static bool wait_for_threads(struct pool *pool) {
        struct timespec until;
        int r = 0;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += STOP_SECONDS;
        while (pool->threads > 0 && r == 0)
                r = pthread_cond_timedwait(&pool->ended, &pool->lock, &until);
        return pool->threads == 0;
}

bool pool_stop(struct pool *pool) {
        struct job *job, *next;
        bool ended;

        pthread_mutex_lock(&pool->lock);
        pool->stopping = true;
        DL_FOREACH (pool->running, job)
                ax_cancel_fire(job->cancel);
        pthread_cond_broadcast(&pool->work);
        ended = wait_for_threads(pool);
        DL_FOREACH_SAFE (pool->queue, job, next) {
                if (!ended)
                        break;
                DL_DELETE(pool->queue, job);
                ax_cancel_fire(job->cancel);
                if (job->must)
                        job_run(job);
                else
                        job_answer_error(job, -EIO);
                job_free(job);
        }
        pthread_mutex_unlock(&pool->lock);
        return ended;
}
