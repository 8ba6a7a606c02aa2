/* SPDX-License-Identifier: MIT */
/*
 * Copying trees, and the data of files.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>

#include "side.h"

struct tree_links;

struct tree_copy {
        struct side *from, *to;
        bool keep;      /* owner, mode, times, attributes, hard links; otherwise make new files of the caller */
        bool removable; /* fail for a source that could not be removed afterwards */
        uint32_t umask; /* for modes that are not kept */
        struct tree_links *links;
        unsigned n_links;
        char failed[PATH_MAX]; /* path of an error below the source; "": the source or the target */
};

/* Copies `name` to `to_name`, which does not exist, in a room. Returns 0 or a negative error. */
int tree_copy(struct tree_copy *copy, const char *name, const char *to_name);

struct tree_data {
        struct side *from, *to;
        int in, out;
        bool plain;       /* pipes and devices: no holes to find or make */
        bool read_failed; /* the error came from the source */
};

/* Copies the data of a descriptor to the end, with its holes. Returns 0 or a negative error. */
int tree_copy_data(struct tree_data *data);
