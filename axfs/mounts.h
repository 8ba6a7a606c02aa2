/* SPDX-License-Identifier: MIT */
/* mounts.h - fetch the daemon's mount table */
#pragma once

#include <axeberg.h>

struct namespace;
struct node_table;
struct options;

/**
 * mounts_fetch() - replace the namespace by the daemon's mount table
 * @namespace: a store in it that is still the same directory stays the same object
 * @nodes: get the root
 * @options: tell whether to say what is mounted
 *
 * Returns 0 or a negative errno. On error everything stays as it was.
 */
int mounts_fetch(struct namespace *namespace, struct node_table *nodes, ax_client *ax, const struct options *options);
