/*
 * util.h - small things that know nothing of file systems: cleanup attributes and error conversion
 *
 * Functions of axfs return 0 or a negative errno, like the rest of axeberg; only what is handed to libfuse is positive.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

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

/* lock_until_return() - the result unlocks when its scope ends: _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&m); */
static inline pthread_mutex_t *lock_until_return(pthread_mutex_t *mutex) {
        pthread_mutex_lock(mutex);
        return mutex;
}

/* take_fd() - the descriptor, which its owner forgets */
static inline int take_fd(int *fd) {
        int taken = *fd;

        *fd = -1;
        return taken;
}

/* negative_errno() - -errno, never 0 even where errno was lost */
static inline int negative_errno(void) {
        return errno > 0 ? -errno : -EIO;
}
