/* SPDX-License-Identifier: MIT */
#include "vfs/handout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>
#include <uthash.h>

#include "account/user.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/string_list.h"

struct handout {
        int watch;
        struct user_charge charge;
        UT_hash_handle hh;
};

/* Each list gives two events: the queue of inotify(7) holds 16384. */
#define MAX_HANDOUTS "4096"

static int private_tmpfs(void) {
        _cleanup_close_ int context = fsopen("tmpfs", FSOPEN_CLOEXEC), mount = -1;
        int fd;

        if (context < 0)
                return -errno;
        if (fsconfig(context, FSCONFIG_SET_STRING, "source", "axeberg-lists", 0) < 0 ||
            fsconfig(context, FSCONFIG_SET_STRING, "mode", "0700", 0) < 0 ||
            fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", MAX_HANDOUTS, 0) < 0 ||
            fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return -errno;
        mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
        if (mount < 0)
                return -errno;
        fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static void handout_free(struct handouts *handouts, struct handout *handout) {
        HASH_DEL(handouts->by_watch, handout);
        user_charge_deinit(&handout->charge);
        free(handout);
}

static void forget_all(struct handouts *handouts) {
        struct handout *handout, *next;

        HASH_ITER (hh, handouts->by_watch, handout, next) {
                inotify_rm_watch(handouts->inotify_fd, handout->watch);
                handout_free(handouts, handout);
        }
}

static void on_event(struct handouts *handouts, const struct inotify_event *event) {
        struct handout *handout;

        if (event->mask & IN_Q_OVERFLOW) {
                log_warning("events of lists that were handed out are lost; their charges are given back");
                forget_all(handouts);
                return;
        }
        if (!(event->mask & IN_CLOSE))
                return;
        HASH_FIND_INT(handouts->by_watch, &event->wd, handout);
        if (handout)
                handout_free(handouts, handout);
}

static int handouts_on_closed(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        _Alignas(struct inotify_event) char buffer[4096];
        ssize_t size = read(fd, buffer, sizeof(buffer));

        (void) source;
        (void) events;
        for (ssize_t at = 0; at < size;) {
                const struct inotify_event *event = (const struct inotify_event *) (buffer + at);

                on_event(userdata, event);
                at += (ssize_t) (sizeof(*event) + event->len);
        }
        return 0;
}

int handouts_init(struct handouts *handouts, sd_event *event) {
        int r;

        *handouts = (struct handouts){ .directory_fd = private_tmpfs(), .inotify_fd = -1 };
        if (handouts->directory_fd < 0)
                return 0;
        handouts->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        r = handouts->inotify_fd < 0 ? -errno
                                     : sd_event_add_io(event, &handouts->source, handouts->inotify_fd, EPOLLIN,
                                                       handouts_on_closed, handouts);
        return r < 0 ? log_errno(LOG_ERR, r, "cannot watch the lists that are handed out") : 0;
}

void handouts_deinit(struct handouts *handouts) {
        forget_all(handouts);
        handouts->source = sd_event_source_disable_unref(handouts->source);
        cleanup_close(&handouts->inotify_fd);
        cleanup_close(&handouts->directory_fd);
        handouts->inotify_fd = handouts->directory_fd = -1;
}

static int make_memfd(const struct string_list *names) {
        _cleanup_close_ int fd = memfd_create("names", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        int r = fd < 0 ? -errno : string_list_write_sorted(names, fd);

        if (r == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                r = -errno;
        return r < 0 ? r : steal_fd(&fd);
}

/* The file's path for as long as it is open. */
static void path_of(int fd, char path[static 32]) {
        snprintf(path, 32, "/proc/self/fd/%d", fd);
}

int handouts_make(const struct handouts *handouts, const struct string_list *names) {
        _cleanup_close_ int writing = -1;
        char path[32];
        int fd, r;

        if (handouts->directory_fd < 0)
                return make_memfd(names);
        writing = openat(handouts->directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0400);
        r = writing < 0 ? -errno : string_list_write_sorted(names, writing);
        if (r < 0)
                return r;
        path_of(writing, path);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int handouts_track(struct handouts *handouts, int fd, struct user_charge *charge) {
        struct handout *handout;
        char path[32];

        if (handouts->directory_fd < 0)
                return 0;
        handout = malloc(sizeof(*handout));
        if (!handout)
                return -ENOMEM;
        path_of(fd, path);
        *handout = (struct handout){ .watch = inotify_add_watch(handouts->inotify_fd, path, IN_CLOSE | IN_ONESHOT) };
        if (handout->watch < 0) {
                free(handout);
                return -ENOMEM;
        }
        handout->charge = *charge;
        *charge = (struct user_charge){ 0 };
        HASH_ADD_INT(handouts->by_watch, watch, handout);
        return 0;
}
