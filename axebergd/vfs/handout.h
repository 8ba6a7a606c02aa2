/* SPDX-License-Identifier: MIT */
/*
 * Lists that are too long for a frame: the client gets each as a file, and reads it by itself.
 *
 * Such a file takes memory until its last holder closes it: it can wait in the queue of a socket
 * that nobody reads, and be passed on. Its size is charged to its user for as long. The file lies
 * in a tmpfs that no path leads to, has no name, belongs to the daemon and is handed over open for
 * reading: a client can neither change it nor open it again. So there is one open file description,
 * and inotify(7) reports when that is closed.
 *
 * A daemon that may not have such a tmpfs serves one user only: it hands out a memfd, and the
 * charge ends when the reply is sent.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

struct handout;
struct string_list;
struct user_charge;

struct handouts {
        int directory_fd;
        int inotify_fd;
        sd_event_source *source;
        struct handout *by_watch;
};

/* Returns 0, negative errno (logged). */
int handouts_init(struct handouts *handouts, sd_event *event);
void handouts_deinit(struct handouts *handouts);

/*
 * Makes a file of the names, sorted; in any thread that acts as the daemon. Returns its descriptor,
 * negative errno.
 */
int handouts_make(const struct handouts *handouts, const struct string_list *names);
/*
 * Takes the charge over until everybody has closed the file. Returns 0, negative errno: the charge
 * is still the caller's.
 */
int handouts_track(struct handouts *handouts, int fd, struct user_charge *charge);
