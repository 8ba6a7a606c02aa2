/* SPDX-License-Identifier: MIT */
/* tracing.c - see tracing.h */
#include "tracing.h"

#include "nodes.h"
#include "printable.h"
#include "util.h"
#include "wire.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const volatile uint32_t nothing;

void tracing_init(struct tracing *tracing) {
        memset(tracing, 0, sizeof(*tracing));
        tracing->wanted = &nothing;
        tracing->wake_fd = -1;
        pthread_mutex_init(&tracing->lock, NULL);
}

void tracing_set_wake(struct tracing *tracing, int wake_fd) {
        tracing->wake_fd = wake_fd;
}

static bool is_on(struct tracing *tracing) {
        bool on;

        atomic_fetch_add(&tracing->looking, 1);
        on = *atomic_load(&tracing->wanted) & 1u << AX_TRACE_FILE;
        atomic_fetch_sub(&tracing->looking, 1);
        return on;
}

void tracing_follow(struct tracing *tracing, const volatile uint32_t *wanted) {
        atomic_store(&tracing->wanted, wanted ? wanted : &nothing);
        while (atomic_load(&tracing->looking) > 0)
                sched_yield();
}

static uint64_t now_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * 1000000000u + (uint64_t) now.tv_nsec;
}

/* Requests that name something, and how many bytes come before the name. */
static const struct {
        const char *name;
        uint32_t opcode;
        int name_at; /* -1: none */
} requests[] = {
        { "lookup", FUSE_LOOKUP, 0 },
        { "getattr", FUSE_GETATTR, -1 },
        { "setattr", FUSE_SETATTR, -1 },
        { "readlink", FUSE_READLINK, -1 },
        { "symlink", FUSE_SYMLINK, 0 },
        { "mknod", FUSE_MKNOD, sizeof(struct fuse_mknod_in) },
        { "mkdir", FUSE_MKDIR, sizeof(struct fuse_mkdir_in) },
        { "unlink", FUSE_UNLINK, 0 },
        { "rmdir", FUSE_RMDIR, 0 },
        { "rename", FUSE_RENAME, sizeof(struct fuse_rename_in) },
        { "rename", FUSE_RENAME2, sizeof(struct fuse_rename2_in) },
        { "link", FUSE_LINK, sizeof(struct fuse_link_in) },
        { "open", FUSE_OPEN, -1 },
        { "read", FUSE_READ, -1 },
        { "write", FUSE_WRITE, -1 },
        { "statfs", FUSE_STATFS, -1 },
        { "release", FUSE_RELEASE, -1 },
        { "fsync", FUSE_FSYNC, -1 },
        { "setxattr", FUSE_SETXATTR, -1 },
        { "getxattr", FUSE_GETXATTR, -1 },
        { "listxattr", FUSE_LISTXATTR, -1 },
        { "removexattr", FUSE_REMOVEXATTR, 0 },
        { "flush", FUSE_FLUSH, -1 },
        { "opendir", FUSE_OPENDIR, -1 },
        { "readdir", FUSE_READDIR, -1 },
        { "readdir", FUSE_READDIRPLUS, -1 },
        { "releasedir", FUSE_RELEASEDIR, -1 },
        { "fsyncdir", FUSE_FSYNCDIR, -1 },
        { "access", FUSE_ACCESS, -1 },
        { "create", FUSE_CREATE, sizeof(struct fuse_create_in) },
        { "fallocate", FUSE_FALLOCATE, -1 },
        { "lseek", FUSE_LSEEK, -1 },
};

/* Names are any bytes; the inode has room behind a long one. */
static void describe_name(struct ax_mount_event *event, const char *name, size_t size, uint64_t ino) {
        char text[sizeof(event->text) - 40];

        printable(text, sizeof(text), name, strnlen(name, size), PRINTABLE_QUOTE);
        snprintf(event->text, sizeof(event->text), "\"%s\" in inode %llu", text, (unsigned long long) ino);
}

