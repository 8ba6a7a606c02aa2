/* SPDX-License-Identifier: MIT */
/* names.h - from names in stores to nodes */
#pragma once

#include "axfs.h"

/**
 * store_find() - find the node behind a name, and count it once for the kernel
 * @parent: the directory
 * @ret: the node, referenced
 * @ret_st: the host's attributes
 *
 * Returns 0; -ENOENT; -ESTALE if the name changes too fast; other errors of the host.
 */
int store_find(struct axfs *fs, const struct pin *parent, const char *name, struct node **ret, struct stat *ret_st);

/** store_adopt() - do the same for a file that was just created and is open as @fd */
int store_adopt(struct axfs *fs, const struct pin *parent, const char *name, int fd, struct node **ret,
                struct stat *ret_st);

/** store_root_node() - find the node of a store's root directory, counted once and referenced */
int store_root_node(struct axfs *fs, struct store *store, struct node **ret, struct stat *ret_st);

/**
 * store_prepare_creation() - check the name, take on the caller's umask, and hold the directory
 * @mode: of the new file; if it has the set-group-id bit, the caller's groups decide whether it
 * keeps it
 *
 * Returns 0, -EEXIST, …
 */
int store_prepare_creation(struct axfs *fs, struct request *request, struct node *parent, const char *name, mode_t mode,
                           struct pin *ret);
