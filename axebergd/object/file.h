/*
 * A file or directory of a store, open.
 *
 * The offset is the host's: it lives in the host's open file description, which duplicates share.
 */
#pragma once

#include <stdint.h>

#include "object/object.h"

/*
 * Takes over `fd`. `ino_prefix` is or-ed to the inode number that stat shows; `root_fd` and `mount_point` tell how a path on the host
 * becomes one in the namespace, and outlive the object. Return: 0, -ENOMEM (fd is then still the caller's).
 */
int file_object_new(struct object **ret, int fd, unsigned flags, uint64_t ino_prefix, int root_fd,
                    const char *mount_point, bool may_block);

/*
 * Where in the namespace a store's descriptor points to now. Return: length; -ENOENT where it was removed or lies outside of the store.
 */
int file_namespace_path(int fd, int root_fd, const char *mount_point, char *buffer, size_t size);
