/* SPDX-License-Identifier: MIT */
/*
 * Leaving nothing behind.
 */
#pragma once

#include <stddef.h>

/* How many mounts lie at or below a directory. */
size_t count_mounts_below(const char *directory);

/* Detach every mount at or below a directory, then remove the directory with everything in it. */
void sweep_tree(const char *directory);
