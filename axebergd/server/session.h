/* SPDX-License-Identifier: MIT */
/*
 * One client's connection: frames in, frames out.
 *
 * A session is admitted (charged to its user) before it exists, becomes a process with Hello, and
 * ends with the socket's end of file or with the peer's death, whichever comes first. It is
 * served in its user's lane, a frame at a time. What the client does not read waits in a bounded
 * queue, and while that is not empty nothing is read from the client. A session is freed from its
 * own callbacks only: elsewhere session_fail() shuts the socket down, which brings one.
 */
#pragma once

#include <stdbool.h>

#include "server/admission.h"
#include "server/output.h"
#include "syscalls/call.h"
#include "util/lane.h"

struct kernel;
struct session;

/* All sessions of a server. */
struct session_table {
        struct kernel *kernel;
        struct session *sessions;
        bool admits_descriptors; /* the host's kernel lets through what clients pass */
};

struct session {
        struct connection connection; /* system calls know this part */
        struct session_table *table;
        struct admission admission;
        int fd, pidfd;
        struct lane_source io, peer_exit;
        bool is_listed;    /* in the table */
        bool greeted;      /* Hello has come */
        bool wants_sender; /* of the first frame, see struct connection */
        struct call *in_flight;
        unsigned n_in_flight;
        struct output output;
        struct session *prev, *next;
};

/*
 * Takes over `fd`, an accepted socket. `*ret_user`: whose it is, referenced, or NULL. Returns 0, or
 * a negative errno if the client is to be refused; fd is still the caller's then.
 */
int session_new(struct session_table *table, int fd, struct user **ret_user);
struct session *session_free(struct session *session);

/*
 * Sends, or queues if the client does not read. Never fails for the caller: a client that cannot be
 * sent to is disconnected.
 */
void session_send(struct session *session, const struct output_parts *parts);
/* Disconnects the client soon. */
void session_fail(struct session *session);
bool session_has_in_flight(const struct session *session, uint32_t serial);
/* A call that was kept has been answered. */
void session_forget_call(struct session *session, struct call *call);
