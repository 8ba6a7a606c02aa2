/*
 * The kernel on D-Bus: org.axeberg.Kernel1, on the system bus, or on the user's for a daemon that is not root's.
 *
 *   /org/axeberg/Kernel1               org.axeberg.Kernel1.Manager   (manager.c)
 *   /org/axeberg/Kernel1/process/PID   org.axeberg.Kernel1.Process   (process_object.c)
 *
 * Anyone may read; what changes something is for administrators (authority.c). The kernel's thread never waits for the bus: what has to be asked elsewhere is asked
 * asynchronously, what is long is answered in steps, and signals that a slow bus does not take are dropped and counted. A bus that is not there yet, or
 * goes away, is waited for.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "kernel.h"

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
        struct kernel_observer observer;
        struct bus_pending *pending; /* calls that are not answered yet */
        unsigned n_pending;
        struct bus_listing *listings; /* likewise */
        unsigned n_listings;
        sd_event_source *listing_turn;                      /* while there are any */
        bool is_gone;                                       /* said so, and not heard from it since */
        bool counts_changed, limits_changed, trace_changed; /* to be told in the next PropertiesChanged */
        uint64_t signals_lost, refused;

        /* what takes long to find out, and until when it is told again (manager.c) */
        struct kernel_figures figures;
        char *metrics;
        uint64_t figures_until_usec, metrics_until_usec;
};

/* Goes on the bus, now or when there is one. Return: 0, negative errno (logged). */
int bus_start(struct bus *bus, struct kernel *kernel);
/* Leaves it. Right for a zeroed bus, too. */
void bus_stop(struct bus *bus);

/* The object path of a process. */
const char *bus_process_path(int32_t pid, char buffer[static BUS_PATH_SIZE]);

/* The name of a process's program. Programs name themselves in any bytes, at any length; a message with text that is not UTF-8 cannot be sent. */
enum { BUS_COMMAND_SIZE = 256 };
const char *bus_process_command(const struct process *process, char buffer[static BUS_COMMAND_SIZE]);

/* ---- for the objects ---------------------------------------------------------------------------------------- */

/* Adds the objects' interfaces. Return: 0, negative errno. */
int bus_add_manager(struct bus *bus);
int bus_add_processes(struct bus *bus);

/* Makes an error of the kernel's one of D-Bus's, with the reason in words. Return: negative, for the handler to return. */
int bus_error(sd_bus_error *ret, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a pid that means no process. */
int bus_error_no_process(sd_bus_error *ret, int32_t pid);

/* The administrators' actions, for the manager and for a process alike. The sender is known to be one. They answer the message, or return an error. */
int bus_kill(struct bus *bus, sd_bus_message *message, int32_t pid, int32_t signal, sd_bus_error *error);
int bus_set_memory_limit(struct bus *bus, sd_bus_message *message, int32_t pid, uint64_t bytes, sd_bus_error *error);
