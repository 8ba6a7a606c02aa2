/* SPDX-License-Identifier: MIT */
/*
 * The host program that spawn's tests start. Its first argument says what it does; whatever goes
 * wrong makes it end with 99.
 */
#include <axeberg.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAILED = 99, SHORT = 3, BLOCK = 1 << 18 };

static ax_client *ax;
static uint32_t block[BLOCK / 4];

static void fill(uint64_t offset) {
        for (size_t i = 0; i < BLOCK / 4; i++)
                block[i] = (uint32_t) ((offset / 4 + i) * 2654435761u);
}

/* Writes so many bytes of a pattern to descriptor 1. */
static int run_source(char **arguments) {
        uint64_t size = strtoull(arguments[0], NULL, 10);

        for (uint64_t done = 0; done < size;) {
                size_t part = size - done < BLOCK ? (size_t) (size - done) : BLOCK;

                fill(done);
                if (ax_write(ax, 1, block, part) != (ssize_t) part)
                        return FAILED;
                done += part;
        }
        return 0;
}

static int run_filter(char **arguments) {
        ssize_t n;

        (void) arguments;
        while ((n = ax_read(ax, 0, block, sizeof(block))) > 0)
                if (ax_write(ax, 1, block, (size_t) n) != n)
                        return FAILED;
        return n < 0 ? FAILED : 0;
}

/* Reads the pattern from descriptor 0; 0 if it was all there, SHORT if only a part was. */
static int run_sink(char **arguments) {
        uint64_t size = strtoull(arguments[0], NULL, 10), done = 0;
        static uint32_t data[BLOCK / 4];
        bool more = true;

        while (more) {
                size_t got = 0;

                while (got < BLOCK && more) {
                        ssize_t n = ax_read(ax, 0, (char *) data + got, BLOCK - got);

                        if (n < 0)
                                return FAILED;
                        more = n > 0;
                        got += (size_t) n;
                }
                fill(done);
                if (memcmp(data, block, got) != 0)
                        return FAILED;
                done += got;
        }
        return done == size ? 0 : done < size ? SHORT : FAILED;
}

static int run_exit(char **arguments) {
        return atoi(arguments[0]);
}

static int run_ax_exit(char **arguments) {
        return ax_exit(ax, atoi(arguments[0])) == 0 ? 55 : FAILED; /* the host's code is of no more interest */
}

/* Ends by a signal of the host's. */
static int run_abort(char **arguments) {
        kill(getpid(), atoi(arguments[0]));
        pause();
        return FAILED;
}

static int run_wait(char **arguments) {
        char byte;

        (void) arguments;
        return ax_read(ax, AX_STDIN, &byte, 1) < 0 ? FAILED : 0;
}

/* Keeps the processor busy with system calls. */
static int run_spin(char **arguments) {
        (void) arguments;
        while (ax_getppid(ax) > 0)
                ;
        return FAILED;
}

/* What it is, to the file that its argument names. */
static int run_report(char **arguments) {
        char text[4096], cwd[256] = "";
        int fd, n;

        ax_getcwd(ax, cwd, sizeof(cwd));
        n = snprintf(text, sizeof(text), "pid=%d\nppid=%d\ncwd=%s\numask=%o\nuid=%u\nvariable=%s\n", ax_getpid(ax),
                     ax_getppid(ax), cwd, (unsigned) ax_umask(ax, 0), (unsigned) getuid(),
                     getenv("VARIABLE") ? getenv("VARIABLE") : "");
        fd = ax_open(ax, arguments[0], AX_WRITE);
        return fd >= 0 && ax_write(ax, fd, text, (size_t) n) == n ? 0 : FAILED;
}

/* Looks whether its standard descriptors are as closed as they were at its start. */
static int run_closed(char **arguments) {
        (void) arguments;
        for (int fd = 0; fd <= 2; fd++)
                if (fcntl(fd, F_GETFD) >= 0)
                        return 1;
        return ax_getppid(ax) > 1 ? 0 : FAILED;
}

static const struct {
        const char *name;
        int (*run)(char **arguments);
} programs[] = {
        { "source", run_source },   { "filter", run_filter }, { "sink", run_sink }, { "exit", run_exit },
        { "ax-exit", run_ax_exit }, { "abort", run_abort },   { "wait", run_wait }, { "spin", run_spin },
        { "report", run_report },   { "closed", run_closed },
};

int main(int argc, char **argv) {
        int result = FAILED;

        if (argc < 2 || ax_connect(&ax, NULL) < 0)
                return FAILED;
        for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
                if (strcmp(programs[i].name, argv[1]) == 0)
                        result = programs[i].run(argv + 2);
        /* as programs do that just end: the connection goes with the process */
        _exit(result);
}
