/*
 * The descriptors of one process: numbers to objects. A new descriptor gets the lowest free number (POSIX.1-2017, 2.14). Each is charged to
 * the process's user.
 */
#pragma once

#include <stddef.h>

#include "object/object.h"
#include "process/user.h"

struct fd_entry {
        struct object *object; /* NULL: free */
        struct user_charge charge;
};

struct fdtable {
        struct user *user; /* outlives the table */
        struct fd_entry *entries;
        unsigned size, limit;
        unsigned lowest_free; /* no number below it is free */
        unsigned n_open;
        unsigned n_reserved;
};

/* A descriptor that is paid for, while what it will refer to is being opened: so that a full table fails the call before it did anything. */
struct fd_reservation {
        struct user_charge charge;
};

void fdtable_init(struct fdtable *table, struct user *user, unsigned limit);
void fdtable_deinit(struct fdtable *table); /* closes everything */

/* NULL where the number is not open. The table keeps its reference. */
struct object *fdtable_get(const struct fdtable *table, int fd);
/* Takes a reference of its own. Return: the number, -EMFILE, -ENFILE, -ENOMEM. */
int fdtable_add(struct fdtable *table, struct object *object);
/* Return: 0, -EMFILE, -ENFILE. */
int fdtable_reserve(struct fdtable *table, struct fd_reservation *reservation);
/* Gives it back; `table` is NULL where the process has ended. */
void fdtable_unreserve(struct fdtable *table, struct fd_reservation *reservation);
/* Replaces what was at `fd`. Return: fd, -EBADF (out of range), -ENFILE, -ENOMEM. */
int fdtable_set(struct fdtable *table, int fd, struct object *object);
/* Return: 0, -EBADF. */
int fdtable_remove(struct fdtable *table, int fd);
