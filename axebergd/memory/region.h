/* SPDX-License-Identifier: MIT */
/*
 * Regions: memory of a process, sealed memfds that the program maps itself.
 *
 * The daemon makes and accounts them, and keeps no descriptor: if a program keeps a region mapped
 * after freeing it, that is memory of its own on the host. The seals fix the size. Memory that is
 * not READ_WRITE cannot be written through any descriptor of it (fcntl(2), F_SEAL_FUTURE_WRITE).
 *
 * A region's place in its table is the low part of its id, so that finding it costs the same
 * however many there are. An attachment to a segment is a region, too, which the daemon has mapped
 * to copy from and to. It uses that mapping only if no program can punch the memory
 * (memory/memfd.h), and the descriptor until then.
 *
 * M6: a region is in its table's slot, and counted there, until it is freed. M7: an attachment is
 * in the lists of its segment and of its table, or in neither.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "account/memory.h"
#include "memory/memfd.h"
#include "util/workers.h"

struct region_table;
struct shm;
struct system_memory;

struct region {
        uint64_t id;
        unsigned refs; /* the table's, and those of copies under way */
        size_t size;
        unsigned protection; /* AX_PROT_… */
        struct memory_charge charge;
        struct user_charge slot_charge;
        struct system_memory *memory;
        struct region_table *table; /* NULL once it has been freed */

        /* of an attachment */
        struct shm *shm;
        uint64_t shm_id;
        void *map;            /* the daemon's own view; NULL: coherent, the segment itself */
        int fd;               /* until nobody can punch it; then -1 */
        bool passed, copying; /* the program has the descriptor; a worker uses it */
        struct user_charge map_charge, fd_charge;
        struct region *prev, *next; /* of the segment */
        UT_hash_handle hh;          /* of the table's attachments */
        struct job job;             /* at the end: unmaps it */
};

enum region_event { REGION_ALLOCATED, REGION_FREED, REGION_REFUSED, REGION_ATTACHED };

/* The regions of one process, and the segments that it made. */
struct region_table {
        struct system_memory *memory;
        struct user *user; /* pays */
        uid_t uid;
        int32_t pid;
        /* Called after each change of the table; of what was refused there is no id. */
        void (*changed)(struct region_table *table, enum region_event event, uint64_t id, size_t size);
        struct region **slots;
        struct user_charge slots_charge;
        size_t size, lowest_free, count;
        struct region *attachments; /* by segment */
        unsigned n_attachments;
        struct memory_account account;
        struct shm *unattached; /* segments of this process that nobody has attached yet */
};

/*
 * Returns 0, -AX_EMEM_INVALID_SIZE, -EINVAL (the protection) or -AX_EMEM_OUT_OF_MEMORY. `*ret_fd`
 * is the caller's, to pass on.
 */
int region_new(struct region **ret, struct region_table *table, size_t size, unsigned protection, int *ret_fd);
/*
 * Likewise for an attachment, which has a descriptor of its own. A coherent one has no memory of
 * its own, and no descriptor.
 */
int region_attach(struct region **ret, struct region_table *table, struct shm *shm, unsigned protection, bool coherent);
/* The program has the attachment's descriptor now. */
void region_set_passed(struct region *region);
/* What a copy from or to an attachment uses now. */
struct memfd_side region_side(struct region *region);
/* Takes it out of its table. */
void region_free(struct region *region);
struct region *region_ref(struct region *region);
struct region *region_unref(struct region *region);

struct region *region_from_id(const struct region_table *table, uint64_t id); /* NULL if there is none */
/*
 * Frees as many regions as the budget allows, and takes them off it. Returns true if none is left.
 */
bool regions_release(struct region_table *table, unsigned *budget);
/* At the kernel's end: unmaps what programs have kept from being unmapped. */
void regions_unmap_kept(struct system_memory *memory);
