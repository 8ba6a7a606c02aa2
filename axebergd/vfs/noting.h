/* SPDX-License-Identifier: MIT */
/*
 * What a request on a store changes, noted for those who cache it (changes.h).
 *
 * Every request on a path passes here, around its operation and before its answer. What it may
 * change is in the table of operations. What a name leads to is held open over the operation; if
 * somebody else has given the name to a different file at that very moment, everything counts as
 * changed. While nobody caches, nothing is noted.
 */
#pragma once

#include <stdbool.h>

struct vfs;
struct vfs_request;

/* In the thread that runs the operation: around it. `done`: it has succeeded. */
void noting_begin(struct vfs_request *request);
void noting_end(struct vfs_request *request, bool done);
/*
 * In the kernel's thread, at the end. Returns true if the request waits: then it is finished later.
 */
bool noting_announce(struct vfs_request *request);
/* At the end of the kernel: nobody is told any more, and nothing waits. While there are workers. */
void noting_finish_all(struct vfs *vfs);
