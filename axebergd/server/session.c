/* SPDX-License-Identifier: MIT */
#include "server/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "account/closer.h"
#include "config.h"
#include "kernel.h"
#include "process/lifecycle.h"
#include "process/process.h"
#include "process/stop.h"
#include "server/dispatch.h"
#include "server/input.h"
#include "util/cleanup.h"
#include "util/container.h"
#include "util/identity.h"
#include "util/log.h"

enum { MAX_WORKING = 64 };

/*
 * The calls that workers have. They end by themselves, unlike parked ones, so waiting for them to
 * become fewer is no deadlock.
 */
static unsigned session_n_working(const struct session *session) {
        const struct process *process = session->connection.process;

        return session->n_in_flight - (process ? process->parked : 0);
}

static bool session_is_stopped(const struct session *session) {
        const struct process *process = session->connection.process;

        /* its program's Start is taken even then, so that the program is stopped, too */
        return process && process_is_stopped(process) && !session->wants_sender;
}

/*
 * Reads from the client while it runs, reads its replies, and does not have more calls in flight
 * than workers get done.
 */
static void session_update_events(struct session *session) {
        bool reads = !session_is_stopped(session) && session_n_working(session) < MAX_WORKING;
        uint32_t events = reads ? EPOLLIN : 0;

        lane_set_events(&session->io, session->output.frames ? EPOLLOUT : events);
}

void session_fail(struct session *session) {
        shutdown(session->fd, SHUT_RDWR);
}

void session_send(struct session *session, const struct output_parts *parts) {
        const struct peer *peer = &session->connection.peer;
        int r = output_send(&session->output, session->fd, parts);

        if (r == -EDQUOT || r == -ENOMEM || r == -EMFILE || r == -ENFILE)
                log_client(LOG_WARNING, 0, peer->host_pid, peer->user->uid,
                           "client %d does not read its replies; disconnecting it with %zu bytes unread",
                           (int) peer->host_pid, session->output.size);
        if (r < 0)
                session_fail(session); /* perhaps it is gone already */
        else
                session_update_events(session);
}

/*
 * No method takes descriptors. They are the client's, and so is the time that closing them takes.
 */
static int reject_descriptors(struct session *session, const struct input_control *control) {
        const struct peer *peer = &session->connection.peer;

        for (size_t i = 0; i < control->n_fds; i++)
                close_later(session->table->kernel->workers, peer->user, control->fds[i]);
        if (control->n_fds == 0)
                return 0;
        return log_client(LOG_WARNING, EBADMSG, peer->host_pid, peer->user->uid,
                          "client %d: %zu descriptors in a frame", (int) peer->host_pid, control->n_fds);
}

/* Returns the frame's size, 0 (there is none yet) or a negative errno: the session is over. */
static ssize_t receive_frame(struct session *session, const uint8_t **ret_frame) {
        bool wants_control = session->wants_sender || session->table->admits_descriptors;
        struct input_control control;
        ssize_t n = input_receive(session->fd, ret_frame, wants_control ? &control : NULL);
        int r;

        if (n <= 0 || !wants_control)
                return n;
        if (session->wants_sender) {
                session->connection.sender = control.sender;
                session->wants_sender = false;
                setsockopt(session->fd, SOL_SOCKET, SO_PASSCRED, &(int){ 0 }, sizeof(int));
        }
        r = reject_descriptors(session, &control);
        return r < 0 ? r : n;
}

/*
 * Receives and serves one frame. Returns 1, 0 (there is none) or a negative errno: the session is
 * over.
 */
static int session_receive(struct session *session) {
        const struct peer *peer = &session->connection.peer;
        const uint8_t *frame;
        ssize_t n = receive_frame(session, &frame);
        int r;

        if (n <= 0)
                return (int) n;
        if (n < AX_FRAME_HEADER_SIZE || n > AX_FRAME_MAX_SIZE)
                return log_client(LOG_WARNING, EBADMSG, peer->host_pid, peer->user->uid,
                                  "client %d: frame of %zd bytes", (int) peer->host_pid, n);
        r = dispatch(session, frame, (size_t) n);
        return r < 0 ? r : 1;
}

