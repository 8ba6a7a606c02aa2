/* SPDX-License-Identifier: MIT */
/*
 * directories.c - store operations on open directories
 *
 * Entries are passed on with the host's own positions, so seeking, and directories that change
 * while they are read, behave as on the host. Attributes are not sent along (READDIRPLUS): the
 * kernel may not keep them, so that would only be work.
 */
#include "listing.h"
#include "open_file.h"
#include "store.h"
#include "store_ops.h"
#include "synth_nodes.h"
#include "util.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>

enum { BUFFER_SIZE = 32768 };

static struct open_dir *dir_from_info(const struct fuse_file_info *fi) {
        return (struct open_dir *) (uintptr_t) fi->fh;
}

static void open_dir_end(struct axfs *fs, struct opened *opened) {
        struct open_dir *dir = (struct open_dir *) opened;

        (void) fs;
        if (dir->fd >= 0)
                close(dir->fd);
        node_unref(dir->node);
        pthread_mutex_destroy(&dir->lock);
        free(dir->buffer);
        free(dir);
}

/* Charged to the caller; closed if the operation comes to nothing. */
static int open_dir_new(struct open_dir **ret, struct axfs *fs, const struct request *request, struct node *node) {
        _cleanup_free_ char *buffer = malloc(BUFFER_SIZE);
        _cleanup_free_ struct open_dir *dir = malloc(sizeof(*dir));
        int r;

        if (!buffer || !dir)
                return -ENOMEM;
        *dir = (struct open_dir){ .fd = -1, .buffer = buffer };
        r = opened_add(&fs->opened, &dir->opened, OPENED_HERE, request->caller.uid, open_dir_end);
        if (r < 0)
                return r;
        pthread_mutex_init(&dir->lock, NULL);
        dir->node = node_ref(node);
        *ret = dir;
        buffer = NULL;
        dir = NULL;
        return 0;
}

static int open_on_host(struct axfs *fs, struct node *node) {
        _cleanup_(pin_drop) struct pin pin = PIN_NONE;
        int fd, r;

        r = pin_node(&fs->descriptors, &pin, node);
        if (r < 0)
                return r;
        fd = openat(pin.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? negative_errno() : fd;
}

int store_opendir(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        struct open_dir *dir;
        int r;

        r = open_dir_new(&dir, fs, request, node);
        if (r < 0)
                return r;
        dir->fd = open_on_host(fs, node);
        if (dir->fd < 0) {
                r = dir->fd;
                opened_close(&dir->opened);
                return r;
        }
        return answer_opened(request, &dir->opened, fi, 0);
}

static int seek_to(struct open_dir *dir, off_t offset) {
        if (offset == dir->position)
                return 0;
        if (lseek(dir->fd, offset, SEEK_SET) < 0)
                return negative_errno();
        dir->position = offset;
        dir->start = dir->end = 0;
        return 0;
}

/* The number that stat(2) gives. For a mount point it is that of the mounted directory. */
static uint64_t entry_ino(struct axfs *fs, const struct open_dir *dir, const struct dirent64 *entry) {
        char path[NAME_MAX + 2];
        struct store *store;
        struct stat st;
        uint64_t ino;

        if (!namespace_is_mount_point(&fs->namespace, dir->node, entry->d_name) ||
            !namespace_find(&fs->namespace, entry->d_name, &store, &st))
                return store_ino(dir->node->store, entry->d_ino);
        if (!store) {
                snprintf(path, sizeof(path), "/%s", entry->d_name);
                return synth_ino(path);
        }
        ino = store_ino(store, store->ino);
        store_unref(store);
        return ino;
}

/* A listing of the host's entries, from the directory's position on. */
struct store_listing {
        struct listing listing;
        struct axfs *fs;
        struct open_dir *dir;
};

static const struct dirent64 *entry_at(const struct open_dir *dir) {
        return (const struct dirent64 *) (const void *) (dir->buffer + dir->start);
}

static int peek_entry(struct listing *listing, struct listing_entry *ret) {
        struct store_listing *self = (struct store_listing *) listing;
        struct open_dir *dir = self->dir;
        const struct dirent64 *entry;

        if (dir->start == dir->end) {
                ssize_t n = getdents64(dir->fd, dir->buffer, BUFFER_SIZE);

                if (n <= 0)
                        return n < 0 ? negative_errno() : 0;
                dir->start = 0;
                dir->end = (size_t) n;
        }
        entry = entry_at(dir);
        *ret = (struct listing_entry){ .name = entry->d_name,
                                       .ino = entry_ino(self->fs, dir, entry),
                                       .type = DTTOIF((mode_t) entry->d_type),
                                       .next = entry->d_off };
        return 1;
}

static void take_entry(struct listing *listing, const struct listing_entry *taken) {
        struct open_dir *dir = ((struct store_listing *) listing)->dir;

        dir->start += entry_at(dir)->d_reclen;
        dir->position = taken->next;
}

int store_readdir(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
                  struct fuse_file_info *fi) {
        struct open_dir *dir = dir_from_info(fi);
        struct store_listing listing = { .listing = { .peek = peek_entry, .take = take_entry }, .fs = fs, .dir = dir };
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&dir->lock);
        int r;

        (void) node;
        r = seek_to(dir, offset);
        return r < 0 ? r : listing_answer(&listing.listing, request, size);
}

int store_releasedir(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        (void) fs;
        (void) request;
        (void) node;
        opened_close(&dir_from_info(fi)->opened);
        return 0;
}

int store_fsyncdir(struct axfs *fs, struct request *request, struct node *node, int datasync,
                   struct fuse_file_info *fi) {
        int fd = dir_from_info(fi)->fd;

        (void) fs;
        (void) request;
        (void) node;
        if ((datasync ? fdatasync(fd) : fsync(fd)) < 0)
                return negative_errno();
        return 0;
}
