/* SPDX-License-Identifier: MIT */
/* synth_directories.c - operations of /dev and /proc on open directories */
#include "listing.h"
#include "synth_nodes.h"
#include "synth_ops.h"
#include "util.h"

#include <stdio.h>

struct synth_dir {
        struct opened opened;
        pthread_mutex_t lock;
        char **names;
        int count;
};

static void synth_dir_end(struct axfs *fs, struct opened *opened) {
        struct synth_dir *dir = (struct synth_dir *) opened;

        (void) fs;
        ax_names_free(dir->names);
        pthread_mutex_destroy(&dir->lock);
        free(dir);
}

int synth_opendir(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        struct synth_dir *dir = calloc(1, sizeof(*dir));
        int r;

        (void) node;
        if (!dir)
                return -ENOMEM;
        r = opened_add(&fs->opened, &dir->opened, OPENED_AT_DAEMON, request->caller.uid, synth_dir_end);
        if (r < 0) {
                free(dir);
                return r;
        }
        pthread_mutex_init(&dir->lock, NULL);
        return answer_opened(request, &dir->opened, fi, 0);
}

/* A directory is fetched when it is read from its start. The entries come from that copy. */
static int read_names(struct axfs *fs, const struct node *node, struct synth_dir *dir) {
        _cleanup_(connection_unrefp) struct connection *connection = link_connection(&fs->link);
        char **names;
        int count;

        if (!connection)
                return -EIO;
        count = ax_readdir(connection->ax, node->path, &names);
        if (count < 0)
                return synth_error(fs, connection, count);
        ax_names_free(dir->names);
        dir->names = names;
        dir->count = count;
        return 0;
}

/* Positions: 1 after ".", 2 after "..", then one for each name. */
struct synth_listing {
        struct listing listing;
        const struct node *node;
        const struct synth_dir *dir;
        off_t position;
};

static int peek_name(struct listing *listing, struct listing_entry *ret) {
        struct synth_listing *self = (struct synth_listing *) listing;
        _cleanup_free_ char *path = NULL;

        if (self->position < 0 || self->position >= self->dir->count + 2)
                return 0;
        *ret = (struct listing_entry){ .type = S_IFDIR, .next = self->position + 1 };
        if (self->position < 2) {
                ret->name = self->position == 0 ? "." : "..";
                ret->ino = synth_ino(self->node->path);
                return 1;
        }
        ret->name = self->dir->names[self->position - 2];
        ret->type = 0;
        if (asprintf(&path, "%s/%s", self->node->path, ret->name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        ret->ino = synth_ino(path);
        return 1;
}

static void take_name(struct listing *listing, const struct listing_entry *taken) {
        ((struct synth_listing *) listing)->position = taken->next;
}

static int run_readdir(struct job *job) {
        struct synth_dir *dir = (struct synth_dir *) (uintptr_t) job->fi.fh;
        struct synth_listing listing = {
                .listing = { .peek = peek_name, .take = take_name },
                .node = job->request.node,
                .dir = dir,
                .position = job->offset,
        };
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&dir->lock);
        int r = job->offset == 0 ? read_names(job->request.fs, job->request.node, dir) : 0;

        return r < 0 ? r : listing_answer(&listing.listing, &job->request, job->size);
}

int synth_readdir(struct axfs *fs, struct request *request, struct node *node, size_t size, off_t offset,
                  struct fuse_file_info *fi) {
        (void) node;
        return pool_submit_read(&fs->pool, request, run_readdir, size, offset, fi);
}

int synth_releasedir(struct axfs *fs, struct request *request, struct node *node, struct fuse_file_info *fi) {
        (void) fs;
        (void) request;
        (void) node;
        opened_close(&((struct synth_dir *) (uintptr_t) fi->fh)->opened);
        return 0;
}
