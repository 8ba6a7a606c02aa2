/*
 * The daemon as a service of systemd: a socket that is handed over, readiness, the watchdog, a status line with figures. Without systemd all of it does nothing.
 */
#pragma once

#include <systemd/sd-event.h>

struct kernel;

struct service {
        const struct kernel *kernel;
        const char *socket_path;
        sd_event_source *timer;
};

/* The listening socket that systemd hands over. Return: a descriptor, -ENOENT there is none, -EINVAL it is no socket to serve on (logged). */
int service_socket(void);

/* Feeds the watchdog from now on, and keeps the status line. Return: 0, negative errno. */
int service_start(struct service *service, sd_event *event, const struct kernel *kernel, const char *socket_path);
void service_stop(struct service *service);

/* What the service manager is told. */
void service_ready(struct service *service);
void service_reloading(void);
void service_stopping(void);
