/*
 * pool.h - threads for what the daemon must be asked
 *
 * libfuse's own threads never wait for the daemon: a daemon that is stopped, or a console nobody types on, must not hold up files of the
 * stores. Such requests become jobs here. Threads are started as they are needed, up to a bound, and end after idling. Jobs that may
 * wait for ever (reads of devices) get only a part of the threads and are refused with EAGAIN beyond it; the others queue up
 * behind one another, in bounded number.
 *
 * A job holds the request until it is answered. FUSE's INTERRUPT fires the job's switch (ax_cancel), which ends the call that it waits in.
 */
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#include <axeberg.h>

#include <pthread.h>
#include <stdbool.h>

struct axfs;
struct node;

#define POOL_THREADS 64
#define POOL_WAITING 48
#define POOL_QUEUE 1024

struct job {
        struct axfs *fs;
        fuse_req_t req;
        struct node *node;           /* referenced */
        int (*run)(struct job *job); /* answers and returns 0, or returns a negative errno to answer with */
        bool may_wait;
        bool must; /* frees something: taken and done in any case */
        struct fuse_file_info fi;
        char *text; /* a path, or data; freed with the job */
        size_t size;
        off_t offset;
        ax_cancel *cancel;
        struct job *prev, *next;
};

struct pool {
        pthread_mutex_t lock;
        pthread_cond_t work, ended;
        struct job *queue, *running;
        unsigned threads, idle, queued, waiting;
        bool stopping;
};

void pool_init(struct pool *pool);

/** pool_stop() - end waiting calls, wait for the threads, answer what is queued with EIO. Return: false where a call does not return in time. */
bool pool_stop(struct pool *pool);
void pool_deinit(struct pool *pool);

/** job_new() - a job for a request; @node is referenced. NULL: no memory. */
struct job *job_new(struct axfs *fs, fuse_req_t req, struct node *node, int (*run)(struct job *job));

/** job_free() - for a job that is not submitted after all */
void job_free(struct job *job);

/** job_detach() - before a job answers its request: from now on INTERRUPT finds it no more */
void job_detach(struct job *job);

/** job_answer_error() - answer with a negative errno */
void job_answer_error(struct job *job, int error);

/**
 * pool_submit() - have a job done
 * @job: taken over, also on error; NULL is an error that is passed on
 *
 * Return: 0; -EAGAIN too many jobs wait; -ENOMEM. On error the request is the caller's to answer.
 */
int pool_submit(struct pool *pool, struct job *job);
