/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct level *walk_top(const struct walk *walk) {
        return walk->levels[walk->depth - 1];
}

struct level *walk_push(struct walk *walk, const char *name, const struct ax_stat *status) {
        struct level **levels = walk->levels, *level;

        if (walk->depth == walk->room) {
                levels = reallocarray(walk->levels, walk->room + 64, sizeof(struct level *));
                if (!levels)
                        return NULL;
                walk->levels = levels;
                walk->room += 64;
        }
        level = calloc(1, sizeof(*level));
        if (!level)
                return NULL;
        snprintf(level->name, sizeof(level->name), "%s", name);
        level->status = *status;
        levels[walk->depth++] = level;
        return level;
}

void walk_pop(struct walk *walk) {
        struct level *level = walk->levels[--walk->depth];

        ax_names_free(level->names);
        free(level);
}

void walk_end(struct walk *walk) {
        while (walk->depth > 0)
                walk_pop(walk);
        free(walk->levels);
}

const char *walk_path(const struct walk *walk, const char *name, char path[static PATH_MAX]) {
        char *at = path + PATH_MAX - 1;

        *at = '\0';
        for (size_t depth = walk->depth; depth > 0; depth--) {
                const char *part = depth == walk->depth ? name : walk->levels[depth]->name;
                size_t length = strlen(part);

                if (length == 0)
                        continue;
                if (length + 5 > (size_t) (at - path)) {
                        at -= 3;
                        memcpy(at, "...", 3);
                        break;
                }
                if (*at)
                        *--at = '/';
                at -= length;
                memcpy(at, part, length);
        }
        return memmove(path, at, (size_t) (path + PATH_MAX - at));
}
