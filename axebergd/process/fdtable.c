/* SPDX-License-Identifier: MIT */
#include "process/fdtable.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void fdtable_init(struct fdtable *table, struct user *user, unsigned limit) {
        *table = (struct fdtable){ .user = user, .limit = limit };
}

static void entry_clear(struct fd_entry *entry) {
        struct object *object = entry->object;

        user_charge_deinit(&entry->charge);
        entry->object = NULL;
        object_unref(object);
}

void fdtable_deinit(struct fdtable *table) {
        for (unsigned i = 0; i < table->size; i++)
                if (table->entries[i].object)
                        entry_clear(&table->entries[i]);
        free(table->entries);
        user_charge_deinit(&table->entries_charge);
        *table = (struct fdtable){ 0 };
}

struct object *fdtable_get(const struct fdtable *table, int fd) {
        return fd >= 0 && (unsigned) fd < table->size ? table->entries[fd].object : NULL;
}

/*
 * The larger table is charged before the smaller one is given back: both exist while it is copied.
 */
static int fdtable_grow(struct fdtable *table, unsigned fd) {
        unsigned size = table->size ? table->size : 8;
        struct user_charge charge = { 0 };
        struct fd_entry *entries;

        if (fd < table->size)
                return 0;
        while (size <= fd)
                size *= 2;
        if (user_charge(table->user, &charge, USER_BUFFERS, size * sizeof(*entries)) < 0)
                return -ENOMEM;
        entries = reallocarray(table->entries, size, sizeof(*entries));
        if (!entries) {
                user_charge_deinit(&charge);
                return -ENOMEM;
        }
        memset(entries + table->size, 0, (size - table->size) * sizeof(*entries));
        table->entries = entries;
        table->size = size;
        user_charge_deinit(&table->entries_charge);
        user_charge_move(&table->entries_charge, &charge);
        return 0;
}

/* Fills a free entry. */
static int fdtable_fill(struct fdtable *table, unsigned fd, struct object *object) {
        int r = fdtable_grow(table, fd);

        if (r < 0)
                return r;
        if (user_charge(table->user, &table->entries[fd].charge, USER_FDS, 1) < 0)
                return -ENFILE;
        assert(!table->entries[fd].object);
        table->entries[fd].object = object_ref(object); /* F4 */
        table->n_open++;
        assert(table->n_open <= table->size);
        return (int) fd;
}

int fdtable_add(struct fdtable *table, struct object *object) {
        while (table->lowest_free < table->size && table->entries[table->lowest_free].object)
                table->lowest_free++;
        if (table->lowest_free >= table->limit || table->n_open + table->n_reserved >= table->limit)
                return -EMFILE;
        return fdtable_fill(table, table->lowest_free, object);
}

int fdtable_reserve(struct fdtable *table, struct fd_reservation *reservation) {
        if (table->n_open + table->n_reserved >= table->limit)
                return -EMFILE;
        if (user_charge(table->user, &reservation->charge, USER_FDS, 1) < 0)
                return -ENFILE;
        table->n_reserved++;
        return 0;
}

void fdtable_unreserve(struct fdtable *table, struct fd_reservation *reservation) {
        if (!reservation->charge.user)
                return;
        user_charge_deinit(&reservation->charge);
        if (!table)
                return;
        assert(table->n_reserved > 0);
        table->n_reserved--;
}

int fdtable_set(struct fdtable *table, int fd, struct object *object) {
        struct object *old;

        if (fd < 0 || (unsigned) fd >= table->limit)
                return -EBADF;
        old = fdtable_get(table, fd);
        if (!old)
                return fdtable_fill(table, (unsigned) fd, object);
        table->entries[fd].object = object_ref(object);
        object_unref(old);
        return fd;
}

int fdtable_remove(struct fdtable *table, int fd) {
        if (!fdtable_get(table, fd))
                return -EBADF;
        assert(table->n_open > 0);
        entry_clear(&table->entries[fd]);
        table->n_open--;
        if ((unsigned) fd < table->lowest_free)
                table->lowest_free = (unsigned) fd;
        return 0;
}
