/* SPDX-License-Identifier: MIT */
/* watch.c - see watch.h */
#include "watch.h"

#include "connection.h"
#include "request.h"
#include "util.h"

#include <utlist.h>

enum { INTERVAL_MS = 100 };

void watch_init(struct watch *watch) {
        pthread_condattr_t attributes;

        *watch = (struct watch){ .first = NULL };
        pthread_mutex_init(&watch->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&watch->wake, &attributes);
        pthread_condattr_destroy(&attributes);
}

void watch_deinit(struct watch *watch) {
        pthread_cond_destroy(&watch->wake);
        pthread_mutex_destroy(&watch->lock);
}

int watch_has_input(struct connection *connection, int fd) {
        struct ax_stat st;
        int r = ax_fstat(connection->ax, fd, &st);

        return r < 0 ? r : st.size > 0;
}

/* Under the lock. */
static void forget(struct watch *watch, struct watched *watched) {
        DL_DELETE(watch->first, watched);
        fuse_pollhandle_destroy(watched->handle);
        watched->handle = NULL;
}

/* Under the lock. Handles of a connection that is gone are woken, too: reading fails at once. */
static void wake_all(struct watch *watch) {
        while (watch->first) {
                struct watched *watched = watch->first;

                (void) fuse_lowlevel_notify_poll(watched->handle);
                forget(watch, watched);
        }
}

/* Under the lock, which is not held while the daemon is asked. All files are the same console. */
static bool ask(struct watch *watch) {
        _cleanup_(connection_unrefp) struct connection *connection = connection_ref(watch->first->connection);
        int fd = watch->first->fd, r;

        pthread_mutex_unlock(&watch->lock);
        r = watch_has_input(connection, fd);
        pthread_mutex_lock(&watch->lock);
        return r != 0;
}

static void sleep_a_moment(struct watch *watch) {
        struct timespec until;
        int r = 0;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += INTERVAL_MS * 1000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        while (!watch->stopping && r == 0)
                r = pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
}

static void *watch_thread(void *data) {
        struct watch *watch = data;

        pthread_mutex_lock(&watch->lock);
        while (!watch->stopping) {
                if (!watch->first)
                        pthread_cond_wait(&watch->wake, &watch->lock);
                else if (ask(watch))
                        wake_all(watch);
                else
                        sleep_a_moment(watch);
        }
        pthread_mutex_unlock(&watch->lock);
        return NULL;
}

/* Under the lock. Without the thread the poll is answered, and not repeated by us. */
static void start(struct watch *watch) {
        watch->started = thread_start(&watch->thread, watch_thread, watch) == 0;
}

void watch_add(struct watch *watch, struct watched *watched, struct fuse_pollhandle *handle) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&watch->lock);

        if (watched->handle)
                forget(watch, watched);
        watched->handle = handle;
        DL_APPEND(watch->first, watched);
        if (!watch->started)
                start(watch);
        if (watch->first == watched)
                pthread_cond_signal(&watch->wake);
}

void watch_remove(struct watch *watch, struct watched *watched) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&watch->lock);

        if (watched->handle)
                forget(watch, watched);
}

void watch_stop(struct watch *watch) {
        pthread_mutex_lock(&watch->lock);
        watch->stopping = true;
        pthread_cond_signal(&watch->wake);
        pthread_mutex_unlock(&watch->lock);
        if (watch->started)
                pthread_join(watch->thread, NULL);
}
