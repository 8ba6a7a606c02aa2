/* SPDX-License-Identifier: MIT */
/* turns.c - see turns.h */
#include "turns.h"

#include "util.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { KEPT_FOR_ROOT = 4, WAITING_EACH = 1024 };

struct turn {
        struct turn *prev, *next;
        unsigned slot;
        size_t size;
        char bytes[];
};

/* The slot + 1 of the request that this thread serves; 0 if nobody is counted. */
static _Thread_local unsigned counted;

void turns_init(struct turns *turns, unsigned threads) {
        *turns = (struct turns){ .each = threads / 2, .all = threads - KEPT_FOR_ROOT };
        pthread_mutex_init(&turns->lock, NULL);
}

void turns_deinit(struct turns *turns) {
        struct turn *turn, *next;

        DL_FOREACH_SAFE (turns->waiting, turn, next) {
                free(turn);
        }
        turns->waiting = NULL;
        pthread_mutex_destroy(&turns->lock);
}

/* Messages that need no work do not block, and root's requests do not have to wait. */
static bool is_free(const struct fuse_in_header *header) {
        return header->uid == 0 || header->opcode == FUSE_FORGET || header->opcode == FUSE_BATCH_FORGET ||
               header->opcode == FUSE_INTERRUPT || header->opcode == FUSE_INIT || header->opcode == FUSE_DESTROY;
}

static unsigned slot_of(uint32_t uid) {
        return uid * UINT32_C(2654435761) >> 24;
}

/* Returns false if the user, or all users together, have as many as they may. */
static bool count(struct turns *turns, unsigned slot) {
        if (atomic_fetch_add(&turns->running_of[slot], 1) < turns->each) {
                if (atomic_fetch_add(&turns->running, 1) < turns->all) {
                        counted = slot + 1;
                        return true;
                }
                atomic_fetch_sub(&turns->running, 1);
        }
        atomic_fetch_sub(&turns->running_of[slot], 1);
        return false;
}

void turns_end(struct turns *turns) {
        if (counted == 0)
                return;
        atomic_fetch_sub(&turns->running, 1);
        atomic_fetch_sub(&turns->running_of[counted - 1], 1);
        counted = 0;
}

static void refuse(int fd, const struct fuse_in_header *header) {
        const struct fuse_out_header answer = { .len = sizeof(answer), .error = -ENOMEM, .unique = header->unique };

        (void) !write(fd, &answer, sizeof(answer));
}

static bool put_off(struct turns *turns, unsigned slot, const void *bytes, size_t size) {
        struct turn *turn = malloc(sizeof(*turn) + size);
        bool fits;

        if (!turn)
                return false;
        *turn = (struct turn){ .slot = slot, .size = size };
        memcpy(turn->bytes, bytes, size);
        pthread_mutex_lock(&turns->lock);
        fits = turns->waiting_of[slot] < WAITING_EACH;
        if (fits) {
                DL_APPEND(turns->waiting, turn);
                turns->waiting_of[slot]++;
                atomic_fetch_add(&turns->n_waiting, 1);
        }
        pthread_mutex_unlock(&turns->lock);
        if (!fits)
                free(turn);
        return fits;
}

bool turns_begin(struct turns *turns, int fd, const struct fuse_in_header *header, size_t size) {
        unsigned slot = slot_of(header->uid);

        if (is_free(header) || count(turns, slot))
                return true;
        if (!put_off(turns, slot, header, size))
                refuse(fd, header);
        return false;
}

/*
 * Looked at by a thread that has ended a request, and by one that has put one off: one of the two
 * sees it.
 */
size_t turns_take(struct turns *turns, void *buffer, size_t size) {
        struct turn *turn;
        size_t taken = 0;

        if (atomic_load(&turns->n_waiting) == 0)
                return 0;
        pthread_mutex_lock(&turns->lock);
        DL_FOREACH (turns->waiting, turn) {
                if (count(turns, turn->slot))
                        break;
        }
        if (turn) {
                DL_DELETE(turns->waiting, turn);
                turns->waiting_of[turn->slot]--;
                atomic_fetch_sub(&turns->n_waiting, 1);
        }
        pthread_mutex_unlock(&turns->lock);
        if (turn) {
                taken = turn->size < size ? turn->size : size; /* all buffers have the same size */
                memcpy(buffer, turn->bytes, taken);
                free(turn);
        }
        return taken;
}
