#include "util/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/cleanup.h"

void names_deinit(struct names *names) {
        free(names->data);
        *names = (struct names){ 0 };
}

int names_add(struct names *names, const char *name) {
        size_t length = strlen(name) + 1;

        if (names->size + length > names->capacity) {
                size_t capacity = (names->capacity ? names->capacity * 2 : 1024) + length;
                char *data = realloc(names->data, capacity);

                if (!data)
                        return -ENOMEM;
                names->data = data;
                names->capacity = capacity;
        }
        memcpy(names->data + names->size, name, length);
        names->size += length;
        names->count++;
        return 0;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

int names_sort(struct names *names) {
        _cleanup_free_ const char **index = calloc(names->count + 1, sizeof(*index));
        char *sorted = malloc(names->size + 1), *end = sorted;
        const char *name = names->data;

        if (!index || !sorted) {
                free(sorted);
                return -ENOMEM;
        }
        for (unsigned i = 0; i < names->count; i++, name += strlen(name) + 1)
                index[i] = name;
        qsort(index, names->count, sizeof(*index), compare);
        for (unsigned i = 0; i < names->count; i++)
                end = stpcpy(end, index[i]) + 1;
        free(names->data);
        names->data = sorted;
        names->capacity = names->size + 1;
        return 0;
}
