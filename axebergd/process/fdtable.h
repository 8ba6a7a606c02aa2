/* SPDX-License-Identifier: MIT */
/*
 * The descriptors of one process: numbers to objects. A new descriptor gets the lowest free number
 * (POSIX.1-2017, 2.14). Each is charged to the process's user.
 *
 * F1: an object lives as long as something refers to it: a descriptor of any process, or a call in
 * flight. F2: the last reference frees it. F3: a closed descriptor is an error for every call. F4:
 * duplicates and inherited descriptors share the object, its offset and its flags.
 */
#pragma once

#include <stddef.h>

#include "account/user.h"
#include "object/object.h"

struct fd_entry {
        struct object *object; /* NULL: free */
        struct user_charge charge;
};

struct fdtable {
        struct user *user; /* outlives the table */
        struct fd_entry *entries;
        struct user_charge entries_charge;
        unsigned size, limit;
        unsigned lowest_free; /* no number below it is free */
        unsigned n_open;
        unsigned n_reserved;
};

/*
 * A descriptor that is paid for while its object is being opened, so that a full table fails the
 * call before it did anything.
 */
struct fd_reservation {
        struct user_charge charge;
};

void fdtable_init(struct fdtable *table, struct user *user, unsigned limit);
void fdtable_deinit(struct fdtable *table); /* closes everything */

/* NULL if the number is not open. The table keeps its reference. */
struct object *fdtable_get(const struct fdtable *table, int fd);
/* Takes a reference of its own. Returns the number, -EMFILE, -ENFILE or -ENOMEM. */
int fdtable_add(struct fdtable *table, struct object *object);
/* Returns 0, -EMFILE or -ENFILE. */
int fdtable_reserve(struct fdtable *table, struct fd_reservation *reservation);
/* Gives it back; `table` is NULL if the process has ended. */
void fdtable_unreserve(struct fdtable *table, struct fd_reservation *reservation);
/* Replaces what was at `fd`. Returns fd, -EBADF (out of range), -ENFILE or -ENOMEM. */
int fdtable_set(struct fdtable *table, int fd, struct object *object);
/* Returns 0 or -EBADF. */
int fdtable_remove(struct fdtable *table, int fd);
