/* SPDX-License-Identifier: MIT */
/*
 * A growing list of names, held as they travel: NUL-terminated, one after the other.
 *
 * A list may have a limit on the memory that it takes, the index to sort it by included: the owner
 * charges for that first.
 */
#pragma once

#include <stddef.h>

struct string_list {
        char *data;
        size_t size, capacity;
        size_t limit; /* bytes; 0: none */
        unsigned count;
};

void string_list_deinit(struct string_list *names);
/* Makes room for so many bytes more. Returns 0, -ENOBUFS (more than the limit), -ENOMEM. */
int string_list_reserve(struct string_list *names, size_t size);
int string_list_add(struct string_list *names, const char *name); /* as string_list_reserve() */
/* By byte value. Returns 0, -ENOMEM. */
int string_list_sort(struct string_list *names);
/* Writes them, sorted by byte value, to a file. Returns 0, negative errno. */
int string_list_write_sorted(const struct string_list *names, int fd);
