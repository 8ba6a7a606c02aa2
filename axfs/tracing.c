/* SPDX-License-Identifier: MIT */
/* tracing.c - see tracing.h */
#include "tracing.h"

#include "util.h"

#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const volatile uint32_t nothing;

void tracing_init(struct tracing *tracing) {
        memset(tracing, 0, sizeof(*tracing));
        tracing->wanted = &nothing;
        tracing->wake_fd = -1;
        pthread_mutex_init(&tracing->lock, NULL);
}

void tracing_set_wake(struct tracing *tracing, int wake_fd) {
        tracing->wake_fd = wake_fd;
}

bool tracing_is_on(struct tracing *tracing) {
        bool on;

        atomic_fetch_add(&tracing->looking, 1);
        on = *atomic_load(&tracing->wanted) & 1u << AX_TRACE_FILE;
        atomic_fetch_sub(&tracing->looking, 1);
        return on;
}

void tracing_follow(struct tracing *tracing, const volatile uint32_t *wanted) {
        atomic_store(&tracing->wanted, wanted ? wanted : &nothing);
        while (atomic_load(&tracing->looking) > 0)
                sched_yield();
}

static uint64_t now_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

static struct tracing_pending *place_of(struct tracing *tracing, uint64_t unique) {
        return &tracing->pending[unique / 2 % TRACING_PENDING]; /* the kernel counts in twos */
}

void tracing_begin(struct tracing *tracing, uint64_t unique, uint32_t opcode, const struct ax_mount_event *event) {
        struct tracing_pending *pending = place_of(tracing, unique);
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&tracing->lock);

        tracing->lost += atomic_load(&pending->unique) != 0;
        atomic_store(&pending->unique, unique);
        pending->begin_nsec = now_nsec();
        pending->opcode = opcode;
        pending->event = *event;
}

static bool queue(struct tracing *tracing, struct tracing_pending *pending, uint64_t unique, int result) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&tracing->lock);

        if (atomic_load(&pending->unique) != unique)
                return false;
        atomic_store(&pending->unique, 0);
        if (tracing->n_queued == TRACING_QUEUED) {
                tracing->lost++;
                return true;
        }
        pending->event.duration_nsec = now_nsec() - pending->begin_nsec;
        pending->event.result = result;
        tracing->queue[tracing->n_queued++] = pending->event;
        return true;
}

/* Without a lock: if this very request was noted, that was before its answer. */
static bool is_noted(struct tracing_pending *pending, uint64_t unique) {
        return unique != 0 && atomic_load(&pending->unique) == unique;
}

bool tracing_has(struct tracing *tracing, uint64_t unique, uint32_t *ret_opcode) {
        struct tracing_pending *pending = place_of(tracing, unique);
        bool noted = is_noted(pending, unique);

        if (noted) {
                _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&tracing->lock);

                noted = is_noted(pending, unique);
                if (noted)
                        *ret_opcode = pending->opcode;
        }
        return noted;
}

void tracing_end(struct tracing *tracing, uint64_t unique, int result) {
        const uint64_t one = 1;

        if (queue(tracing, place_of(tracing, unique), unique, result))
                (void) !write(tracing->wake_fd, &one, sizeof(one));
}

size_t tracing_take(struct tracing *tracing, struct ax_mount_event *ret, uint64_t *ret_lost) {
        size_t n;

        pthread_mutex_lock(&tracing->lock);
        n = tracing->n_queued;
        memcpy(ret, tracing->queue, n * sizeof(*ret));
        *ret_lost = tracing->lost;
        tracing->n_queued = 0;
        tracing->lost = 0;
        pthread_mutex_unlock(&tracing->lock);
        return n;
}
