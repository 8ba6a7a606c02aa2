/*
 * Shared segments: one memfd each, that attachments copy to (sync) and from (refresh), or are.
 *
 * A segment is listed while it is attached; one that was never attached as long as its creator lives. Copies of one segment exclude each other, so each sees
 * another whole or not at all; a large one is made by a worker, and others wait for it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "memory/account.h"
#include "process/wait_queue.h"

struct kernel;
struct process;
struct region;

struct shm {
        struct kernel *kernel;
        uint64_t id;
        unsigned refs; /* the table's, attachments', and those of copies under way */
        size_t size;
        int fd;
        void *map;
        uid_t uid;
        int32_t creator; /* pid */
        bool listed, was_attached;
        struct memory_charge charge;
        struct region *attachments;
        bool busy;                 /* a worker copies */
        struct wait_queue waiters; /* for that */
        UT_hash_handle hh;
};

/* Return: 0, -AX_EMEM_INVALID_SIZE, -AX_EMEM_OUT_OF_MEMORY. */
int shm_new(struct shm **ret, struct process *creator, size_t size);
struct shm *shm_ref(struct shm *shm);
struct shm *shm_unref(struct shm *shm);
/* Takes it out of the table: nobody attaches to it any more. */
void shm_remove(struct shm *shm);

/* One that the process may reach. Return: 0, -AX_EMEM_SHM_NOT_FOUND, -AX_EMEM_PERMISSION_DENIED. */
int shm_from_id(const struct process *process, uint64_t id, struct shm **ret);
/* The process's attachment; NULL: none. */
struct region *shm_attachment(const struct shm *shm, const struct process *process);
/* Those that the process made and nobody has attached go with it. */
void shm_release_unattached(struct process *process);
