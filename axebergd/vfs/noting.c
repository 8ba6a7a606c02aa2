/* SPDX-License-Identifier: MIT */
#include "vfs/noting.h"

#include <assert.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <utlist.h>

#include "axeberg.h"
#include "util/cleanup.h"
#include "util/container.h"
#include "vfs/request.h"
#include "vfs/vfs.h"

static bool look_at(int fd, struct statx *ret) {
        return statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, ret) == 0;
}

static void note(struct vfs_request *request, enum change_kind kind, const struct statx *status, const char *name) {
        assert(request->n_changes < CHANGES_PER_REQUEST);
        request->changes[request->n_changes++] = (struct change){
                .kind = kind,
                .dev = makedev(status->stx_dev_major, status->stx_dev_minor),
                .ino = status->stx_ino,
                .name = name,
        };
}

static void note_file(struct vfs_request *request, const struct statx *status) {
        note(request, CHANGE_ATTRIBUTES, status, NULL);
}

static void note_name(struct vfs_request *request, const struct walk *walk) {
        struct statx status;

        if (!look_at(walk->dir, &status)) {
                request->is_noted = false;
                return;
        }
        note(request, CHANGE_NAME, &status, walk->name);
        note_file(request, &status);
}

static void hold(struct vfs_request *request, unsigned i) {
        const struct walk *walk = &request->walks[i];

        request->held[i] = openat(walk->dir, walk->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (request->held[i] >= 0 && !look_at(request->held[i], &request->held_status[i])) {
                cleanup_close(&request->held[i]);
                request->held[i] = -1;
        }
}

static bool wants_held(const struct vfs_request *request, unsigned i) {
        unsigned changes = request->operation->changes;

        if (i == 0 && changes & CHANGES_OPENED)
                return request->flags & AX_O_CREATE;
        return changes & (i == 0 ? CHANGES_FILE : CHANGES_SECOND_FILE);
}

void noting_begin(struct vfs_request *request) {
        if (!request->notes)
                return;
        request->n_changes = 0;
        request->is_noted = true;
        for (unsigned i = 0; i < request->n_walks; i++)
                if (wants_held(request, i))
                        hold(request, i);
}

static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b) {
        return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/*
 * The operation changes the time of change of the file that it works on. On old kernels that may be
 * the same tick; then the name tells, if it is still there, or the number of links.
 */
static bool is_changed(const struct vfs_request *request, unsigned i) {
        const struct statx *before = &request->held_status[i];
        const struct walk *walk = &request->walks[i];
        struct statx now, named;

        if (!look_at(request->held[i], &now))
                return false;
        if (!same_time(&now.stx_ctime, &before->stx_ctime) || now.stx_nlink != before->stx_nlink)
                return true;
        if (statx(walk->dir, walk->name, AT_SYMLINK_NOFOLLOW, STATX_INO, &named) == 0)
                return named.stx_ino == before->stx_ino;
        walk = &request->walks[request->n_walks - 1]; /* it may have been moved there */
        return statx(walk->dir, walk->name, AT_SYMLINK_NOFOLLOW, STATX_INO, &named) == 0 &&
               named.stx_ino == before->stx_ino;
}

static void note_held(struct vfs_request *request, unsigned i) {
        if (request->held[i] < 0) {
                /* Nothing was replaced, or what the operation found has only just come. */
                request->is_noted = request->is_noted && i == 1;
                return;
        }
        if (!is_changed(request, i))
                request->is_noted = false;
        note_file(request, &request->held_status[i]);
}

static void note_opened(struct vfs_request *request) {
        struct statx status;

        if (!(request->flags & AX_O_WRITE) || request->fd < 0 || request->is_fifo)
                return;
        if (!look_at(request->fd, &status)) {
                request->is_noted = false;
                return;
        }
        note_file(request, &status);
        if (request->flags & AX_O_CREATE && (request->held[0] < 0 || request->held_status[0].stx_ino != status.stx_ino))
                note_name(request, &request->walks[0]);
}

static void note_all(struct vfs_request *request) {
        unsigned changes = request->operation->changes;

        if (changes & CHANGES_OPENED)
                note_opened(request);
        if (changes & CHANGES_NAME)
                note_name(request, &request->walks[0]);
        if (changes & CHANGES_SECOND_NAME)
                note_name(request, &request->walks[1]);
        if (changes & CHANGES_FILE)
                note_held(request, 0);
        if (changes & CHANGES_SECOND_FILE)
                note_held(request, 1);
}

void noting_end(struct vfs_request *request, bool done) {
        if (!request->notes)
                return;
        if (done)
                note_all(request);
        for (unsigned i = 0; i < request->n_walks; i++) {
                cleanup_close(&request->held[i]);
                request->held[i] = -1;
        }
}

static void finish(struct vfs_request *request) {
        wait_queue_remove(&request->waiter);
        DL_DELETE(request->vfs->waiting, request);
        request->done(request);
}

static void on_told(struct waiter *waiter) {
        finish(container_of(waiter, struct vfs_request, waiter));
}

static bool has_changed_something(const struct vfs_request *request) {
        if (!request->operation->changes || request->result < 0)
                return false;
        return request->notes ? request->n_changes > 0 || !request->is_noted
                              : changes_are_noted(&request->vfs->changes);
}

bool noting_announce(struct vfs_request *request) {
        bool noted = request->notes && request->is_noted;
        struct vfs *vfs = request->vfs;

        if (!has_changed_something(request))
                return false;
        request->waiter = (struct waiter){ .lane = &request->job.user->lane, .run = on_told };
        if (!changes_announce(&vfs->changes, request->changes, request->n_changes, noted, &request->waiter))
                return false;
        DL_APPEND(vfs->waiting, request);
        return true;
}

void noting_finish_all(struct vfs *vfs) {
        changes_deinit(&vfs->changes);
        while (vfs->waiting)
                finish(vfs->waiting);
}
