/* tracing.c - see tracing.h */
#include "tracing.h"

#include "axfs.h"
#include "util.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void tracing_init(struct tracing *tracing) {
        memset(tracing, 0, sizeof(*tracing));
        pthread_mutex_init(&tracing->lock, NULL);
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

static void describe(struct axfs *fs, const struct fuse_in_header *header, size_t size, struct ax_mount_event *event) {
        _cleanup_(node_unrefp) struct node *node = node_from_id(&fs->nodes, header->nodeid);
        const char *body = (const char *) (header + 1);
        int name_at = -1;

        snprintf(event->name, sizeof(event->name), "request %u", header->opcode);
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
                if (requests[i].opcode == header->opcode) {
                        snprintf(event->name, sizeof(event->name), "%s", requests[i].name);
                        name_at = requests[i].name_at;
                }
        if (name_at >= 0 && size > sizeof(*header) + (size_t) name_at)
                snprintf(event->text, sizeof(event->text), "\"%.*s\" in inode %llu",
                         (int) (size - sizeof(*header) - (size_t) name_at), body + name_at,
                         node ? (unsigned long long) node->key.ino : 0);
        else
                snprintf(event->text, sizeof(event->text), "inode %llu", node ? (unsigned long long) node->key.ino : 0);
        event->host_pid = (int32_t) header->pid;
        event->uid = header->uid;
}

void tracing_begin(struct axfs *fs, const struct fuse_in_header *header, size_t size) {
        struct tracing *tracing = &fs->tracing;
        size_t at = header->unique / 2 % TRACING_PENDING; /* the kernel counts in twos */
        struct ax_mount_event event = { 0 };

        if (!link_is_traced(&fs->link))
                return;
        describe(fs, header, size, &event);
        pthread_mutex_lock(&tracing->lock);
        tracing->lost += tracing->pending[at].unique != 0;
        tracing->pending[at].unique = header->unique;
        tracing->pending[at].begin_nsec = now_nsec();
        tracing->pending[at].event = event;
        pthread_mutex_unlock(&tracing->lock);
}

void tracing_end(struct axfs *fs, uint64_t unique, int error) {
        struct tracing *tracing = &fs->tracing;
        size_t at = unique / 2 % TRACING_PENDING;
        bool queued = false;

        if (unique == 0)
                return;
        pthread_mutex_lock(&tracing->lock);
        if (tracing->pending[at].unique == unique) {
                struct ax_mount_event *event = &tracing->pending[at].event;

                tracing->pending[at].unique = 0;
                event->duration_nsec = now_nsec() - tracing->pending[at].begin_nsec;
                event->result = error;
                if (tracing->n_queued < TRACING_QUEUED)
                        tracing->queue[tracing->n_queued++] = *event;
                else
                        tracing->lost++;
                queued = true;
        }
        pthread_mutex_unlock(&tracing->lock);
        if (queued)
                link_wake(&fs->link);
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
