/* SPDX-License-Identifier: MIT */
/*
 * The server: the listening socket and the sessions.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "server/session.h"

struct kernel;

struct server {
        struct session_table sessions;
        int listen_fd;
        int spare_fd; /* closed for a moment to refuse a client if descriptors have run out */
        sd_event_source *listener;
        char *socket_path; /* to remove at the end; NULL before it exists, or if it is the service manager's */
};

void server_init(struct server *server, struct kernel *kernel);
/*
 * Makes the socket, or takes over `inherited_fd` unless it is negative, and serves. Returns 0 or a
 * negative errno (logged).
 */
int server_listen(struct server *server, const char *socket_path, int inherited_fd);
/* No new clients; the socket's name goes. */
void server_stop_listening(struct server *server);
/* Disconnects everybody. */
void server_deinit(struct server *server);
