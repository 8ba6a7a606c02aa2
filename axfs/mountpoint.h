/* SPDX-License-Identifier: MIT */
/*
 * mountpoint.h - the directory on which axfs mounts, before it does
 *
 * A mount whose axfs has died answers every access with ENOTCONN; it is removed. A mount that is
 * alive is not mounted over.
 */
#pragma once

#include <stdbool.h>

/**
 * mountpoint_prepare() - make the directory ready
 * @directory: as the user gave it
 * @ret: its absolute path, to be freed
 *
 * Returns 0; -EBUSY if an axfs is serving it already; -ENOENT, -ENOTDIR, -EACCES …
 */
int mountpoint_prepare(const char *directory, char **ret);

/** mountpoint_clear() - remove dead mounts at a directory. Returns 0 or a negative errno. */
int mountpoint_clear(const char *directory);

/** mountpoint_is_ours() - returns true if the uppermost mount at this absolute path is axeberg's */
bool mountpoint_is_ours(const char *path);
