/* SPDX-License-Identifier: MIT */
#include "server/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "frame.h"
#include "syscalls/call.h"
#include "util/cleanup.h"
#include "util/socket.h"

/*
 * The one frame that is being received; one byte more than a frame may have, to see that it has
 * more. A call that is kept takes the buffer along, and leaves its spare behind when it ends.
 */
enum { RECEIVE_SIZE = AX_FRAME_MAX_SIZE + 1 };
static uint8_t *receive_buffer, *spare_buffer;

/* Mapped, so that what thousands of waiting calls kept goes back to the host when they end. */
static uint8_t *buffer_new(void) {
        uint8_t *buffer = mmap(NULL, RECEIVE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return buffer == MAP_FAILED ? NULL : buffer;
}

static void buffer_free(uint8_t *buffer) {
        if (buffer)
                munmap(buffer, RECEIVE_SIZE);
}

static bool receive_prepare(void) {
        if (!receive_buffer)
                receive_buffer = spare_buffer ? steal_pointer(&spare_buffer) : buffer_new();
        return receive_buffer;
}

int input_keep_trailer(const uint8_t **trailer, size_t size, void **ret_copy) {
        void *copy;

        if (size == 0)
                return 0;
        if (size > CALL_COPIED_TRAILER) {
                *ret_copy = steal_pointer(&receive_buffer);
                return 0;
        }
        copy = malloc(size);
        if (!copy)
                return -ENOMEM;
        memcpy(copy, *trailer, size);
        *trailer = *ret_copy = copy;
        return 0;
}

void input_release_trailer(void *copy, size_t size) {
        if (size <= CALL_COPIED_TRAILER)
                free(copy);
        else if (spare_buffer)
                buffer_free(copy);
        else
                spare_buffer = copy;
}

void input_forget_buffers(void) {
        buffer_free(steal_pointer(&receive_buffer));
        buffer_free(steal_pointer(&spare_buffer));
}

static void read_control(struct msghdr *message, struct input_control *ret) {
        struct cmsghdr *header;
        struct ucred sender;

        ret->sender = 0;
        ret->n_fds = 0;
        for (header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
                if (header->cmsg_level != SOL_SOCKET)
                        continue;
                if (header->cmsg_type == SCM_CREDENTIALS) {
                        memcpy(&sender, CMSG_DATA(header), sizeof(sender));
                        ret->sender = sender.pid;
                } else if (header->cmsg_type == SCM_RIGHTS) {
                        ret->n_fds = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                        memcpy(ret->fds, CMSG_DATA(header), ret->n_fds * sizeof(int));
                }
        }
}

static ssize_t receive_with_control(int fd, struct input_control *ret) {
        union {
                struct cmsghdr align;
                char data[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * INPUT_MAX_FDS)];
        } control;
        struct iovec iov = { .iov_base = receive_buffer, .iov_len = RECEIVE_SIZE };
        struct msghdr message = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)
        };
        ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n > 0)
                read_control(&message, ret);
        return n;
}

ssize_t input_receive(int fd, const uint8_t **ret_frame, struct input_control *ret_control) {
        ssize_t n;

        if (!receive_prepare())
                return -ENOMEM;
        *ret_frame = receive_buffer;
        n = ret_control ? receive_with_control(fd, ret_control)
                        : socket_recv(fd, receive_buffer, RECEIVE_SIZE, MSG_DONTWAIT);
        if (n < 0)
                return errno == EAGAIN || errno == EINTR ? 0 : -errno;
        return n == 0 ? -ECONNRESET : n; /* end of file, or an empty packet, which is no frame either */
}
