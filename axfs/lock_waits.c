/* SPDX-License-Identifier: MIT */
/* lock_waits.c - see lock_waits.h */
#include "lock_waits.h"

#include "locks.h"
#include "opened.h"
#include "util.h"

#include <signal.h>
#include <sys/file.h>
#include <time.h>
#include <utlist.h>

enum { STACK_SIZE = 256 * 1024, REPEAT_NSEC = 1000000 };

/* glibc has the field, but not everywhere the name that sigevent(7) gives it. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

struct lock_wait {
        struct opened opened;
        struct lock_waits *waits;
        struct request request;
        struct lock_owner *owner; /* NULL: flock(2) */
        struct flock lock;
        int fd, operation;
        timer_t timer;
        atomic_bool interrupted;
        struct lock_wait *prev, *next;
};

static int wake_signal(void) {
        return SIGRTMIN;
}

static void on_wake(int number) {
        (void) number;
}

void lock_waits_init(struct lock_waits *waits, struct opened_list *opened) {
        struct sigaction action = { .sa_handler = on_wake };

        *waits = (struct lock_waits){ .opened = opened };
        pthread_mutex_init(&waits->lock, NULL);
        pthread_cond_init(&waits->ended, NULL);
        sigemptyset(&action.sa_mask);
        (void) sigaction(wake_signal(), &action, NULL);
}

void lock_waits_deinit(struct lock_waits *waits) {
        pthread_cond_destroy(&waits->ended);
        pthread_mutex_destroy(&waits->lock);
}

static void wait_end(struct axfs *fs, struct opened *opened) {
        (void) fs;
        free(opened);
}

static void interrupt(struct lock_wait *wait) {
        const struct itimerspec soon_and_again = { { .tv_nsec = REPEAT_NSEC }, { .tv_nsec = 1 } };

        atomic_store(&wait->interrupted, true);
        (void) timer_settime(wait->timer, 0, &soon_and_again, NULL);
}

static void on_interrupt(fuse_req_t req, void *data) {
        (void) req;
        interrupt(data);
}

/* The thread has its timer; from here on the wait can be interrupted. */
static int wait_begin(struct lock_wait *wait) {
        struct lock_waits *waits = wait->waits;
        struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = wake_signal() };
        sigset_t wake;

        event.sigev_notify_thread_id = gettid();
        if (timer_create(CLOCK_MONOTONIC, &event, &wait->timer) < 0)
                return -ENOLCK;
        sigemptyset(&wake);
        sigaddset(&wake, wake_signal());
        pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
        pthread_mutex_lock(&waits->lock);
        DL_APPEND(waits->first, wait);
        if (waits->stopping)
                interrupt(wait);
        pthread_mutex_unlock(&waits->lock);
        request_on_interrupt(&wait->request, on_interrupt, wait);
        return 0;
}

/* Afterwards nobody interrupts the wait any more. */
static void wait_finish(struct lock_wait *wait) {
        struct lock_waits *waits = wait->waits;

        request_on_interrupt(&wait->request, NULL, NULL);
        pthread_mutex_lock(&waits->lock);
        DL_DELETE(waits->first, wait);
        pthread_mutex_unlock(&waits->lock);
        timer_delete(wait->timer);
}

static int wait_for_lock(struct lock_wait *wait) {
        int r;

        do {
                if (wait->owner)
                        r = lock_owner_take(wait->owner, &wait->lock);
                else
                        r = flock(wait->fd, wait->operation) < 0 ? negative_errno() : 0;
        } while (r == -EINTR && !atomic_load(&wait->interrupted));
        return r;
}

static void *wait_thread(void *data) {
        struct lock_wait *wait = data;
        struct lock_waits *waits = wait->waits;
        struct request request = wait->request;
        int r = wait_begin(wait);

        if (r == 0) {
                r = wait_for_lock(wait);
                wait_finish(wait);
        }
        lock_owner_unref(wait->owner);
        opened_close(&wait->opened);
        request_end(&request, r);
        pthread_mutex_lock(&waits->lock);
        waits->threads--;
        pthread_cond_broadcast(&waits->ended);
        pthread_mutex_unlock(&waits->lock);
        return NULL;
}

/* Signals are for the main thread, but for ours. */
static bool thread_add(struct lock_wait *wait) {
        pthread_attr_t attributes;
        pthread_t thread;
        sigset_t all, old;
        int r;

        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&thread, &attributes, wait_thread, wait);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attributes);
        return r == 0;
}

static int wait_start(struct lock_waits *waits, const struct request *request, const struct lock_wait *what) {
        struct lock_wait *wait = malloc(sizeof(*wait));
        bool started;

        if (!wait)
                return -ENOLCK;
        *wait = *what;
        wait->waits = waits;
        wait->request = *request;
        if (opened_add(waits->opened, &wait->opened, OPENED_LOCK_WAITS, request->caller.uid, wait_end) < 0) {
                free(wait);
                return -ENOLCK;
        }
        pthread_mutex_lock(&waits->lock);
        started = !waits->stopping && thread_add(wait);
        waits->threads += started;
        pthread_mutex_unlock(&waits->lock);
        if (started)
                return REQUEST_TAKEN;
        opened_close(&wait->opened);
        return -ENOLCK;
}

int lock_waits_add(struct lock_waits *waits, const struct request *request, struct lock_owner *owner,
                   const struct flock *lock) {
        const struct lock_wait what = { .owner = owner, .lock = *lock };
        int r = wait_start(waits, request, &what);

        if (r < 0)
                lock_owner_unref(owner);
        return r;
}

int lock_waits_add_flock(struct lock_waits *waits, const struct request *request, int fd, int operation) {
        const struct lock_wait what = { .fd = fd, .operation = operation };

        return wait_start(waits, request, &what);
}

void lock_waits_stop(struct lock_waits *waits) {
        struct lock_wait *wait;

        pthread_mutex_lock(&waits->lock);
        waits->stopping = true;
        DL_FOREACH (waits->first, wait)
                interrupt(wait);
        while (waits->threads > 0)
                pthread_cond_wait(&waits->ended, &waits->lock);
        pthread_mutex_unlock(&waits->lock);
}
