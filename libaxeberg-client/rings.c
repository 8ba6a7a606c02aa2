/* SPDX-License-Identifier: MIT */
#include "rings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "axeberg.h"

bool rings_are_wanted(void) {
        const char *text = secure_getenv("AXEBERG_RINGS");

        return !text || (strcmp(text, "no") != 0 && strcmp(text, "0") != 0);
}

void rings_init(struct rings *rings) {
        memset(rings, 0, offsetof(struct rings, buffer));
        pthread_mutex_init(&rings->lock, NULL);
}

/* The daemon touches only what is sealed: it could not be kept waiting then. */
static struct ax_rings *map_and_seal(int fd) {
        struct ax_rings *map = mmap(NULL, sizeof(*map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        if (map == MAP_FAILED)
                return NULL;
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) == 0)
                return map;
        munmap(map, sizeof(*map));
        return NULL;
}

/* A full socket wakes the daemon, too. */
static void send_bell(int fd) {
        (void) !send(fd, "", AX_BELL_SIZE, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void rings_open(struct rings *rings, int fd, int socket_fd) {
        struct ax_rings *map = map_and_seal(fd);

        close(fd);
        if (!map)
                return;
        rings->requests = (struct ax_ring_sender){ .ring = &map->requests, .data = map->request_data };
        rings->replies = (struct ax_ring_receiver){ .ring = &map->replies, .data = map->reply_data };
        ax_spin_init(&rings->spin, map->spin_nsec);
        rings->map = map;
        if (ax_ring_takes_bell(&rings->requests)) /* until it hears one the daemon keeps a descriptor */
                send_bell(socket_fd);
}

void rings_close(struct rings *rings) {
        if (rings->map)
                munmap(rings->map, sizeof(*rings->map));
}

/* Under the lock, for what the ring has no room for. */
static int send_on_socket(struct rings *rings, int fd, const uint8_t *head, size_t head_size, const void *trailer,
                          size_t trailer_size) {
        int r = frame_send(fd, head, head_size, trailer, trailer_size);

        if (r == 0)
                atomic_fetch_add_explicit(&rings->requests.ring->socket_sent, 1, memory_order_release);
        return r;
}

int rings_send(struct rings *rings, int fd, const uint8_t *head, size_t head_size, const void *trailer,
               size_t trailer_size) {
        bool bell = false;
        int r;

        pthread_mutex_lock(&rings->lock);
        r = ax_ring_push(&rings->requests, head, head_size, trailer, trailer_size);
        if (r > 0)
                bell = ax_ring_takes_bell(&rings->requests);
        else if (r == 0)
                r = send_on_socket(rings, fd, head, head_size, trailer, trailer_size);
        else
                r = -AX_EPROTO;
        pthread_mutex_unlock(&rings->lock);
        if (bell)
                send_bell(fd);
        return r < 0 ? r : 0;
}

static bool has_input(void *userdata) {
        const struct rings *rings = userdata;

        return ax_ring_has_input(&rings->replies);
}

void rings_rouse(struct rings *rings) {
        if (rings->map && !ax_ring_rouse(&rings->replies))
                rings->bells_due++;
}

bool rings_rest(struct rings *rings) {
        if (!rings->map || ax_ring_rest(&rings->replies))
                return true;
        rings_rouse(rings);
        return false;
}

static int receive_from_ring(struct rings *rings, struct frame *ret) {
        size_t size = ax_ring_pop(&rings->replies, rings->buffer);

        ret->n_fds = 0;
        ret->fds_lost = false;
        return size == 0 ? -AX_EPROTO : frame_parse(rings->buffer, size, ret);
}

/*
 * Receives what is next on the socket. Returns 1 for a frame that is to be handled now, 0 for
 * anything else, or a negative error.
 */
static int receive_from_socket(struct rings *rings, int fd, uint8_t *buffer, int flags, struct frame *ret) {
        bool is_expected = ax_ring_next(&rings->replies) == AX_RING_SOCKET;
        int r = frame_receive(fd, buffer, flags, ret);

        rings->bells_due -= r == FRAME_BELL;
        if (r != 0)
                return r == FRAME_BELL ? 0 : r;
        if (!is_expected && ax_ring_next(&rings->replies) == AX_RING_FRAME) {
                rings->early = *ret;
                rings->is_early = true;
                return 0;
        }
        rings->replies.socket_received++;
        return 1;
}

static int take_early(struct rings *rings, struct frame *ret) {
        *ret = rings->early;
        rings->is_early = false;
        rings->replies.socket_received++;
        return 1;
}

/* There is nothing: looks for a moment, then sleeps. As receive_from_socket(). */
static int sleep_on_socket(struct rings *rings, int fd, uint8_t *buffer, struct frame *ret) {
        int r;

        if (rings->bells_due > 0) { /* one that is no news must not wake us */
                r = receive_from_socket(rings, fd, buffer, MSG_DONTWAIT, ret);
                if (r != -AX_EAGAIN)
                        return r;
        }
        if (ax_spin_until(&rings->spin, has_input, rings) || !rings_rest(rings))
                return 0;
        r = receive_from_socket(rings, fd, buffer, 0, ret);
        rings_rouse(rings);
        return r;
}

int rings_receive(struct rings *rings, int fd, uint8_t buffer[static AX_FRAME_MAX_SIZE], bool wait, struct frame *ret) {
        int r = 0;

        while (r == 0) {
                switch (ax_ring_next(&rings->replies)) {
                case AX_RING_FRAME:
                        return receive_from_ring(rings, ret);
                case AX_RING_BROKEN:
                        return -AX_EPROTO;
                case AX_RING_SOCKET:
                        r = rings->is_early ? take_early(rings, ret)
                                            : receive_from_socket(rings, fd, buffer, MSG_DONTWAIT, ret);
                        break;
                default:
                        if (rings->is_early)
                                r = take_early(rings, ret);
                        else if (wait)
                                r = sleep_on_socket(rings, fd, buffer, ret);
                        else
                                r = receive_from_socket(rings, fd, buffer, MSG_DONTWAIT, ret);
                }
                /* at the connection's end, what the daemon said before */
                if (r < 0 && r != -AX_EAGAIN && ax_ring_next(&rings->replies) == AX_RING_FRAME)
                        r = 0;
        }
        return r > 0 ? 0 : r;
}
