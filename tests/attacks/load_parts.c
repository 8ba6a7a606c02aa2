/* SPDX-License-Identifier: MIT */
/*
 * What several loads are made of.
 */
#include "load_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

struct flood flood_for(const struct load_place *place, unsigned n_connections, unsigned in_flight) {
        return (struct flood){
                .socket_path = place->socket_path,
                .counts = place->counts,
                .userdata = (void *) place,
                .n_connections = n_connections,
                .in_flight = in_flight,
        };
}

const struct load_place *place_of(const struct flood *flood) {
        return flood->userdata;
}

int beside(int (*run)(const struct load_place *place), const struct load_place *place) {
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid > 0)
                return 0;
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(run(place) < 0 ? 1 : 0);
}

int open_file(struct flood_connection *connection, const char *path, unsigned flags) {
        Axeberg__OpenRequest open = AXEBERG__OPEN_REQUEST__INIT;

        open.path = (char *) path;
        open.flags = flags;
        return flood_call(connection, "Open", &open.base);
}

int call_path(struct flood_connection *connection, const char *method, const char *path) {
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;

        request.path = (char *) path;
        return flood_call(connection, method, &request.base);
}

int make_directory(const struct load_place *place, const char *name, struct flood_connection *ret) {
        char path[PATH_SIZE];
        int r;

        *ret = (struct flood_connection){ .fd = flood_connect(place->socket_path), .serial = 1 };
        if (ret->fd < 0)
                return ret->fd;
        snprintf(path, sizeof(path), "%s/%s-%d", place->directory, name, (int) getpid());
        r = call_path(ret, "Mkdir", path);
        return r < 0 ? r : call_path(ret, "Chdir", path);
}

size_t request_plain(struct flood_connection *connection, uint8_t *bytes, uint32_t method) {
        return flood_pack(connection, bytes, method, NULL, NULL, 0);
}

size_t request_path(struct flood_connection *connection, uint8_t *bytes, uint32_t method, const char *path) {
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;

        request.path = (char *) path;
        return flood_pack(connection, bytes, method, &request.base, NULL, 0);
}

int spawn_child(struct flood_connection *parent, struct flood_connection *ret) {
        Axeberg__SpawnRequest spawn = AXEBERG__SPAWN_REQUEST__INIT;
        char *argv[] = { "load" };
        struct wire_frame reply;
        int r;

        spawn.argv = argv;
        spawn.n_argv = 1;
        r = wire_call(parent->fd, ++parent->serial, AX_METHOD(spawn_client), &spawn.base, &reply);
        if (r < 0 || reply.n_fds != 1)
                return r < 0 ? r : -EBADMSG;
        *ret = (struct flood_connection){ .fd = reply.fds[0], .serial = 1 };
        r = wire_hello(ret->fd);
        return r < 0 ? r : 0;
}

int run_on_children(struct flood *flood, struct flood_connection *parent) {
        struct flood_connection *connections = calloc(flood->n_connections, sizeof(*connections));

        if (!connections)
                return -ENOMEM;
        for (unsigned i = 0; i < flood->n_connections; i++) {
                int r = spawn_child(parent, &connections[i]);

                if (r < 0)
                        return r;
        }
        return flood_run_on(flood, connections);
}
