/* SPDX-License-Identifier: MIT */
/*
 * Loads on rings.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "load_parts.h"
#include "ring_client.h"

enum { SPINNERS = 8, FLOODERS = 200 };

/* ---- spinning -------------------------------------------------------------------------------- */

/* One call after the other; it never sleeps, so the daemon need not wake it. */
static int spin(const struct load_place *place) {
        struct ring_client client;
        int r = ring_client_connect(&client, place->socket_path);

        atomic_store(&place->counts->ready, 1);
        while (r >= 0) {
                r = ring_client_request(&client, AX_METHOD(getppid), NULL);
                while (r > 0 && ring_client_drain(&client) == 0)
                        ax_spin_relax();
                atomic_fetch_add(&place->counts->calls, 1);
        }
        return r;
}

int run_ring_spin(const struct load_place *place) {
        int r = 0;

        for (int i = 1; r == 0 && i < SPINNERS; i++)
                r = beside(spin, place);
        return r < 0 ? r : spin(place);
}

/* ---- flooding -------------------------------------------------------------------------------- */

/* As many requests as there is room for, in many rings. */
int run_ring_flood(const struct load_place *place) {
        struct ring_client *clients = calloc(FLOODERS, sizeof(*clients));
        int r = clients ? 0 : -ENOMEM;

        for (int i = 0; r == 0 && i < FLOODERS; i++)
                r = ring_client_connect(&clients[i], place->socket_path);
        atomic_store(&place->counts->ready, r == 0);
        for (unsigned i = 0; r >= 0; i = (i + 1) % FLOODERS) {
                atomic_fetch_add(&place->counts->calls, ring_client_drain(&clients[i]));
                do
                        r = ring_client_request(&clients[i], AX_METHOD(getppid), NULL);
                while (r > 0);
        }
        return r;
}

/* ---- nonsense -------------------------------------------------------------------------------- */

static void scribble(struct ring_client *client, uint64_t *random) {
        uint32_t words[AX_RING_SIZE / 4];

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
                words[i] = (uint32_t) (*random >> 33) % 97; /* small ones look like lengths */
        }
        memcpy(client->map->request_data, words, sizeof(words));
        atomic_store(&client->map->requests.head, words[0] % 3 == 0 ? words[1] * 8 : (uint32_t) *random);
        atomic_store(&client->map->requests.socket_sent, words[2] % 2);
        atomic_store(&client->map->replies.tail, words[3] % 5 == 0 ? (uint32_t) *random : 0);
}

/* Connects, writes anything into its rings, rings the bell, and comes again. */
int run_ring_nonsense(const struct load_place *place) {
        uint64_t random = 1;

        for (;;) {
                struct ring_client client;
                int r = ring_client_connect(&client, place->socket_path);

                if (r == -ENOTSUP)
                        return r;
                atomic_store(&place->counts->ready, 1);
                if (r < 0) { /* the ones before have not gone yet */
                        sched_yield();
                        continue;
                }
                for (int i = 0; i < 8; i++) {
                        scribble(&client, &random);
                        ring_client_send_bell(&client);
                }
                atomic_fetch_add(&place->counts->calls, 1);
                ring_client_close(&client);
        }
}
