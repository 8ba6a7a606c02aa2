/* SPDX-License-Identifier: MIT */
#include "prepared.h"

#include <string.h>
#include <sys/mman.h>

/* Rounds up to pages. */
static size_t pages_of(size_t size) {
        return (size + AX_PAGE_SIZE - 1) / AX_PAGE_SIZE;
}

void prepared_init(struct prepared *prepared) {
        *prepared = (struct prepared){ 0 };
        pthread_mutex_init(&prepared->lock, NULL);
}

void prepared_deinit(struct prepared *prepared) {
        for (size_t i = 0; i < PREPARED_SIZES; i++)
                for (size_t j = 0; j < prepared->kept[i].count; j++)
                        munmap(prepared->kept[i].blocks[j], (i + 1) * AX_PAGE_SIZE);
}

static void *take_kept(struct prepared *prepared, size_t pages) {
        void *block = NULL;

        pthread_mutex_lock(&prepared->lock);
        if (prepared->kept[pages - 1].count > 0)
                block = prepared->kept[pages - 1].blocks[--prepared->kept[pages - 1].count];
        pthread_mutex_unlock(&prepared->lock);
        return block;
}

void *prepared_take(struct prepared *prepared, size_t size) {
        size_t pages;
        void *block;

        if (size == 0 || size > PREPARED_MAX_SIZE)
                return NULL;
        pages = pages_of(size);
        block = take_kept(prepared, pages);
        if (block)
                return memset(block, 0, pages * AX_PAGE_SIZE);
        block = mmap(NULL, pages * AX_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                     0);
        return block == MAP_FAILED ? NULL : block;
}

void prepared_give(struct prepared *prepared, void *block, size_t size) {
        size_t pages = pages_of(size), *count = &prepared->kept[pages - 1].count;
        bool keep;

        pthread_mutex_lock(&prepared->lock);
        keep = *count < PREPARED_KEPT;
        if (keep) {
                prepared->kept[pages - 1].blocks[*count] = block;
                (*count)++; /* last: a thread may fork in the middle */
        }
        pthread_mutex_unlock(&prepared->lock);
        if (!keep)
                munmap(block, pages * AX_PAGE_SIZE);
}
