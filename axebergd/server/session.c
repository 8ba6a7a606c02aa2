#include "server/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utlist.h>

#include "config.h"
#include "kernel.h"
#include "process/process.h"
#include "server/dispatch.h"
#include "server/server.h"
#include "util/cleanup.h"
#include "util/identity.h"
#include "util/log.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

struct output_frame {
        struct output_frame *prev, *next;
        size_t size, n_fds;
        int fds[AX_FRAME_MAX_FDS];
        uint8_t data[];
};

enum { MAX_WORKING = 64 };

/* The one frame that is being received; one byte more than a frame may have, to see that it has more. */
static uint8_t receive_buffer[AX_FRAME_MAX_SIZE + 1];

static void output_frame_free(struct output_frame *frame) {
        for (size_t i = 0; i < frame->n_fds; i++)
                close(frame->fds[i]);
        free(frame);
}

static int send_frame(int fd, const struct iovec *iov, size_t n_iov, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr align;
                char data[CMSG_SPACE(sizeof(int) * AX_FRAME_MAX_FDS)];
        } control;
        struct msghdr message = { .msg_iov = (struct iovec *) iov, .msg_iovlen = n_iov };

        if (n_fds == 0 && n_iov == 1) /* most replies; cheaper than sendmsg() */
                return send(fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
        if (n_fds > 0) {
                struct cmsghdr *header = &control.align;

                memset(&control, 0, sizeof(control));
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
                header->cmsg_level = SOL_SOCKET;
                header->cmsg_type = SCM_RIGHTS;
                header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
                memcpy(CMSG_DATA(header), fds, n_fds * sizeof(int));
        }
        return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Calls that workers have. They end by themselves, unlike parked ones, so waiting for them to become fewer is no deadlock. */
static unsigned session_n_working(const struct session *session) {
        const struct process *process = session->connection.process;

        return session->n_in_flight - (process ? process->parked : 0);
}

static bool session_is_stopped(const struct session *session) {
        const struct process *process = session->connection.process;

        /* its program's Start is taken even then, so that the program is stopped, too */
        return process && process->state == PROCESS_STOPPED && !session->wants_sender;
}

/* Reads from the client while it runs, reads from us, and does not ask for more at once than workers get done. */
static void session_update_events(struct session *session) {
        bool reads = !session_is_stopped(session) && session_n_working(session) < MAX_WORKING;
        uint32_t events = reads ? EPOLLIN : 0;

        if (!session->io)
                return; /* not yet, or no more */
        sd_event_source_set_io_events(session->io, session->output ? EPOLLOUT : events);
}

void session_fail(struct session *session) {
        shutdown(session->fd, SHUT_RDWR);
}

static struct output_frame *output_frame_new(const void *head, size_t head_size, const void *trailer,
                                             size_t trailer_size, const int *fds, size_t n_fds) {
        struct output_frame *frame = malloc(sizeof(*frame) + head_size + trailer_size);

        if (!frame)
                return NULL;
        frame->size = head_size + trailer_size;
        memcpy(frame->data, head, head_size);
        if (trailer_size > 0)
                memcpy(frame->data + head_size, trailer, trailer_size);
        for (frame->n_fds = 0; frame->n_fds < n_fds; frame->n_fds++) {
                frame->fds[frame->n_fds] = fcntl(fds[frame->n_fds], F_DUPFD_CLOEXEC, 0);
                if (frame->fds[frame->n_fds] < 0) {
                        output_frame_free(frame);
                        return NULL;
                }
        }
        return frame;
}

static void session_queue(struct session *session, struct output_frame *frame) {
        size_t limit = session->server->kernel->config->output_per_connection;

        if (!frame || session->output_size + frame->size > limit) {
                log_client(LOG_WARNING, 0, session->connection.peer.host_pid, session->connection.peer.user->uid,
                           "client %d does not read its replies; disconnecting it with %zu bytes unread",
                           (int) session->connection.peer.host_pid, session->output_size);
                if (frame)
                        output_frame_free(frame);
                session_fail(session);
                return;
        }
        session->output_size += frame->size;
        DL_APPEND(session->output, frame);
        session_update_events(session);
}

void session_send(struct session *session, const void *head, size_t head_size, const void *trailer, size_t trailer_size,
                  const int *fds, size_t n_fds) {
        struct iovec iov[2] = {
                { .iov_base = (void *) head, .iov_len = head_size },
                { .iov_base = (void *) trailer, .iov_len = trailer_size },
        };
        int r = session->output ? -EAGAIN : send_frame(session->fd, iov, trailer_size > 0 ? 2 : 1, fds, n_fds);

        if (r == -EAGAIN || r == -ENOBUFS || r == -ENOMEM)
                session_queue(session, output_frame_new(head, head_size, trailer, trailer_size, fds, n_fds));
        else if (r < 0)
                session_fail(session); /* gone, or about to be */
}

static int session_flush(struct session *session) {
        while (session->output) {
                struct output_frame *frame = session->output;
                struct iovec iov = { .iov_base = frame->data, .iov_len = frame->size };
                int r = send_frame(session->fd, &iov, 1, frame->fds, frame->n_fds);

                if (r < 0)
                        return r == -EAGAIN || r == -ENOBUFS ? 0 : r;
                DL_DELETE(session->output, frame);
                session->output_size -= frame->size;
                output_frame_free(frame);
        }
        session_update_events(session);
        return 0;
}

/* As recv(), and learns from the host's kernel which process sent it. */
static ssize_t receive_with_sender(struct session *session) {
        union {
                struct cmsghdr align;
                char data[CMSG_SPACE(sizeof(struct ucred))]; /* no room for descriptors: the kernel drops them */
        } control;
        struct iovec iov = { .iov_base = receive_buffer, .iov_len = sizeof(receive_buffer) };
        struct msghdr message = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(session->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
        struct ucred sender;

        if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS) {
                memcpy(&sender, CMSG_DATA(header), sizeof(sender));
                session->connection.sender = sender.pid;
        }
        if (n > 0) {
                session->wants_sender = false;
                setsockopt(session->fd, SOL_SOCKET, SO_PASSCRED, &(int){ 0 }, sizeof(int));
        }
        return n;
}

/*
 * Receives and serves one frame. No method takes descriptors: without a control buffer the kernel drops those that come unasked (unix(7)).
 * Return: 0, negative errno: the session is over.
 */
static int session_receive(struct session *session) {
        ssize_t n = session->wants_sender ? receive_with_sender(session)
                                          : recv(session->fd, receive_buffer, sizeof(receive_buffer), MSG_DONTWAIT);

        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        if (n == 0)
                return -ECONNRESET; /* end of file, or an empty packet, which is no frame either */
        if (n < AX_FRAME_HEADER_SIZE || n > AX_FRAME_MAX_SIZE)
                return log_client(LOG_WARNING, EBADMSG, session->connection.peer.host_pid,
                                  session->connection.peer.user->uid, "client %d: frame of %zd bytes",
                                  (int) session->connection.peer.host_pid, n);
        return dispatch(session, receive_buffer, (size_t) n);
}

static int session_on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        struct session *session = userdata;
        int r = 0;

        (void) source;
        (void) fd;
        if (events & EPOLLOUT)
                r = session_flush(session);
        if (r == 0 && events & EPOLLIN)
                r = session_receive(session);
        else if (r == 0 && events & (EPOLLHUP | EPOLLERR))
                r = -ECONNRESET;
        if (r < 0)
                session_free(session);
        return 0;
}

