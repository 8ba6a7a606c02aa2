/* SPDX-License-Identifier: MIT */
/*
 * A thread that takes signals, so that they also end or stop what axctl waits for.
 *
 * A signal ends the thread, too: SIGRTMIN, which has the highest number of all that it takes. The
 * host delivers lower numbers first, so the thread takes every signal that came before. Cancelling
 * it would lose a signal that it has just taken.
 */
#pragma once

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct signal_thread {
        sigset_t signals; /* that it takes */
        sigset_t mask;    /* of the thread that began it, before */
        pthread_t thread;
        atomic_bool ended;
};

/* Returns true if axctl was started to ignore the signal. Such a signal stays ignored. */
bool signal_is_ignored(int signal);

/* Chooses the signals that the thread will take: those that are not ignored. */
void signal_thread_init(struct signal_thread *thread, const int *signals, size_t n_signals);

/*
 * Blocks the signals, in the calling thread and those that it starts later; they stay pending until
 * the thread takes them.
 */
void signal_thread_block(struct signal_thread *thread);

/**
 * signal_thread_begin() - starts the thread
 * @main: gets @userdata; loops on signal_thread_wait() until that returns a negative value
 *
 * The signals are blocked. Returns 0, or a negative errno after unblocking them.
 */
int signal_thread_begin(struct signal_thread *thread, void *(*main)(void *userdata), void *userdata);

/* Ends the thread when it has taken all signals that came before. They are unblocked again. */
void signal_thread_end(struct signal_thread *thread);

/**
 * signal_thread_wait() - takes the next signal
 * @info: may be NULL
 * @timeout: NULL: none
 *
 * For the thread itself. Returns the signal, or 0 if none came in time, or -1 if it has to end.
 */
int signal_thread_wait(struct signal_thread *thread, siginfo_t *info, const struct timespec *timeout);

/* Waits in the thread itself. Returns true if the thread has to end before the time is over. */
bool signal_thread_ends_within(struct signal_thread *thread, const struct timespec *time);

/*
 * Does with axctl what a signal does by default: ends or stops it. The signal is blocked before and
 * after that.
 */
void signal_take_effect(int signal);
