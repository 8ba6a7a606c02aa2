/* SPDX-License-Identifier: MIT */
/*
 * The cases. Those on the host and on the mount share one function each and differ only in the
 * descriptor or directory, so that nothing but the file system is compared.
 */
#include "cases.h"

#include "memory.h"
#include "processes.h"
#include "tracing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PING_SIZE = 32 };

/* ---- the floor: two processes and a socket --------------------------------------------------- */

__attribute__((noreturn)) static void pong(int fd) {
        char bytes[PING_SIZE];
        ssize_t n;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
                if (send(fd, bytes, (size_t) n, MSG_NOSIGNAL) < 0)
                        break;
        _exit(0);
}

int bench_start_pong(pid_t *ret_pid) {
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        pid = fork();
        if (pid == 0) {
                close(ends[0]);
                pong(ends[1]);
        }
        close(ends[1]);
        if (pid < 0) {
                close(ends[0]);
                return -EAGAIN;
        }
        *ret_pid = pid;
        return ends[0];
}

static int run_ping(struct bench_context *context, unsigned n) {
        char bytes[PING_SIZE] = { 0 };

        while (n-- > 0)
                if (send(context->ping_fd, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0 ||
                    recv(context->ping_fd, bytes, sizeof(bytes), 0) != PING_SIZE)
                        return -errno;
        return 0;
}

/* ---- through the library --------------------------------------------------------------------- */

static int run_getppid(struct bench_context *context, unsigned n) {
        while (n-- > 0)
                if (ax_getppid(context->ax) != 1)
                        return -EIO;
        return 0;
}

static int run_ax_open(struct bench_context *context, unsigned n) {
        while (n-- > 0) {
                int fd = ax_open(context->ax, "/tmp/bench", AX_READ);

                if (fd < 0)
                        return fd;
                (void) ax_close(context->ax, fd);
        }
        return 0;
}

static int64_t random_offset(struct bench_context *context, size_t block) {
        context->random = context->random * 1664525u + 1013904223u;
        return (int64_t) ((context->random >> 4) % (BENCH_FILE_SIZE / block) * block);
}

static int ax_read_blocks(struct bench_context *context, unsigned n, size_t block) {
        while (n-- > 0) {
                int64_t offset = random_offset(context, block);

                if (ax_pread(context->ax, context->ax_fd, context->buffer, block, offset) != (ssize_t) block)
                        return -EIO;
        }
        return 0;
}

static int ax_write_blocks(struct bench_context *context, unsigned n, size_t block) {
        while (n-- > 0) {
                int64_t offset = random_offset(context, block);

                if (ax_pwrite(context->ax, context->ax_fd, context->buffer, block, offset) != (ssize_t) block)
                        return -EIO;
        }
        return 0;
}

static int run_ax_read_4k(struct bench_context *context, unsigned n) {
        return ax_read_blocks(context, n, BENCH_BLOCK);
}

static int run_ax_write_4k(struct bench_context *context, unsigned n) {
        return ax_write_blocks(context, n, BENCH_BLOCK);
}

static int run_ax_read_64k(struct bench_context *context, unsigned n) {
        return ax_read_blocks(context, n, BENCH_LARGE_BLOCK);
}

static int run_ax_write_64k(struct bench_context *context, unsigned n) {
        return ax_write_blocks(context, n, BENCH_LARGE_BLOCK);
}

/* ---- on a file system of the host ------------------------------------------------------------ */

static int open_in(const char *directory, unsigned n) {
        char path[160];

        snprintf(path, sizeof(path), "%s/bench", directory);
        while (n-- > 0) {
                int fd = open(path, O_RDONLY | O_CLOEXEC);

                if (fd < 0)
                        return -errno;
                close(fd);
        }
        return 0;
}

static int stat_in(const char *directory, unsigned n) {
        char path[160];
        struct stat status;

        snprintf(path, sizeof(path), "%s/bench", directory);
        while (n-- > 0)
                if (stat(path, &status) < 0)
                        return -errno;
        return 0;
}

static int create_in(const char *directory, unsigned n) {
        char path[160];

        snprintf(path, sizeof(path), "%s/created", directory);
        while (n-- > 0) {
                int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

                if (fd < 0)
                        return -errno;
                close(fd);
                if (unlink(path) < 0)
                        return -errno;
        }
        return 0;
}

static int read_blocks(struct bench_context *context, int fd, unsigned n, size_t block) {
        while (n-- > 0)
                if (pread(fd, context->buffer, block, random_offset(context, block)) != (ssize_t) block)
                        return -errno;
        return 0;
}

static int write_blocks(struct bench_context *context, int fd, unsigned n, size_t block) {
        while (n-- > 0)
                if (pwrite(fd, context->buffer, block, random_offset(context, block)) != (ssize_t) block)
                        return -errno;
        return 0;
}

static int read_sequential(struct bench_context *context, int fd, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                off_t offset = (off_t) i % (BENCH_FILE_SIZE / BENCH_SEQUENTIAL) * BENCH_SEQUENTIAL;

                if (pread(fd, context->buffer, BENCH_SEQUENTIAL, offset) != BENCH_SEQUENTIAL)
                        return -errno;
        }
        return 0;
}