static int session_on_peer_exit(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) fd;
        (void) events;
        session_free(userdata);
        return 0;
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
        return (struct session *) connection;
}

static int session_keep(struct connection *connection, struct call *call) {
        struct session *session = session_from_connection(connection);
        const struct process *process = connection->process;

        if (process && process->parked >= session->server->kernel->config->parked_per_connection)
                return -EAGAIN;
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
                        return;
                }
        }
}

static struct session *session_from_listener(struct process_listener *listener) {
        return (struct session *) ((char *) listener - offsetof(struct session, connection.listener));
}

static void session_on_process_end(struct process_listener *listener) {
        struct session *session = session_from_listener(listener);
        struct call *call, *next;

        session->connection.process = NULL;
        DL_FOREACH_SAFE (session->in_flight, call, next) {
                if (call->parked)
                        call_abort(call, -ESRCH);
                else
                        call->process = NULL; /* a worker has it */
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
        session_send(session_from_listener(listener), frame, sizeof(frame), NULL, 0, NULL, 0);
}

static const struct process_listener_ops session_listener_ops = {
        .ended = session_on_process_end,
        .paused = session_on_process_pause,
        .interrupted = session_on_signal,
        .notify = session_notify,
};

static int session_connect(struct connection *connection, struct process *process, bool hosted, int *ret_fd);

static const struct connection_ops session_ops = {
        .keep = session_keep,
        .cancel = session_cancel,
        .connect = session_connect,
};

/* What the worker still holds goes on without a connection. */
static void session_orphan_calls(struct session *session) {
        struct call *call, *next;

        DL_FOREACH_SAFE (session->in_flight, call, next) {
                DL_DELETE(session->in_flight, call);
                call->in_flight = false;
                call->connection = NULL;
        }
}

struct session *session_free(struct session *session) {
        struct output_frame *frame, *next;

        if (!session)
                return NULL;
        sd_event_source_disable_unref(session->io);
        sd_event_source_disable_unref(session->peer_exit);
        session->io = session->peer_exit = NULL;
        if (session->connection.process)
                process_exit_on_disconnect(session->connection.process);
        session_orphan_calls(session);
        DL_FOREACH_SAFE (session->output, frame, next) {
                output_frame_free(frame);
        }
        if (session->charge.user) {
                DL_DELETE(session->server->sessions, session);
                session->server->kernel->n_sessions--;
                kernel_tell_counts_changed(session->server->kernel);
        }
        cleanup_close(&session->fd);
        cleanup_close(&session->pidfd);
        user_charge_deinit(&session->charge);
        identity_unref(session->connection.peer.identity);
        user_unref(session->connection.peer.user);
        free(session);
        return NULL;
}

static int read_groups(int fd, gid_t **ret, size_t *ret_n) {
        socklen_t size = 64 * sizeof(gid_t);

        for (;;) {
                gid_t *groups = malloc(size ? size : 1);

                if (!groups)
                        return -ENOMEM;
                if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0) {
                        *ret = groups;
                        *ret_n = size / sizeof(gid_t);
                        return 0;
                }
                free(groups);
                if (errno != ERANGE)
                        return -errno;
        }
}

