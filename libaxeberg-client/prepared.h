/* SPDX-License-Identifier: MIT */
/*
 * Memory for small regions, which the library has before the program asks for it.
 *
 * The daemon keeps no descriptor of a region, and what a program has mapped is its own on the host.
 * So a small region that may be written needs nothing of the daemon but to be accounted. Blocks of
 * freed regions are kept for the next ones: a few of each size, so the idle ones are bounded.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "pages.h"

enum { PREPARED_SIZES = 4, PREPARED_KEPT = 8, PREPARED_MAX_SIZE = PREPARED_SIZES * AX_PAGE_SIZE };

struct prepared {
        pthread_mutex_t lock;
        struct {
                void *blocks[PREPARED_KEPT];
                size_t count;
        } kept[PREPARED_SIZES]; /* by pages, from 1 */
};

void prepared_init(struct prepared *prepared);
/* Leaves the lock alone (client_free()). */
void prepared_deinit(struct prepared *prepared);

/*
 * Gets zeroed memory, shared as a region is with a forked child. Returns NULL if the size is none
 * of the small ones, or if the host has no memory.
 */
void *prepared_take(struct prepared *prepared, size_t size);
/* Nobody uses it any more. */
void prepared_give(struct prepared *prepared, void *block, size_t size);