static int write_sequential(struct bench_context *context, int fd, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                off_t offset = (off_t) i % (BENCH_FILE_SIZE / BENCH_SEQUENTIAL) * BENCH_SEQUENTIAL;

                if (pwrite(fd, context->buffer, BENCH_SEQUENTIAL, offset) != BENCH_SEQUENTIAL)
                        return -errno;
        }
        return 0;
}

/* One pair of functions: the same on tmpfs and on the mount. */
#define ON_BOTH(name, tmpfs_call, mount_call)                                                                          \
        static int run_tmpfs_##name(struct bench_context *context, unsigned n) {                                       \
                return tmpfs_call;                                                                                     \
        }                                                                                                              \
        static int run_mount_##name(struct bench_context *context, unsigned n) {                                       \
                return mount_call;                                                                                     \
        }

ON_BOTH(open, open_in(context->tmpfs, n), open_in(context->mount, n))
ON_BOTH(stat, stat_in(context->tmpfs, n), stat_in(context->mount, n))
ON_BOTH(create, create_in(context->tmpfs, n), create_in(context->mount, n))
ON_BOTH(read_4k, read_blocks(context, context->tmpfs_fd, n, BENCH_BLOCK),
        read_blocks(context, context->mount_fd, n, BENCH_BLOCK))
ON_BOTH(write_4k, write_blocks(context, context->tmpfs_fd, n, BENCH_BLOCK),
        write_blocks(context, context->mount_fd, n, BENCH_BLOCK))
ON_BOTH(read_1m, read_sequential(context, context->tmpfs_fd, n), read_sequential(context, context->mount_fd, n))
ON_BOTH(write_1m, write_sequential(context, context->tmpfs_fd, n), write_sequential(context, context->mount_fd, n))

static int run_tmpfs_read_64k(struct bench_context *context, unsigned n) {
        return read_blocks(context, context->tmpfs_fd, n, BENCH_LARGE_BLOCK);
}

static int run_tmpfs_write_64k(struct bench_context *context, unsigned n) {
        return write_blocks(context, context->tmpfs_fd, n, BENCH_LARGE_BLOCK);
}

/* ---- the table ------------------------------------------------------------------------------- */

/*
 * A limit comes just before what is compared with it, because the machine's pace changes from one
 * second to the next.
 */
