/* SPDX-License-Identifier: MIT */
/*
 * util.h - small things that know nothing of file systems: cleanup attributes, errors, threads,
 * hashes
 *
 * Functions of axfs return 0 or a negative errno, like the rest of axeberg. Only libfuse gets
 * positive ones.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Without memory an element is not added, and the program goes on. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define _cleanup_(function) __attribute__((cleanup(function)))
#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)
#define _cleanup_unlock_ __attribute__((unused)) _cleanup_(cleanup_unlock)

static inline void cleanup_free(void *pointer) {
        free(*(void **) pointer);
}

static inline void cleanup_close(const int *fd) {
        if (*fd >= 0)
                close(*fd);
}

static inline void cleanup_unlock(pthread_mutex_t **mutex) {
        pthread_mutex_unlock(*mutex);
}

/*
 * lock_until_return() - lock until the result's scope ends
 *
 * _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&m);
 */
static inline pthread_mutex_t *lock_until_return(pthread_mutex_t *mutex) {
        pthread_mutex_lock(mutex);
        return mutex;
}

/* take_fd() - returns the descriptor, which its owner forgets */
static inline int take_fd(int *fd) {
        int taken = *fd;

        *fd = -1;
        return taken;
}

/* thread_start() - start a thread that gets no signals. Returns 0 or a negative errno. */
static inline int thread_start(pthread_t *ret, void *(*function)(void *data), void *data) {
        sigset_t all, old;
        int r;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(ret, NULL, function, data);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        return -r;
}

/* negative_errno() - returns -errno, and never 0, even if errno was lost */
static inline int negative_errno(void) {
        return errno > 0 ? -errno : -EIO;
}