static int open_pidfd(int fd, pid_t pid) {
        int pidfd = -1;
        socklen_t size = sizeof(pidfd);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &size) == 0)
                return pidfd;
        if (errno != ENOPROTOOPT)
                return -errno;
        pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        return pidfd < 0 ? -errno : pidfd;
}

/* Learns from the host's kernel who connected. */
static int session_identify(struct session *session) {
        struct peer *peer = &session->connection.peer;
        _cleanup_free_ gid_t *groups = NULL;
        struct ucred credentials;
        socklen_t size = sizeof(credentials);
        size_t n_groups = 0;
        int r;

        if (getsockopt(session->fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
                return -errno;
        if (!identity_is_privileged() && credentials.uid != geteuid())
                return -EACCES; /* we could not act as that user */
        r = read_groups(session->fd, &groups, &n_groups);
        if (r == 0)
                r = identity_new(&peer->identity, credentials.uid, credentials.gid, groups, n_groups);
        if (r == 0)
                r = user_from_uid(&session->server->kernel->users, credentials.uid, &peer->user);
        if (r < 0)
                return r;
        peer->host_pid = credentials.pid;
        return 0;
}

/* Charges the session to its user, lists it and listens to it. */
static int session_open(struct session *session) {
        struct server *server = session->server;
        int r = user_charge(session->connection.peer.user, &session->charge, USER_CONNECTIONS, 1);

        if (r < 0)
                return r;
        DL_APPEND(server->sessions, session);
        server->kernel->n_sessions++;
        kernel_tell_counts_changed(server->kernel);
        return sd_event_add_io(server->kernel->event, &session->io, session->fd, EPOLLIN, session_on_io, session);
}

static int session_admit(struct session *session) {
        int r = session_identify(session);

        if (r == 0)
                r = session_open(session);
        if (r < 0)
                return r;
        session->pidfd = open_pidfd(session->fd, session->connection.peer.host_pid);
        if (session->pidfd < 0)
                return session->pidfd;
        return sd_event_add_io(session->server->kernel->event, &session->peer_exit, session->pidfd, EPOLLIN,
                               session_on_peer_exit, session);
}

/* Answers the Hello that is, or soon will be, in the socket. Reading it first keeps close() from throwing the answer away. */
static void refuse(int fd, int error) {
        struct ax_frame_header header = {
                .length = AX_FRAME_HEADER_SIZE,
                .serial = 1,
                .status = error,
                .flags = AX_FRAME_REPLY,
        };
        uint8_t bytes[AX_FRAME_HEADER_SIZE];
        struct iovec iov = { .iov_base = bytes, .iov_len = sizeof(bytes) };

        while (recv(fd, receive_buffer, sizeof(receive_buffer), MSG_DONTWAIT) > 0)
                ;
        ax_frame_header_encode(&header, bytes);
        send_frame(fd, &iov, 1, NULL, 0);
}

static struct session *session_create(struct server *server, int fd) {
        struct session *session = calloc(1, sizeof(*session));

        if (!session)
                return NULL;
        session->connection.ops = &session_ops;
        session->connection.listener.ops = &session_listener_ops;
        session->server = server;
        session->fd = fd;
        session->pidfd = -1;
        return session;
}

int session_new(struct server *server, int fd) {
        struct session *session = session_create(server, fd);
        int r;

        if (!session) {
                refuse(fd, -ENOMEM);
                close(fd);
                return -ENOMEM;
        }
        r = session_admit(session);
        if (r < 0) {
                refuse(fd, r == -ENFILE ? -EMFILE : r);
                session_free(session);
                return r;
        }
        return 0;
}

static int session_connect(struct connection *connection, struct process *process, bool hosted, int *ret_fd) {
        struct session *session;
        int fds[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        session = session_create(session_from_connection(connection)->server, fds[0]);
        if (!session) {
                close(fds[0]);
                close(fds[1]);
                return -ENOMEM;
        }
        session->connection.peer.user = user_ref(process->user);
        session->connection.peer.identity = identity_ref(process->identity);
        session->connection.spawned = true;
        session->wants_sender = hosted;
        r = session_open(session);
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
