/* SPDX-License-Identifier: MIT */
/*
 * The ends of the host processes that have connected. One pidfd serves all connections of a
 * process: descriptors are what limits how many clients there can be.
 */
#pragma once

struct peer_exit;
struct user;

/* The processes that are watched. Zeroed: none. */
struct peer_exits {
        struct peer_exit *all;
};

/* Waits for the end of one process, for one connection. Zeroed, it waits for none. */
struct peer_watch {
        struct peer_exit *peer;
        void (*on_exit)(struct peer_watch *watch);
        struct peer_watch *prev, *next;
};

/*
 * Watches the process at the other end of `fd`, a connection of `user`, which pays for it.
 * `on_exit` is to remove the watch. Returns 0, -EDQUOT or another negative errno.
 */
int peer_watch_add(struct peer_exits *peers, struct peer_watch *watch, struct user *user, int fd, int host_pid,
                   void (*on_exit)(struct peer_watch *watch));
void peer_watch_remove(struct peer_watch *watch); /* fine if it waits for none */
