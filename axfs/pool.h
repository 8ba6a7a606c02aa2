/* SPDX-License-Identifier: MIT */
/*
 * pool.h - threads for what the daemon must be asked
 *
 * libfuse's own threads never wait for the daemon: a daemon that is stopped, or a console nobody
 * types on, must not hold up files of the stores. Such requests become jobs here. Threads are
 * started as they are needed, up to a bound, and end after idling.
 *
 * Users are served in turn: each has a queue of its own, and gets one job done before the next
 * user's turn. A user occupies at most a part of the threads, and has at most so many jobs queued.
 * A part of both is for root only. A job that turns out to wait for something that may never come
 * (a read of the console) says so. It fails with EAGAIN if its user, or all users together, have
 * too many that wait. So the others are always served.
 *
 * A job holds the request until it is answered. FUSE's INTERRUPT fires the job's switch
 * (ax_cancel), which ends the call that it waits in. The answer comes last: before it the job has
 * given back what it counted for.
 */
#pragma once

#include "request.h"

#include <axeberg.h>

#include <pthread.h>
#include <stdbool.h>

struct pool;
struct pool_user;

enum {
        POOL_THREADS = 64,
        POOL_THREADS_USERS = 60, /* ordinary users together */
        POOL_THREADS_EACH = 16,
        POOL_WAITING_USERS = 40,
        POOL_WAITING_EACH = 8,
        POOL_QUEUE_USERS = 1024,
        POOL_QUEUE_EACH = 256,
        POOL_QUEUE_ROOT = 1024,
};

struct job {
        struct request request;
        int (*run)(struct job *job); /* fills in the answer and returns 0, or returns a negative errno */
        uid_t uid;                   /* whose turn it takes; the caller unless said else before it is submitted */
        bool must;                   /* frees something: taken and done in any case */
        struct fuse_file_info fi;
        char *text; /* a path, or data; freed with the job */
        size_t size;
        off_t offset;
        struct fuse_pollhandle *handle; /* freed with the job */
        ax_cancel *cancel;
        struct pool *pool;
        struct pool_user *user; /* while it is submitted */
        bool waits;
        struct job *prev, *next;
};

struct pool {
        pthread_mutex_t lock;
        pthread_cond_t work, ended;
        struct pool_user *users; /* by uid; those with jobs */
        struct pool_user *turns; /* those with queued jobs, the next one first */
        struct job *running;
        unsigned threads, idle, queued;
        unsigned queued_users, running_users, waiting_users; /* of ordinary users */
        bool stopping;
};

void pool_init(struct pool *pool);

/** pool_stop() - end waiting calls, wait for the threads, and answer what is queued with EIO */
void pool_stop(struct pool *pool);
void pool_deinit(struct pool *pool);

/**
 * job_new() - make a job for a request, which stays the caller's until the job is submitted
 *
 * Returns NULL without memory.
 */
struct job *job_new(const struct request *request, int (*run)(struct job *job));

/** job_free() - free a job that is not submitted after all */
void job_free(struct job *job);

/**
 * job_waits() - say that the running job may wait without end in its next call
 *
 * Returns 0, or -EAGAIN if too many jobs wait already.
 */
int job_waits(struct job *job);

/**
 * pool_submit() - have a job done
 * @job: taken over, also on error; NULL is an error that is passed on
 *
 * Returns REQUEST_TAKEN; -EAGAIN if too many jobs wait; -ENOMEM. On error the request is still the
 * caller's.
 */
int pool_submit(struct pool *pool, struct job *job);

/** pool_submit_read() - have a part of something that is open read; results as pool_submit() */
int pool_submit_read(struct pool *pool, const struct request *request, int (*run)(struct job *job), size_t size,
                     off_t offset, const struct fuse_file_info *fi);
