/* SPDX-License-Identifier: MIT */
#include "util/string_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "util/cleanup.h"

enum { FIRST_CAPACITY = 4096, WRITE_AT_ONCE = 64 };

void string_list_deinit(struct string_list *names) {
        free(names->data);
        *names = (struct string_list){ 0 };
}

static size_t cost(size_t capacity, unsigned count) {
        return capacity + count * sizeof(const char *);
}

int string_list_reserve(struct string_list *names, size_t size) {
        size_t capacity = names->capacity;
        char *data;

        if (names->size + size > capacity)
                capacity = (capacity ? capacity + capacity / 2 : FIRST_CAPACITY) + size;
        if (names->limit > 0 && cost(capacity, names->count + 1) > names->limit)
                return -ENOBUFS;
        if (capacity == names->capacity)
                return 0;
        data = realloc(names->data, capacity);
        if (!data)
                return -ENOMEM;
        names->data = data;
        names->capacity = capacity;
        return 0;
}

int string_list_add(struct string_list *names, const char *name) {
        size_t length = strlen(name) + 1;
        int r = string_list_reserve(names, length);

        if (r < 0)
                return r;
        memcpy(names->data + names->size, name, length);
        names->size += length;
        names->count++;
        return 0;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static bool is_sorted(const struct string_list *names) {
        const char *name = names->data;

        for (unsigned i = 1; i < names->count; i++) {
                const char *next = name + strlen(name) + 1;

                if (strcmp(name, next) > 0)
                        return false;
                name = next;
        }
        return true;
}

/* Returns the names in order, or NULL. */
static const char **sorted_index(const struct string_list *names) {
        const char **index = calloc(names->count + 1, sizeof(*index)), *name = names->data;

        if (!index)
                return NULL;
        for (unsigned i = 0; i < names->count; i++, name += strlen(name) + 1)
                index[i] = name;
        if (!is_sorted(names))
                qsort(index, names->count, sizeof(*index), compare);
        return index;
}

static int sort(struct string_list *names) {
        _cleanup_free_ const char **index = sorted_index(names);
        char *sorted = malloc(names->size + 1), *end = sorted;

        if (!index || !sorted) {
                free(sorted);
                return -ENOMEM;
        }
        for (unsigned i = 0; i < names->count; i++)
                end = stpcpy(end, index[i]) + 1;
        free(names->data);
        names->data = sorted;
        names->capacity = names->size + 1;
        return 0;
}

int string_list_sort(struct string_list *names) {
        return is_sorted(names) ? 0 : sort(names);
}

int string_list_write_sorted(const struct string_list *names, int fd) {
        _cleanup_free_ const char **index = sorted_index(names);
        struct iovec parts[WRITE_AT_ONCE];

        if (!index)
                return -ENOMEM;
        for (unsigned i = 0; i < names->count;) {
                size_t size = 0;
                ssize_t n;
                int count = 0;

                for (; count < WRITE_AT_ONCE && i < names->count; count++, i++) {
                        parts[count] = (struct iovec){ (char *) index[i], strlen(index[i]) + 1 };
                        size += parts[count].iov_len;
                }
                n = writev(fd, parts, count);
                if (n < 0)
                        return -errno;
                if ((size_t) n != size)
                        return -ENOSPC;
        }
        return 0;
}
