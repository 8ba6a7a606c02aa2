/* SPDX-License-Identifier: MIT */
/* link.c - see link.h */
#include "link.h"

#include "mounts.h"
#include "options.h"
#include "report.h"
#include "tracing.h"
#include "util.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

enum { RETRY_FIRST_MS = 100, RETRY_MAX_MS = 5000, RETRY_WATCHED_MS = 30000 };

struct connection *link_connection(struct link *link) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&link->lock);

        return link->current ? connection_ref(link->current) : NULL;
}

static bool is_current(struct link *link, const struct connection *connection) {
        _cleanup_unlock_ pthread_mutex_t *l = lock_until_return(&link->lock);

        return link->current == connection;
}

static void link_wake(struct link *link) {
        const uint64_t one = 1;

        (void) !write(link->wake_fd, &one, sizeof(one));
}

static void link_drop(struct link *link, const struct connection *connection) {
        struct connection *lost = NULL;

        pthread_mutex_lock(&link->lock);
        if (link->current == connection) {
                tracing_follow(link->parts.report->tracing, NULL);
                lost = link->current;
                link->current = NULL;
        }
        pthread_mutex_unlock(&link->lock);
        connection_unref(lost);
}

bool link_connection_is_lost(struct link *link, struct connection *connection) {
        if (!connection_is_lost(connection))
                return false;
        link_drop(link, connection);
        link_wake(link);
        return true;
}

bool link_report(struct link *link) {
        if (!report_is_due(link->parts.report) || is_current(link, NULL))
                return false;
        link_wake(link);
        return true;
}

static int link_connect(struct link *link) {
        const struct link_parts *parts = &link->parts;
        const char *socket_path = parts->options->socket_path;
        struct connection *connection;
        int r = connection_new(&connection, socket_path);

        if (r < 0)
                return r;
        options_say(parts->options, "connected to %s", socket_path ? socket_path : "the daemon");
        r = mounts_fetch(parts->namespace, parts->nodes, connection->ax, parts->options);
        if (r < 0) {
                connection_unref(connection);
                return r;
        }
        pthread_mutex_lock(&link->lock);
        link->current = connection;
        tracing_follow(parts->report->tracing, ax_trace_flag(connection->ax));
        pthread_mutex_unlock(&link->lock);
        return 0;
}

static void drain(int fd) {
        char buffer[4096];

        while (read(fd, buffer, sizeof(buffer)) > 0)
                ;
}

/* Until the daemon ends or link_stop() is called. */
static void watch_connection(struct link *link, struct connection *connection) {
        struct pollfd fds[2] = {
                { .fd = ax_fileno(connection->ax), .events = POLLIN },
                { .fd = link->wake_fd, .events = POLLIN },
        };

        while (!atomic_load(&link->stopping)) {
                if (poll(fds, 2, -1) < 0 && errno != EINTR)
                        return;
                drain(link->wake_fd);
                if (fds[0].revents && ax_dispatch(connection->ax, 0) < 0)
                        return;
                if (!is_current(link, connection))
                        return;
                report_send(link->parts.report, connection);
        }
}

/* Returns true if inotify will tell of changes in the socket's directory. */
static bool watch_socket(const struct link *link) {
        const char *socket_path = link->parts.options->socket_path;
        const char *slash = socket_path ? strrchr(socket_path, '/') : NULL;
        char directory[PATH_MAX];

        if (!slash || link->inotify_fd < 0)
                return false;
        snprintf(directory, sizeof(directory), "%.*s/", (int) (slash - socket_path), socket_path);
        return inotify_add_watch(link->inotify_fd, directory,
                                 IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_ONLYDIR) >= 0;
}

static void reconnect(struct link *link) {
        struct pollfd fds[2] = {
                { .fd = link->wake_fd, .events = POLLIN },
                { .fd = link->inotify_fd, .events = POLLIN },
        };
        int delay_ms = RETRY_FIRST_MS;

        while (!atomic_load(&link->stopping)) {
                bool watched = watch_socket(link);
                int r = link_connect(link);

                if (r == 0)
                        return;
                /*
                 * A daemon that is just coming up refuses for a moment without a change of the
                 * directory.
                 */
                poll(fds, 2, watched && delay_ms >= RETRY_MAX_MS ? RETRY_WATCHED_MS : delay_ms);
                delay_ms = delay_ms * 2 < RETRY_MAX_MS ? delay_ms * 2 : RETRY_MAX_MS;
                if (fds[1].revents)
                        delay_ms = RETRY_FIRST_MS;
                drain(link->wake_fd);
                if (link->inotify_fd >= 0)
                        drain(link->inotify_fd);
        }
}

static void *link_thread(void *data) {
        struct link *link = data;

        while (!atomic_load(&link->stopping)) {
                struct connection *connection = link_connection(link);

                if (!connection) {
                        reconnect(link);
                        continue;
                }
                watch_connection(link, connection);
                if (!atomic_load(&link->stopping)) {
                        fprintf(stderr, "axfs: lost the daemon; files stay, devices and /proc return with it\n");
                        link_drop(link, connection);
                }
                connection_unref(connection);
        }
        return NULL;
}

int link_init(struct link *link, const struct link_parts *parts) {
        *link = (struct link){ .parts = *parts, .wake_fd = -1, .inotify_fd = -1 };
        pthread_mutex_init(&link->lock, NULL);
        link->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (link->wake_fd < 0)
                return negative_errno();
        tracing_set_wake(parts->report->tracing, link->wake_fd);
        link->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        return link_connect(link);
}

int link_start(struct link *link) {
        int r = thread_start(&link->thread, link_thread, link);

        link->started = r == 0;
        return r;
}

void link_stop(struct link *link) {
        atomic_store(&link->stopping, true);
        if (link->started) {
                link_wake(link);
                pthread_join(link->thread, NULL);
        }
        if (link->current)
                link_drop(link, link->current);
        if (link->wake_fd >= 0)
                close(link->wake_fd);
        if (link->inotify_fd >= 0)
                close(link->inotify_fd);
        pthread_mutex_destroy(&link->lock);
}