/*
 * The host program's name, which may be any bytes. It stays empty if the program has ended, or is
 * out of sight.
 */
static void describe_program(struct ax_mount_event *event, uint32_t pid) {
        char path[32], name[16];
        ssize_t n;
        int fd;

        if (pid == 0)
                return;
        snprintf(path, sizeof(path), "/proc/%u/comm", pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        n = read(fd, name, sizeof(name));
        close(fd);
        if (n > 0 && name[n - 1] == '\n')
                n--;
        if (n > 0)
                printable(event->command, sizeof(event->command), name, (size_t) n, 0);
}

static void describe(struct node_table *nodes, const struct fuse_in_header *header, size_t size,
                     struct ax_mount_event *event) {
        _cleanup_(node_unrefp) struct node *node = node_from_id(nodes, header->nodeid);
        const char *body = (const char *) (header + 1);
        int name_at = -1;

        snprintf(event->name, sizeof(event->name), "request %u", header->opcode);
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
                if (requests[i].opcode == header->opcode) {
                        snprintf(event->name, sizeof(event->name), "%s", requests[i].name);
                        name_at = requests[i].name_at;
                }
        if (name_at >= 0 && size > sizeof(*header) + (size_t) name_at)
                describe_name(event, body + name_at, size - sizeof(*header) - (size_t) name_at,
                              node ? node->key.ino : 0);
        else
                snprintf(event->text, sizeof(event->text), "inode %llu", node ? (unsigned long long) node->key.ino : 0);
        describe_program(event, header->pid);
        event->host_pid = (int32_t) header->pid;
        event->uid = header->uid;
}

static struct tracing_pending *place_of(struct tracing *tracing, uint64_t unique) {
        return &tracing->pending[unique / 2 % TRACING_PENDING]; /* the kernel counts in twos */
}

static void note(struct tracing *tracing, struct node_table *nodes, const struct fuse_in_header *header, size_t size) {
        struct tracing_pending *pending = place_of(tracing, header->unique);
        struct ax_mount_event event = { 0 };

        describe(nodes, header, size, &event);
        pthread_mutex_lock(&tracing->lock);
        tracing->lost += atomic_load(&pending->unique) != 0;
        atomic_store(&pending->unique, header->unique);
        pending->begin_nsec = now_nsec();
        pending->event = event;
        pthread_mutex_unlock(&tracing->lock);
}

void tracing_begin(struct tracing *tracing, struct node_table *nodes, const struct fuse_in_header *header,
                   size_t size) {
        if (is_on(tracing))
                note(tracing, nodes, header, size);
}

static bool queue(struct tracing *tracing, struct tracing_pending *pending, uint64_t unique, int error) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&tracing->lock);

        if (atomic_load(&pending->unique) != unique)
                return false;
        atomic_store(&pending->unique, 0);
        if (tracing->n_queued == TRACING_QUEUED) {
                tracing->lost++;
                return true;
        }
        pending->event.duration_nsec = now_nsec() - pending->begin_nsec;
        pending->event.result = error;
        tracing->queue[tracing->n_queued++] = pending->event;
        return true;
}

void tracing_end(struct tracing *tracing, uint64_t unique, int error) {
        struct tracing_pending *pending = place_of(tracing, unique);
        const uint64_t one = 1;

        /* Without a lock: if this very request was noted, that was before its answer. */
        if (unique != 0 && atomic_load(&pending->unique) == unique && queue(tracing, pending, unique, error))
                (void) !write(tracing->wake_fd, &one, sizeof(one));
}

size_t tracing_take(struct tracing *tracing, struct ax_mount_event *ret, uint64_t *ret_lost) {
        size_t n;

        pthread_mutex_lock(&tracing->lock);
        n = tracing->n_queued;
        memcpy(ret, tracing->queue, n * sizeof(*ret));
        *ret_lost = tracing->lost;
        tracing->n_queued = 0;
        tracing->lost = 0;
        pthread_mutex_unlock(&tracing->lock);
        return n;
}
