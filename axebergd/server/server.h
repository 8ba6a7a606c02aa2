/*
 * The server: the listening socket, the sessions, and the service that their frames are dispatched to.
 */
#pragma once

#include <systemd/sd-event.h>

#include "axeberg.pb-c.h"

struct kernel;
struct session;

struct server {
        struct kernel *kernel;
        Axeberg__Kernel_Service service;
        struct session *sessions;
        int listen_fd;
        int spare_fd; /* given up for a moment to refuse a client where descriptors have run out */
        sd_event_source *listener;
        char *socket_path; /* to remove at the end; NULL before it exists, or where it is the service manager's */
};

/* Prepares the service. Return: 0, -ENOSYS: a method has no handler (logged). */
int server_init(struct server *server, struct kernel *kernel);
/* Makes the socket, or takes over `given`, where that is not negative, and serves. Return: 0, negative errno (logged). */
int server_listen(struct server *server, const char *socket_path, int given);
/* No new clients; the socket's name goes. */
void server_stop_listening(struct server *server);
/* Disconnects everybody. */
void server_deinit(struct server *server);
