/*
 * handle.h - the host's file handles: names of inodes that outlive descriptors
 *
 * A handle holds the inode's generation, so it never leads to another file that got the same number.
 */
#pragma once

#include <fcntl.h>
#include <stdbool.h>

/**
 * handle_from_fd() - handle of an open file
 * @ret: the handle, to be freed with free(); untouched on error
 * @fd: any descriptor, O_PATH included
 *
 * Return: 0, -EOPNOTSUPP the filesystem has none, -ENOMEM.
 */
int handle_from_fd(struct file_handle **ret, int fd);

/** handle_from_name() - handle of a name in a directory; symlinks are not followed. Return: as handle_from_fd(), or -ENOENT … */
int handle_from_name(struct file_handle **ret, int dir_fd, const char *name);

/** handle_equal() - whether both lead to the same file */
bool handle_equal(const struct file_handle *a, const struct file_handle *b);
