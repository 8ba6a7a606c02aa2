/* SPDX-License-Identifier: MIT */
/*
 * The direct data plane: the host's descriptors of store files and pipes, which the library reads
 * and writes itself.
 *
 * A descriptor comes with the reply to the first transfer, if the daemon gives one. What is open
 * at a number may change: each slot has a generation, and a host descriptor that arrives for an
 * earlier one is closed. A transfer holds its file, so that a close in a different thread does
 * not close the host's descriptor under it.
 *
 * The table also knows which numbers this connection has opened and not closed. Closing one of them
 * cannot fail, so nobody needs to wait for it.
 *
 * Whatever is not plain goes through the daemon: waiting, signals, a stopped process, SIGPIPE,
 * and everything while the program is traced. So local_may_go_direct() comes before a transfer.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ax_stat;
struct direct_slot;

/* A store's number (inode.h), by the device that the host has it on. */
struct direct_store {
        uint64_t device;
        uint32_t index;
};

enum { DIRECT_STORES = 4 };

struct direct_table {
        pthread_mutex_t lock;
        struct direct_slot *slots;
        size_t size;
        unsigned count;
        struct direct_store stores[DIRECT_STORES];
        unsigned n_stores;
};

struct direct_transfer {
        int fd;
        void *buffer;
        size_t size;
        int64_t offset;
        bool positioned, writing;
};

void direct_table_init(struct direct_table *table);
void direct_table_deinit(struct direct_table *table);

/*
 * Transfers what it can. Returns true if `*ret`, a count or a negative error, is the result;
 * false if the daemon has to do it. The daemon goes on after a short count from a pipe.
 */
bool direct_transfer(struct direct_table *table, const struct direct_transfer *transfer, ssize_t *ret,
                     bool *ret_is_pipe);

/*
 * The same for other calls on files: true if `*ret`, an offset, 0 or a negative error, is the
 * result.
 */
bool direct_seek(struct direct_table *table, int fd, int64_t offset, int whence, int64_t *ret);
bool direct_truncate(struct direct_table *table, int fd, int64_t size, int *ret);
bool direct_sync(struct direct_table *table, int fd, int *ret);
/* A file is shown as the daemon shows it, once direct_learn() has seen one of the same store. */
bool direct_stat(struct direct_table *table, int fd, struct ax_stat *ret_status, int *ret);
/* Learns how the daemon shows files of a store from what it says of one. */
void direct_learn(struct direct_table *table, int fd, const struct ax_stat *shown);

/*
 * Returns true if the daemon should be asked for the descriptor. `*ret_ticket` is for
 * direct_offer().
 */
bool direct_wants(struct direct_table *table, int fd, uint32_t *ret_ticket);
/* Takes over the descriptor that the daemon gave; it is negative if that gave none. */
void direct_offer(struct direct_table *table, int fd, uint32_t ticket, int host_fd);

/* Says that something else is open at the number now. */
void direct_opened(struct direct_table *table, int fd);
/* Says that the number is being closed. Returns true if it is known to be open. */
bool direct_closing(struct direct_table *table, int fd);
void direct_forget_all(struct direct_table *table);
