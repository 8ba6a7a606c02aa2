/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <unistd.h>

bool signal_is_ignored(int signal) {
        struct sigaction action;

        return sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void signal_thread_init(struct signal_thread *thread, const int *signals, size_t n_signals) {
        sigemptyset(&thread->signals);
        sigaddset(&thread->signals, SIGRTMIN);
        for (size_t i = 0; i < n_signals; i++)
                if (!signal_is_ignored(signals[i]))
                        sigaddset(&thread->signals, signals[i]);
        atomic_store(&thread->ended, false);
}

void signal_thread_block(struct signal_thread *thread) {
        pthread_sigmask(SIG_BLOCK, &thread->signals, &thread->mask);
}

int signal_thread_begin(struct signal_thread *thread, void *(*main)(void *userdata), void *userdata) {
        int r = -pthread_create(&thread->thread, NULL, main, userdata);

        if (r < 0)
                pthread_sigmask(SIG_SETMASK, &thread->mask, NULL);
        return r;
}

void signal_thread_end(struct signal_thread *thread) {
        atomic_store(&thread->ended, true);
        kill(getpid(), SIGRTMIN);
        pthread_join(thread->thread, NULL);
        pthread_sigmask(SIG_SETMASK, &thread->mask, NULL);
}

int signal_thread_wait(struct signal_thread *thread, siginfo_t *info, const struct timespec *timeout) {
        int signal = timeout ? sigtimedwait(&thread->signals, info, timeout) : sigwaitinfo(&thread->signals, info);

        if (signal == SIGRTMIN)
                return atomic_load(&thread->ended) ? -1 : 0;
        return signal > 0 ? signal : 0;
}

bool signal_thread_ends_within(struct signal_thread *thread, const struct timespec *time) {
        sigset_t end;

        sigemptyset(&end);
        sigaddset(&end, SIGRTMIN);
        return sigtimedwait(&end, NULL, time) == SIGRTMIN && atomic_load(&thread->ended);
}

void signal_take_effect(int signal) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, signal);
        (void) sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
        raise(signal);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
}
