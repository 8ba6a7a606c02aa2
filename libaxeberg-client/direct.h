/*
 * The direct data plane: the host's descriptors of store files and pipes, which the library reads and writes itself.
 *
 * A descriptor comes with the reply to the first transfer on it, where the daemon gives one. What is open at a number may change: each slot has a
 * generation, and a host descriptor that arrives for an earlier one is closed. A transfer holds its file, so that a close in another thread does not close
 * the host's descriptor under it.
 *
 * Whatever is not plain goes through the daemon: waiting, signals, a stopped process, SIGPIPE, everything while the trace is on.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "axeberg.h"

struct direct_slot;

struct direct_table {
        pthread_mutex_t lock;
        struct direct_slot *slots;
        size_t size;
        unsigned count;
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

/* Return: whether `*ret`, a count or a negative error, is the result; else the daemon is to be asked. A short count from a pipe is to be gone on with there. */
bool direct_transfer(ax_client *ax, const struct direct_transfer *transfer, ssize_t *ret, bool *ret_is_pipe);

/* Whether the daemon should be asked for the descriptor. `*ret_ticket` goes to direct_offer(). */
bool direct_wants(ax_client *ax, int fd, uint32_t *ret_ticket);
/* What the daemon gave, which is taken over; negative: nothing. */
void direct_offer(ax_client *ax, int fd, uint32_t ticket, int host_fd);

/* Something else is open at the number now, or nothing. */
void direct_forget(ax_client *ax, int fd);
void direct_forget_all(ax_client *ax);
