/* SPDX-License-Identifier: MIT */
/*
 * Private to the bus: what its objects share.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "kernel.h"
#include "util/rate.h"

#define BUS_NAME "org.axeberg.Kernel1"
#define BUS_PATH "/org/axeberg/Kernel1"
#define BUS_PROCESS_PREFIX BUS_PATH "/process"
#define BUS_MANAGER_INTERFACE BUS_NAME ".Manager"
#define BUS_PROCESS_INTERFACE BUS_NAME ".Process"

enum { BUS_PATH_SIZE = sizeof(BUS_PROCESS_PREFIX) + 12 };

struct bus_listing;
struct bus_pending;
struct process;

struct bus {
        struct kernel *kernel;
        sd_bus *bus; /* NULL: not connected, and to be tried again */
        sd_event_source *retry, *flush;
        struct observer observer;
        struct bus_pending *pending; /* calls that are not answered yet */
        unsigned n_pending;
        struct bus_listing *listings; /* likewise */
        unsigned n_listings;
        sd_event_source *listing_turn;                                    /* while there are any */
        bool is_gone;                                                     /* logged, and not heard from it since */
        bool counts_changed, limits_changed, trace_changed, lost_changed; /* for the next PropertiesChanged */
        uint64_t signals_lost, refused;
        struct rate_table signal_rates; /* of processes' owners */
        struct bucket all_signals;      /* of all but administrators */

        /* the tenth of the kernel's time (budget.c) */
        sd_event_source *meter, *resume;
        void (*resumed)(struct bus *bus, int error);
        bool paused;
        uint64_t message_usec; /* since when a message is being served; 0: none is */
        int64_t budget_usec;
        uint64_t budget_filled_usec;
        uint64_t pauses;

        /* figures that take long to compute, and until when they are cached (manager.c) */
        struct figures figures;
        unsigned open_files;
        char *metrics;
        uint64_t figures_until_usec, metrics_until_usec;
};

/* The object path of a process. */
const char *bus_process_path(int32_t pid, char buffer[static BUS_PATH_SIZE]);

/*
 * A path as a message can carry it: a message with text that is not UTF-8 cannot be sent, and paths
 * are any bytes. What programs call themselves is printable already (process_command()).
 */
enum { BUS_TEXT_SIZE = 4096 };
const char *bus_text(const char *text, char buffer[static BUS_TEXT_SIZE]);

/* Add the objects' interfaces (manager.c, process_object.c). Return 0 or a negative errno. */
int bus_add_manager(struct bus *bus);
int bus_add_processes(struct bus *bus);

/*
 * Sets an error of D-Bus for one of the kernel's, with the reason in words. Returns a negative
 * errno to return.
 */
int bus_error(sd_bus_error *ret, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Likewise, if there is no process of that pid. */
int bus_error_no_process(sd_bus_error *ret, int32_t pid);
