/* SPDX-License-Identifier: MIT */
/*
 * lock_waits.h - requests that wait for a lock, each on a thread of its own
 *
 * The host tells nobody else when a lock is free, so a thread has to wait for each. These threads
 * do nothing else, and each is charged to the user before it is started: a user who has as many as
 * he may gets ENOLCK, and takes nobody's place.
 *
 * A signal takes a thread out of the host's call. One that comes before the call would be lost; so
 * from the interruption on it is repeated by a timer until the thread has seen it.
 */
#pragma once

#include "request.h"

#include <fcntl.h>
#include <pthread.h>

struct lock_owner;
struct lock_wait;
struct opened_list;

struct lock_waits {
        struct opened_list *opened; /* keeps the charges */
        pthread_mutex_t lock;
        pthread_cond_t ended;
        struct lock_wait *first;
        unsigned threads;
        bool stopping;
};

/** lock_waits_init() - also has the process take note of the signal */
void lock_waits_init(struct lock_waits *waits, struct opened_list *opened);
void lock_waits_deinit(struct lock_waits *waits);

/**
 * lock_waits_add() - have a request wait for a lock of fcntl(2)
 * @owner: taken over, also on error
 *
 * Returns REQUEST_TAKEN, or -ENOLCK; then the request is still the caller's.
 */
int lock_waits_add(struct lock_waits *waits, const struct request *request, struct lock_owner *owner,
                   const struct flock *lock);

/** lock_waits_add_flock() - the same for flock(2) on a descriptor that the request keeps open */
int lock_waits_add_flock(struct lock_waits *waits, const struct request *request, int fd, int operation);

/** lock_waits_stop() - answer all with EINTR, and wait for the threads */
void lock_waits_stop(struct lock_waits *waits);
