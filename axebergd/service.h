/* SPDX-License-Identifier: MIT */
/*
 * The daemon as a service of systemd: a socket that is handed over, readiness, the watchdog, a
 * status line with figures. Without systemd all of it does nothing.
 */
#pragma once

#include <systemd/sd-event.h>

struct kernel;

struct service {
        struct kernel *kernel;
        const char *socket_path;
        sd_event_source *timer;
};

/*
 * The listening socket that systemd hands over. Returns a descriptor, -ENOENT if there is none,
 * -EINVAL it is no socket to serve on (logged).
 */
int service_socket(void);

/* Feeds the watchdog from now on, and keeps the status line. Returns 0 or a negative errno. */
int service_start(struct service *service, sd_event *event, struct kernel *kernel, const char *socket_path);
void service_stop(struct service *service);

/* What the service manager learns. */
void service_ready(struct service *service);
void service_reloading(void);
void service_stopping(void);
