/* SPDX-License-Identifier: MIT */
/*
 * synth_nodes.h - the nodes of /dev and /proc
 *
 * Such a node is a path in the daemon's namespace. Its inode number is a hash of the path that no
 * store's file has.
 */
#pragma once

#include "nodes.h"

/**
 * synth_find() - find or make the node of a path, counted once and referenced. Returns 0 or a
 * negative errno.
 */
int synth_find(struct node_table *nodes, const char *path, mode_t type, struct node **ret);

/** synth_ino() - returns the inode number that is shown for a path */
uint64_t synth_ino(const char *path);
