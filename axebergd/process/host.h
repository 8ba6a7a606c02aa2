/* SPDX-License-Identifier: MIT */
/*
 * The host program of a spawned process: watched, stopped, continued and killed through its pidfd.
 *
 * A program is taken over only when it says so itself (Start), with its pid as the host's kernel
 * gives it: nobody can make the daemon signal a program that did not ask for it.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "account/user.h"
#include "util/lane.h"

/* Zeroed, it owns none. */
struct host_process {
        struct lane_source exit;
        /* The program has ended; the function calls host_release(), or is called again later. */
        void (*on_exit)(struct host_process *host);
        pid_t pid;
        int pidfd;
        struct user_charge charge; /* of it */
        bool alive;
};

/*
 * Takes the program over. Returns 0, -ESRCH (it has ended already), -EDQUOT or another negative
 * errno.
 */
int host_own(struct host_process *host, struct user *user, pid_t pid, void (*on_exit)(struct host_process *host));
void host_release(struct host_process *host); /* fine if none is owned */
/*
 * SIGSTOP, SIGCONT or SIGKILL, for a process of user `uid`. Returns true if it was sent: not if no
 * program is owned, nor if it has taken on another user's rights.
 */
bool host_signal(const struct host_process *host, uid_t uid, int signal);
