/* SPDX-License-Identifier: MIT */
/* janitor.c - see janitor.h */
#include "janitor.h"

#include "util.h"

static void sleep_a_second(struct janitor *janitor) {
        struct timespec until;
        int r = 0;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec++;
        while (!janitor->stopping && r == 0)
                r = pthread_cond_timedwait(&janitor->wake, &janitor->lock, &until);
}

static void *janitor_thread(void *data) {
        struct janitor *janitor = data;
        bool more;

        pthread_mutex_lock(&janitor->lock);
        while (!janitor->stopping) {
                sleep_a_second(janitor);
                pthread_mutex_unlock(&janitor->lock);
                more = janitor->tidy(janitor->data);
                pthread_mutex_lock(&janitor->lock);
                if (more)
                        continue;
                atomic_store(&janitor->awake, false);
                while (!janitor->stopping && !atomic_load(&janitor->awake))
                        pthread_cond_wait(&janitor->wake, &janitor->lock);
        }
        pthread_mutex_unlock(&janitor->lock);
        return NULL;
}

void janitor_wake(struct janitor *janitor) {
        pthread_mutex_lock(&janitor->lock);
        if (!atomic_exchange(&janitor->awake, true))
                pthread_cond_signal(&janitor->wake);
        pthread_mutex_unlock(&janitor->lock);
}

int janitor_start(struct janitor *janitor, bool (*tidy)(void *data), void *data) {
        pthread_condattr_t attributes;
        int r;

        *janitor = (struct janitor){ .tidy = tidy, .data = data, .awake = true };
        pthread_mutex_init(&janitor->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&janitor->wake, &attributes);
        pthread_condattr_destroy(&attributes);
        r = thread_start(&janitor->thread, janitor_thread, janitor);
        janitor->started = r == 0;
        return r;
}

void janitor_stop(struct janitor *janitor) {
        if (!janitor->started)
                return;
        pthread_mutex_lock(&janitor->lock);
        janitor->stopping = true;
        pthread_cond_signal(&janitor->wake);
        pthread_mutex_unlock(&janitor->lock);
        pthread_join(janitor->thread, NULL);
        pthread_cond_destroy(&janitor->wake);
        pthread_mutex_destroy(&janitor->lock);
}
