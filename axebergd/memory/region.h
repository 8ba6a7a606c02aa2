/*
 * Regions: memory of a process, sealed memfds that the program maps itself.
 *
 * The daemon makes and accounts them, and keeps no descriptor: what a program keeps mapped after it has freed a region is memory of its own on the host. The
 * seals fix the size, and what is not READ_WRITE cannot be written through any descriptor of it, by nobody (fcntl(2), F_SEAL_FUTURE_WRITE).
 *
 * A region's number in its process is the low part of its id, so that finding it costs the same however many there are. An attachment to a segment is
 * a region, too, which the daemon has mapped to copy from and to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory/account.h"

struct process;
struct shm;

enum { REGION_SLOT_BITS = 20 };

struct region {
        uint64_t id;
        unsigned refs; /* the table's, and those of copies under way */
        size_t size;
        unsigned protection; /* AX_PROT_… */
        struct memory_charge charge;
        struct user_charge slot_charge;

        /* of an attachment */
        struct process *process;
        struct shm *shm;
        void *map;                  /* the daemon's own view; NULL: coherent, the segment itself */
        struct region *prev, *next; /* of the segment */
};

struct region_table {
        struct region **slots;
        size_t size, lowest_free, count;
        unsigned n_attachments;
        struct memory_account account;
};

/* Makes a sealed memfd. `ret_map`: the daemon's own view of it, or NULL for none. Return: descriptor, -AX_EMEM_OUT_OF_MEMORY. */
int region_make_memory(size_t size, unsigned protection, void **ret_map);

/* Return: 0, -AX_EMEM_INVALID_SIZE, -EINVAL the protection, -AX_EMEM_OUT_OF_MEMORY. `*ret_fd` is the caller's, to pass on. */
int region_new(struct region **ret, struct process *process, size_t size, unsigned protection, int *ret_fd);
/* The same for an attachment; where `coherent` it has no memory of its own, and no descriptor. */
int region_attach(struct region **ret, struct process *process, struct shm *shm, unsigned protection, bool coherent,
                  int *ret_fd);
/* Takes it out of its process's table. */
void region_free(struct region *region);
struct region *region_ref(struct region *region);
struct region *region_unref(struct region *region);

struct region *region_from_id(const struct process *process, uint64_t id);
void regions_release(struct process *process);
