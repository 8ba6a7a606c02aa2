/* SPDX-License-Identifier: MIT */
/*
 * store.h - a tree of the host that the daemon handed over
 *
 * A store is the descriptor of a directory and what can be done with its filesystem. It is counted:
 * the mount table holds one reference and every node that lies in it another. So a store that a
 * restarted daemon no longer lists lives on until the kernel has forgotten its last node.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "inode.h"

struct store {
        atomic_uint refs;
        uint64_t serial; /* never used again, unlike a device number */
        uint32_t index;  /* goes into the inode numbers shown */
        int root_fd;     /* O_PATH or O_RDONLY, as the daemon passed it */
        int handle_fd;   /* opened, for open_by_handle_at(); -1: file handles cannot be used */
        dev_t dev;
        ino_t ino;
        bool local; /* close() reports no errors that write() did not, so closing needs no round trip */
};

/**
 * store_new() - make a store from its root directory
 * @ret: the store with one reference
 * @root_fd: the directory; taken over on success
 * @index: of the store in inode numbers
 *
 * Returns 0, -ENOTDIR, -ENOMEM, or the error of fstat(2).
 */
int store_new(struct store **ret, int root_fd, uint32_t index);
struct store *store_ref(struct store *store);
void store_unref(struct store *store);

/* store_ino() - returns the inode number that is shown for one of the host's */
static inline uint64_t store_ino(const struct store *store, uint64_t host_ino) {
        return inode_shown(store->index, host_ino);
}
