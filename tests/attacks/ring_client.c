/* SPDX-License-Identifier: MIT */
#include "ring_client.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

void ring_client_send_bell(const struct ring_client *client) {
        (void) !send(client->fd, "", AX_BELL_SIZE, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int map_rings(struct ring_client *client, int fd) {
        client->map = mmap(NULL, sizeof(*client->map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (client->map == MAP_FAILED || fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) < 0)
                return -errno;
        client->requests = (struct ax_ring_sender){ .ring = &client->map->requests, .data = client->map->request_data };
        client->replies = (struct ax_ring_receiver){ .ring = &client->map->replies, .data = client->map->reply_data };
        return 0;
}

int ring_client_connect(struct ring_client *client, const char *socket_path) {
        Axeberg__HelloRequest request = AXEBERG__HELLO_REQUEST__INIT;
        struct wire_frame reply;
        int r;

        *client = (struct ring_client){ .fd = wire_connect(socket_path), .serial = 1 };
        if (client->fd < 0)
                return client->fd;
        request.version = AX_PROTOCOL_VERSION;
        request.rings = true;
        r = wire_call(client->fd, 1, AX_METHOD(hello), &request.base, &reply);
        if (r == 0)
                r = reply.n_fds == 4 ? map_rings(client, reply.fds[3]) : -ENOTSUP;
        wire_frame_close_fds(&reply);
        if (r < 0) {
                close(client->fd);
                return r;
        }
        ax_spin_init(&client->spin, client->map->spin_nsec);
        ring_client_send_bell(client);
        return 0;
}

void ring_client_close(struct ring_client *client) {
        munmap(client->map, sizeof(*client->map));
        close(client->fd);
}

int ring_client_request(struct ring_client *client, uint32_t method, const ProtobufCMessage *message) {
        uint8_t bytes[AX_FRAME_MAX_SIZE];
        size_t size = wire_pack(bytes, client->serial + 1, method, message, NULL, 0);
        int r = ax_ring_push(&client->requests, bytes, size, NULL, 0);

        if (r <= 0)
                return r < 0 ? -EPROTO : 0;
        client->serial++;
        if (ax_ring_takes_bell(&client->requests))
                ring_client_send_bell(client);
        return 1;
}

unsigned ring_client_drain(struct ring_client *client) {
        uint8_t bytes[AX_RING_MAX_FRAME];
        unsigned n = 0;

        while (ax_ring_next(&client->replies) == AX_RING_FRAME && ax_ring_pop(&client->replies, bytes) > 0)
                n++;
        return n;
}

static bool has_input(void *userdata) {
        const struct ring_client *client = userdata;

        return ax_ring_has_input(&client->replies);
}

/* Looks for a moment, and then sleeps until the daemon rings. Returns 0 or a negative errno. */
static int wait_reply(struct ring_client *client) {
        while (!has_input(client)) {
                char bell;

                if (ax_spin_until(&client->spin, has_input, client))
                        return 0;
                if (ax_ring_rest(&client->replies) && recv(client->fd, &bell, sizeof(bell), 0) <= 0)
                        return -ECONNRESET;
        }
        return 0;
}

int ring_client_call(struct ring_client *client, uint32_t method, const ProtobufCMessage *message) {
        int r = ring_client_request(client, method, message);
        uint8_t bytes[AX_RING_MAX_FRAME];
        struct ax_frame_header header;

        if (r == 0)
                r = -ENOBUFS;
        if (r > 0)
                r = wait_reply(client);
        if (r < 0)
                return r;
        if (ax_ring_next(&client->replies) != AX_RING_FRAME || ax_ring_pop(&client->replies, bytes) == 0)
                return -EBADMSG;
        ax_frame_header_decode(&header, bytes);
        return header.status;
}
