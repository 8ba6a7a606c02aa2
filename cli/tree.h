/* SPDX-License-Identifier: MIT */
/*
 * Walking trees that may be of any depth, and may change meanwhile, to change or remove what is in
 * them.
 *
 * The walk moves its side's current directory along and makes a path for messages only. A directory
 * is entered as the one that was looked at, or not at all. At the end the side is where it was,
 * unless the tree was moved under the walk.
 */
#pragma once

#include <stdbool.h>

#include "axctl.h"
#include "side.h"

struct tree_visitor {
        /* Called for each name, in its directory, and before a directory is entered. */
        int (*on_node)(void *userdata, struct side *side, const char *name, const struct ax_stat *status);
        /* Called for a directory after the walk has left it; may be NULL. */
        int (*on_left)(void *userdata, struct side *side, const char *name);
        void *userdata;
};

/* Whose errors are printed: the command's, for the word of its command line that names the tree. */
struct tree_report {
        const struct axctl *axctl;
        const char *operand;
};

/* Prints an error; `path` is below the operand, "" the operand itself. Returns STATUS_FAILED. */
int tree_complain(const struct tree_report *report, const char *path, int error);

/**
 * tree_visit() - visits a name in the side's current directory, and all that is below it
 * @report: NULL: errors are not printed
 *
 * Goes on after an error. Returns 0, or the last error.
 */
int tree_visit(struct side *side, const char *name, const struct tree_visitor *visitor,
               const struct tree_report *report);

/* Removes a name with all that is below it. Otherwise like tree_visit(). */
int tree_remove(struct side *side, const char *name, const struct tree_report *report);

/**
 * tree_visit_operand() - visits a directory of the namespace that the command line names
 * @follow: the operand may be a symlink to it
 * @visitor: NULL: removes it
 *
 * Prints errors. Returns an exit status.
 */
int tree_visit_operand(const struct axctl *axctl, const char *operand, bool follow, const struct tree_visitor *visitor);
