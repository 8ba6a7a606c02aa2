/*
 * One client's connection: frames in, frames out.
 *
 * A session is admitted (charged to its user) before it exists, becomes a process with Hello, and ends with the socket's end of file or with the peer's
 * death, whichever the kernel tells first. What the client does not read waits in a bounded queue, and while that is not empty nothing is read from
 * the client. A session is freed from its own event callbacks only: elsewhere session_fail() shuts the socket down, which brings one.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "process/user.h"
#include "syscalls/call.h"

struct output_frame;
struct server;

struct session {
        struct connection connection; /* first: system calls know this part */
        struct server *server;
        struct user_charge charge;
        int fd, pidfd;
        sd_event_source *io, *peer_exit;
        bool greeted;      /* Hello has come */
        bool wants_sender; /* of the first frame, see struct connection */
        struct call *in_flight;
        unsigned n_in_flight;
        struct output_frame *output; /* not sent yet */
        size_t output_size;
        struct session *prev, *next;
};

/* Takes over `fd`, an accepted socket. Return: 0, negative errno: the client was refused, and fd is closed. */
int session_new(struct server *server, int fd);
struct session *session_free(struct session *session);

/* Sends, or queues where the client does not read. Never fails for the caller: a client that cannot be sent to is disconnected. */
void session_send(struct session *session, const void *head, size_t head_size, const void *trailer, size_t trailer_size,
                  const int *fds, size_t n_fds);
/* Disconnects the client soon. */
void session_fail(struct session *session);
bool session_has_in_flight(const struct session *session, uint32_t serial);
/* A call that was kept has been answered. */
void session_forget_call(struct session *session, struct call *call);
