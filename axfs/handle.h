/* SPDX-License-Identifier: MIT */
/*
 * handle.h - the host's file handles: names of inodes that outlive descriptors
 *
 * A handle holds the inode's generation, so it never leads to a different file that got the same
 * number.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>

/**
 * handle_from_fd() - get the handle of an open file
 * @ret: the handle, to be freed with free(); untouched on error
 * @fd: any descriptor, O_PATH included
 *
 * Returns 0, -EOPNOTSUPP if the filesystem has no handles, or -ENOMEM.
 */
int handle_from_fd(struct file_handle **ret, int fd);

/**
 * handle_from_name() - get the handle of a name in a directory, or of the descriptor if the name is
 * ""
 *
 * Symlinks are not followed. Returns the same as handle_from_fd(), or -ENOENT and the like.
 */
int handle_from_name(struct file_handle **ret, int dir_fd, const char *name);

/** handle_equal() - returns true if both lead to the same file */
bool handle_equal(const struct file_handle *a, const struct file_handle *b);
