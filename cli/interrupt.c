/* SPDX-License-Identifier: MIT */
#include "interrupt.h"

#include <axeberg.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#include "signals.h"

static atomic_int caught;
static sigset_t kept;
static ax_cancel *cancel;
static pthread_t worker;

static void nothing(int signal) {
        (void) signal;
}

/*
 * Waits for the first signal, then ends the call in which the command waits: the library's by a
 * switch, system calls by SIGURG, which is repeated because a call may begin just after it.
 */
static void *watch(void *userdata) {
        const struct timespec pause = { .tv_nsec = 20000000 };
        int signal;

        (void) userdata;
        while (sigwait(&kept, &signal) != 0)
                ;
        atomic_store(&caught, signal);
        ax_cancel_fire(cancel);
        for (;;) {
                pthread_kill(worker, SIGURG);
                nanosleep(&pause, NULL);
        }
        return NULL;
}

int interrupt_begin(void) {
        static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
        const struct sigaction wake = { .sa_handler = nothing };
        pthread_t watcher;
        int r;

        sigemptyset(&kept);
        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
                if (!signal_is_ignored(signals[i]))
                        sigaddset(&kept, signals[i]);
        r = ax_cancel_new(&cancel);
        if (r < 0)
                return r;
        sigaction(SIGURG, &wake, NULL);
        pthread_sigmask(SIG_BLOCK, &kept, NULL);
        worker = pthread_self();
        r = -pthread_create(&watcher, NULL, watch, NULL);
        if (r < 0)
                return r;
        pthread_detach(watcher);
        ax_cancel_use(cancel);
        return 0;
}

bool interrupted(void) {
        return atomic_load(&caught) != 0;
}

void interrupt_hold(bool hold) {
        ax_cancel_use(hold ? NULL : cancel);
}

void interrupt_end(void) {
        int signal = atomic_load(&caught);

        if (signal)
                signal_take_effect(signal);
}
