/* SPDX-License-Identifier: MIT */
/* pool.c - see pool.h */
#include "pool.h"

#include "util.h"

#include <signal.h>
#include <utlist.h>

enum { IDLE_SECONDS = 5, STACK_SIZE = 256 * 1024 };

/* Exists while the user has jobs. */
struct pool_user {
        uid_t uid;
        struct job *queue;
        unsigned queued, running, waiting;
        UT_hash_handle hh;
        struct pool_user *prev, *next; /* in pool->turns, while jobs are queued */
};

void pool_init(struct pool *pool) {
        pthread_condattr_t attributes;

        *pool = (struct pool){ .users = NULL };
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

/*
 * ---- users; all of this under the lock --------------------------------------------------------
 */

static bool is_ordinary(const struct pool_user *user) {
        return user->uid != 0;
}

static struct pool_user *user_find_or_add(struct pool *pool, uid_t uid) {
        struct pool_user *user;

        HASH_FIND(hh, pool->users, &uid, sizeof(uid), user);
        if (user)
                return user;
        user = calloc(1, sizeof(*user));
        if (!user)
                return NULL;
        user->uid = uid;
        HASH_ADD(hh, pool->users, uid, sizeof(user->uid), user);
        if (user->hh.tbl)
                return user;
        free(user);
        return NULL;
}

static void user_drop_if_idle(struct pool *pool, struct pool_user *user) {
        if (user->queued > 0 || user->running > 0)
                return;
        HASH_DEL(pool->users, user);
        free(user);
}

static void user_queue(struct pool *pool, struct pool_user *user, struct job *job) {
        job->user = user;
        if (!user->queue)
                DL_APPEND(pool->turns, user);
        DL_APPEND(user->queue, job);
        user->queued++;
        pool->queued++;
        pool->queued_users += is_ordinary(user);
}

static struct job *user_dequeue(struct pool *pool, struct pool_user *user) {
        struct job *job = user->queue;

        DL_DELETE(user->queue, job);
        user->queued--;
        pool->queued--;
        pool->queued_users -= is_ordinary(user);
        DL_DELETE(pool->turns, user);
        if (user->queue)
                DL_APPEND(pool->turns, user);
        return job;
}

static bool user_may_run(const struct pool *pool, const struct pool_user *user) {
        return !is_ordinary(user) || (user->running < POOL_THREADS_EACH && pool->running_users < POOL_THREADS_USERS);
}

static void job_start(struct pool *pool, struct job *job) {
        DL_APPEND(pool->running, job);
        job->user->running++;
        pool->running_users += is_ordinary(job->user);
}

static void job_finish(struct pool *pool, struct job *job) {
        struct pool_user *user = job->user;

        DL_DELETE(pool->running, job);
        user->running--;
        pool->running_users -= is_ordinary(user);
        user->waiting -= job->waits;
        pool->waiting_users -= job->waits && is_ordinary(user);
        user_drop_if_idle(pool, user);
        job->user = NULL;
}

/*
 * ---- jobs --------------------------------------------------------------------------------------
 */

void job_free(struct job *job) {
        ax_cancel_free(job->cancel);
        free(job->text);
        if (job->handle)
                fuse_pollhandle_destroy(job->handle);
        free(job);
}

struct job *job_new(const struct request *request, int (*run)(struct job *job)) {
        struct job *job = calloc(1, sizeof(*job));

        if (!job)
                return NULL;
        job->request = *request;
        job->run = run;
        job->uid = request->caller.uid;
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

/*
 * The switch may be fired until libfuse has been told to forget it. So that comes before the
 * answer, which ends the request.
 */
static int job_run(struct job *job) {
        int r;

        ax_cancel_use(job->cancel);
        r = job->run(job);
        ax_cancel_use(NULL);
        request_on_interrupt(&job->request, NULL, NULL);
        return r;
}

static void job_end(struct job *job, int r) {
        request_end(&job->request, r);
        job_free(job);
}

int job_waits(struct job *job) {
        struct pool *pool = job->pool;
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&pool->lock);
        struct pool_user *user = job->user;

        if (!user || job->waits)
                return 0;
        if (user->waiting >= POOL_WAITING_EACH || (is_ordinary(user) && pool->waiting_users >= POOL_WAITING_USERS))
                return -EAGAIN;
        job->waits = true;
        user->waiting++;
        pool->waiting_users += is_ordinary(user);
        return 0;
}

/*
 * ---- threads -----------------------------------------------------------------------------------
 */

static struct pool_user *next_user(const struct pool *pool) {
        struct pool_user *user;

        DL_FOREACH (pool->turns, user)
                if (user_may_run(pool, user))
                        return user;
        return NULL;
}

/*
 * Under the lock. Returns the next job, or NULL if the thread has idled long enough or the pool
 * stops.
 */
static struct job *next_job(struct pool *pool) {
        struct pool_user *user;
        struct timespec until;
        int r = 0;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += IDLE_SECONDS;
        pool->idle++;
        while (!(user = next_user(pool)) && !pool->stopping && r == 0)
                r = pthread_cond_timedwait(&pool->work, &pool->lock, &until);
        pool->idle--;
        return user && !pool->stopping ? user_dequeue(pool, user) : NULL;
}

static void *pool_thread(void *data) {
        struct pool *pool = data;
        struct job *job;
        int r;

        pthread_mutex_lock(&pool->lock);
        while ((job = next_job(pool))) {
                job_start(pool, job);
                pthread_mutex_unlock(&pool->lock);
                r = job_run(job);
                pthread_mutex_lock(&pool->lock);
                job_finish(pool, job);
                pthread_mutex_unlock(&pool->lock);
                job_end(job, r);
                pthread_mutex_lock(&pool->lock);
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

static bool queue_has_room(const struct pool *pool, const struct pool_user *user) {
        return is_ordinary(user) ? user->queued < POOL_QUEUE_EACH && pool->queued_users < POOL_QUEUE_USERS
                                 : user->queued < POOL_QUEUE_ROOT;
}

static int pool_admit(struct pool *pool, const struct pool_user *user, const struct job *job) {
        if (pool->stopping)
                return -EIO;
        if (!job->must && !queue_has_room(pool, user))
                return -EAGAIN;
        if (pool->idle > pool->queued || pool->threads >= POOL_THREADS)
                return 0;
        return thread_add(pool) || pool->threads > 0 ? 0 : -EAGAIN;
}

int pool_submit(struct pool *pool, struct job *job) {
        struct pool_user *user;
        int r;

        if (!job)
                return -ENOMEM;
        job->pool = pool;
        pthread_mutex_lock(&pool->lock);
        user = user_find_or_add(pool, job->uid);
        r = user ? pool_admit(pool, user, job) : -ENOMEM;
        if (r == 0) {
                /* Still under the lock, so that no thread can answer and free the job meanwhile. */
                request_on_interrupt(&job->request, job_on_interrupt, job);
                user_queue(pool, user, job);
                pthread_cond_signal(&pool->work);
        } else if (user) {
                user_drop_if_idle(pool, user);
        }
        pthread_mutex_unlock(&pool->lock);
        if (r == 0)
                return REQUEST_TAKEN;
        job_free(job);
        return r;
}

int pool_submit_read(struct pool *pool, const struct request *request, int (*run)(struct job *job), size_t size,
                     off_t offset, const struct fuse_file_info *fi) {
        struct job *job = job_new(request, run);

        if (job) {
                job->fi = *fi;
                job->size = size;
                job->offset = offset;
        }
        return pool_submit(pool, job);
}

/* No thread is left, and nobody submits any more. */
static void end_queued(struct pool *pool) {
        while (pool->turns) {
                struct pool_user *user = pool->turns;
                struct job *job = user_dequeue(pool, user);

                user_drop_if_idle(pool, user);
                job->user = NULL;
                ax_cancel_fire(job->cancel);
                if (job->must) {
                        job_end(job, job_run(job));
                        continue;
                }
                request_on_interrupt(&job->request, NULL, NULL);
                job_end(job, -EIO);
        }
}

void pool_stop(struct pool *pool) {
        struct job *job;

        pthread_mutex_lock(&pool->lock);
        pool->stopping = true;
        DL_FOREACH (pool->running, job)
                ax_cancel_fire(job->cancel);
        pthread_cond_broadcast(&pool->work);
        while (pool->threads > 0)
                pthread_cond_wait(&pool->ended, &pool->lock);
        pthread_mutex_unlock(&pool->lock);
        end_queued(pool);
}
