/* SPDX-License-Identifier: MIT */
/*
 * Emptying a directory, however deep the tree in it is.
 */
#pragma once

/*
 * Removes everything below the directory, one descriptor at a time, without ever building a path.
 * Entries that cannot be removed stay. Returns 0 or a negative errno.
 */
int remove_tree(int directory_fd);
