/* SPDX-License-Identifier: MIT */
/*
 * Loads of connections and processes: many, coming and going, refused, listed, and noisy in the
 * log.
 */
#include "load_parts.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SENDERS = 12, PACKETS = 512 };

/* ---- small calls ----------------------------------------------------------------------------- */

static size_t request_parent(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        (void) flood;
        return request_plain(connection, bytes, AX_METHOD(getppid));
}

int run_connections(const struct load_place *place) {
        struct flood flood = flood_for(place, 1800, 8);

        flood.request = request_parent;
        return flood_run(&flood);
}

static size_t request_stat(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        Axeberg__PathRequest request = AXEBERG__PATH_REQUEST__INIT;

        request.path = (char *) place_of(flood)->directory;
        return flood_pack(connection, bytes, AX_METHOD(stat), &request.base, NULL, 0);
}

int run_groups(const struct load_place *place) {
        struct flood flood = flood_for(place, 8, 8);

        flood.request = request_stat;
        return flood_run(&flood);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static size_t request_list(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        Axeberg__ProcessListRequest list = AXEBERG__PROCESS_LIST_REQUEST__INIT;
        Axeberg__KillRequest all = AXEBERG__KILL_REQUEST__INIT;

        (void) flood;
        all.pid = -1;
        switch (connection->step++ % 3) {
        case 0:
                return flood_pack(connection, bytes, AX_METHOD(process_list), &list.base, NULL, 0);
        case 1:
                return flood_pack(connection, bytes, AX_METHOD(kill), &all.base, NULL, 0);
        default:
                return request_plain(connection, bytes, AX_METHOD(status));
        }
}

/* Beside them a thousand processes that only are there to be listed. */
int run_lists(const struct load_place *place) {
        struct flood flood = flood_for(place, 64, 4);

        for (int i = 0; i < 1000; i++) {
                int fd = flood_connect(place->socket_path);

                if (fd < 0)
                        return fd;
        }
        flood.request = request_list;
        return flood_run(&flood);
}

/* ---- paths ----------------------------------------------------------------------------------- */

struct refused_connection {
        const struct load_place *place;
        int fd;
};

/* ---- coming and going ------------------------------------------------------------------------ */

static bool daemon_is_gone(int r) {
        return r == -ENOENT || r == -ECONNREFUSED;
}

static int come_and_go(const struct load_place *place) {
        for (;;) {
                int fd = flood_connect(place->socket_path);

                if (daemon_is_gone(fd))
                        return fd;
                atomic_fetch_add(fd < 0 ? &place->counts->refused : &place->counts->calls, 1);
                if (fd >= 0)
                        close(fd);
        }
}

/* So many connections are held that some of those who come are refused. */
int run_storm(const struct load_place *place) {
        for (int i = 0; i < 2046; i++)
                if (flood_connect(place->socket_path) < 0)
                        break;
        for (int i = 0; i < 7; i++) {
                int r = beside(come_and_go, place);

                if (r < 0)
                        return r;
        }
        atomic_store(&place->counts->ready, 1);
        return come_and_go(place);
}

/* Sends packets on a connection until that ends. */
static void *send_packets(void *userdata) {
        struct refused_connection *connection = userdata;
        struct iovec byte = { .iov_base = "x", .iov_len = 1 };
        struct mmsghdr packets[PACKETS] = { 0 };
        int n;

        for (int i = 0; i < PACKETS; i++)
                packets[i].msg_hdr = (struct msghdr){ .msg_iov = &byte, .msg_iovlen = 1 };
        while ((n = sendmmsg(connection->fd, packets, PACKETS, MSG_NOSIGNAL)) > 0)
                atomic_fetch_add(&connection->place->counts->calls, (unsigned) n);
        return NULL;
}

/* Several threads fill one connection that is being refused, faster than it can be emptied. */
static int fill_refused(struct refused_connection *connection) {
        pthread_t threads[SENDERS];
        int n;

        for (n = 0; n < SENDERS; n++)
                if (pthread_create(&threads[n], NULL, send_packets, connection) != 0)
                        break;
        for (int i = 0; i < n; i++)
                pthread_join(threads[i], NULL);
        return n > 0 ? 0 : -EAGAIN;
}

int run_refused(const struct load_place *place) {
        struct refused_connection connection = { .place = place };
        int r = 0;

        while (flood_connect(place->socket_path) >= 0)
                ;
        atomic_store(&place->counts->ready, 1);
        while (r == 0) {
                connection.fd = wire_connect(place->socket_path);
                if (connection.fd < 0)
                        return connection.fd;
                r = fill_refused(&connection);
                atomic_fetch_add(&place->counts->refused, 1);
                close(connection.fd);
        }
        return r;
}

/* ---- logs ------------------------------------------------------------------------------------ */

static size_t request_note(struct flood *flood, struct flood_connection *connection, uint8_t *bytes) {
        Axeberg__TraceEventRequest note = AXEBERG__TRACE_EVENT_REQUEST__INIT;

        (void) flood;
        note.category = 9;
        note.name = "load";
        note.detail = "a note that says nothing";
        return flood_pack(connection, bytes, AX_METHOD(trace_event), &note.base, NULL, 0);
}

/* Each bad frame ends its connection and is worth a line in the log. */
static int send_bad_frames(const struct load_place *place) {
        for (;;) {
                int fd = flood_connect(place->socket_path);

                if (daemon_is_gone(fd))
                        return fd;
                if (fd < 0)
                        continue;
                (void) send(fd, "bad", 3, MSG_NOSIGNAL);
                atomic_fetch_add(&place->counts->refused, 1);
                close(fd);
        }
}

int run_notes(const struct load_place *place) {
        struct flood flood = flood_for(place, 16, 8);
        int r = 0;

        for (int i = 0; r == 0 && i < 4; i++)
                r = beside(send_bad_frames, place);
        flood.request = request_note;
        return r < 0 ? r : flood_run(&flood);
}
