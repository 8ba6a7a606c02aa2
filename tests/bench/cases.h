/* SPDX-License-Identifier: MIT */
/*
 * What axbench measures: a table of cases, each with the case that is its limit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "axeberg.h"

enum { BENCH_FILE_SIZE = 16 << 20, BENCH_BLOCK = 4096, BENCH_LARGE_BLOCK = 65536, BENCH_SEQUENTIAL = 1 << 20 };

/*
 * Three places with one prepared file each: the namespace through the library, tmpfs on the host,
 * the namespace through the mount.
 */
struct bench_context {
        ax_client *ax;
        int ax_fd;
        int ping_fd;
        int tmpfs_fd, mount_fd;                                             /* mount_fd: -1 without a mount */
        int ax_ping, ax_pong, ax_stream, host_ping, host_pong, host_stream; /* pipes */
        char tmpfs[128], mount[128];
        char *buffer; /* BENCH_SEQUENTIAL long */
        unsigned random;
};

/*
 * Where the processes that take part run. A reply that wakes an idle CPU can cost several times the
 * call itself, and left alone the scheduler puts two processes now on one CPU, now on two: figures
 * are comparable only where the places are the same.
 */
enum bench_place { ON_ONE_CPU, ON_TWO_CPUS };

struct bench_case {
        const char *name;
        const char *limit; /* name of another case; NULL: this is one */
        bool needs_mount;
        enum bench_place place;
        size_t bytes; /* moved by one operation; 0: none */
        /* Does the operation @n times. Return: 0, negative error. */
        int (*run)(struct bench_context *context, unsigned n);
};

extern const struct bench_case bench_cases[];
extern const size_t n_bench_cases;

/*
 * Start the other end of the raw ping-pong, a process that dies with ours. Return: our end,
 * negative errno.
 */
int bench_start_pong(pid_t *ret_pid);
