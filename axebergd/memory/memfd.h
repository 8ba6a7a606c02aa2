/* SPDX-License-Identifier: MIT */
/*
 * Memory that the daemon shares with programs: memfds whose size is sealed, so that no access to a
 * mapping of them can fail with SIGBUS.
 *
 * Whoever can write a memfd can also punch holes into it (fallocate(2)). A thread that touches a
 * mapping of it meanwhile waits until the hole is made, and so does one that unmaps it; a program
 * that has mapped it some 10,000 times makes that take as long as it likes. So the daemon touches
 * and unmaps no mapping that a program can punch. F_SEAL_FUTURE_WRITE forbids it, also through
 * mappings that are writable already: the library sets it as soon as it has mapped its memory.
 * Memory that is not sealed so is read and written through its descriptor, by a worker, which waits
 * without holding anybody up.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum memfd_kind {
        MEMFD_READ_ONLY,    /* no program can write it */
        MEMFD_SHARED,       /* programs can write it, and add no seals */
        MEMFD_SEALED_LATER, /* one program can map it for writing, and then seals it */
};

/*
 * Makes one. `ret_map`: the daemon's own view of it, which may be written; NULL for none.
 * Returns the descriptor, or -AX_EMEM_OUT_OF_MEMORY.
 */
int memfd_make(size_t size, enum memfd_kind kind, void **ret_map);
/* Returns true if nobody can punch it, or is doing so. Waits for nobody. */
bool memfd_is_sealed(int fd);
/* Makes it so. May wait for a program. Returns true if it is sealed now. */
bool memfd_seal(int fd);

/*
 * One side of a copy: its mapping, if the daemon has one that it may touch, or else its descriptor.
 */
struct memfd_side {
        char *map;
        int fd;
};

/* For a worker. Returns 0 or -AX_EMEM_OUT_OF_MEMORY. */
int memfd_copy(const struct memfd_side *to, const struct memfd_side *from, size_t size);
