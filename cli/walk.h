/* SPDX-License-Identifier: MIT */
/*
 * Where a walk through a tree is: the directories that it has entered, on the heap, so that a tree
 * may be of any depth.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "side.h"

/* A directory that the walk has entered. */
struct level {
        char **names, **next;
        char name[NAME_MAX + 1]; /* its own */
        struct ax_stat status;
        uint64_t parent, to_parent; /* inode numbers of the directories above, on both sides of a copy */
};

struct walk {
        struct level **levels;
        size_t depth, room;
        bool lost; /* the way back leads elsewhere, so nothing more may be touched */
};

/* The directory that the walk is in. */
struct level *walk_top(const struct walk *walk);
/* Returns NULL if memory is short. */
struct level *walk_push(struct walk *walk, const char *name, const struct ax_stat *status);
void walk_pop(struct walk *walk);
void walk_end(struct walk *walk);

/*
 * Puts the path of a name, below the first directory, into `path`, for a message. A path that is
 * too long loses its beginning.
 */
const char *walk_path(const struct walk *walk, const char *name, char path[static PATH_MAX]);
