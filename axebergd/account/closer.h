/* SPDX-License-Identifier: MIT */
/*
 * Closing a descriptor, or unmapping memory, away from the kernel's thread.
 *
 * The last close of a file frees it: that takes 0.13 s for a GiB of memory, longer on a disk, and a
 * socket can linger. So a worker closes.
 *
 * The jobs of a user run in order. A user whose opens are jobs, too, never has more descriptors
 * open than are charged for, because opening waits for closing. For everything else, hand over the
 * charge: it is given back when the descriptor is closed, not before.
 */
#pragma once

#include <stddef.h>

struct user;
struct user_charge;
struct workers;

/*
 * Closes `fd`, if there is one, in the user's turn (NULL: the daemon's own). Closes at once if
 * memory is short or the workers have ended.
 */
void close_later(struct workers *workers, struct user *user, int fd);
/*
 * Likewise, in the turn of the charge's user. Takes the charge over and ends it with the
 * descriptor.
 */
void close_later_charged(struct workers *workers, struct user_charge *charge, int fd);

/*
 * Likewise unmaps memory that nobody else can hold up (memory/memfd.h). It is emptied piece by
 * piece first: the kernel's thread waits for the address space for no longer than a piece takes.
 */
void unmap_later_charged(struct workers *workers, struct user_charge *charge, void *map, size_t size);
/* What the job does; for others' jobs. */
void unmap_in_pieces(void *map, size_t size);
