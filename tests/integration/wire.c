/* SPDX-License-Identifier: MIT */
/*
 * Frames by hand. What is sent need not be valid, and what is received is checked against WIRE.md
 * before anybody looks at it: a frame whose lengths do not agree is -EBADMSG.
 */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CALL_LIMIT_MS = 20000 };

int wire_connect(const char *socket_path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd, r;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        do
                r = connect(fd, (struct sockaddr *) &address, sizeof(address));
        while (r < 0 && errno == EINTR);
        if (r < 0) {
                r = -errno;
                close(fd);
                return r;
        }
        return fd;
}

uint32_t wire_method(const char *name) {
        for (unsigned i = 0; i < axeberg__kernel__descriptor.n_methods; i++)
                if (strcmp(axeberg__kernel__descriptor.methods[i].name, name) == 0)
                        return i;
        fprintf(stderr, "no such method: %s\n", name);
        abort();
}

size_t wire_pack(uint8_t *bytes, uint32_t serial, uint32_t method, const ProtobufCMessage *message, const void *trailer,
                 size_t trailer_size) {
        size_t message_size = message ? protobuf_c_message_get_packed_size(message) : 0;
        struct ax_frame_header header = {
                .serial = serial,
                .method = method,
                .trailer = (uint32_t) trailer_size,
                .length = (uint32_t) (AX_FRAME_HEADER_SIZE + message_size + trailer_size),
        };

        if (message_size + trailer_size > AX_FRAME_MAX_PAYLOAD)
                abort();
        ax_frame_header_encode(&header, bytes);
        if (message)
                protobuf_c_message_pack(message, bytes + AX_FRAME_HEADER_SIZE);
        if (trailer_size > 0)
                memcpy(bytes + AX_FRAME_HEADER_SIZE + message_size, trailer, trailer_size);
        return header.length;
}

int wire_send_bytes(int fd, const void *bytes, size_t size, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * 64)];
        } control;
        struct iovec vector = { .iov_base = (void *) bytes, .iov_len = size };
        struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1 };

        if (n_fds > 64)
                return -EINVAL;
        if (n_fds > 0) {
                memset(&control, 0, sizeof(control));
                message.msg_control = &control;
                message.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                control.header.cmsg_level = SOL_SOCKET;
                control.header.cmsg_type = SCM_RIGHTS;
                control.header.cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * n_fds);
        }
        return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int wire_send_trailer(int fd, uint32_t serial, uint32_t method, const ProtobufCMessage *message, const void *trailer,
                      size_t trailer_size) {
        uint8_t bytes[AX_FRAME_MAX_SIZE];
        size_t size = wire_pack(bytes, serial, method, message, trailer, trailer_size);

        return wire_send_bytes(fd, bytes, size, NULL, 0);
}

int wire_send(int fd, uint32_t serial, uint32_t method, const ProtobufCMessage *message) {
        return wire_send_trailer(fd, serial, method, message, NULL, 0);
}

static void take_fds(struct wire_frame *frame, struct msghdr *message) {
        for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;
                frame->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                memcpy(frame->fds, CMSG_DATA(c), frame->n_fds * sizeof(int));
        }
}

static int decode(struct wire_frame *frame, size_t size) {
        if (size < AX_FRAME_HEADER_SIZE)
                return -EBADMSG;
        ax_frame_header_decode(&frame->header, frame->bytes);
        if (frame->header.length != size || frame->header.trailer > size - AX_FRAME_HEADER_SIZE)
                return -EBADMSG;
        frame->message = frame->bytes + AX_FRAME_HEADER_SIZE;
        frame->message_size = size - AX_FRAME_HEADER_SIZE - frame->header.trailer;
        frame->trailer = frame->message + frame->message_size;
        return 1;
}

int wire_receive(int fd, struct wire_frame *frame, int timeout_ms) {
        union {
                struct cmsghdr header;
                char space[CMSG_SPACE(sizeof(int) * AX_FRAME_MAX_FDS)];
        } control;
        struct iovec vector = { .iov_base = frame->bytes, .iov_len = sizeof(frame->bytes) };
        struct msghdr message = {
                .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        struct pollfd poller = { .fd = fd, .events = POLLIN };
        ssize_t n;
        int r;

        frame->n_fds = 0;
        frame->header = (struct ax_frame_header){ 0 };
        do
                r = poll(&poller, 1, timeout_ms);
        while (r < 0 && errno == EINTR);
        if (r <= 0)
                return r < 0 ? -errno : -ETIMEDOUT;
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
        if (n < 0)
                return errno == ECONNRESET ? 0 : -errno;
        if (n == 0)
                return 0;
        take_fds(frame, &message);
        return decode(frame, (size_t) n);
}

int wire_call(int fd, uint32_t serial, uint32_t method, const ProtobufCMessage *message, struct wire_frame *reply) {
        int r = wire_send(fd, serial, method, message);

        while (r >= 0) {
                r = wire_receive(fd, reply, CALL_LIMIT_MS);
                if (r == 0)
                        return -ECONNRESET;
                if (r > 0 && reply->header.serial == serial && reply->header.flags == AX_FRAME_REPLY)
                        return reply->header.status;
                if (r > 0)
                        wire_frame_close_fds(reply);
        }
        return r;
}

int wire_hello(int fd) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        Axeberg__HelloReply *answer;
        struct wire_frame reply;
        int r;

        request.version = AX_PROTOCOL_VERSION;
        r = wire_call(fd, 1, wire_method("Hello"), &request.base, &reply);
        if (r < 0)
                return r;
        wire_frame_close_fds(&reply);
        answer = axeberg__hello_reply__unpack(NULL, reply.message_size, reply.message);
        if (!answer)
                return -EBADMSG;
        r = answer->pid;
        axeberg__hello_reply__free_unpacked(answer, NULL);
        return r;
}

void wire_frame_close_fds(struct wire_frame *frame) {
        for (size_t i = 0; i < frame->n_fds; i++)
                close(frame->fds[i]);
        frame->n_fds = 0;
}
