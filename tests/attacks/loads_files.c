/* SPDX-License-Identifier: MIT */
/*
 * Loads of files and names: synced files, large directories, and long walks.
 */
#include "load_parts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINKS = 30, WALK_PAIRS = 100, LARGE_DIRECTORY = 4000 };

/* ---- disks ----------------------------------------------------------------------------------- */

static int prepare_own_file(struct flood *flood, struct flood_connection *connection) {
        char path[PATH_SIZE];

        snprintf(path, sizeof(path), "%s/synced-%d-%u", place_of(flood)->directory, (int) getpid(), connection->number);
        connection->object = open_file(connection, path, 1 | 2 | 4 | 8); /* read, write, create, truncate */
        return connection->object < 0 ? connection->object : 0;
}

static size_t request_write_and_sync(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        static const uint8_t data[4096];
        Axeberg__PwriteRequest write = AXEBERG__PWRITE_REQUEST__INIT;
        Axeberg__FdRequest sync = AXEBERG__FD_REQUEST__INIT;

        (void) flood;
        write.fd = sync.fd = connection->object;
        write.offset = (int64_t) (connection->step % 256) * (int64_t) sizeof(data);
        if (connection->step++ % 2 == 0)
                return flood_pack(connection, bytes, AX_METHOD(pwrite), &write.base, data, sizeof(data));
        return flood_pack(connection, bytes, AX_METHOD(fsync), &sync.base, NULL, 0);
}

int run_syncs(const struct load_place *place) {
        struct flood flood = flood_for(place, 60, 2);

        flood.prepare = prepare_own_file;
        flood.request = request_write_and_sync;
        return flood_run(&flood);
}

/* ---- directories ----------------------------------------------------------------------------- */

static int fill_directory(struct flood_connection *connection) {
        char name[256];

        memset(name, 'n', sizeof(name));
        name[sizeof(name) - 6] = '\0';
        for (int i = 0; i < LARGE_DIRECTORY; i++) {
                int r;

                (void) snprintf(name, 7, "%06d", i);
                name[6] = 'n';
                r = call_path(connection, "Mkfifo", name);
                if (r < 0)
                        return r;
        }
        return 0;
}

static size_t request_names(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        (void) flood;
        return request_path(connection, bytes, AX_METHOD(readdir), ".");
}

int run_directories(const struct load_place *place) {
        struct flood flood = flood_for(place, 16, 2);
        struct flood_connection parent;
        int r = make_directory(place, "large", &parent);

        if (r == 0)
                r = fill_directory(&parent);
        flood.request = request_names;
        return r < 0 ? r : run_on_children(&flood, &parent);
}

/* ---- paths ----------------------------------------------------------------------------------- */

static int make_links(struct flood_connection *connection) {
        char target[WALK_PAIRS * 5 + 16], name[16];
        Axeberg__TwoPathRequest link = AXEBERG__TWO_PATH_REQUEST__INIT;
        int r = call_path(connection, "Mkdir", "a");

        link.from = target;
        link.to = name;
        for (int i = 0; i < WALK_PAIRS; i++)
                snprintf(target + (size_t) i * 5, 6, "a/../");
        for (int i = 0; r == 0 && i < LINKS; i++) {
                snprintf(target + (size_t) WALK_PAIRS * 5, 16, i + 1 < LINKS ? "l%d" : "a", i + 1);
                snprintf(name, sizeof(name), "l%d", i);
                r = flood_call(connection, "Symlink", &link.base);
        }
        return r;
}

static size_t request_walk(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;

        (void) flood;
        request.path = "l0";
        return flood_pack(connection, bytes, AX_METHOD(stat), &request.base, NULL, 0);
}

int run_walks(const struct load_place *place) {
        struct flood flood = flood_for(place, 16, 4);
        struct flood_connection parent;
        int r = make_directory(place, "walk", &parent);

        if (r == 0)
                r = make_links(&parent);
        flood.request = request_walk;
        return r < 0 ? r : run_on_children(&flood, &parent);
}
