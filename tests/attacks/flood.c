/* SPDX-License-Identifier: MIT */
#include "flood.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

void flood_raise_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
}

int flood_connect(const char *socket_path) {
        int fd = wire_connect(socket_path), r;

        if (fd < 0)
                return fd;
        r = wire_hello(fd);
        if (r < 0)
                close(fd);
        return r < 0 ? r : fd;
}

int flood_call(struct flood_connection *connection, const char *method, const ProtobufCMessage *message) {
        struct wire_frame reply;
        int r = wire_call(connection->fd, ++connection->serial, wire_method(method), message, &reply);

        wire_frame_close_fds(&reply);
        return r;
}

size_t flood_pack(struct flood_connection *connection, uint8_t *bytes, uint32_t method, const ProtobufCMessage *message,
                  const void *trailer, size_t trailer_size) {
        return wire_pack(bytes, ++connection->serial, method, message, trailer, trailer_size);
}

/* A connection that takes no more, or has gone, has one request fewer on the way from then on. */
static void send_next(struct flood *flood, struct flood_connection *connection) {
        uint8_t bytes[AX_FRAME_MAX_SIZE];
        size_t size = flood->request(flood, connection, bytes);

        if (send(connection->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                atomic_fetch_add(&flood->counts->refused, 1);
}

static void take_reply(struct flood *flood, struct flood_connection *connection, struct wire_frame *reply) {
        if (reply->header.flags != AX_FRAME_REPLY)
                return; /* an event */
        atomic_fetch_add(&flood->counts->calls, 1);
        if (reply->header.status < 0)
                atomic_fetch_add(&flood->counts->refused, 1);
        if (flood->answered)
                flood->answered(flood, connection, reply);
        send_next(flood, connection);
}

static int watch(struct flood *flood, struct flood_connection *connections) {
        int epoll = epoll_create1(EPOLL_CLOEXEC);

        if (epoll < 0)
                return -errno;
        for (unsigned i = 0; i < flood->n_connections; i++) {
                struct epoll_event event = { .events = EPOLLIN, .data.ptr = &connections[i] };

                if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) < 0)
                        return -errno;
        }
        return epoll;
}

int flood_run_on(struct flood *flood, struct flood_connection *connections) {
        int epoll = watch(flood, connections);
        struct wire_frame reply;

        if (epoll < 0)
                return epoll;
        for (unsigned i = 0; i < flood->n_connections; i++)
                for (unsigned k = 0; k < flood->in_flight; k++)
                        send_next(flood, &connections[i]);
        atomic_store(&flood->counts->ready, 1);
        for (;;) {
                struct epoll_event events[EVENTS];
                int n = epoll_wait(epoll, events, EVENTS, -1);

                for (int i = 0; i < n; i++) {
                        struct flood_connection *connection = events[i].data.ptr;
                        int r = wire_receive(connection->fd, &reply, 0);

                        if (r > 0) {
                                take_reply(flood, connection, &reply);
                                wire_frame_close_fds(&reply);
                        } else if (r != -ETIMEDOUT)
                                (void) epoll_ctl(epoll, EPOLL_CTL_DEL, connection->fd, NULL);
                }
        }
}

int flood_run(struct flood *flood) {
        struct flood_connection *connections = calloc(flood->n_connections, sizeof(*connections));

        if (!connections)
                return -ENOMEM;
        for (unsigned i = 0; i < flood->n_connections; i++) {
                struct flood_connection *connection = &connections[i];
                int r;

                *connection =
                        (struct flood_connection){ .fd = flood_connect(flood->socket_path), .number = i, .serial = 1 };
                r = connection->fd < 0 ? connection->fd : 0;
                if (r == 0 && flood->prepare)
                        r = flood->prepare(flood, connection);
                if (r < 0)
                        return r;
        }
        return flood_run_on(flood, connections);
}
