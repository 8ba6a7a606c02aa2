/* SPDX-License-Identifier: MIT */
#include "account/closer.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "account/user.h"
#include "util/cleanup.h"
#include "util/container.h"
#include "util/workers.h"

struct closing {
        struct job job;
        struct user_charge charge;
        int fd;
};

static void closing_run(struct job *job) {
        struct closing *closing = container_of(job, struct closing, job);

        close(steal_fd(&closing->fd));
}

static void closing_done(struct job *job) {
        struct closing *closing = container_of(job, struct closing, job);

        user_charge_deinit(&closing->charge);
        user_unref(job->user);
        free(closing);
}

/* Returns 0 if the descriptor and the charge are the job's now. */
static int closing_submit(struct workers *workers, struct user *user, const struct user_charge *charge, int fd) {
        struct closing *closing = workers ? malloc(sizeof(*closing)) : NULL;
        int r;

        if (!closing)
                return -1;
        *closing = (struct closing){ .job = { .run = closing_run, .done = closing_done, .user = user }, .fd = fd };
        if (charge)
                closing->charge = *charge;
        if (user)
                user_ref(user);
        r = workers_submit(workers, &closing->job);
        if (r < 0) {
                user_unref(user);
                free(closing);
        }
        return r;
}

void close_later(struct workers *workers, struct user *user, int fd) {
        if (fd >= 0 && closing_submit(workers, user, NULL, fd) < 0)
                close(fd);
}

void close_later_charged(struct workers *workers, struct user_charge *charge, int fd) {
        if (fd >= 0 && closing_submit(workers, charge->user, charge, fd) == 0) {
                *charge = (struct user_charge){ 0 };
                return;
        }
        cleanup_close(&fd);
        user_charge_deinit(charge);
}

enum { UNMAP_PIECE = 16 << 20, UNMAP_AT_ONCE = 1 << 20 };

struct unmapping {
        struct job job;
        struct user_charge charge;
        void *map;
        size_t size;
};

void unmap_in_pieces(void *map, size_t size) {
        for (size_t at = 0; size > UNMAP_PIECE && at < size; at += UNMAP_PIECE)
                madvise((char *) map + at, size - at < UNMAP_PIECE ? size - at : UNMAP_PIECE, MADV_DONTNEED);
        munmap(map, size);
}

static void unmapping_run(struct job *job) {
        struct unmapping *unmapping = container_of(job, struct unmapping, job);

        unmap_in_pieces(unmapping->map, unmapping->size);
}

static void unmapping_done(struct job *job) {
        struct unmapping *unmapping = container_of(job, struct unmapping, job);

        user_charge_deinit(&unmapping->charge);
        user_unref(job->user);
        free(unmapping);
}

/* Returns 0 if the mapping is the job's now. */
static int unmapping_submit(struct workers *workers, struct user *user, void *map, size_t size,
                            struct unmapping **ret) {
        struct unmapping *unmapping = workers ? malloc(sizeof(*unmapping)) : NULL;
        int r;

        if (!unmapping)
                return -1;
        *unmapping = (struct unmapping){ .job = { .run = unmapping_run, .done = unmapping_done, .user = user },
                                         .map = map,
                                         .size = size };
        if (user)
                user_ref(user);
        r = workers_submit(workers, &unmapping->job);
        if (r < 0) {
                user_unref(user);
                free(unmapping);
                return r;
        }
        *ret = unmapping;
        return 0;
}

void unmap_later_charged(struct workers *workers, struct user_charge *charge, void *map, size_t size) {
        struct unmapping *unmapping;

        if (map && size > UNMAP_AT_ONCE && unmapping_submit(workers, charge->user, map, size, &unmapping) == 0) {
                user_charge_move(&unmapping->charge, charge);
                return;
        }
        if (map)
                unmap_in_pieces(map, size);
        user_charge_deinit(charge);
}
