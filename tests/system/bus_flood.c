/* SPDX-License-Identifier: MIT */
/*
 * A user who asks the kernel too much over D-Bus.
 *
 *   bus_flood METHOD CALLS CONNECTIONS
 *
 * Makes that many calls at once (GetAll, or a method of the Manager without arguments) on each of
 * that many connections, and waits for every answer. Prints how many were answered, and how many
 * were refused because of a limit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

static unsigned answered, refused;

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        (void) userdata;
        (void) error;
        if (sd_bus_error_has_name(sd_bus_message_get_error(reply), SD_BUS_ERROR_LIMITS_EXCEEDED))
                refused++;
        else if (!sd_bus_message_get_error(reply))
                answered++;
        else
                fprintf(stderr, "%s\n", sd_bus_message_get_error(reply)->name);
        return 1;
}

static void check(int r, const char *what) {
        if (r >= 0)
                return;
        fprintf(stderr, "%s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

static void ask(sd_bus *bus, const char *method) {
        static const char name[] = "org.axeberg.Kernel1", path[] = "/org/axeberg/Kernel1";
        static const char manager[] = "org.axeberg.Kernel1.Manager";
        const uint64_t timeout_usec = 120000000;
        sd_bus_message *call = NULL;

        if (strcmp(method, "GetAll") == 0) {
                check(sd_bus_message_new_method_call(bus, &call, name, path, "org.freedesktop.DBus.Properties", method),
                      "call");
                check(sd_bus_message_append(call, "s", manager), "argument");
        } else {
                check(sd_bus_message_new_method_call(bus, &call, name, path, manager, method), "call");
        }
        check(sd_bus_call_async(bus, NULL, call, on_answer, NULL, timeout_usec), "send");
        sd_bus_message_unref(call);
}

int main(int argc, char **argv) {
        const char *method = argc == 4 ? argv[1] : "";
        unsigned long calls = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
        unsigned long connections = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
        sd_bus **buses = calloc(connections + 1, sizeof(sd_bus *));

        for (unsigned long i = 0; i < connections; i++)
                check(sd_bus_open_system(&buses[i]), "bus");
        for (unsigned long j = 0; j < calls; j++)
                for (unsigned long i = 0; i < connections; i++)
                        ask(buses[i], method);
        while (answered + refused < calls * connections)
                for (unsigned long i = 0; i < connections; i++) {
                        int r;

                        while ((r = sd_bus_process(buses[i], NULL)) > 0)
                                ;
                        check(r, "process");
                        check(sd_bus_wait(buses[i], 1000), "wait");
                }
        printf("answered %u, refused %u\n", answered, refused);
        for (unsigned long i = 0; i < connections; i++)
                sd_bus_flush_close_unref(buses[i]);
        free(buses);
        return EXIT_SUCCESS;
}
