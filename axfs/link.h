/* SPDX-License-Identifier: MIT */
/*
 * link.h - keep a connection to the daemon
 *
 * One thread owns the connection's life. It notices the daemon's end, waits for the socket to come
 * back (inotify tells, with a slow repetition as a safety net), connects, and fetches the mount
 * table anew. It also sends the reports. Others make their calls on a counted reference, so a lost
 * connection is freed when the last of them has returned.
 */
#pragma once

#include "connection.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct namespace;
struct node_table;
struct options;
struct report;

/** What the link serves. */
struct link_parts {
        const struct options *options; /* the daemon's socket, and whether to say what happens */
        struct namespace *namespace;
        struct node_table *nodes;
        struct report *report;
};

struct link {
        struct link_parts parts;
        pthread_mutex_t lock;
        struct connection *current; /* NULL while there is none */
        pthread_t thread;
        bool started;
        atomic_bool stopping;
        int wake_fd, inotify_fd;
};

/**
 * link_init() - connect for the first time and fetch the mount table
 *
 * Returns 0, or the negative AX_E… code of what failed. link_stop() is needed in any case.
 */
int link_init(struct link *link, const struct link_parts *parts);

/** link_start() - let the thread watch over the connection. Returns 0 or a negative errno. */
int link_start(struct link *link);

/** link_stop() - end the thread and the connection; pool_stop() comes before it */
void link_stop(struct link *link);

/** link_connection() - returns the connection, referenced, or NULL while there is none */
struct connection *link_connection(struct link *link);

/**
 * link_connection_is_lost() - returns true if the daemon has gone, for a call that failed with
 * -AX_ESRCH
 *
 * If so the link begins to look for a new one.
 */
bool link_connection_is_lost(struct link *link, struct connection *connection);

/** link_report() - have a report sent if one is due. Returns true if so. */
bool link_report(struct link *link);
