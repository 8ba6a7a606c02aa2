/* SPDX-License-Identifier: MIT */
/*
 * The mount that --mount asks for: one axfs, for the daemon's own life time.
 *
 * axfs is a client like others. It is started when the socket serves; a mount that an earlier
 * daemon's axfs still serves is taken over as it is. If axfs ends before the mount serves, the
 * mount has failed. If it ends later, by an unmount or a crash, the daemon goes on without. At the
 * end axfs is asked to unmount, and forced to if it does not.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

struct mounter {
        sd_event *event;
        char *directory;
        pid_t pid; /* of axfs; 0: not running */
        int mountinfo_fd;
        sd_event_source *child, *mountinfo, *deadline;
        void (*on_ready)(void *userdata);   /* the mount serves */
        void (*on_failed)(void *userdata);  /* there will be no mount; the reason has been logged */
        void (*on_stopped)(void *userdata); /* axfs is gone, after mounter_stop() */
        void *userdata;
        bool ready, stopping, killed;
};

/* Starts axfs. Returns 0 or negative errno (logged). */
int mounter_start(struct mounter *mounter, sd_event *event, const char *axfs_path, const char *socket_path,
                  const char *directory);
/* Asks axfs to unmount; calls on_stopped once it is gone, perhaps at once. */
void mounter_stop(struct mounter *mounter);
void mounter_deinit(struct mounter *mounter);
