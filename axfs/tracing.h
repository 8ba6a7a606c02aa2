/*
 * tracing.h - the mount's requests as events of the kernel's trace
 *
 * While the trace is on each request is noted where it comes in and where its answer goes out (session.c). Events go to the daemon in batches, by the
 * link's thread; where that does not keep up they are dropped and counted.
 */
#pragma once

#include <axeberg.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct axfs;
struct fuse_in_header;

enum { TRACING_PENDING = 256, TRACING_QUEUED = 128 };

struct tracing {
        pthread_mutex_t lock;
        struct {
                uint64_t unique; /* 0: free */
                uint64_t begin_nsec;
                struct ax_mount_event event;
        } pending[TRACING_PENDING]; /* by their numbers; one that is still there when its place is needed is lost */
        struct ax_mount_event queue[TRACING_QUEUED];
        size_t n_queued;
        uint64_t lost;
};

void tracing_init(struct tracing *tracing);
/** tracing_begin() - a request has come in; @size: of the whole request */
void tracing_begin(struct axfs *fs, const struct fuse_in_header *header, size_t size);
/** tracing_end() - its answer goes out; @error: 0 or a negative errno */
void tracing_end(struct axfs *fs, uint64_t unique, int error);
/** tracing_take() - what has been queued since; @ret has room for TRACING_QUEUED. Return: how many. */
size_t tracing_take(struct tracing *tracing, struct ax_mount_event *ret, uint64_t *ret_lost);
