/* SPDX-License-Identifier: MIT */
/*
 * A client with rings, by hand: a well-behaved one, unless its owner does more to the rings.
 */
#pragma once

#include "ring.h"
#include "spin.h"
#include "wire.h"

struct ring_client {
        int fd;
        struct ax_rings *map;
        struct ax_ring_sender requests;
        struct ax_ring_receiver replies;
        struct ax_spin spin;
        uint32_t serial;
};

/* Returns 0, -ENOTSUP (the daemon gives no rings) or another negative errno. */
int ring_client_connect(struct ring_client *client, const char *socket_path);
void ring_client_close(struct ring_client *client);
void ring_client_send_bell(const struct ring_client *client);

/* Puts a request in, and rings if the daemon sleeps. Returns 1, 0 (no room) or a negative errno. */
int ring_client_request(struct ring_client *client, uint32_t method, const ProtobufCMessage *message);
/* Takes all replies out, without looking at them. Returns how many. */
unsigned ring_client_drain(struct ring_client *client);
/* Makes a call, and waits as the library does. Returns the reply's status or a negative errno. */
int ring_client_call(struct ring_client *client, uint32_t method, const ProtobufCMessage *message);