static int session_flush(struct session *session) {
        int r = output_flush(&session->output, session->fd);

        if (r == 0)
                session_update_events(session);
        return r;
}

static void session_on_io(struct lane_source *source, uint32_t events) {
        struct session *session = container_of(source, struct session, io);
        int r = 0;

        if (events & EPOLLOUT)
                r = session_flush(session);
        if (r == 0 && events & EPOLLIN)
                r = session_receive(session);
        else if (r == 0 && events & (EPOLLHUP | EPOLLERR))
                r = -ECONNRESET;
        if (r < 0)
                session_free(session);
}

static bool session_try(struct lane_source *source) {
        struct session *session = container_of(source, struct session, io);
        int r = session_receive(session);

        if (r < 0)
                session_free(session);
        return r != 0;
}

static void session_on_peer_exit(struct lane_source *source, uint32_t events) {
        (void) events;
        session_free(container_of(source, struct session, peer_exit));
}

bool session_has_in_flight(const struct session *session, uint32_t serial) {
        const struct call *call;

        DL_FOREACH (session->in_flight, call) {
                if (call->serial == serial)
                        return true;
        }
        return false;
}

static struct session *session_from_connection(struct connection *connection) {
        return container_of(connection, struct session, connection);
}

static int session_keep(struct connection *connection, struct call *call) {
        struct session *session = session_from_connection(connection);
        const struct process *process = connection->process;
        int r;

        if (process && process->parked >= session->table->kernel->config->parked_per_connection)
                return -EAGAIN;
        r = input_keep_trailer(&call->trailer, call->trailer_size, &call->trailer_copy);
        if (r < 0)
                return r;
        DL_APPEND(session->in_flight, call);
        session->n_in_flight++;
        session_update_events(session);
        return 0;
}

void session_forget_call(struct session *session, struct call *call) {
        DL_DELETE(session->in_flight, call);
        session->n_in_flight--;
        session_update_events(session);
}

static void session_cancel(struct connection *connection, uint32_t serial) {
        struct call *call;

        DL_FOREACH (session_from_connection(connection)->in_flight, call) {
                if (call->serial == serial) {
                        if (call->parked)
                                call_abort(call, -EINTR);
                        else if (call->abandon)
                                call->abandon(call);
                        return;
                }
        }
}

static struct session *session_from_listener(struct process_listener *listener) {
        return container_of(listener, struct session, connection.listener);
}

static void session_on_process_end(struct process_listener *listener) {
        struct session *session = session_from_listener(listener);
        struct call *call, *next;

        session->connection.process = NULL;
        DL_FOREACH_SAFE (session->in_flight, call, next) {
                if (call->parked) {
                        call_abort(call, -ESRCH);
                        continue;
                }
                call->process = NULL; /* a job has it */
                if (call->abandon)
                        call->abandon(call);
        }
        session_update_events(session);
}

static void session_on_process_pause(struct process_listener *listener) {
        session_update_events(session_from_listener(listener));
}

static void session_on_signal(struct process_listener *listener) {
        struct call *call;

        DL_FOREACH (session_from_listener(listener)->in_flight, call) {
                if (call->parked)
                        waiter_wake(&call->waiter);
        }
}

static void session_notify(struct process_listener *listener, unsigned event) {
        struct ax_frame_header header = { .length = AX_FRAME_HEADER_SIZE, .method = event, .flags = AX_FRAME_EVENT };
        uint8_t frame[AX_FRAME_HEADER_SIZE];

        ax_frame_header_encode(&header, frame);
        session_send(session_from_listener(listener),
                     &(struct output_parts){ .head = frame, .head_size = sizeof(frame) });
}

