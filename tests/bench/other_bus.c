/* SPDX-License-Identifier: MIT */
/*
 * A dbus-daemon of its own, a service on it, and a connection to call it through.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "others.h"

#define BUS_NAME "org.axeberg.Bench"
#define BUS_PATH "/org/axeberg/Bench"

static const char configuration[] =
        "<!DOCTYPE busconfig PUBLIC '-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN'"
        " 'http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd'>\n"
        "<busconfig><type>session</type><listen>%s</listen><auth>EXTERNAL</auth>\n"
        "<policy context='default'><allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/>"
        "<allow own='*'/></policy>\n"
        "<limit name='max_completed_connections'>10000</limit>\n"
        "<limit name='max_connections_per_user'>10000</limit></busconfig>\n";

void bus_peer_address(const char *directory, const char *name, char *ret, size_t size) {
        snprintf(ret, size, "unix:path=%s/%s", directory, name);
}

static int connect_bus(const char *address, sd_bus **ret) {
        sd_bus *bus = NULL;
        int r = sd_bus_new(&bus);

        if (r >= 0)
                r = sd_bus_set_address(bus, address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                sd_bus_unref(bus);
        else
                *ret = bus;
        return r < 0 ? r : 0;
}

/* Stays connected until the process ends. */
int bus_peer_join(const char *address) {
        const char *name;
        sd_bus *bus;
        int r = connect_bus(address, &bus);

        return r < 0 ? r : sd_bus_get_unique_name(bus, &name); /* waits for it */
}

static int on_ping(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        (void) userdata;
        (void) error;
        return sd_bus_reply_method_return(message, "");
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Ping", "", "", on_ping, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

__attribute__((noreturn)) static void serve(const char *address, int ready) {
        sd_bus *bus = NULL;
        int r;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = connect_bus(address, &bus);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, BUS_PATH, BUS_NAME, vtable, NULL);
        if (r >= 0)
                r = sd_bus_request_name(bus, BUS_NAME, 0);
        if (r >= 0)
                r = write(ready, "", 1) == 1 ? 0 : -EPIPE;
        close(ready);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        _exit(EXIT_FAILURE);
}

__attribute__((noreturn)) static void run_daemon(const char *path, int ready) {
        char config[320], print[32];

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(config, sizeof(config), "--config-file=%s", path);
        snprintf(print, sizeof(print), "--print-address=%d", ready);
        fcntl(ready, F_SETFD, 0);
        dup2(open("/dev/null", O_RDWR | O_CLOEXEC), STDERR_FILENO);
        execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nosyslog", config, print, (char *) NULL);
        _exit(EXIT_FAILURE);
}

/* Starts a process and waits until it says something. Returns its pid, 0 if it ended instead. */
static pid_t start_ready(__attribute__((noreturn)) void (*run)(const char *argument, int ready), const char *argument) {
        int ends[2];
        bool ready;
        pid_t pid;
        char byte;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return 0;
        pid = fork();
        if (pid == 0)
                run(argument, ends[1]);
        close(ends[1]);
        ready = pid > 0 && read(ends[0], &byte, 1) == 1;
        close(ends[0]);
        if (!ready && pid > 0)
                (void) waitpid(pid, NULL, 0);
        return ready ? pid : 0;
}

bool bus_peer_start(struct bus_peer *peer, const char *directory, const char *name, struct place *place) {
        char path[256], address[256];
        FILE *file;

        bus_peer_address(directory, name, address, sizeof(address));
        snprintf(path, sizeof(path), "%s/%s.conf", directory, name);
        file = fopen(path, "we");
        if (!file)
                return false;
        fprintf(file, configuration, address);
        if (fclose(file) != 0)
                return false;
        peer->daemon = start_ready(run_daemon, path);
        if (peer->daemon == 0)
                return false;
        peer->service = start_ready(serve, address);
        if (peer->service == 0)
                return false;
        place_add(place, peer->daemon);
        place_add(place, peer->service);
        return connect_bus(address, &peer->bus) == 0;
}

void bus_peer_stop(struct bus_peer *peer) {
        const pid_t pids[] = { peer->service, peer->daemon };

        sd_bus_flush_close_unref(peer->bus);
        for (size_t i = 0; i < 2; i++)
                if (pids[i] > 0) {
                        kill(pids[i], SIGKILL);
                        (void) waitpid(pids[i], NULL, 0);
                }
        *peer = (struct bus_peer){ 0 };
}

static int call(sd_bus *bus, unsigned n) {
        int r = 0;

        while (r >= 0 && n-- > 0) {
                sd_bus_message *reply = NULL;

                r = sd_bus_call_method(bus, BUS_NAME, BUS_PATH, BUS_NAME, "Ping", NULL, &reply, "");
                sd_bus_message_unref(reply);
        }
        return r < 0 ? r : 0;
}

int bench_run_bus(struct bench_context *context, unsigned n) {
        return call(context->others->bus.bus, n);
}

int bench_run_crowded_bus(struct bench_context *context, unsigned n) {
        return call(context->others->crowded_bus.bus, n);
}
