/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 1 << 20, MANY = 10000, SMALL_REGION = 4096 };

/*
 * The region's own memory, so that not even the place of its pages differs; and what a segment is
 * to it.
 */
static struct {
        char *memory, *other;
        volatile size_t size; /* the bound that a copy is checked against */
} own;

static ax_region_id region, attached, many[MANY];
static ax_shm_id segment;

static char *map_memfd(size_t size) {
        int fd = memfd_create("axbench", MFD_CLOEXEC);
        char *map = fd >= 0 && ftruncate(fd, (off_t) size) == 0
                            ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                            : MAP_FAILED;

        if (fd >= 0)
                close(fd);
        return map == MAP_FAILED ? NULL : map;
}

int bench_prepare_memory(struct bench_context *context) {
        int r;

        r = ax_mem_alloc(context->ax, LARGE, AX_PROT_READ_WRITE, &region);
        if (r < 0)
                return r;
        own.memory = ax_mem_map(context->ax, region, NULL);
        own.other = map_memfd(LARGE);
        own.size = LARGE;
        if (!own.memory || !own.other)
                return -ENOMEM;
        memset(own.memory, 'x', LARGE);
        if (r == 0)
                r = ax_shmget(context->ax, LARGE, &segment);
        if (r == 0)
                r = ax_shmat(context->ax, segment, AX_PROT_READ_WRITE, &attached);
        for (int i = 0; r == 0 && i < MANY; i++)
                r = ax_mem_alloc(context->ax, SMALL_REGION, AX_PROT_READ_WRITE, &many[i]);
        return r;
}

/* A bounds-checked memcpy, as anybody would write it; a call, as the library's is. */
__attribute__((noinline)) static ssize_t checked_read(size_t offset, void *buffer, size_t size) {
        if (offset > own.size || size > own.size - offset)
                return -EINVAL;
        memcpy(buffer, own.memory + offset, size);
        return (ssize_t) size;
}

static int copy_checked(char *buffer, unsigned n, size_t size) {
        while (n-- > 0)
                if (checked_read(0, buffer, size) != (ssize_t) size)
                        return -EIO;
        return 0;
}

int bench_run_memcpy_64(struct bench_context *context, unsigned n) {
        return copy_checked(context->buffer, n, 64);
}

int bench_run_memcpy_4k(struct bench_context *context, unsigned n) {
        return copy_checked(context->buffer, n, BENCH_BLOCK);
}

int bench_run_memcpy_1m(struct bench_context *context, unsigned n) {
        return copy_checked(context->buffer, n, LARGE);
}

/* What a sync is made of: one copy, one round trip. */
int bench_run_memcpy_ping(struct bench_context *context, unsigned n) {
        char ping[32] = { 0 };

        while (n-- > 0) {
                memcpy(own.other, own.memory, LARGE);
                __asm__ volatile("" : : "r"(own.other) : "memory");
                if (send(context->ping_fd, ping, sizeof(ping), 0) != sizeof(ping) ||
                    recv(context->ping_fd, ping, sizeof(ping), 0) != sizeof(ping))
                        return -EIO;
        }
        return 0;
}

int bench_run_memfd(struct bench_context *context, unsigned n) {
        (void) context;
        while (n-- > 0) {
                char *map = map_memfd(BENCH_BLOCK);

                if (!map)
                        return -ENOMEM;
                munmap(map, BENCH_BLOCK);
        }
        return 0;
}

static int read_region(struct bench_context *context, unsigned n, size_t size) {
        while (n-- > 0)
                if (ax_mem_read(context->ax, region, 0, context->buffer, size) != (ssize_t) size)
                        return -EIO;
        return 0;
}

static int write_region(struct bench_context *context, unsigned n, size_t size) {
        while (n-- > 0)
                if (ax_mem_write(context->ax, region, 0, context->buffer, size) != (ssize_t) size)
                        return -EIO;
        return 0;
}

int bench_run_mem_read_64(struct bench_context *context, unsigned n) {
        return read_region(context, n, 64);
}

int bench_run_mem_read_4k(struct bench_context *context, unsigned n) {
        return read_region(context, n, BENCH_BLOCK);
}

int bench_run_mem_read_1m(struct bench_context *context, unsigned n) {
        return read_region(context, n, LARGE);
}

int bench_run_mem_write_64(struct bench_context *context, unsigned n) {
        return write_region(context, n, 64);
}

int bench_run_mem_write_4k(struct bench_context *context, unsigned n) {
        return write_region(context, n, BENCH_BLOCK);
}

int bench_run_mem_write_1m(struct bench_context *context, unsigned n) {
        return write_region(context, n, LARGE);
}

/* The same few of them each time, so that it is the finding that is measured and not the cache. */
int bench_run_mem_read_of_many(struct bench_context *context, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                if (ax_mem_read(context->ax, many[i * 1237 % 8 * (MANY / 8)], 0, context->buffer, 64) != 64)
                        return -EIO;
        return 0;
}

int bench_run_shm_sync(struct bench_context *context, unsigned n) {
        int r = 0;

        while (r == 0 && n-- > 0)
                r = ax_shm_sync(context->ax, segment);
        return r;
}

int bench_run_alloc(struct bench_context *context, unsigned n) {
        ax_region_id id;
        int r = 0;

        while (r == 0 && n-- > 0) {
                r = ax_mem_alloc(context->ax, BENCH_BLOCK, AX_PROT_READ_WRITE, &id);
                if (r == 0)
                        r = ax_mem_free(context->ax, id);
        }
        return r;
}

int bench_run_getpid(struct bench_context *context, unsigned n) {
        while (n-- > 0)
                if (ax_getpid(context->ax) < 2)
                        return -EIO;
        return 0;
}

int bench_run_sigpending(struct bench_context *context, unsigned n) {
        while (n-- > 0)
                if (ax_sigpending(context->ax) != 0)
                        return -EIO;
        return 0;
}

int bench_run_memstats(struct bench_context *context, unsigned n) {
        struct ax_memory_stats stats;
        int r = 0;

        while (r == 0 && n-- > 0)
                r = ax_memstats(context->ax, &stats);
        return r;
}
