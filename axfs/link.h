/*
 * link.h - the connection to the daemon, and its return when it was lost
 *
 * One thread owns the connection's life: it notices the daemon's end, waits for its socket to come back (told by inotify, with a
 * slow repetition as a safety net), connects, and fetches the mount table anew. Calls are made by others, on a counted reference, so a
 * lost connection is freed when the last of them has returned. It also carries the counters to the daemon.
 */
#pragma once

#include "counters.h"

#include <axeberg.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct axfs;

struct connection {
        ax_client *ax;
        atomic_uint refs;
};

struct link {
        struct axfs *fs;
        const char *socket_path; /* absolute; NULL: the library's default */
        pthread_mutex_t lock;
        struct connection *current; /* NULL while there is none */
        pthread_t thread;
        bool started;
        atomic_bool stopping;
        int wake_fd, inotify_fd;
        uint64_t requests, errors, bytes_read, bytes_written; /* reported so far */
};

/**
 * link_init() - connect for the first time and fetch the mount table
 * @fs: gets the table; its root node is in place afterwards
 * @socket_path: of the daemon; kept
 *
 * Return: 0, or the negative AX_E… code of what failed.
 */
int link_init(struct link *link, struct axfs *fs, const char *socket_path);

/** link_start() - let the thread watch over the connection. Return: 0, or a negative errno. */
int link_start(struct link *link);

/** link_stop() - end the thread and the connection; pool_stop() comes before it */
void link_stop(struct link *link);

/** link_connection() - the connection, referenced; NULL while there is none */
struct connection *link_connection(struct link *link);
struct connection *connection_ref(struct connection *connection);
void connection_unref(struct connection *connection);
void connection_unrefp(struct connection **connection);

/** link_connection_is_lost() - for a call that failed with -AX_ESRCH: whether the daemon has gone. If so the link begins to look for a new one. */
bool link_connection_is_lost(struct link *link, struct connection *connection);

/** link_is_traced() - whether the kernel records what happens */
bool link_is_traced(struct link *link);

/** link_wake() - let the thread look whether there is something to do */
void link_wake(struct link *link);

/** link_wants_report() - whether there is something to tell the daemon; wakes the thread up to do it */
bool link_wants_report(struct link *link);
