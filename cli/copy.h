/* SPDX-License-Identifier: MIT */
/*
 * Copies within the namespace, into it, and out of it.
 *
 * A file or a tree is built in a private room (room.h) beside its target, and then moved to its
 * place: the place has the old content, or all of the new one.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "axctl.h"
#include "side.h"
#include "tree_copy.h"

/* Two sides, and their current directories when the command began. */
struct copy {
        struct axctl *axctl;
        struct side from, to;
        char from_start[PATH_MAX], to_start[PATH_MAX];
        ax_client *second; /* the target's connection, if both sides are in the namespace */
};

/* Prepares copies; signals are caught from here on. Returns 0 or a negative error. */
int copy_begin(struct copy *copy, struct axctl *axctl, const struct side_ops *from, const struct side_ops *to);
/* Ends axctl if a signal was caught, otherwise returns the status. */
int copy_end(struct copy *copy, int status);

struct copy_options {
        bool keep;    /* as in struct tree_copy */
        bool trees;   /* copy directories, and symlinks as symlinks */
        bool move;    /* remove the source at the end */
        bool replace; /* replace the target; otherwise an existing file gets new contents only */
};

/* Copies `from` to the path `to`, not into it. Prints errors. Returns an exit status. */
int copy_one(struct copy *copy, const char *from, const char *to, const struct copy_options *options);
/*
 * Copies the operands to the last one, or into it if it is a directory. Prints errors. Returns an
 * exit status.
 */
int copy_operands(struct copy *copy, const struct copy_options *options);
/*
 * Makes the data that a descriptor of the source gives the contents of the file at `to`. An
 * existing file keeps its attributes. Returns 0 or a negative error.
 */
int copy_stream(struct copy *copy, int in, bool plain, const char *to, bool *ret_read_failed);
