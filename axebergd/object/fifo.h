/* SPDX-License-Identifier: MIT */
/*
 * FIFOs that are open or being opened, by inode: opening one side waits for the other (fifo(7)).
 *
 * The host's kernel joins the ends. What it has no answer for is an opener that waits without
 * blocking a thread, so the daemon keeps count itself. A FIFO is listed as long as anybody has an
 * end or waits, each with a descriptor of the inode, so its number cannot come to mean a different
 * file.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

#include "util/wait_queue.h"

struct fifo_key {
        dev_t dev;
        ino_t ino;
};

struct fifo {
        struct fifo **table;
        struct fifo_key key;
        unsigned refs;
        unsigned n_writers;
        uint64_t writers_seen;     /* ever */
        struct wait_queue openers; /* woken when an end is added */
        UT_hash_handle hh;
};

/* The FIFO that `fd` refers to, with a reference for the caller. Returns 0 or a negative errno. */
int fifo_from_fd(struct fifo **table, int fd, struct fifo **ret);
struct fifo *fifo_unref(struct fifo *fifo);

/* An end with these flags (AX_O_READ, AX_O_WRITE) is open; it holds a reference. */
void fifo_add_end(struct fifo *fifo, unsigned flags);
void fifo_remove_end(struct fifo *fifo, unsigned flags);
