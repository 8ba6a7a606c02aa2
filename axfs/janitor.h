/* SPDX-License-Identifier: MIT */
/*
 * janitor.h - call a function once a second while the mount is used
 *
 * When the function has nothing left to do the janitor sleeps until the next request, so an idle
 * mount wakes nobody.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct janitor {
        bool (*tidy)(void *data);
        void *data;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        atomic_bool awake;
        bool started, stopping;
};

/**
 * janitor_start() - @tidy is called from now on; it returns true if there may be more to do later
 *
 * Returns 0 or a negative errno.
 */
int janitor_start(struct janitor *janitor, bool (*tidy)(void *data), void *data);
void janitor_stop(struct janitor *janitor);
void janitor_wake(struct janitor *janitor);

/** janitor_note() - a request has come; costs nothing while the janitor is awake */
static inline void janitor_note(struct janitor *janitor) {
        if (!atomic_load_explicit(&janitor->awake, memory_order_relaxed))
                janitor_wake(janitor);
}
