/* SPDX-License-Identifier: MIT */
#include "thread.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic(struct thread *) threads;
static atomic_uint n_threads;
static pthread_key_t key;
static bool has_key; /* if other libraries have taken all keys, records are not used again */
bool thread_barrier_is_remote;

_Thread_local struct thread *thread_current, *thread_fast;

struct thread *threads_first(void) {
        return atomic_load(&threads);
}

/* Frees the record for a new thread; the old one copies nothing any more. */
static void release(struct thread *thread) {
        atomic_store(&thread->copies, NULL);
        atomic_store(&thread->taken, false);
}

static void thread_on_end(void *thread) {
        thread_current = thread_fast = NULL;
        release(thread);
}

/* A forked child has the thread that forked, and no other. */
static void on_fork_in_child(void) {
        for (struct thread *thread = threads_first(); thread; thread = thread->next)
                if (thread != thread_current)
                        release(thread);
}

static void init_once(void) {
        has_key = pthread_key_create(&key, thread_on_end) == 0;
        pthread_atfork(NULL, NULL, on_fork_in_child);
        thread_barrier_is_remote = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void threads_init(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, init_once);
}

static struct thread *reuse(void) {
        struct thread *best = NULL;

        for (struct thread *thread = threads_first(); thread; thread = thread->next) {
                bool taken = false;

                if ((best && best->number < thread->number) ||
                    !atomic_compare_exchange_strong(&thread->taken, &taken, true))
                        continue;
                if (best)
                        atomic_store(&best->taken, false);
                best = thread;
        }
        return best;
}

struct thread *thread_register(void) {
        struct thread *thread;

        threads_init();
        thread = reuse();
        if (!thread) {
                thread = calloc(1, sizeof(*thread));
                if (!thread)
                        return NULL;
                atomic_store(&thread->taken, true);
                thread->number = atomic_fetch_add(&n_threads, 1);
                thread->next = atomic_load(&threads);
                while (!atomic_compare_exchange_weak(&threads, &thread->next, thread))
                        ;
        }
        if (has_key)
                pthread_setspecific(key, thread);
        thread_current = thread;
        thread_fast = thread_barrier_is_remote ? thread : NULL;
        return thread;
}
