/* SPDX-License-Identifier: MIT */
#include "transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "axeberg.h"
#include "host_fd.h"

void frame_close_fds(struct frame *frame) {
        for (size_t i = 0; i < frame->n_fds; i++)
                close(frame->fds[i]);
        frame->n_fds = 0;
}

static void take_fds(struct msghdr *message, struct frame *frame) {
        frame->n_fds = 0;
        for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
                size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);

                if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
                        continue;
                if (count > AX_FRAME_MAX_FDS - frame->n_fds)
                        count = AX_FRAME_MAX_FDS - frame->n_fds; /* cannot be: the control buffer has no more room */
                memcpy(frame->fds + frame->n_fds, CMSG_DATA(header), count * sizeof(int));
                frame->n_fds += count;
        }
}

/* If one cannot be moved, it is lost with those behind it: the others keep their places. */
static void move_fds_up(struct frame *frame) {
        for (size_t i = 0; i < frame->n_fds; i++) {
                frame->fds[i] = above_standard(frame->fds[i]);
                if (frame->fds[i] >= 0)
                        continue;
                for (size_t j = i + 1; j < frame->n_fds; j++)
                        close(frame->fds[j]);
                frame->n_fds = i;
                frame->fds_lost = true;
        }
}

static int parse(const uint8_t *buffer, size_t size, struct frame *frame) {
        if (size < AX_FRAME_HEADER_SIZE)
                return -AX_EPROTO;
        ax_frame_header_decode(&frame->header, buffer);
        if (frame->header.length != size || frame->header.trailer > size - AX_FRAME_HEADER_SIZE)
                return -AX_EPROTO;
        frame->message = buffer + AX_FRAME_HEADER_SIZE;
        frame->message_size = size - AX_FRAME_HEADER_SIZE - frame->header.trailer;
        frame->trailer = frame->message + frame->message_size;
        return 0;
}

int frame_receive(int fd, uint8_t buffer[static AX_FRAME_MAX_SIZE], int flags, struct frame *ret) {
        union {
                struct cmsghdr align;
                char data[CMSG_SPACE(sizeof(int) * AX_FRAME_MAX_FDS)];
        } control;
        struct iovec iov = { .iov_base = buffer, .iov_len = AX_FRAME_MAX_SIZE };
        struct msghdr message = {
                .msg_iov = &iov,
                .msg_iovlen = 1,
                .msg_control = &control,
                .msg_controllen = sizeof(control),
        };
        int tries = 0, r;
        ssize_t n;

        /*
         * the host reports ECONNRESET once, before what the daemon said last: why it refused a
         * Hello
         */
        do
                n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | flags);
        while (n < 0 && (errno == EINTR || (errno == ECONNRESET && tries++ == 0)));
        if (n < 0 && errno == EAGAIN)
                return -AX_EAGAIN;
        if (n <= 0)
                return -AX_ESRCH;
        take_fds(&message, ret);
        ret->fds_lost = message.msg_flags & MSG_CTRUNC;
        move_fds_up(ret);
        r = message.msg_flags & MSG_TRUNC ? -AX_EPROTO : parse(buffer, (size_t) n, ret);
        if (r < 0)
                frame_close_fds(ret);
        return r;
}

size_t frame_encode(uint8_t *bytes, uint32_t serial, uint32_t method, const ProtobufCMessage *request,
                    size_t trailer_size) {
        size_t size = AX_FRAME_HEADER_SIZE + protobuf_c_message_pack(request, bytes + AX_FRAME_HEADER_SIZE);
        const struct ax_frame_header header = {
                .length = (uint32_t) (size + trailer_size),
                .serial = serial,
                .method = method,
                .trailer = (uint32_t) trailer_size,
        };

        ax_frame_header_encode(&header, bytes);
        return size;
}

static ssize_t send_two_parts(int fd, const uint8_t *head, size_t head_size, const void *trailer, size_t trailer_size) {
        struct iovec iov[2] = {
                { .iov_base = (void *) head, .iov_len = head_size },
                { .iov_base = (void *) trailer, .iov_len = trailer_size },
        };
        const struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

        return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

int frame_send(int fd, const uint8_t *head, size_t head_size, const void *trailer, size_t trailer_size) {
        ssize_t n;

        do
                n = trailer_size > 0 ? send_two_parts(fd, head, head_size, trailer, trailer_size)
                                     : send(fd, head, head_size, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n >= 0 || errno == EPIPE || errno == ECONNRESET)
                return 0;
        if (errno == EAGAIN)
                return -AX_EAGAIN;
        return errno == ENOMEM || errno == ENOBUFS ? -AX_ENOMEM : -AX_ESRCH;
}