/* Whether there is something that the session will read, if only the end of file. */
static bool session_has_input(struct process_listener *listener) {
        const struct session *session = session_from_listener(listener);
        char byte;

        return session->io.events & EPOLLIN && recv(session->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static const struct process_listener_ops session_listener_ops = {
        .ended = session_on_process_end,
        .paused = session_on_process_pause,
        .interrupted = session_on_signal,
        .notify = session_notify,
        .has_input = session_has_input,
};

static int session_connect(struct connection *connection, struct process *process, bool hosted, int *ret_fd);

static const struct connection_ops session_ops = {
        .keep = session_keep,
        .cancel = session_cancel,
        .connect = session_connect,
};

/* Calls that a worker still has go on without a connection. */
static void session_orphan_calls(struct session *session) {
        struct call *call, *next;

        DL_FOREACH_SAFE (session->in_flight, call, next) {
                DL_DELETE(session->in_flight, call);
                call->in_flight = false;
                call->connection = NULL;
        }
}

struct session *session_free(struct session *session) {
        struct kernel *kernel;
        struct peer *peer;

        if (!session)
                return NULL;
        kernel = session->table->kernel;
        peer = &session->connection.peer;
        lane_unwatch(&session->io);
        lane_unwatch(&session->peer_exit);
        if (session->connection.process)
                process_exit_on_disconnect(session->connection.process);
        session_orphan_calls(session);
        output_deinit(&session->output);
        if (session->is_listed) {
                DL_DELETE(session->table->sessions, session);
                kernel->n_sessions--;
                observer_notify(kernel->processes.observer, counts_changed);
        }
        close_later(kernel->workers, peer->user, session->fd); /* with what was sent and never received */
        cleanup_close(&session->pidfd);
        admission_deinit(&session->admission);
        identity_unref(peer->identity);
        user_unref(peer->user);
        free(session);
        return NULL;
}

/* Charges the session to its user, lists it and listens to it. */
static int session_open(struct session *session, unsigned n_fds) {
        struct session_table *table = session->table;
        struct kernel *kernel = table->kernel;
        struct user *user = session->connection.peer.user;
        int r = admission_charge(&session->admission, &session->connection.peer, n_fds);

        if (r < 0)
                return r;
        DL_APPEND(table->sessions, session);
        session->is_listed = true;
        kernel->n_sessions++;
        observer_notify(kernel->processes.observer, counts_changed);
        output_init(&session->output, user, kernel->workers, kernel->config->output_per_connection);
        r = lane_watch(&user->lane, &session->io, session->fd, EPOLLIN, session_on_io);
        if (r == 0)
                lane_set_try(&session->io, session_try);
        return r;
}

static int session_admit(struct session *session) {
        struct peer *peer = &session->connection.peer;
        int r = admission_identify(session->table->kernel, session->fd, peer);

        if (r == 0)
                r = session_open(session, 2);
        if (r < 0)
                return r;
        session->pidfd = admission_open_pidfd(session->fd, peer->host_pid);
        if (session->pidfd < 0)
                return session->pidfd;
        return lane_watch(&peer->user->lane, &session->peer_exit, session->pidfd, EPOLLIN, session_on_peer_exit);
}

static struct session *session_create(struct session_table *table, int fd) {
        struct session *session = calloc(1, sizeof(*session));

        if (!session)
                return NULL;
        session->connection.ops = &session_ops;
        session->connection.listener.ops = &session_listener_ops;
        session->table = table;
        session->fd = fd;
        session->pidfd = -1;
        return session;
}

int session_new(struct session_table *table, int fd, struct user **ret_user) {
        struct session *session = session_create(table, fd);
        int r = session ? session_admit(session) : -ENOMEM;

        *ret_user = NULL;
        if (!session)
                return r;
        if (session->connection.peer.user)
                *ret_user = user_ref(session->connection.peer.user);
        if (r == 0)
                return 0;
        lane_unwatch(&session->io);
        session->fd = -1; /* it is the caller's */
        session_free(session);
        return r;
}

static int session_connect(struct connection *connection, struct process *process, bool hosted, int *ret_fd) {
        struct session *session;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        session = session_create(session_from_connection(connection)->table, fds[0]);
        if (!session) {
                close(fds[0]);
                close(fds[1]);
                return -ENOMEM;
        }
        session->connection.peer.user = user_ref(process->user);
        session->connection.peer.identity = identity_ref(process->identity);
        session->connection.spawned = true;
        session->wants_sender = hosted;
        admission_block_descriptors(fds[0]);
        r = session_open(session, 1);
        if (r >= 0 && hosted && setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0)
                r = -errno;
        if (r < 0) {
                session_free(session);
                close(fds[1]);
                return r;
        }
        session->connection.process = process;
        process->listener = &session->connection.listener;
        *ret_fd = fds[1];
        return 0;
}
