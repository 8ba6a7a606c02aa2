/* SPDX-License-Identifier: MIT */
#include "others.h"

#include <errno.h>
#include <signal.h>

#include "other_wine.h"

static bool start_crowded(struct others *others, struct place *place) {
        const struct daemon_options options = { .settings = "HostDescriptorsPerUser = 8000\nMappingsPerUser = 16000" };

        if (daemon_start(&others->crowded, &options) < 0)
                return false;
        place_add(place, others->crowded.pid);
        return ax_connect(&others->crowded_ax, others->crowded.socket) == 0 &&
               crowd_start(&others->crowd, OTHERS_IDLE, others->crowded.socket, crowd_join_axeberg) == 0 &&
               others->crowd.n_connections == OTHERS_IDLE;
}

static bool start_crowded_bus(struct others *others, const char *directory, struct place *place) {
        char address[256];

        if (!bus_peer_start(&others->crowded_bus, directory, "crowded-bus", place))
                return false;
        bus_peer_address(directory, "crowded-bus", address, sizeof(address));
        return crowd_start(&others->bus_crowd, OTHERS_IDLE, address, bus_peer_join) == 0 &&
               others->bus_crowd.n_connections == OTHERS_IDLE;
}

void others_start(struct others *others, const char *directory, struct place *place, bool with_wine) {
        *others = (struct others){ .crowded = { .pid = -1, .pidfd = -1 } };
        (void) signal(SIGPIPE, SIG_IGN);
        /* both sides of a ring look at the CPUs that they may have when they begin */
        (void) place_move(place, ON_ANY_CPU);
        others->has[BENCH_CROWD] = start_crowded(others, place);
        others->has[BENCH_BUS] = bus_peer_start(&others->bus, directory, "bus", place);
        others->has[BENCH_BUS_CROWD] = others->has[BENCH_BUS] && start_crowded_bus(others, directory, place);
        (void) place_move(place, ON_ONE_CPU); /* where the program stays */
        others->has[BENCH_WINE] = with_wine && wine_start(&others->wine, directory, place);
        others->has[BENCH_WINE_CROWD] = others->has[BENCH_WINE];
}

void others_stop(struct others *others) {
        wine_stop(&others->wine);
        crowd_end(&others->bus_crowd);
        bus_peer_stop(&others->crowded_bus);
        bus_peer_stop(&others->bus);
        crowd_end(&others->crowd);
        ax_disconnect(others->crowded_ax);
        (void) daemon_stop(&others->crowded);
        daemon_remove(&others->crowded);
}

int others_get_ready(struct others *others, enum bench_other which) {
        switch (which) {
        case BENCH_WINE:
                return wine_order(&others->wine, WINE_IDLE, 0);
        case BENCH_WINE_CROWD:
                return wine_order(&others->wine, WINE_IDLE, OTHERS_IDLE);
        default:
                return 0;
        }
}

int bench_run_crowded_getppid(struct bench_context *context, unsigned n) {
        while (n-- > 0)
                if (ax_getppid(context->others->crowded_ax) != 1)
                        return -EIO;
        return 0;
}

int bench_run_wine_event(struct bench_context *context, unsigned n) {
        return wine_order(&context->others->wine, WINE_SET_EVENT, n);
}

int bench_run_wine_duplicate(struct bench_context *context, unsigned n) {
        return wine_order(&context->others->wine, WINE_DUPLICATE, n);
}

int bench_run_wine_open(struct bench_context *context, unsigned n) {
        return wine_order(&context->others->wine, WINE_OPEN, n);
}
