/* SPDX-License-Identifier: MIT */
/*
 * A tree that one thread changes from both sides, and looks at from both sides.
 *
 * The first difference ends the process with status 1, after it has said what was seen, the seed,
 * and the last changes of the tree.
 */
#pragma once

#include "fixture.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { EXACT_PATH_SIZE = 128, EXACT_HISTORY = 16 };

/* A file that is open on both sides, and mapped through the mount. */
struct exact_held {
        int host, fd; /* on the mount, of the client; host is -1 if there is none */
        char *map;
};

struct exact_tree {
        char directory[EXACT_PATH_SIZE]; /* in the namespace */
        uint64_t random, seed;
        unsigned long step;
        ax_client *ax;
        struct exact_held held;
        char history[EXACT_HISTORY][2 * EXACT_PATH_SIZE + 64];
        char named[2][EXACT_PATH_SIZE]; /* the paths that the current step concerns */
};

void exact_tree_begin(struct exact_tree *tree);

/* One change by one side, then looks by both. */
void exact_tree_step(struct exact_tree *tree);
void exact_tree_end(struct exact_tree *tree);

/* Any path inside a tree that steps use. */
void exact_place(uint64_t *random, char *buf, size_t size);

unsigned exact_draw(uint64_t *random, unsigned limit);
_Noreturn void exact_fail(const struct exact_tree *tree, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Looks from both sides; exact_look.c. */
void exact_look(struct exact_tree *tree, const char *place);
void exact_look_into(struct exact_tree *tree, const char *place);
void exact_look_held(struct exact_tree *tree);

/* A place of the tree in the namespace, and on the mount. */
struct exact_paths {
        char namespace[2 * EXACT_PATH_SIZE], mount[4 * EXACT_PATH_SIZE], store[4 * EXACT_PATH_SIZE];
};
struct exact_paths exact_paths(const struct exact_tree *tree, const char *place);
