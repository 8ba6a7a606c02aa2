/* SPDX-License-Identifier: MIT */
/*
 * The library's own descriptors of the host. They lie above the standard ones, whatever the program
 * has closed.
 *
 * The host gives out the lowest free number. If a program has closed its standard output, that is
 * the next connection's, and everything that the program then prints goes to the daemon as
 * requests. So every descriptor from the host passes through above_standard() at once.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/*
 * Takes over a descriptor, or the -1 of a call that failed. Returns a descriptor of the same file
 * above 2, or a negative errno.
 */
static inline int above_standard(int fd) {
        int moved, r;

        if (fd < 0)
                return -errno;
        if (fd > STDERR_FILENO)
                return fd;
        moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        r = moved < 0 ? -errno : moved;
        close(fd);
        return r;
}

/* Closes a descriptor, if it is one, and makes it -1. */
static inline void close_fd(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}
