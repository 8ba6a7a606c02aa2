/* SPDX-License-Identifier: MIT */
#include "server/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "account/closer.h"
#include "account/user.h"
#include "frame.h"
#include "util/socket.h"

struct output_frame {
        struct output_frame *prev, *next;
        struct user_charge bytes_charge, fds_charge;
        size_t size, n_fds;
        int fds[AX_FRAME_MAX_FDS];
        uint8_t data[];
};

void output_init(struct output *output, struct user *user, struct workers *workers, size_t limit) {
        *output = (struct output){ .user = user, .workers = workers, .limit = limit };
}

/* What the client has not received may be the last reference to something large. */
static void frame_free(struct output *output, struct output_frame *frame) {
        for (size_t i = 0; i < frame->n_fds; i++)
                close_later(output->workers, output->user, frame->fds[i]);
        user_charge_deinit(&frame->fds_charge);
        user_charge_deinit(&frame->bytes_charge);
        free(frame);
}

void output_deinit(struct output *output) {
        struct output_frame *frame, *next;

        DL_FOREACH_SAFE (output->frames, frame, next) {
                frame_free(output, frame);
        }
        output->frames = NULL;
        output->size = 0;
}

static int send_frame(int fd, const struct iovec *iov, size_t n_iov, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr align;
                char data[CMSG_SPACE(sizeof(int) * AX_FRAME_MAX_FDS)];
        } control;
        struct msghdr message = { .msg_iov = (struct iovec *) iov, .msg_iovlen = n_iov };

        if (n_fds == 0 && n_iov == 1) /* most replies; cheaper than sendmsg() */
                return socket_send(fd, iov->iov_base, iov->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
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

static int frame_charge(struct output *output, struct output_frame *frame, size_t n_fds) {
        int r = user_charge(output->user, &frame->bytes_charge, USER_BUFFERS, sizeof(*frame) + frame->size);

        if (r == 0 && n_fds > 0)
                r = user_charge(output->user, &frame->fds_charge, USER_HOST_FDS, n_fds);
        return r;
}

static int frame_new(struct output_frame **ret, struct output *output, const struct output_parts *parts) {
        size_t size = parts->head_size + parts->trailer_size;
        struct output_frame *frame;
        int r;

        if (output->size + size > output->limit)
                return -EDQUOT;
        frame = malloc(sizeof(*frame) + size);
        if (!frame)
                return -ENOMEM;
        memset(frame, 0, offsetof(struct output_frame, fds));
        frame->size = size;
        r = frame_charge(output, frame, parts->n_fds);
        for (; r == 0 && frame->n_fds < parts->n_fds; frame->n_fds++) {
                frame->fds[frame->n_fds] = fcntl(parts->fds[frame->n_fds], F_DUPFD_CLOEXEC, 0);
                if (frame->fds[frame->n_fds] < 0) {
                        r = -errno;
                        break;
                }
        }
        if (r < 0) {
                frame_free(output, frame);
                return r;
        }
        memcpy(frame->data, parts->head, parts->head_size);
        if (parts->trailer_size > 0)
                memcpy(frame->data + parts->head_size, parts->trailer, parts->trailer_size);
        *ret = frame;
        return 0;
}

int output_send(struct output *output, int fd, const struct output_parts *parts) {
        struct iovec iov[2] = {
                { .iov_base = (void *) parts->head, .iov_len = parts->head_size },
                { .iov_base = (void *) parts->trailer, .iov_len = parts->trailer_size },
        };
        struct output_frame *frame;
        int r = output->frames ? -EAGAIN
                               : send_frame(fd, iov, parts->trailer_size > 0 ? 2 : 1, parts->fds, parts->n_fds);

        if (r != -EAGAIN && r != -ENOBUFS && r != -ENOMEM)
                return r;
        r = frame_new(&frame, output, parts);
        if (r < 0)
                return r;
        output->size += frame->size;
        DL_APPEND(output->frames, frame);
        return 0;
}

int output_flush(struct output *output, int fd) {
        while (output->frames) {
                struct output_frame *frame = output->frames;
                struct iovec iov = { .iov_base = frame->data, .iov_len = frame->size };
                int r = send_frame(fd, &iov, 1, frame->fds, frame->n_fds);

                if (r < 0)
                        return r == -EAGAIN || r == -ENOBUFS ? 0 : r;
                DL_DELETE(output->frames, frame);
                output->size -= frame->size;
                frame_free(output, frame);
        }
        return 0;
}
