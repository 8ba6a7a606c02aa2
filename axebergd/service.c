/* SPDX-License-Identifier: MIT */
#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include "kernel.h"
#include "util/clock.h"
#include "util/log.h"

enum { STATUS_INTERVAL_USEC = 2000000 };

int service_socket(void) {
        int n = sd_listen_fds(1);

        if (n <= 0)
                return -ENOENT;
        if (n > 1 || sd_is_socket(SD_LISTEN_FDS_START, AF_UNIX, SOCK_SEQPACKET, 1) <= 0)
                return log_errno(LOG_ERR, EINVAL,
                                 "the service manager handed over %d descriptors, not one SOCK_SEQPACKET socket", n);
        return SD_LISTEN_FDS_START;
}

static void tell_status(const struct service *service, const char *prefix) {
        struct kernel *kernel = service->kernel;
        struct figures figures;

        kernel_figures(kernel, &figures);
        sd_notifyf(0, "%sSTATUS=Serving on %s: %u processes, %u connections, %llu calls, %llu KiB of memory, trace %s",
                   prefix, service->socket_path, kernel->processes.count, kernel->n_sessions,
                   (unsigned long long) figures.calls, (unsigned long long) (kernel->memory.account.used >> 10),
                   kernel->trace.enabled ? "on" : "off");
}

static int service_on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        tell_status(userdata, "");
        sd_event_source_set_time(source, usec + STATUS_INTERVAL_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int service_start(struct service *service, sd_event *event, struct kernel *kernel, const char *socket_path) {
        int r;

        *service = (struct service){ .kernel = kernel, .socket_path = socket_path };
        r = sd_event_set_watchdog(event, true);
        if (r < 0)
                return log_errno(LOG_ERR, r, "cannot feed the watchdog");
        if (!getenv("NOTIFY_SOCKET"))
                return 0;
        r = sd_event_add_time(event, &service->timer, CLOCK_MONOTONIC, clock_usec() + STATUS_INTERVAL_USEC, 0,
                              service_on_time, service);
        return r < 0 ? log_errno(LOG_ERR, r, "cannot keep the status line") : 0;
}

void service_stop(struct service *service) {
        service->timer = sd_event_source_disable_unref(service->timer);
}

void service_ready(struct service *service) {
        tell_status(service, "READY=1\n");
}

void service_reloading(void) {
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long) clock_usec());
}

void service_stopping(void) {
        sd_notify(0, "STOPPING=1");
}
