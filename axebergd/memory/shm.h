/* SPDX-License-Identifier: MIT */
/*
 * Shared segments: one memfd each, that attachments copy to (sync) and from (refresh), or are.
 *
 * A segment is listed while it is attached; one that was never attached is listed as long as its
 * maker lives. Copies of one segment exclude each other, so each sees the others whole or not at
 * all; a worker makes them, and others wait for it.
 *
 * The daemon has a segment mapped until the first program gets it itself (coherent attachments):
 * from then on programs can punch it (memory/memfd.h), and it is copied through its descriptor.
 *
 * M8: a segment that is not listed can be reached by nobody, and is charged for no longer. M9: the
 * bytes of the listed segments are the sum that the table keeps.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "account/memory.h"
#include "memory/memfd.h"
#include "util/wait_queue.h"

struct identity;
struct region;
struct region_table;
struct system_memory;

struct shm {
        struct system_memory *memory;
        uint64_t id;
        unsigned refs; /* the table's, attachments', and those of copies under way */
        size_t size;
        int fd;
        void *map; /* NULL: programs have it */
        uid_t uid;
        int32_t creator; /* pid */
        bool listed, was_attached;
        struct region_table *maker; /* lists it until it is attached; NULL from then on */
        struct shm *prev, *next;
        struct memory_charge charge;
        struct user_charge count_charge, fd_charge, map_charge;
        struct region *attachments;
        unsigned n_attachments;
        bool busy;                 /* a worker copies */
        struct wait_queue waiters; /* for that */
        UT_hash_handle hh;
};

/* Returns 0, -AX_EMEM_INVALID_SIZE or -AX_EMEM_OUT_OF_MEMORY. */
int shm_new(struct shm **ret, struct region_table *maker, size_t size);
struct shm *shm_ref(struct shm *shm);
struct shm *shm_unref(struct shm *shm);
/* Takes it out of the list: nobody attaches to it any more. */
void shm_remove(struct shm *shm);

/* One that `viewer` may reach. Returns 0, -AX_EMEM_SHM_NOT_FOUND or -AX_EMEM_PERMISSION_DENIED. */
int shm_from_id(const struct system_memory *memory, const struct identity *viewer, uint64_t id, struct shm **ret);
/* A process's attachment; NULL if it has none. */
struct region *shm_attachment(const struct shm *shm, const struct region_table *table);
/*
 * The segments of all processes with the lowest ids above `after`, in order, at most `max` of them.
 * Returns how many.
 */
size_t shm_list(const struct system_memory *memory, uint64_t after, const struct shm **ret, size_t max, bool *ret_more);
/* It has been attached: it no longer depends on its maker. */
void shm_set_attached(struct shm *shm);
/* Removes the segments that the process made and nobody has attached. */
void shm_release_unattached(struct region_table *maker);
/* What a copy from or to the segment uses now. */
struct memfd_side shm_side(const struct shm *shm);
/* At the kernel's end, when no segment is left. */
void segments_deinit(struct system_memory *memory);
/* For a worker, while the segment is busy: programs may have the segment afterwards. */
void shm_unmap(struct shm *shm);
