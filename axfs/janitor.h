/*
 * janitor.h - what is done once a second while the mount is used
 *
 * Sweeps the descriptor cache and has the counters reported. When there is nothing left to do it sleeps until the next request, so an idle
 * mount wakes nobody.
 */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct axfs;

struct janitor {
        struct axfs *fs;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        atomic_bool awake;
        bool started, stopping;
};

int janitor_start(struct janitor *janitor, struct axfs *fs);
void janitor_stop(struct janitor *janitor);
void janitor_wake(struct janitor *janitor);

/** janitor_note() - a request has come; costs nothing while the janitor is awake */
static inline void janitor_note(struct janitor *janitor) {
        if (!atomic_load_explicit(&janitor->awake, memory_order_relaxed))
                janitor_wake(janitor);
}
