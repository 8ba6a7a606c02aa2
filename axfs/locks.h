/* SPDX-License-Identifier: MIT */
/*
 * locks.h - locks on files of the stores are locks on the host's files
 *
 * So they exclude everybody who locks the same file: programs on this mount, on other mounts,
 * clients of the library, the host. What the kernel's side of FUSE calls a lock becomes one of two:
 *
 * - flock(2) belongs to an open file, and each has its own descriptor on the host: it is locked.
 * - Locks of fcntl(2) belong to an owner: a process, or an open file (F_OFD_SETLK); a request does
 *   not tell which. Each owner gets a descriptor of the file, and its locks are that descriptor's
 *   (F_OFD_SETLK). They go when the kernel says that the owner closes (FLUSH), when the open file
 *   that the owner has used last is released, or with axfs.
 *
 * A descriptor is opened no wider than the file that is locked through: a descriptor for writing
 * would keep the host from executing the file. If an owner locks through a file that is read-only
 * and through a writable one, it has two.
 *
 * A request that would wait is handed on (lock_waits.h).
 */
#pragma once

#include "open_file.h"
#include "request.h"

#include <fcntl.h>
#include <stdint.h>

struct lock_owner;

/**
 * lock_owner_take() - wait for a lock of fcntl(2)
 * @lock: the kernel's, not an unlock
 *
 * Returns 0; -EINTR if a signal has come; another negative errno.
 */
int lock_owner_take(struct lock_owner *owner, const struct flock *lock);

/** lock_owner_unref() - the request that used it has ended; NULL is ignored */
void lock_owner_unref(struct lock_owner *owner);

/** locks_drop_owner() - the owner has closed the file: its locks go */
void locks_drop_owner(struct node *node, uint64_t id);

/** locks_drop_file() - the open file goes, and with it the owners who have used it last */
void locks_drop_file(struct open_file *file);

/* The operations. */
int store_getlk(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi,
                const struct flock *lock);
int store_setlk(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi,
                const struct flock *lock, bool waits);
int store_flock(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi, int operation);
