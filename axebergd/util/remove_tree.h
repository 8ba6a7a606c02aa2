/*
 * Emptying a directory, however deep the tree in it is.
 */
#pragma once

/* Removes everything below the directory; a descriptor at a time, and no path is ever built. What cannot be removed stays. Return: 0, negative errno. */
int remove_tree(int directory_fd);
