/*
 * A growing list of names, held as they travel: NUL-terminated, one after the other.
 */
#pragma once

#include <stddef.h>

struct names {
        char *data;
        size_t size, capacity;
        unsigned count;
};

void names_deinit(struct names *names);
int names_add(struct names *names, const char *name); /* 0, -ENOMEM */
int names_sort(struct names *names);                  /* by byte value; 0, -ENOMEM */
