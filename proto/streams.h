/* SPDX-License-Identifier: MIT */
/*
 * Standard input, output and error, as every program of ours finds and leaves them.
 *
 * A program may be started with some of them closed. The next file or socket that it opens would
 * get that number, and then everything that is printed, or a part of it. So main() begins with
 * streams_start(), which opens /dev/null in their places: the wrong way round, so that reading and
 * writing fail with EBADF as they would have; and closed on execution, so that programs that are
 * started find them as they were given.
 *
 * And output that did not arrive, on a full disk for example, is a failure: where the program would
 * have ended with status 0 it says why, and ends with EXIT_FAILURE.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A program that fails anyway has said why. */
static inline void streams_end(int status, void *program) {
        int failed = ferror(stdout);

        errno = 0;
        if ((fclose(stdout) == 0 && !failed) || status != EXIT_SUCCESS)
                return;
        fprintf(stderr, "%s: standard output: %s\n", (const char *) program,
                errno != 0 ? strerror(errno) : "cannot be written");
        _exit(EXIT_FAILURE);
}

static inline void streams_open(const char *program) {
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
                int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

                if (fcntl(fd, F_GETFD) >= 0)
                        continue;
                /* all numbers below are taken: this one is the lowest free one */
                if (open("/dev/null", flags | O_CLOEXEC) == fd)
                        continue;
                fprintf(stderr, "%s: /dev/null: %s\n", program, strerror(errno));
                _exit(EXIT_FAILURE);
        }
}

/* The program's name, for messages, must live as long as the program. */
static inline void streams_start(const char *program) {
        streams_open(program);
        on_exit(streams_end, (void *) program);
}
