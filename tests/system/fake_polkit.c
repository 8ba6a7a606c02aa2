/* SPDX-License-Identifier: MIT */
/*
 * Takes polkit's place on a test's bus. The file "permitted" says what is permitted, a line for
 * each action: "ACTION"; "ACTION interactive" if a person has to be at hand; "ACTION never" if
 * nobody ever decides. Each question goes to standard output: action, kind of subject, whether a
 * person may be asked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

static const char *permitted_path;

/* 0: no, 1: yes, 2: with a person, 3: no answer. */
static int look_up(const char *action) {
        FILE *file = fopen(permitted_path, "re");
        char line[256], name[128], how[32];
        int found = 0;

        while (file && fgets(line, sizeof(line), file)) {
                int n = sscanf(line, "%127s %31s", name, how);

                if (n > 0 && strcmp(name, action) == 0)
                        found = n != 2 ? 1 : strcmp(how, "never") == 0 ? 3 : 2;
        }
        if (file)
                fclose(file);
        return found;
}

static int check_authorization(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *kind, *key, *name, *action, *cancellation;
        uint32_t flags;
        int answer, r;

        (void) userdata;
        (void) error;
        r = sd_bus_message_enter_container(message, 'r', "sa{sv}");
        if (r > 0)
                r = sd_bus_message_read(message, "sa{sv}", &kind, 1, &key, "s", &name);
        if (r > 0)
                r = sd_bus_message_exit_container(message);
        if (r > 0)
                r = sd_bus_message_read(message, "s", &action);
        if (r > 0)
                r = sd_bus_message_skip(message, "a{ss}");
        if (r > 0)
                r = sd_bus_message_read(message, "us", &flags, &cancellation);
        if (r <= 0)
                return r < 0 ? r : -22;
        printf("%s %s %s\n", action, kind, flags & 1 ? "interactive" : "quiet");
        fflush(stdout);
        answer = look_up(action);
        if (answer == 3)
                return 1;
        return sd_bus_reply_method_return(message, "(bba{ss})", answer == 1 || (answer == 2 && flags & 1), answer == 2,
                                          0);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", check_authorization,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int main(int argc, char **argv) {
        sd_bus *bus = NULL;
        int r;

        if (argc != 2)
                return EXIT_FAILURE;
        permitted_path = argv[1];
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
                                             "org.freedesktop.PolicyKit1.Authority", vtable, NULL);
        if (r >= 0)
                r = sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        return EXIT_FAILURE;
}
