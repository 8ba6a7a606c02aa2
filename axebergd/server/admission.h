/* SPDX-License-Identifier: MIT */
/*
 * Who may connect: the host's kernel tells who a client is, and its user pays for the connection
 * before it exists.
 */
#pragma once

#include <stdbool.h>

#include "account/user.h"

struct kernel;
struct peer;
struct workers;

/* What a connection takes of its user's share. Zeroed: nothing. */
struct admission {
        struct user_charge connection, fds;
        struct user_charge buffers; /* for the list of its groups */
};

/*
 * Finds out who is at the other end of `fd`. Returns 0, -EACCES (an unprivileged daemon serves its
 * own user only) or another negative errno.
 */
int admission_identify(struct kernel *kernel, int fd, struct peer *ret);
/* Charges a connection with `n_fds` descriptors. Returns 0 or -EDQUOT. */
int admission_charge(struct admission *admission, const struct peer *peer, unsigned n_fds);
void admission_deinit(struct admission *admission);

/* A pidfd of the process that connected. Returns it, or a negative errno. */
int admission_open_pidfd(int fd, int host_pid);
/*
 * Tells a client that is not admitted why, and closes `fd`: in a job, because the client may have
 * sent descriptors whose last close blocks. `done` is called afterwards.
 */
void admission_refuse(struct workers *workers, int fd, int error, void (*done)(void *userdata), void *userdata);

/*
 * Lets no descriptors in through `fd`, a socket. Returns false if the host's kernel cannot do that
 * (it is older than Linux 6.16): then whoever receives from it has to get rid of them.
 */
bool admission_block_descriptors(int fd);
