/* SPDX-License-Identifier: MIT */
/*
 * recv(2) and send(2) without what glibc adds in programs of several threads: there they are
 * cancellation points, which costs two locked instructions each. Nobody cancels our threads.
 */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static inline ssize_t socket_recv(int fd, void *buffer, size_t size, int flags) {
        return syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);
}

static inline ssize_t socket_send(int fd, const void *buffer, size_t size, int flags) {
        return syscall(SYS_sendto, fd, buffer, size, flags, NULL, 0);
}