const struct bench_case bench_cases[] = {
        { .name = "raw ping-pong", .run = run_ping },
        { .name = "ax_getppid", .limit = "raw ping-pong", .run = run_getppid },
        { .name = "ax_getppid, traced", .limit = "ax_getppid", .run = bench_run_traced },
        { .name = "ax_getppid beside a busy client", .run = bench_run_beside_busy },
        { .name = "ax_getppid beside one that is traced and followed",
          .limit = "ax_getppid beside a busy client",
          .run = bench_run_beside_traced },

        { .name = "tmpfs open+close", .run = run_tmpfs_open },
        { .name = "ax_open+ax_close", .limit = "tmpfs open+close", .run = run_ax_open },
        { .name = "mount open+close", .limit = "tmpfs open+close", .needs_mount = true, .run = run_mount_open },
        { .name = "tmpfs stat", .run = run_tmpfs_stat },
        { .name = "mount stat", .limit = "tmpfs stat", .needs_mount = true, .run = run_mount_stat },
        { .name = "tmpfs create+unlink", .run = run_tmpfs_create },
        { .name = "mount create+unlink", .limit = "tmpfs create+unlink", .needs_mount = true, .run = run_mount_create },
        { .name = "tmpfs read 4 KiB", .run = run_tmpfs_read_4k, .bytes = BENCH_BLOCK },
        { .name = "ax_pread 4 KiB", .limit = "tmpfs read 4 KiB", .run = run_ax_read_4k, .bytes = BENCH_BLOCK },
        { .name = "mount random read 4 KiB",
          .limit = "tmpfs read 4 KiB",
          .needs_mount = true,
          .run = run_mount_read_4k,
          .bytes = BENCH_BLOCK },
        { .name = "tmpfs write 4 KiB", .run = run_tmpfs_write_4k, .bytes = BENCH_BLOCK },
        { .name = "ax_pwrite 4 KiB", .limit = "tmpfs write 4 KiB", .run = run_ax_write_4k, .bytes = BENCH_BLOCK },
        { .name = "mount random write 4 KiB",
          .limit = "tmpfs write 4 KiB",
          .needs_mount = true,
          .run = run_mount_write_4k,
          .bytes = BENCH_BLOCK },
        { .name = "tmpfs read 64 KiB", .run = run_tmpfs_read_64k, .bytes = BENCH_LARGE_BLOCK },
        { .name = "ax_pread 64 KiB", .limit = "tmpfs read 64 KiB", .run = run_ax_read_64k, .bytes = BENCH_LARGE_BLOCK },
        { .name = "tmpfs write 64 KiB", .run = run_tmpfs_write_64k, .bytes = BENCH_LARGE_BLOCK },
        { .name = "ax_pwrite 64 KiB",
          .limit = "tmpfs write 64 KiB",
          .run = run_ax_write_64k,
          .bytes = BENCH_LARGE_BLOCK },
        { .name = "tmpfs read 1 MiB", .run = run_tmpfs_read_1m, .bytes = BENCH_SEQUENTIAL },
        { .name = "mount sequential read 1 MiB",
          .limit = "tmpfs read 1 MiB",
          .needs_mount = true,
          .run = run_mount_read_1m,
          .bytes = BENCH_SEQUENTIAL },
        { .name = "tmpfs write 1 MiB", .run = run_tmpfs_write_1m, .bytes = BENCH_SEQUENTIAL },
        { .name = "mount sequential write 1 MiB",
          .limit = "tmpfs write 1 MiB",
          .needs_mount = true,
          .run = run_mount_write_1m,
          .bytes = BENCH_SEQUENTIAL },

        { .name = "host pipe 1 byte to and fro", .run = bench_run_host_pipe_latency },
        { .name = "ax pipe 1 byte to and fro", .limit = "host pipe 1 byte to and fro", .run = bench_run_pipe_latency },
        { .name = "host pipe 64 KiB", .run = bench_run_host_pipe_stream, .bytes = BENCH_LARGE_BLOCK },
        { .name = "ax pipe 64 KiB",
          .limit = "host pipe 64 KiB",
          .run = bench_run_pipe_stream,
          .bytes = BENCH_LARGE_BLOCK },
        { .name = "posix_spawn+waitpid", .run = bench_run_host_spawn },
        { .name = "ax_spawn+ax_wait", .limit = "posix_spawn+waitpid", .run = bench_run_spawn },
        { .name = "kill to oneself, handled", .run = bench_run_host_signal },
        { .name = "ax_kill to oneself, handled", .limit = "kill to oneself, handled", .run = bench_run_signal },

        { .name = "checked memcpy 64 B", .run = bench_run_memcpy_64, .bytes = 64 },
        { .name = "ax_mem_read 64 B", .limit = "checked memcpy 64 B", .run = bench_run_mem_read_64, .bytes = 64 },
        { .name = "ax_mem_write 64 B", .limit = "checked memcpy 64 B", .run = bench_run_mem_write_64, .bytes = 64 },
        { .name = "ax_mem_read 64 B, of 10,000 regions",
          .limit = "ax_mem_read 64 B",
          .run = bench_run_mem_read_of_many,
          .bytes = 64 },
        { .name = "checked memcpy 4 KiB", .run = bench_run_memcpy_4k, .bytes = BENCH_BLOCK },
        { .name = "ax_mem_read 4 KiB",
          .limit = "checked memcpy 4 KiB",
          .run = bench_run_mem_read_4k,
          .bytes = BENCH_BLOCK },
        { .name = "ax_mem_write 4 KiB",
          .limit = "checked memcpy 4 KiB",
          .run = bench_run_mem_write_4k,
          .bytes = BENCH_BLOCK },
        { .name = "checked memcpy 1 MiB", .run = bench_run_memcpy_1m, .bytes = BENCH_SEQUENTIAL },
        { .name = "ax_mem_read 1 MiB",
          .limit = "checked memcpy 1 MiB",
          .run = bench_run_mem_read_1m,
          .bytes = BENCH_SEQUENTIAL },
        { .name = "ax_mem_write 1 MiB",
          .limit = "checked memcpy 1 MiB",
          .run = bench_run_mem_write_1m,
          .bytes = BENCH_SEQUENTIAL },
        { .name = "memcpy 1 MiB + ping-pong", .run = bench_run_memcpy_ping, .bytes = BENCH_SEQUENTIAL },
        { .name = "ax_shm_sync 1 MiB",
          .limit = "memcpy 1 MiB + ping-pong",
          .run = bench_run_shm_sync,
          .bytes = BENCH_SEQUENTIAL },
        { .name = "memfd_create+mmap+munmap 4 KiB", .run = bench_run_memfd },
        { .name = "ax_mem_alloc+ax_mem_free 4 KiB", .limit = "memfd_create+mmap+munmap 4 KiB", .run = bench_run_alloc },
        /*
         * moving to the other CPU disturbs what comes next, which has nothing to be compared with
         */
        { .name = "raw ping-pong, two CPUs", .run = run_ping, .place = ON_TWO_CPUS },
        { .name = "ax_getppid, two CPUs",
          .limit = "raw ping-pong, two CPUs",
          .run = run_getppid,
          .place = ON_TWO_CPUS },
        { .name = "ax_getpid", .run = bench_run_getpid },
        { .name = "ax_sigpending", .run = bench_run_sigpending },
        { .name = "ax_memstats", .run = bench_run_memstats },
};
const size_t n_bench_cases = sizeof(bench_cases) / sizeof(bench_cases[0]);
