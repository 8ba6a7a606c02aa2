/* SPDX-License-Identifier: MIT */
/*
 * The mount that --mount asks for: one axfs, for the daemon's own life time.
 *
 * axfs is a client like others. It is started when the socket serves; a mount that an earlier
 * daemon's axfs still serves is taken over as it is. If axfs ends before the mount serves, the
 * mount has failed. If it ends later because somebody unmounts, the daemon goes on without. If it
 * dies, its mount is lifted off and axfs is started again: at once, then after longer and longer
 * pauses, and no more if it has died many times in a row. At the end axfs is asked to unmount, and
 * forced to if it does not.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct mounter {
        sd_event *event;
        const char *axfs_path, *socket_path; /* the settings' */
        char *directory;
        pid_t pid; /* of axfs; 0: not running */
        uint64_t start_usec;
        unsigned deaths; /* in a row, each soon after the start */
        int mountinfo_fd;
        sd_event_source *child, *mountinfo, *deadline, *restart;
        void (*on_ready)(void *userdata);   /* the mount serves for the first time */
        void (*on_failed)(void *userdata);  /* there will be no mount; the reason has been logged */
        void (*on_stopped)(void *userdata); /* axfs is gone, after mounter_stop() */
        void *userdata;
        bool ready;      /* the mount serves, as far as the daemon knows */
        bool has_served; /* so on_ready was called */
        bool stopping, killed;
};

/*
 * Starts axfs. The paths stay the caller's, and must stay what they are. Returns 0 or negative
 * errno (logged).
 */
int mounter_start(struct mounter *mounter, sd_event *event, const char *axfs_path, const char *socket_path,
                  const char *directory);
/* Asks axfs to unmount; calls on_stopped once it is gone, perhaps at once. */
void mounter_stop(struct mounter *mounter);
void mounter_deinit(struct mounter *mounter);
