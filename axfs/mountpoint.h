/*
 * mountpoint.h - the directory on which axfs mounts, before it does
 *
 * A mount whose axfs has died answers every access with ENOTCONN; it is taken away. One that lives is not mounted over.
 */
#pragma once

/**
 * mountpoint_prepare() - make the directory ready
 * @directory: as the user gave it
 * @ret: its absolute path, to be freed
 *
 * Return: 0; -EBUSY an axfs is serving it already; -ENOENT, -ENOTDIR, -EACCES …
 */
int mountpoint_prepare(const char *directory, char **ret);
